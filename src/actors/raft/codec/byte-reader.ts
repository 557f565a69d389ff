/** Reads what `ByteWriter` wrote. Every read is checked against the end; what is wrong is one kind of error, for the caller to answer. */
const HALF = 2 ** 32;
/** Works on any array of bytes. */
const { latin1Slice } = Buffer.prototype;

export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes';
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#skip(1)]!;
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  u53(): number {
    const at = this.#skip(8);
    const high = this.#view.getUint32(at);
    if (high >= 2 ** 21) throw new MalformedBytes('number above 2^53');
    return high * HALF + this.#view.getUint32(at + 4);
  }

  f64(): number {
    return this.#view.getFloat64(this.#skip(8));
  }

  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw new MalformedBytes('neither true nor false');
    return value === 1;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new MalformedBytes('number above 2^53');
      if (byte < 0x80) return value;
      if (scale >= 2 ** 49) throw new MalformedBytes('number above 2^53');
    }
  }

  /** A view: valid as long as the bytes that are read from. */
  raw(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Passes over so many bytes: where they begin in what is read from. */
  skip(length: number): number {
    return this.#skip(length);
  }

  bytes(): Uint8Array {
    return this.raw(this.varint());
  }

  /** What `ByteWriter.latin1` wrote, of at most `lengthMax` bytes. */
  latin1(lengthMax: number): string {
    const length = this.varint();
    if (length > lengthMax) throw new MalformedBytes('text too long');
    const at = this.#skip(length);
    return latin1Slice.call(this.#bytes, at, at + length);
  }

  /** How many of something that takes at least `sizeMin` bytes each: a count that cannot be true is refused before memory is taken. */
  count(sizeMin: number): number {
    const count = this.varint();
    if (count * sizeMin > this.left) throw new MalformedBytes('count beyond the end');
    return count;
  }

  end(): void {
    if (this.left !== 0) throw new MalformedBytes('bytes after the end');
  }

  #skip(size: number): number {
    const at = this.#at;
    if (size > this.#end - at) throw new MalformedBytes('ends early');
    this.#at = at + size;
    return at;
  }
}
