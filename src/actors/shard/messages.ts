/**
 * Declared topics: named logs that MQTT messages are written to by the filter that they match. A declaration is metadata; every reactor knows all of them.
 */
import type { EngineName } from '../store/messages.ts';

/** When an append counts: synced with its commit, within a second, or whenever the kernel likes. */
export type FsyncPolicy = 'always' | 'interval' | 'never';

/** How old records go: by age and size, by key, or both. */
export const CLEANUPS = ['delete', 'compact', 'compact,delete'] as const;
export type Cleanup = (typeof CLEANUPS)[number];

export interface Declaration {
  /** Unique; the name that Kafka clients see. */
  readonly name: string;
  /** An MQTT topic filter. */
  readonly filter: string;
  readonly engine: EngineName;
  /** The shards of the partitions, in order: a message goes to the one that its topic name hashes to. */
  readonly shards: readonly number[];
  readonly fsync: FsyncPolicy;
  /** 0: for ever. */
  readonly retentionMs: number;
  /** Of one partition; 0: any. */
  readonly retentionBytes: number;
  /** Absent: delete. */
  readonly cleanup?: Cleanup;
  /** Copies, this node's included. */
  readonly replicas: number;
  /** The same on all nodes; absent in what was kept before topics were shared. */
  readonly id?: string;
}

/** Of each key the last record stays, and records without a value go in time. */
export function isCompacted({ cleanup }: Pick<Declaration, 'cleanup'>): boolean {
  return cleanup !== undefined && cleanup !== 'delete';
}

/** To the shard keeper of a reactor: these are all declarations from now on. Asked; answered by `true` when publishes go by them. */
export interface DeclareTopics {
  readonly type: 'declare';
  readonly declarations: readonly Declaration[];
}

export type ShardMessage = DeclareTopics;
