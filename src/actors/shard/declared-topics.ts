/**
 * The declared topics as a reactor sees them: which partitions a topic's messages are written to. Found once per topic and kept on it, like its route; without
 * declarations a publish costs one comparison here.
 */
import { hashTopicName } from '../../runtime/placement.ts';
import { FilterTrie } from '../router/filter-trie.ts';
import type { Run } from '../router/sink.ts';
import type { Topic } from '../router/topic-table.ts';
import type { Declaration } from './messages.ts';
import { Partition, type PartitionPool } from './partition.ts';
import { SHARD_PROBE } from './probe.ts';
import type { StagedWrite } from './staged.ts';

const { slot } = SHARD_PROBE;

/** All declarations with the same filter. */
interface Declared {
  readonly filter: string;
  readonly topics: (readonly Partition[])[];
}

const NONE: readonly Partition[] = [];

export class DeclaredTopics {
  readonly #pool: PartitionPool;
  #filters = new FilterTrie<Declared>(({ filter }) => filter);
  #byName = new Map<string, readonly Partition[]>();
  #declarations: readonly Declaration[] = [];
  #version = 0;
  readonly #found: Declared[] = [];

  constructor(pool: PartitionPool) {
    this.#pool = pool;
  }

  /** Anything is declared at all. */
  get any(): boolean {
    return this.#byName.size > 0;
  }

  declarations(): Iterable<Declaration> {
    return this.#declarations;
  }

  declaration(name: string): Declaration | undefined {
    return this.#byName.get(name)?.[0]?.declaration;
  }

  /** These are all declarations from now on. What is staged goes to where it was meant to. */
  replace(declarations: readonly Declaration[]): void {
    this.#pool.endTurn();
    const filters = new FilterTrie<Declared>(({ filter }) => filter);
    const byName = new Map<string, readonly Partition[]>();
    for (const declaration of declarations) {
      const partitions = declaration.shards.map((_, index) => new Partition(this.#pool, declaration, index));
      byName.set(declaration.name, partitions);
      const same = filters.get(declaration.filter);
      if (same === undefined) filters.set({ filter: declaration.filter, topics: [partitions] });
      else same.topics.push(partitions);
    }
    this.#filters = filters;
    this.#byName = byName;
    this.#declarations = declarations;
    this.#version++;
    const { slots } = this.#pool;
    slots[slot.declared] = declarations.length;
    slots[slot.partitions] = declarations.reduce((sum, { shards }) => sum + shards.length, 0);
  }

  /** Writes a run to the partitions that its topic belongs to, and adds the writes to `staged`. Returns how many partitions those are. */
  append(run: Run, staged: StagedWrite[]): number {
    const partitions = this.partitionsOf(run.topic);
    for (let i = 0; i < partitions.length; i++) {
      const write = partitions[i]!.append(run);
      if (write !== null) staged.push(write);
    }
    return partitions.length;
  }

  /** One partition of each declared topic whose filter matches. */
  partitionsOf(topic: Topic): readonly Partition[] {
    if (topic.partitionsVersion === this.#version) return topic.partitions;
    this.#found.length = 0;
    this.#filters.match(topic.name, this.#found);
    const partitions = this.#found.flatMap(({ topics }) => topics.map((all) => all[partitionOf(topic.name, all.length)]!));
    topic.partitions = partitions.length === 0 ? NONE : partitions;
    topic.partitionsVersion = this.#version;
    return topic.partitions;
  }

  inspect(): unknown {
    return [...this.#byName].map(([name, partitions]) => ({ name, partitions: partitions.length }));
  }
}

/** The partition that all messages of a topic name go to: the same on every node and in every version. */
export function partitionOf(topicName: string, partitions: number): number {
  return hashTopicName(topicName) % partitions;
}
