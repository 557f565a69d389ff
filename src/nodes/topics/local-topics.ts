/**
 * What a node has of the declared topics, on the main thread: the shards of each, and what it knew of the declaration when it was last told. Every change is durable first and then told to all reactors, and it is
 * done when all of them write by it. Changes go one after the other.
 */

import { INBOX_HOLDERS } from '../../actors/inbox/known-inboxes.ts';
import {
  KEYS,
  type MetadataFailure,
  type MetadataMessage,
  type MetadataPage,
  metadataRef,
} from '../../actors/metadata/messages.ts';
import { type Declaration, type DeclareTopics, isCompacted } from '../../actors/shard/messages.ts';
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
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { type DeclaredTopic, declaredOf } from './declared-topic.ts';

const ASK_MS = 10_000;
const PAGE = 1000;

export interface PartitionFacts {
  readonly partition: number;
  readonly shard: number;
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

export class LocalTopics {
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
    for (const { prefix, inboxIn } of INBOX_HOLDERS) {
      await this.#scan(prefix, (value) => {
        const shard = inboxIn(value);
        // Of a later version, perhaps: what it keeps is not ours to forget.
        if (shard === undefined)
          throw new SluiceError('SLUICE_NODE_BOOT', 'a session in the metadata is of a version that this one cannot read');
        inboxes.push(shard);
      });
    }
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

  /** From before topics had ids, by name. */
  unshared(): Declaration[] {
    return this.list().filter(({ id }) => id === undefined);
  }

  /** Makes it, or changes it. Rejects with a code of the store; SLUICE_TOPIC_EXISTS: this node has another one of that name from before topics were shared. */
  put(topic: DeclaredTopic): Promise<void> {
    return this.#inOrder(async () => {
      const before = this.#topics.get(topic.name);
      // Deleted and made again while this node was not there.
      if (before?.id !== undefined && before.id !== topic.id) await this.#drop(before);
      const same = this.#topics.get(topic.name);
      if (same !== undefined && same.id === undefined && !isSameKind(declaredOf(same, topic.id), topic)) {
        const what = `this node has another topic '${topic.name}' from before topics were shared, and goes on with it`;
        throw new SluiceError('SLUICE_TOPIC_EXISTS', what);
      }
      const { partitions, ...rest } = topic;
      const shards = same?.shards ?? (await this.#create(topic));
      await this.#save({ ...rest, shards });
    });
  }

  /** Its records are gone when this is done; nothing, when there is none. */
  delete(name: string): Promise<void> {
    return this.#inOrder(async () => {
      const topic = this.#topics.get(name);
      if (topic !== undefined) await this.#drop(topic);
    });
  }

  async #create({ engine, partitions }: DeclaredTopic): Promise<readonly number[]> {
    return (await this.#askStore<CreatedShards>({ type: 'create', engine, count: partitions })).shards;
  }

  async #drop({ name, engine, shards }: Declaration): Promise<void> {
    await this.#askMetadata({ type: 'write', puts: [], deletes: [KEYS.topic + name], sync: true });
    this.#topics.delete(name);
    await this.#tellReactors();
    for (const shard of shards) this.#system.tell(storeRef(this.#system), { type: 'drop', engine, shard });
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

  #retain(topic: Declaration): void {
    const { engine, shards, cleanup } = topic;
    // What is only compacted is kept whatever its age and size.
    const { retentionMs, retentionBytes } = cleanup === 'compact' ? { retentionMs: 0, retentionBytes: 0 } : topic;
    const policies = { retentionMs, retentionBytes, isCompacted: isCompacted(topic) };
    for (const shard of shards) {
      const policy: RetainShard = { type: 'retain', engine, shard, ...policies };
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

function isSameKind(one: DeclaredTopic, other: DeclaredTopic): boolean {
  return one.filter === other.filter && one.engine === other.engine && one.partitions === other.partitions;
}
