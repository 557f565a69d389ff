/**
 * The declared topics of a node, on the main thread: what is declared lives in the metadata; every change is durable first and then told to all reactors, and it
 * is done when all of them write by it. Changes go one after the other.
 */

import {
  KEYS,
  type MetadataFailure,
  type MetadataMessage,
  type MetadataPage,
  metadataRef,
} from '../../actors/metadata/messages.ts';
import { decodeSession } from '../../actors/session/record.ts';
import type { Declaration, DeclareTopics } from '../../actors/shard/messages.ts';
import {
  type CreatedShards,
  type DescribedShards,
  ENGINE_NAMES,
  type RetainShard,
  type StoreMessage,
  type StoreRefusal,
  storeRef,
} from '../../actors/store/messages.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { SluiceError } from '../../base/errors.ts';
import { TOPICS_DECLARED_MAX } from '../../base/limits.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { TopicChange, TopicSpec } from './topic-spec.ts';

const ASK_MS = 10_000;
const PAGE = 1000;

export interface PartitionFacts {
  readonly partition: number;
  readonly shard: number;
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

export class TopicCatalogue {
  readonly #system: ActorSystem;
  readonly #topics = new Map<string, Declaration>();
  /** Settled when the changes before are done. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(system: ActorSystem) {
    this.#system = system;
  }

  /** Reads what is declared, and lets the store forget shards that nobody has; before the reactors start. */
  async load(): Promise<void> {
    await this.#scan(KEYS.topic, (value) => {
      const declaration = JSON.parse(Buffer.from(value).toString('utf8')) as Declaration;
      this.#topics.set(declaration.name, declaration);
      this.#retain(declaration);
    });
    const inboxes: number[] = [];
    await this.#scan(KEYS.session, (value) => {
      const record = decodeSession(value);
      // Of a later version, perhaps: what it keeps is not ours to forget.
      if (record === undefined)
        throw new SluiceError('SLUICE_NODE_BOOT', 'a session in the metadata is of a version that this one cannot read');
      inboxes.push(record.shard);
    });
    for (const engine of ENGINE_NAMES) {
      const shards = this.list().flatMap((topic) => (topic.engine === engine ? topic.shards : []));
      const keep: StoreMessage = { type: 'keep', engine, shards: engine === 'shared' ? [...shards, ...inboxes] : shards };
      this.#system.tell(storeRef(this.#system), keep);
    }
  }

  async #scan(prefix: string, visit: (value: Uint8Array) => void): Promise<void> {
    for (let after: string | undefined; ; ) {
      const request = { type: 'scan', prefix, limit: PAGE, ...(after === undefined ? {} : { after }) } as const;
      const page: MetadataPage = await this.#askMetadata<MetadataPage>(request);
      for (const [, value] of page.entries) visit(value);
      if (page.isLast) return;
      after = page.entries.at(-1)![0];
    }
  }

  list(): Declaration[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Throws SLUICE_TOPIC_UNKNOWN. */
  get(name: string): Declaration {
    const declaration = this.#topics.get(name);
    if (declaration === undefined) throw new SluiceError('SLUICE_TOPIC_UNKNOWN', `there is no declared topic '${name}'`);
    return declaration;
  }

  async describe(name: string): Promise<PartitionFacts[]> {
    const { engine, shards } = this.get(name);
    const { facts } = await this.#askStore<DescribedShards>({ type: 'describe', engine, shards });
    return facts.map((fact, partition) => {
      const { start, next, bytes } = fact ?? { start: 0, next: 0, bytes: 0 };
      return { partition, shard: shards[partition]!, start, end: next, bytes };
    });
  }

  create(spec: TopicSpec): Promise<Declaration> {
    return this.#inOrder(async () => {
      if (this.#topics.has(spec.name)) {
        throw new SluiceError('SLUICE_TOPIC_EXISTS', `there is a declared topic '${spec.name}' already`);
      }
      if (this.#topics.size >= TOPICS_DECLARED_MAX) {
        throw new SluiceError('SLUICE_TOPIC_LIMIT', `a node has at most ${TOPICS_DECLARED_MAX} declared topics`);
      }
      const { partitions, ...rest } = spec;
      const created = await this.#askStore<CreatedShards>({ type: 'create', engine: spec.engine, count: partitions });
      const declaration: Declaration = { ...rest, shards: created.shards };
      await this.#save(declaration);
      return declaration;
    });
  }

  alter(name: string, change: TopicChange): Promise<Declaration> {
    return this.#inOrder(async () => {
      const declaration: Declaration = { ...this.get(name), ...change };
      await this.#save(declaration);
      return declaration;
    });
  }

  /** Its records are gone when this is done. */
  delete(name: string): Promise<void> {
    return this.#inOrder(async () => {
      const { engine, shards } = this.get(name);
      await this.#askMetadata({ type: 'write', puts: [], deletes: [KEYS.topic + name], sync: true });
      this.#topics.delete(name);
      await this.#tellReactors();
      for (const shard of shards) this.#system.tell(storeRef(this.#system), { type: 'drop', engine, shard });
    });
  }

  async #save(declaration: Declaration): Promise<void> {
    const value = Buffer.from(JSON.stringify(declaration));
    await this.#askMetadata({ type: 'write', puts: [[KEYS.topic + declaration.name, value]], deletes: [], sync: true });
    this.#topics.set(declaration.name, declaration);
    this.#retain(declaration);
    await this.#tellReactors();
  }

  /** A reactor that is dead or just being born gets the declarations with its birth. */
  async #tellReactors(): Promise<void> {
    const { node, reactors } = this.#system;
    const message: DeclareTopics = { type: 'declare', declarations: this.list() };
    const told = Array.from({ length: reactors }, (_, i) => wellKnownRef<never>(node, i + 1, WELL_KNOWN.shards));
    await Promise.allSettled(told.map((keeper) => this.#system.ask(keeper, message, ASK_MS)));
  }

  #retain({ engine, shards, retentionMs, retentionBytes }: Declaration): void {
    for (const shard of shards) {
      const policy: RetainShard = { type: 'retain', engine, shard, retentionMs, retentionBytes };
      this.#system.tell(storeRef(this.#system), policy);
    }
  }

  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    return done;
  }

  #askStore<T extends object>(message: StoreMessage): Promise<T> {
    return this.#ask<T>(storeRef(this.#system) as never, message);
  }

  #askMetadata<T extends object>(message: MetadataMessage): Promise<T> {
    return this.#ask<T>(metadataRef(this.#system) as never, message);
  }

  async #ask<T extends object>(target: never, message: unknown): Promise<T> {
    const answer = await this.#system.ask<T | StoreRefusal | MetadataFailure>(target, message, ASK_MS);
    if (typeof answer === 'object' && 'code' in answer) throw new SluiceError(answer.code as never, answer.message);
    return answer as T;
  }
}
