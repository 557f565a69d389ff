/**
 * Reads the fields of one control packet from buf[pos, end) and never outside it. What does not fit or is ill-formed throws
 * MqttError 0x81. Strings and binary data come out as copies. The decoders of control packets touch bytes through it alone.
 */
import { MqttError } from './mqtt-error.ts';
import { Reason } from './reason-codes.ts';
import { isMqttUtf8 } from './utf8.ts';
import { readVarint, varintSize } from './varint.ts';

export class PacketReader {
  readonly buf: Uint8Array;
  pos: number;
  readonly end: number;

  constructor(buf: Uint8Array, pos: number, end: number) {
    this.buf = buf;
    this.pos = pos;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.pos;
  }

  byte(what: string): number {
    return this.buf[this.#take(1, what)]!;
  }

  u16(what: string): number {
    const at = this.#take(2, what);
    return (this.buf[at]! << 8) | this.buf[at + 1]!;
  }

  u32(what: string): number {
    const at = this.#take(4, what);
    return ((this.buf[at]! << 24) | (this.buf[at + 1]! << 16) | (this.buf[at + 2]! << 8) | this.buf[at + 3]!) >>> 0;
  }

  varint(what: string): number {
    const value = readVarint(this.buf, this.pos, this.end);
    if (value < 0) throw malformed(`${what} is not a valid variable byte integer`);
    this.pos += varintSize(value);
    return value;
  }

  /** UTF-8 Encoded String [MQTT-1.5.4-1] [MQTT-1.5.4-2]; a leading U+FEFF stays [MQTT-1.5.4-3]. */
  string(what: string): string {
    const start = this.#take(this.u16(what), what);
    if (!isMqttUtf8(this.buf, start, this.pos)) throw malformed(`${what} is not a valid UTF-8 string`);
    return Buffer.from(this.buf.buffer, this.buf.byteOffset + start, this.pos - start).toString('utf8');
  }

  /** Binary Data: a two-byte length and that many bytes. */
  binary(what: string): Uint8Array {
    const start = this.#take(this.u16(what), what);
    return copyOf(this.buf, start, this.pos);
  }

  /** Passes over `count` bytes. */
  skip(count: number, what: string): void {
    this.#take(count, what);
  }

  /** Reader of the next `count` bytes alone, which this one passes over. */
  part(count: number, what: string): PacketReader {
    const start = this.#take(count, what);
    return new PacketReader(this.buf, start, this.pos);
  }

  expectEnd(what: string): void {
    if (this.pos !== this.end) throw malformed(`${this.end - this.pos} bytes after the end of ${what}`);
  }

  #take(count: number, what: string): number {
    const start = this.pos;
    if (count > this.end - start) throw malformed(`${what} reaches past the end`);
    this.pos = start + count;
    return start;
  }
}

export function malformed(message: string): MqttError {
  return new MqttError(Reason.MALFORMED_PACKET, message);
}

export function protocolError(message: string): MqttError {
  return new MqttError(Reason.PROTOCOL_ERROR, message);
}

/** The bytes in memory of their own (`Buffer.prototype.slice` would share them). */
export function copyOf(buf: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(buf.subarray(start, end));
  return copy;
}
