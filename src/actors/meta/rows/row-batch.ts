/** Rows that are written together, as the store takes them (storage/kv/packed-ops.ts). Records are many: they are written in place. */
import { DELETE, DELETE_RANGE, type PackedOps, PUT } from '../../../storage/kv/packed-ops.ts';
import { ByteWriter } from '../../raft/codec/byte-writer.ts';
import type { Lease } from '../state/leases.ts';
import type { MetaKey, MetaRecord } from '../state/record.ts';
import {
  encodeHead,
  encodeLease,
  encodeSessionRow,
  groupRange,
  type Head,
  headKey,
  leaseKey,
  type SessionRow,
  sessionKey,
  writeRecordKey,
  writeRecordRow,
} from './rows.ts';

const CAPACITY_BYTES = 64 * 1024;
/** What is kept from one batch to the next. */
const CAPACITY_BYTES_MAX = 16 * 1024 * 1024;
/** One batch at a time is made. */
let writer = new ByteWriter(CAPACITY_BYTES);

export class RowBatch {
  readonly #group: number;
  #count = 0;

  constructor(group: number) {
    this.#group = group;
    if (writer.length > CAPACITY_BYTES_MAX) writer = new ByteWriter(CAPACITY_BYTES);
    writer.clear();
  }

  /** All rows of the group go. */
  wipe(): void {
    const { start, end } = groupRange(this.#group);
    this.#op(DELETE_RANGE, start, end);
  }

  head(head: Head): void {
    this.#op(PUT, headKey(this.#group), encodeHead(head));
  }

  /** Undefined: it has ended. */
  lease(id: number, lease: Lease | undefined): void {
    const key = leaseKey(this.#group, id);
    if (lease === undefined) this.#op(DELETE, key);
    else this.#op(PUT, key, encodeLease(lease));
  }

  /** Undefined: it has ended. */
  session(id: number, session: SessionRow | undefined): void {
    const key = sessionKey(this.#group, id);
    if (session === undefined) this.#op(DELETE, key);
    else this.#op(PUT, key, encodeSessionRow(session));
  }

  /** Undefined: it has been deleted. */
  record(key: MetaKey, record: MetaRecord | undefined): void {
    this.#count++;
    writer.u8(record === undefined ? DELETE : PUT);
    const keyPart = writer.beginPart();
    writeRecordKey(writer, this.#group, key);
    writer.endPart(keyPart);
    if (record === undefined) return;
    const valuePart = writer.beginPart();
    writeRecordRow(writer, record);
    writer.endPart(valuePart);
  }

  /** What the batch is, until the next one begins. */
  end(): PackedOps {
    return { bytes: writer.view(), count: this.#count };
  }

  #op(kind: number, ...parts: readonly Uint8Array[]): void {
    this.#count++;
    writer.u8(kind);
    for (const part of parts) {
      writer.u32(part.length);
      writer.raw(part);
    }
  }
}
