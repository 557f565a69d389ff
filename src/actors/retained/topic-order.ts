/**
 * Names in order (by UTF-16 units), in blocks of at most BLOCK_MAX: a B+ tree of two levels.
 *
 *   blocks:  [ a … c/9 ] [ d … k ] [ k/1 … z ]      the block of a name is found by binary search over first names, the name by another
 *
 * Why not a tree of levels: the names of a filter's literal prefix lie next to each other in this order, a position is just a name, so a walk can stop
 * anywhere and go on later whatever has changed meanwhile, and a name costs 8 to 16 bytes beside its string. Adding or removing moves up to
 * BLOCK_MAX references in one block; a million names make some 3,000 blocks.
 */
import { lowerBound } from '../../base/lower-bound.ts';

const BLOCK_MAX = 512;

export class TopicOrder {
  readonly #blocks: string[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** False when the name is there already. */
  add(name: string): boolean {
    if (this.#blocks.length === 0) {
      this.#blocks.push([name]);
      this.#size = 1;
      return true;
    }
    const b = this.#blockOf(name);
    const block = this.#blocks[b]!;
    const at = lowerBound(block, name);
    if (block[at] === name) return false;
    block.splice(at, 0, name);
    this.#size++;
    if (block.length > BLOCK_MAX) this.#blocks.splice(b + 1, 0, block.splice(block.length >> 1));
    return true;
  }

  /** False when the name is not there. */
  remove(name: string): boolean {
    if (this.#blocks.length === 0) return false;
    const b = this.#blockOf(name);
    const block = this.#blocks[b]!;
    const at = lowerBound(block, name);
    if (block[at] !== name) return false;
    block.splice(at, 1);
    this.#size--;
    const next = this.#blocks[b + 1];
    if (block.length === 0) {
      this.#blocks.splice(b, 1);
    } else if (next !== undefined && block.length + next.length <= BLOCK_MAX / 2) {
      block.push(...next);
      this.#blocks.splice(b + 1, 1);
    }
    return true;
  }

  /** A position to read names from, in order. Valid until the next change. */
  walk(): TopicWalk {
    return new TopicWalk(this.#blocks);
  }

  /** The last block whose first name is not above `name`, or the first block. */
  #blockOf(name: string): number {
    return blockOf(this.#blocks, name);
  }
}

export class TopicWalk {
  readonly #blocks: readonly (readonly string[])[];
  #block = 0;
  #at = 0;

  constructor(blocks: readonly (readonly string[])[]) {
    this.#blocks = blocks;
  }

  /** The name here; undefined behind the last. */
  get name(): string | undefined {
    return this.#blocks[this.#block]?.[this.#at];
  }

  next(): void {
    this.#at++;
    if (this.#at < this.#blocks[this.#block]!.length) return;
    this.#block++;
    this.#at = 0;
  }

  /** Goes to the first name that is not below `name`. */
  seek(name: string): void {
    if (this.#blocks.length === 0) return;
    this.#block = blockOf(this.#blocks, name);
    const block = this.#blocks[this.#block]!;
    this.#at = lowerBound(block, name);
    if (this.#at < block.length) return;
    this.#block++;
    this.#at = 0;
  }
}

function blockOf(blocks: readonly (readonly string[])[], name: string): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (blocks[middle]![0]! <= name) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : low - 1;
}
