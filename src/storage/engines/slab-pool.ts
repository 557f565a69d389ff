/**
 * Memory of the memory engine: blocks of 1 MiB, each cut into slabs of one size, a power of two from 256 bytes on. A block whose slabs are all free is cut anew for any
 * size, so memory never sticks to a size that nobody asks for any more. What is larger than the largest slab gets memory of its own. All of it counts against one bound.
 *
 *   block of 64 KiB slabs │■■■■│■■■■│    │ … 16        block of 256 B slabs │■│■│ │■│ … 4096        batch of 3 MB │■■■■■■■■■■■■■■■│
 */
import { assert } from '../../base/assert.ts';
import { MEMORY_BLOCK_BYTES, MEMORY_SLAB_BYTES_MAX } from '../../base/limits.ts';

const SLAB_BYTES_MIN = 256;
const CLASSES = Math.log2(MEMORY_SLAB_BYTES_MAX / SLAB_BYTES_MIN) + 1;

/** A piece of memory: `bytes[start, start + size)`. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly size: number;
  /** Undefined for memory of its own. */
  readonly block: Block | undefined;
}

interface Block {
  readonly bytes: Uint8Array;
  slabBytes: number;
  /** Slabs that were never used since the block was cut lie from here on; used and freed ones are listed. */
  fresh: number;
  readonly freed: number[];
  used: number;
  /** Position in the list of blocks of its class that have room, -1 when it has none. */
  listed: number;
}

export class SlabPool {
  readonly #bytesMax: number;
  #bytes = 0;
  #bytesOwn = 0;
  /** By class: blocks with a free slab. */
  readonly #roomy: Block[][] = Array.from({ length: CLASSES }, () => []);
  readonly #empty: Block[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes of blocks and of memory of its own; never above the bound. */
  get bytes(): number {
    return this.#bytes + this.#bytesOwn;
  }

  /** A piece of at least `size` bytes, undefined when the bound allows none. */
  take(size: number): Piece | undefined {
    if (size > MEMORY_SLAB_BYTES_MAX) return this.#takeOwn(size);
    const index = classOf(size);
    const roomy = this.#roomy[index]!;
    const block = roomy.at(-1) ?? this.#addBlock(index);
    if (block === undefined) return undefined;
    const start = block.freed.pop() ?? block.fresh;
    if (start === block.fresh) block.fresh += block.slabBytes;
    block.used++;
    if (block.freed.length === 0 && block.fresh === block.bytes.length) this.#unlist(index, block);
    return { bytes: block.bytes, start, size: block.slabBytes, block };
  }

  free(piece: Piece): void {
    const { block } = piece;
    if (block === undefined) {
      this.#bytesOwn -= piece.size;
      return;
    }
    const index = classOf(block.slabBytes);
    block.used--;
    block.freed.push(piece.start);
    if (block.used === 0) {
      if (block.listed >= 0) this.#unlist(index, block);
      block.freed.length = 0;
      this.#empty.push(block);
    } else if (block.listed < 0) this.#list(index, block);
  }

  #takeOwn(size: number): Piece | undefined {
    while (this.bytes + size > this.#bytesMax && this.#giveBack());
    if (this.bytes + size > this.#bytesMax) return undefined;
    this.#bytesOwn += size;
    return { bytes: Buffer.allocUnsafeSlow(size), start: 0, size, block: undefined };
  }

  #addBlock(index: number): Block | undefined {
    let block = this.#empty.pop();
    if (block === undefined) {
      if (this.bytes + MEMORY_BLOCK_BYTES > this.#bytesMax) return undefined;
      this.#bytes += MEMORY_BLOCK_BYTES;
      block = { bytes: Buffer.allocUnsafeSlow(MEMORY_BLOCK_BYTES), slabBytes: 0, fresh: 0, freed: [], used: 0, listed: -1 };
    }
    block.slabBytes = SLAB_BYTES_MIN << index;
    block.fresh = 0;
    this.#list(index, block);
    return block;
  }

  #giveBack(): boolean {
    if (this.#empty.pop() === undefined) return false;
    this.#bytes -= MEMORY_BLOCK_BYTES;
    return true;
  }

  #list(index: number, block: Block): void {
    block.listed = this.#roomy[index]!.push(block) - 1;
  }

  #unlist(index: number, block: Block): void {
    const roomy = this.#roomy[index]!;
    assert(roomy[block.listed] === block, 'a listed block is where it says');
    const last = roomy.pop()!;
    if (last !== block) {
      roomy[block.listed] = last;
      last.listed = block.listed;
    }
    block.listed = -1;
  }
}

function classOf(size: number): number {
  return size <= SLAB_BYTES_MIN ? 0 : 32 - Math.clz32((size - 1) / SLAB_BYTES_MIN);
}
