/** What the parent asks of the process that works a log without a node, and what it hears back; plain JSON over the child's IPC channel. */
import type { RawRun } from '../load/job.ts';

export interface AppendJob {
  readonly kind: 'append';
  readonly directory: string;
  readonly seconds: number;
  readonly recordBytes: number;
  /** Records of one commit. */
  readonly batch: number;
}

export interface ShardsJob {
  readonly kind: 'shards';
  readonly directory: string;
  /** Shards that are written to in turn. */
  readonly shards: number;
  /** Appends of each round. */
  readonly messages: number;
  readonly recordBytes: number;
  /** Appends of one commit. */
  readonly batch: number;
}

/** Makes shards, appends a record to each, and opens the log again. */
export interface ManyShardsJob {
  readonly kind: 'many-shards';
  readonly directory: string;
  readonly shards: number;
  readonly recordBytes: number;
}

/** Fills a log and ends as a node that is killed does. */
export interface FillJob {
  readonly kind: 'fill';
  readonly directory: string;
  readonly bytes: number;
  readonly recordBytes: number;
}

export type StorageJob = AppendJob | ShardsJob | ManyShardsJob | FillJob;

export type FromStorage =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly run: RawRun }
  | { readonly type: 'failed'; readonly message: string };
