/**
 * The end of a log in memory: frames are built here, written from here, and read from here as long as they are young. A list of chunks, oldest first;
 * what one commit builds is written as one piece per chunk it touches, which is nearly always one.
 *
 *     chunk:  | committed frames … | staged frames … |  free  |
 *             0                     written           length    capacity
 *
 * Bounded by `bytesMax`: old chunks are let go when a new one is needed, staged frames never.
 */
import { assert } from '../base/assert.ts';
import { viewOf } from './frame.ts';

export interface Chunk {
  readonly segment: number;
  /** Where the chunk's first byte lies in the file of its segment. */
  readonly base: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Bytes written to the file. */
  written: number;
  length: number;
}

export class Tail {
  readonly #chunkBytes: number;
  readonly #bytesMax: number;
  readonly #chunks: Chunk[] = [];
  #bytes = 0;
  #spare: Uint8Array | null = null;

  constructor(chunkBytes: number, bytesMax: number) {
    this.#chunkBytes = chunkBytes;
    this.#bytesMax = bytesMax;
  }

  /** Memory in use. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A chunk with room for `bytes` in a row; the caller fills them from `chunk.length` on and moves it. `position` is where they will lie in the file. */
  reserve(bytes: number, segment: number, position: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.segment === segment && last.length + bytes <= last.bytes.length) {
      assert(last.base + last.length === position, 'the tail is a seamless copy of the file');
      return last;
    }
    return this.#add(bytes, segment, position);
  }

  /** Pieces that have not been written yet, in order. */
  unwritten(): readonly Chunk[] {
    return this.#chunks.filter((chunk) => chunk.written < chunk.length);
  }

  allWritten(): void {
    for (const chunk of this.#chunks) chunk.written = chunk.length;
  }

  /** Forgets what is staged. */
  rollBack(): void {
    for (const chunk of this.#chunks) chunk.length = chunk.written;
    while (this.#chunks.at(-1)?.length === 0) this.#release(this.#chunks.pop()!);
  }

  /** The chunk that holds the byte at `position` of a segment, if it is still in memory. */
  find(segment: number, position: number): Chunk | undefined {
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const chunk = this.#chunks[i]!;
      if (chunk.segment === segment && position >= chunk.base && position < chunk.base + chunk.length) return chunk;
    }
    return undefined;
  }

  /** Segments up to this one are not what they were: nothing of them is to be found here. All of it is written. */
  forget(segment: number): void {
    for (let first = this.#chunks[0]; first !== undefined && first.segment <= segment; first = this.#chunks[0]) {
      assert(first.written === first.length, 'a sealed segment is written');
      this.#chunks.shift();
      this.#release(first);
    }
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#bytes = 0;
    this.#spare = null;
  }

  #add(bytes: number, segment: number, position: number): Chunk {
    const capacity = Math.max(bytes, this.#chunkBytes);
    for (let first = this.#chunks[0]; this.#bytes + capacity > this.#bytesMax; first = this.#chunks[0]) {
      if (first === undefined || first.written < first.length) break;
      this.#chunks.shift();
      this.#release(first);
    }
    const memory = this.#spare?.length === capacity ? this.#spare : new Uint8Array(capacity);
    this.#spare = null;
    const chunk: Chunk = { segment, base: position, bytes: memory, view: viewOf(memory), written: 0, length: 0 };
    this.#chunks.push(chunk);
    this.#bytes += capacity;
    return chunk;
  }

  #release(chunk: Chunk): void {
    this.#bytes -= chunk.bytes.length;
    this.#spare = chunk.bytes;
  }
}
