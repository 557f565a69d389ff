/** Writes numbers and bytes, big endian, into a buffer that grows. Numbers up to 2^53 take eight bytes: two unsigned halves. */
import { copyBytes, ownBytes } from '../../../base/bytes.ts';

const HALF = 2 ** 32;

export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u8(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value);
  }

  u53(value: number): void {
    const at = this.#take(8);
    this.#view.setUint32(at, Math.floor(value / HALF));
    this.#view.setUint32(at + 4, value >>> 0);
  }

  f64(value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value);
  }

  /** Seven bits per byte, the lowest first: small numbers are short. Up to 2^53. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  /** As they are; the reader must know how many. */
  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    copyBytes(this.#bytes, at, bytes, 0, bytes.length);
  }

  /** The same of a part of them. */
  part(bytes: Uint8Array, start: number, end: number): void {
    const at = this.#take(end - start);
    copyBytes(this.#bytes, at, bytes, start, end);
  }

  /** Behind their length. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** A string of bytes, a character each, behind its length. */
  latin1(text: string): void {
    this.varint(text.length);
    this.rawLatin1(text);
  }

  /** The same without its length. */
  rawLatin1(text: string): void {
    const { length } = text;
    const at = this.#take(length);
    for (let i = 0; i < length; i++) this.#bytes[at + i] = text.charCodeAt(i);
  }

  get length(): number {
    return this.#length;
  }

  /** A part whose length goes before it, as a u32; `endPart` fills that in. */
  beginPart(): number {
    return this.#take(4);
  }

  endPart(at: number): void {
    this.#view.setUint32(at, this.#length - at - 4);
  }

  /** What was written, valid until something else is. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets what was written. */
  clear(): void {
    this.#length = 0;
  }

  /** What was written, as memory of its own; the writer begins anew. */
  take(): Uint8Array {
    const taken = ownBytes(this.#bytes, 0, this.#length);
    this.#length = 0;
    return taken;
  }

  #take(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) this.#grow();
    return at;
  }

  #grow(): void {
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
