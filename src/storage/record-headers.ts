/**
 * Headers of a record, encoded once and usable for many records: what MQTT's user properties and AMQP's header table become. The bytes begin with the
 * count, as a record holds them. Reused: `clear` keeps the memory.
 */
import { copyBytes } from '../base/bytes.ts';
import { varintBytes, writeVarint } from './record-varint.ts';

const BYTES_MIN = 256;
const VARINT_BYTES_MAX = 5;

export class RecordHeaders {
  count = 0;
  #bytes: Uint8Array = new Uint8Array(BYTES_MIN);
  #end = 0;

  clear(): void {
    this.count = 0;
    this.#end = 0;
  }

  /** Adds one; a value that is undefined is null. */
  add(
    name: Uint8Array,
    value: Uint8Array | undefined,
    nameStart = 0,
    nameEnd: number = name.length,
    valueStart = 0,
    valueEnd: number = value?.length ?? 0,
  ): void {
    this.#reserve(nameEnd - nameStart + valueEnd - valueStart + 2 * VARINT_BYTES_MAX);
    const bytes = this.#bytes;
    let at = writeVarint(bytes, this.#end, nameEnd - nameStart);
    at = copyBytes(bytes, at, name, nameStart, nameEnd);
    if (value === undefined) at = writeVarint(bytes, at, -1);
    else {
      at = writeVarint(bytes, at, valueEnd - valueStart);
      at = copyBytes(bytes, at, value, valueStart, valueEnd);
    }
    this.#end = at;
    this.count++;
  }

  /** Size in a record, the count included. */
  encodedBytes(): number {
    return varintBytes(this.count) + this.#end;
  }

  /** Writes the count and the headers, and returns the position after them. */
  writeTo(bytes: Uint8Array, at: number): number {
    return copyBytes(bytes, writeVarint(bytes, at, this.count), this.#bytes, 0, this.#end);
  }

  #reserve(extra: number): void {
    if (this.#end + extra <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#end + extra, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}
