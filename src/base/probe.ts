/**
 * Counters in shared memory: one Float64Array per thread, each slot written by that thread alone with a bare `slots[i] += n`
 * and read by the main thread for /metrics. Eight aligned bytes do not tear, and a reader that is one message late does no harm.
 *
 *   slots: | block 'runtime' (64 slots) | block 'session' (64) | block 'router' (64) | …
 *
 * A block has a fixed place, so an index does not depend on which modules a thread has loaded.
 */
import { assert } from './assert.ts';

export const PROBE_BLOCK_SLOTS = 64;
const PROBE_BLOCKS = [
  'runtime',
  'wire',
  'listener',
  'session',
  'router',
  'retained',
  'registry',
  'relay',
  'homes',
  'share',
  'store',
  'shard',
  'raft',
  'meta',
  'auth',
  'acl',
  'delayed',
  'exclusive',
  'events',
  'payload',
  'plugin',
] as const;
export const PROBE_SLOTS: number = PROBE_BLOCKS.length * PROBE_BLOCK_SLOTS;

export type ProbeBlock = (typeof PROBE_BLOCKS)[number];

/** `name` follows `sluice_<area>_<thing>_<unit>[_total]`; metrics that share a name differ in their labels. */
export interface MetricSpec {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Probe<K extends string> {
  /** Index into the thread's slots, by key. */
  readonly slot: Readonly<Record<K, number>>;
  readonly metrics: Readonly<Record<K, MetricSpec>>;
}

export function defineProbe<K extends string>(block: ProbeBlock, metrics: Readonly<Record<K, MetricSpec>>): Probe<K> {
  const keys = Object.keys(metrics) as K[];
  assert(keys.length <= PROBE_BLOCK_SLOTS, `probe block ${block} is full`);
  const first = PROBE_BLOCKS.indexOf(block) * PROBE_BLOCK_SLOTS;
  const slot = Object.fromEntries(keys.map((key, i) => [key, first + i])) as Record<K, number>;
  return { slot, metrics };
}

/** Shared memory for one thread's slots. */
export function allocateSlots(): SharedArrayBuffer {
  return new SharedArrayBuffer(PROBE_SLOTS * Float64Array.BYTES_PER_ELEMENT);
}
