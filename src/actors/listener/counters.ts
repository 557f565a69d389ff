/**
 * Connections by listener and reactor, in memory that all threads share: a bound on a listener's connections holds for all reactors together, and main can
 * say how many there are without asking.
 *
 *   Int32   row (0: the whole node, 1 …: a listener)  ×  field  ×  reactor
 *
 * Each reactor writes its own columns alone, so a reader adds up. Two reactors that accept at once both count first and look then: the bound is never
 * exceeded, at worst one connection too many is refused.
 */
import { LISTENERS_MAX, REACTORS_MAX } from '../../base/limits.ts';

export const COUNTER = { connections: 0, accepted: 1, refused: 2 } as const;
export type CounterField = (typeof COUNTER)[keyof typeof COUNTER];

const FIELDS = 3;
const COLUMNS = REACTORS_MAX + 1;
/** The row that counts all listeners. */
export const NODE_ROW = 0;

export function allocateCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer((LISTENERS_MAX + 1) * FIELDS * COLUMNS * Int32Array.BYTES_PER_ELEMENT);
}

export class ListenerCounters {
  readonly #cells: Int32Array;
  readonly #reactors: number;

  constructor(memory: SharedArrayBuffer, reactors: number) {
    this.#cells = new Int32Array(memory);
    this.#reactors = reactors;
  }

  add(row: number, field: CounterField, reactor: number, by: number): void {
    Atomics.add(this.#cells, cell(row, field, reactor), by);
  }

  total(row: number, field: CounterField): number {
    let total = 0;
    for (let reactor = 1; reactor <= this.#reactors; reactor++) total += Atomics.load(this.#cells, cell(row, field, reactor));
    return total;
  }

  /** The reactor starts again, without connections. */
  forget(reactor: number): void {
    for (let row = 0; row <= LISTENERS_MAX; row++) Atomics.store(this.#cells, cell(row, COUNTER.connections, reactor), 0);
  }

  /** One connection more, on listener and node, unless that is one too many for either. */
  enter(row: number, reactor: number, listenerMax: number, nodeMax: number): boolean {
    this.add(row, COUNTER.connections, reactor, 1);
    this.add(NODE_ROW, COUNTER.connections, reactor, 1);
    if (this.total(row, COUNTER.connections) <= listenerMax && this.total(NODE_ROW, COUNTER.connections) <= nodeMax) return true;
    this.leave(row, reactor);
    return false;
  }

  leave(row: number, reactor: number): void {
    this.add(row, COUNTER.connections, reactor, -1);
    this.add(NODE_ROW, COUNTER.connections, reactor, -1);
  }
}

function cell(row: number, field: number, reactor: number): number {
  return (row * FIELDS + field) * COLUMNS + reactor;
}
