/**
 * Topic metrics: counters of the messages of the topics that a filter matches. In memory that main reads: a row of counters for each reactor and meter.
 *
 *   | reactor 1: meter 0 (8 numbers) | meter 1 | … | reactor 2: meter 0 | …
 */
import { TOPIC_METERS_MAX } from '../../base/limits.ts';
import { filterMatches } from '../router/filter-match.ts';
import type { Run } from '../router/sink.ts';

export const METER_COUNTERS = ['in_qos0', 'in_qos1', 'in_qos2', 'in_bytes', 'out', 'dropped'] as const;
export type MeterCounter = (typeof METER_COUNTERS)[number];
const ROW = 8;
const IN_BYTES = 3;
const OUT = 4;
const DROPPED = 5;

/** A filter whose topics are counted, and where. */
export interface MeterSpec {
  readonly index: number;
  readonly filter: string;
}

export function allocateMeters(reactors: number): SharedArrayBuffer {
  return new SharedArrayBuffer(reactors * TOPIC_METERS_MAX * ROW * Float64Array.BYTES_PER_ELEMENT);
}

/** One reactor's counters of one meter. */
export function meterRow(memory: SharedArrayBuffer, reactor: number, index: number): Float64Array {
  const first = ((reactor - 1) * TOPIC_METERS_MAX + index) * ROW;
  return new Float64Array(memory, first * Float64Array.BYTES_PER_ELEMENT, ROW);
}

export class Meter {
  readonly filter: string;
  readonly #row: Float64Array;

  constructor(filter: string, row: Float64Array) {
    this.filter = filter;
    this.#row = row;
  }

  received({ qos, count, start, end }: Run): void {
    this.#row[qos]! += count;
    this.#row[IN_BYTES]! += end - start;
  }

  /** `sinks` have got each message of a run of `count`. */
  delivered(sinks: number, count: number): void {
    this.#row[OUT]! += sinks * count;
  }

  dropped(count: number): void {
    this.#row[DROPPED]! += count;
  }
}

export class Meters {
  readonly #memory: SharedArrayBuffer;
  readonly #reactor: number;
  #meters: readonly Meter[] = [];

  constructor(memory: SharedArrayBuffer, reactor: number) {
    this.#memory = memory;
    this.#reactor = reactor;
  }

  get isEmpty(): boolean {
    return this.#meters.length === 0;
  }

  replace(specs: readonly MeterSpec[]): void {
    this.#meters = specs.map(({ index, filter }) => new Meter(filter, meterRow(this.#memory, this.#reactor, index)));
  }

  /** Null for none. */
  metersOf(topic: string): readonly Meter[] | null {
    const found = this.#meters.filter(({ filter }) => filterMatches(filter, topic));
    return found.length === 0 ? null : found;
  }
}
