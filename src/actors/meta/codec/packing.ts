/** Items for one receiver in records: those of a turn share one, up to META_RECORD_BYTES. */
import { cloneBytes } from '../../../base/bytes.ts';
import { META_RECORD_BYTES } from '../../../base/limits.ts';
import type { ActorRef } from '../../../runtime/ref.ts';
import { ByteReader } from '../../raft/codec/byte-reader.ts';
import { ByteWriter } from '../../raft/codec/byte-writer.ts';

/** Sends a record, whose bytes are valid during the call alone. False: there is no room. */
export type SendRecord = (to: ActorRef, bytes: Uint8Array) => boolean;

export class Packer {
  readonly #send: SendRecord;
  readonly #writers = new Map<ActorRef, ByteWriter>();
  /** Emptied ones, for the next receiver. */
  readonly #spare: ByteWriter[] = [];

  constructor(send: SendRecord) {
    this.#send = send;
  }

  get isEmpty(): boolean {
    return this.#writers.size === 0;
  }

  /** `write` puts one item into it. */
  add(to: ActorRef, write: (writer: ByteWriter) => void): void {
    let writer = this.#writers.get(to);
    if (writer === undefined) {
      writer = this.#spare.pop() ?? new ByteWriter(4096);
      this.#writers.set(to, writer);
    }
    const part = writer.beginPart();
    write(writer);
    writer.endPart(part);
    if (writer.length >= META_RECORD_BYTES) this.#flush(to, writer);
  }

  /** What does not find room is lost; whoever waits for it asks again. */
  flush(): void {
    for (const [to, writer] of this.#writers) {
      this.#flush(to, writer);
      this.#spare.push(writer);
    }
    this.#writers.clear();
  }

  #flush(to: ActorRef, writer: ByteWriter): void {
    if (writer.length > 0) this.#send(to, writer.view());
    writer.clear();
  }
}

/** Of a copy: what is read from the items may be kept, the record's bytes belong to a ring or a socket. Throws MalformedBytes; items before the fault have been visited. */
export function unpack(bytes: Uint8Array, start: number, end: number, visit: (item: ByteReader) => void): void {
  unpackInPlace(cloneBytes(bytes, start, end), 0, end - start, visit);
}

/** The same without the copy. */
export function unpackInPlace(bytes: Uint8Array, start: number, end: number, visit: (item: ByteReader) => void): void {
  const reader = new ByteReader(bytes, start, end);
  while (reader.left > 0) {
    const length = reader.u32();
    const at = reader.skip(length);
    visit(new ByteReader(bytes, at, at + length));
  }
}
