/** What the benches of the metadata are told to do, and what they say; the same for our client and for etcd's. */
import type { HistogramSnapshot } from '../../src/base/histogram.ts';

export interface Endpoint {
  readonly node: number;
  readonly host: string;
  readonly port: number;
}

export type MetaLoad = 'put' | 'claim' | 'read';

export interface MetaJob {
  readonly load: MetaLoad;
  /** Calls under way. */
  readonly window: number;
  /** Sessions in one call, `claim`. */
  readonly batch: number;
  readonly payloadBytes: number;
  /** Keys in turn. */
  readonly keys: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** So many calls instead of a time; 0: by time. */
  readonly calls: number;
  /** Processes of the cluster, whose CPU time counts. */
  readonly pids: readonly number[];
}

export interface MetaRun {
  /** Calls that were answered in the window. */
  readonly calls: number;
  readonly seconds: number;
  /** Of a call, µs. */
  readonly latency: HistogramSnapshot;
  readonly cpuMicros: number;
  /** Of the cluster's processes together. */
  readonly clusterCpuMicros: number;
}

/** A client of one kind. */
export interface MetaCaller {
  /** One call; `done` says whether it was done as it should be. */
  call(job: MetaJob, number: number, done: (isOk: boolean) => void): void;
  close(): Promise<void>;
}
