/**
 * Builds records for the store: what groups write, and where their logs begin (the layout is in store/messages.ts). A record is memory of its own, until it is given back.
 */
import { RAFT_RECORD_BYTES } from '../../../base/limits.ts';
import { type SpareBounds, SpareMemory } from '../../../base/spare-memory.ts';
import { ENGINE, LOG_ITEM, LOG_ITEM_BYTES, STORE_REQUEST_BYTES, STORE_SYNC } from '../../store/messages.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { encodeWrite, type PlacedWrite } from './write-codec.ts';

const F64_BYTES = 8;
/** Of the records that were given back. */
const SPARES: SpareBounds = { countMax: 4, bytesMin: 16 * 1024, bytesMax: 2 * RAFT_RECORD_BYTES };

export class LogRecordBuilder {
  readonly #body = new ByteWriter(4096);
  #bytes: Uint8Array = new Uint8Array(64 * 1024);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = STORE_REQUEST_BYTES;
  readonly #spares = new SpareMemory(SPARES);

  /** Bytes of items so far. */
  get size(): number {
    return this.#length - STORE_REQUEST_BYTES;
  }

  addWrite(group: number, write: PlacedWrite): void {
    this.#body.clear();
    encodeWrite(this.#body, write);
    const body = this.#body.view();
    const at = this.#item(group, LOG_ITEM.entry, body.length, write.entries.length);
    this.#bytes.set(body, at);
  }

  addTrim(group: number, offset: number): void {
    const at = this.#item(group, LOG_ITEM.trim, F64_BYTES, 0);
    this.#view.setFloat64(at, offset, true);
  }

  /** The record; the builder begins anew. */
  take(number: number, isSynced: boolean): Uint8Array {
    this.#view.setUint32(0, 0, true);
    this.#bytes[4] = ENGINE.shared;
    this.#bytes[5] = isSynced ? STORE_SYNC : 0;
    this.#view.setUint16(6, 0, true);
    this.#view.setFloat64(8, number, true);
    const record = new Uint8Array(this.#spares.take(this.#length), 0, this.#length);
    record.set(this.#bytes.subarray(0, this.#length));
    this.#length = STORE_REQUEST_BYTES;
    return record;
  }

  /** Nobody reads the record any more. */
  giveBack(record: Uint8Array): void {
    this.#spares.giveBack(record.buffer as ArrayBuffer);
  }

  /** Writes an item's head; returns where its body goes. */
  #item(group: number, kind: number, size: number, entries: number): number {
    const at = this.#length;
    const body = at + LOG_ITEM_BYTES;
    this.#length = body + ((size + 3) & ~3);
    if (this.#length > this.#bytes.length) this.#grow();
    this.#bytes.fill(0, at, at + LOG_ITEM_BYTES);
    this.#bytes.fill(0, body + size, this.#length);
    this.#view.setUint32(at, group, true);
    this.#bytes[at + 4] = kind;
    this.#view.setUint32(at + 8, size, true);
    this.#view.setUint32(at + 12, entries, true);
    return body;
  }

  #grow(): void {
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
