/**
 * The declared topics, on the main thread. What is declared lies in the metadata, for all nodes; each node has shards of its own for it (local-topics.ts), and writes what is published on it. A node begins with what
 * it knew, and follows. One without metadata has its own topics alone.
 */
import { randomUUID } from 'node:crypto';
import { NODES_GROUP } from '../../actors/controller/messages.ts';
import type { Declaration } from '../../actors/shard/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import { TOPICS_DECLARED_MAX, TOPICS_RETRY_MS } from '../../base/limits.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { errorFields, type Log } from '../log.ts';
import { type Changes, type Decide, MetaTable, type TableSource } from '../meta/meta-table.ts';
import { type DeclaredTopic, declaredOf, decodeDeclared, encodeDeclared } from './declared-topic.ts';
import { LocalTopics, type PartitionFacts } from './local-topics.ts';
import { checkCleanup, type TopicChange, type TopicSpec } from './topic-spec.ts';

export const TOPICS_PREFIX = 'topics/';

export class TopicCatalogue {
  readonly #local: LocalTopics;
  readonly #log: Log;
  readonly #table: MetaTable<DeclaredTopic> | undefined;
  /** Declared, and not made on this node: why. Tried again. */
  readonly #failed = new Map<string, unknown>();
  #retry: NodeJS.Timeout | undefined;

  /** `isShared`: what is declared is the metadata's, see `follow`. */
  constructor(system: ActorSystem, isShared: boolean, log: Log) {
    this.#local = new LocalTopics(system);
    this.#log = log;
    if (!isShared) return;
    this.#table = new MetaTable<DeclaredTopic>({
      prefix: TOPICS_PREFIX,
      group: NODES_GROUP,
      encode: encodeDeclared,
      decode: decodeDeclared,
      onChange: (changes) => this.#changed(changes),
      onUnreadable: (topic) => log.error({ topic }, 'a declared topic in the metadata cannot be read'),
    });
  }

  /** Reads what this node has; before the reactors start. */
  load(): Promise<void> {
    return this.#local.load();
  }

  /** What is declared is what the metadata says, from now on. Resolves when this node has it all. What it has from before topics were shared is declared for all. */
  async follow(meta: TableSource): Promise<void> {
    const brings = this.#local.unshared().map((topic) => [topic.name, declaredOf(topic, randomUUID())] as const);
    this.#table?.start(meta, new Map(brings));
    await this.#table?.loaded;
  }

  close(): void {
    this.#table?.close();
    clearTimeout(this.#retry);
  }

  /** In force on this node. */
  list(): Declaration[] {
    return this.#local.list();
  }

  /** Throws SLUICE_TOPIC_UNKNOWN. */
  get(name: string): Declaration {
    return this.#local.get(name);
  }

  /** What this node has of it. */
  describe(name: string): Promise<PartitionFacts[]> {
    return this.#local.describe(name);
  }

  /** Resolves when it is in force on this node. When this node cannot make it, nobody has it. */
  async create(spec: TopicSpec): Promise<Declaration> {
    const { name } = spec;
    const topic: DeclaredTopic = { ...spec, id: randomUUID() };
    await this.#update(name, (before) => {
      if (before !== undefined) throw new SluiceError('SLUICE_TOPIC_EXISTS', `there is a declared topic '${name}' already`);
      if ((this.#table?.entries.size ?? this.list().length) >= TOPICS_DECLARED_MAX)
        throw new SluiceError('SLUICE_TOPIC_LIMIT', `there are ${TOPICS_DECLARED_MAX} declared topics already`);
      return topic;
    });
    const failure = this.#failed.get(name);
    if (failure === undefined) return this.get(name);
    await this.#update(name, (found) => (found?.id === topic.id ? null : undefined));
    throw failure;
  }

  async alter(name: string, change: TopicChange): Promise<Declaration> {
    await this.#update(name, (before) => {
      const changed = { ...known(name, before), ...change };
      checkCleanup(changed);
      return changed;
    });
    return this.get(name);
  }

  /** Its records are gone when this is done, on this node; elsewhere a moment later. */
  async delete(name: string): Promise<void> {
    await this.#update(name, (before) => known(name, before) && null);
  }

  async #update(name: string, decide: Decide<DeclaredTopic>): Promise<void> {
    if (this.#table !== undefined) {
      await this.#table.update(name, decide);
      return;
    }
    const local = this.list().find((topic) => topic.name === name);
    const next = decide(local === undefined ? undefined : declaredOf(local, local.id ?? randomUUID()));
    if (next === null) await this.#local.delete(name);
    else if (next !== undefined) await this.#local.put(next);
  }

  // ---- following ----

  async #changed(changes: Changes<DeclaredTopic>): Promise<void> {
    // The first time, what this node has and nobody declares any more is gone as well.
    const gone = this.list().filter(({ name, id }) => id !== undefined && !this.#table!.entries.has(name));
    for (const { name } of gone) await this.#apply(name, undefined);
    for (const [name, topic] of changes) await this.#apply(name, topic);
  }

  async #apply(name: string, topic: DeclaredTopic | undefined): Promise<void> {
    try {
      if (topic === undefined) await this.#local.delete(name);
      else await this.#local.put(topic);
      this.#failed.delete(name);
    } catch (error) {
      this.#failed.set(name, error);
      this.#log.error({ topic: name, ...errorFields(error) }, 'this node cannot do as declared; it tries again');
      this.#retry ??= setTimeout(() => void this.#tryAgain(), TOPICS_RETRY_MS);
    }
  }

  async #tryAgain(): Promise<void> {
    this.#retry = undefined;
    for (const name of [...this.#failed.keys()]) await this.#apply(name, this.#table!.entries.get(name));
  }
}

/** Throws SLUICE_TOPIC_UNKNOWN. */
function known(name: string, topic: DeclaredTopic | undefined): DeclaredTopic {
  if (topic === undefined) throw new SluiceError('SLUICE_TOPIC_UNKNOWN', `there is no declared topic '${name}'`);
  return topic;
}
