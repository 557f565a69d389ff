/**
 * The outgoing bytes of one connection. Everything that one turn produces for it is gathered here and leaves in one write at the end of the
 * turn; a buffer that fills up meanwhile leaves at once. Buffers come from the reactor's pool and go back as soon as the kernel has the bytes.
 */
import { copyBytes, copyWords } from '../../base/bytes.ts';
import type { PacketTap } from '../insight/packet-tap.ts';
import { type BufferPool, LARGE_BYTES, OutputBuffer } from './buffer-pool.ts';
import type { Transport } from './transport.ts';

/** Up to here words are copied, above it blocks: the call of a built-in then costs less than the loop. */
const WORDS_BYTES_MAX = 256;

/** Outputs that have something to send at the end of this turn. One per reactor. */
export class FlushList {
  #dirty: Output[] = [];
  #spare: Output[] = [];
  readonly #requestTurn: () => void;
  /** Bytes handed to all transports. */
  bytesSent = 0;

  constructor(requestTurn: () => void) {
    this.#requestTurn = requestTurn;
  }

  add(output: Output): void {
    if (this.#dirty.length === 0) this.#requestTurn();
    this.#dirty.push(output);
  }

  /** Writes every dirty output once. */
  flush(): void {
    const dirty = this.#dirty;
    this.#dirty = this.#spare;
    for (const output of dirty) output.flush();
    dirty.length = 0;
    this.#spare = dirty;
  }
}

export class Output {
  #lent: OutputBuffer[] | null = null;
  /** Current buffer; what `claim` returns is an offset into it. Meaningless before the first claim of a turn. */
  buffer: OutputBuffer = EMPTY;
  #length = 0;
  #dirty = false;
  #closed = false;
  /** Sees what is sent; null for nearly everybody. */
  tap: PacketTap | null = null;
  readonly transport: Transport;
  readonly #pool: BufferPool;
  readonly #flushList: FlushList;

  constructor(transport: Transport, pool: BufferPool, flushList: FlushList) {
    this.transport = transport;
    this.#pool = pool;
    this.#flushList = flushList;
  }

  /**
   * Bytes that the peer has not made room for. What this turn gathers does not count: it may leave at once, and then nobody would say that it has.
   * Of what does count, the transport will report that it has drained.
   */
  get pendingBytes(): number {
    return this.#lent === null ? 0 : this.transport.pendingBytes;
  }

  /** Room for `bytes` in a row: returns where in `this.buffer` to write them. The caller fills all of them. */
  claim(bytes: number): number {
    if (this.#length + bytes > this.buffer.length) this.#makeRoom(bytes);
    if (!this.#dirty) {
      this.#dirty = true;
      this.#flushList.add(this);
    }
    const at = this.#length;
    this.#length = at + bytes;
    return at;
  }

  append(from: Uint8Array, start: number, end: number): void {
    let at = start;
    while (end - at > LARGE_BYTES) {
      const to = this.claim(LARGE_BYTES);
      copyBytes(this.buffer, to, from, at, at + LARGE_BYTES);
      at += LARGE_BYTES;
    }
    this.copy(from, at, end);
  }

  /** As `append`, in a row: at most LARGE_BYTES. Returns where in `this.buffer` they are. */
  copy(from: Uint8Array, start: number, end: number): number {
    const to = this.claim(end - start);
    if (end - start <= WORDS_BYTES_MAX) copyWords(this.buffer.words, to, wordsOf(from), start, end);
    else copyBytes(this.buffer, to, from, start, end);
    return to;
  }

  flush(): void {
    this.#dirty = false;
    if (this.#length > 0) this.#send();
    if (this.buffer !== EMPTY) {
      this.#pool.give(this.buffer);
      this.buffer = EMPTY;
    }
  }

  /** The transport has sent everything: its buffers are ours again. */
  drained(): void {
    if (this.#lent === null) return;
    for (const buffer of this.#lent) this.#pool.give(buffer);
    this.#lent = null;
  }

  /** After this, what is written is dropped. Buffers that the kernel may still read are left to the garbage collector. */
  close(): void {
    this.#closed = true;
    this.#lent = null;
  }

  #makeRoom(bytes: number): void {
    const used = this.#length;
    if (used > 0 && used + bytes <= LARGE_BYTES && this.buffer.length < LARGE_BYTES) {
      const larger = this.#pool.take(LARGE_BYTES);
      copyBytes(larger, 0, this.buffer, 0, used);
      this.#pool.give(this.buffer);
      this.buffer = larger;
      return;
    }
    if (used > 0) this.#send();
    if (this.buffer.length < bytes) {
      if (this.buffer !== EMPTY) this.#pool.give(this.buffer);
      this.buffer = this.#pool.take(used > 0 ? Math.max(bytes, LARGE_BYTES) : bytes);
    }
  }

  /** Hands the current bytes to the transport and leaves `buffer` empty: the same one when it is free again, else EMPTY. */
  #send(): void {
    const length = this.#length;
    this.#length = 0;
    if (this.#closed) return;
    if (this.#lent !== null && this.transport.pendingBytes === 0) this.drained();
    this.#flushList.bytesSent += length;
    const buffer = this.buffer;
    if (this.tap !== null) this.tap.feed('out', buffer, 0, length);
    if (this.transport.write(buffer.first(length))) return;
    this.#lent ??= [];
    this.#lent.push(buffer);
    this.buffer = EMPTY;
  }
}

const EMPTY = new OutputBuffer(0);

/** The source of the last copy: nearly always the buffer that all connections read into. */
let source: Uint8Array = EMPTY;
let sourceWords: DataView = EMPTY.words;

function wordsOf(bytes: Uint8Array): DataView {
  if (bytes !== source) {
    source = bytes;
    sourceWords = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return sourceWords;
}
