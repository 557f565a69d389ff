/**
 * A thread's table of cells: slot → cell. A freed slot goes to the end of the queue of free ones and comes back with the
 * next generation, so a stale ref meets an empty slot or another generation, never a stranger.
 *
 * Generations of a thread's incarnation begin GENERATION_STRIDE after those of the one before: refs of a dead incarnation
 * do not match either, as long as no slot was reused more often than that (and 16 incarnations wrap around). A restart of
 * the node counts as several incarnations, so that those of its former life are told apart as well.
 */
import { assert } from '../base/assert.ts';
import { WELL_KNOWN_SLOTS } from '../base/limits.ts';
import type { Cell } from './cell.ts';
import { Fifo } from './fifo.ts';
import { type ActorRef, GENERATION_MAX, makeRef, SLOT_MAX } from './ref.ts';

const GENERATION_STRIDE = 1023;

export class CellTable {
  readonly #node: number;
  readonly #thread: number;
  readonly #firstGeneration: number;
  readonly #cells: (Cell | undefined)[];
  readonly #free = new Fifo<number>();
  #generations: Uint16Array = new Uint16Array(1024);
  #used = WELL_KNOWN_SLOTS;
  #size = 0;

  constructor(node: number, thread: number, incarnation: number) {
    this.#node = node;
    this.#thread = thread;
    this.#firstGeneration = (incarnation * GENERATION_STRIDE) % GENERATION_MAX;
    this.#cells = new Array<Cell | undefined>(WELL_KNOWN_SLOTS).fill(undefined);
  }

  get size(): number {
    return this.#size;
  }

  /** A free ref; `wellKnown` > 0 asks for that fixed slot. The caller puts the cell there with `set`. */
  allocate(wellKnown: number): ActorRef {
    if (wellKnown > 0) {
      assert(wellKnown < WELL_KNOWN_SLOTS, 'well-known slot out of range');
      assert(this.#cells[wellKnown] === undefined, 'well-known slot is taken');
      return makeRef(this.#node, this.#thread, 0, wellKnown);
    }
    const slot = this.#free.shift() ?? this.#used++;
    assert(slot <= SLOT_MAX, 'too many actors on one thread');
    if (slot >= this.#generations.length) {
      const larger = new Uint16Array(this.#generations.length * 2);
      larger.set(this.#generations);
      this.#generations = larger;
    }
    const reuses = this.#generations[slot]!;
    this.#generations[slot] = (reuses + 1) % GENERATION_MAX;
    return makeRef(this.#node, this.#thread, 1 + ((this.#firstGeneration + reuses) % GENERATION_MAX), slot);
  }

  set(cell: Cell): void {
    const slot = cell.self & SLOT_MAX;
    assert(this.#cells[slot] === undefined, 'slot is taken');
    this.#cells[slot] = cell;
    this.#size++;
  }

  /** The living cell behind a ref of this thread. The low 22 bits survive the int32 conversion of `&`. */
  get(ref: ActorRef): Cell | undefined {
    const cell = this.#cells[ref & SLOT_MAX];
    return cell !== undefined && cell.self === ref ? cell : undefined;
  }

  remove(cell: Cell): void {
    const slot = cell.self & SLOT_MAX;
    assert(this.#cells[slot] === cell, 'cell is not in the table');
    this.#cells[slot] = undefined;
    this.#size--;
    if (slot >= WELL_KNOWN_SLOTS) this.#free.push(slot);
  }

  forEach(visit: (cell: Cell) => void): void {
    for (const cell of this.#cells) if (cell !== undefined) visit(cell);
  }
}
