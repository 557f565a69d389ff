/**
 * A snapshot of a group as a stream of pieces (raft/snapshot/pieces.ts), as of its making. What is in memory is encoded when its turn comes; values that lie in the store
 * alone are fetched from a snapshot of that, a few hundred at a time, so neither the state nor the stream is ever in memory as a whole.
 */
import { assert } from '../../../base/assert.ts';
import { PieceQueue } from '../../raft/snapshot/pieces.ts';
import type { SnapshotReader } from '../../raft/state-machine.ts';
import { encodeRecords, type ImagePart } from '../image.ts';
import { isHot, type MetaRecord } from '../state/record.ts';
import type { RowSnapshot } from './row-store.ts';
import { decodeRecord, recordKey } from './rows.ts';

export class ImageReader implements SnapshotReader {
  readonly #group: number;
  readonly #parts: Iterator<ImagePart>;
  /** Undefined: all is in memory. */
  readonly #rows: RowSnapshot | undefined;
  readonly #queue = new PieceQueue();
  #isDry = false;
  #isClosed = false;

  constructor(group: number, parts: Iterator<ImagePart>, rows: RowSnapshot | undefined) {
    this.#group = group;
    this.#parts = parts;
    this.#rows = rows;
  }

  read(bytesMax: number, done: (bytes: Uint8Array, isLast: boolean) => void): void {
    // One byte more than asked for tells whether these are the last.
    while (!this.#isDry && this.#queue.bytes <= bytesMax) {
      const next = this.#parts.next();
      if (next.done === true) this.#isDry = true;
      else if ('piece' in next.value) this.#queue.push(next.value.piece);
      else if (next.value.records.every(isHot)) this.#queue.push(encodeRecords(next.value.records));
      else return this.#fetch(next.value.records, () => this.read(bytesMax, done));
    }
    const chunk = this.#queue.take(bytesMax);
    done(chunk, this.#isDry && this.#queue.bytes === 0);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parts.return?.();
    this.#queue.clear();
    this.#rows?.close();
  }

  #fetch(records: readonly MetaRecord[], then: () => void): void {
    const cold = records.filter((record) => !isHot(record));
    this.#rows!.read(
      cold.map(({ key }) => recordKey(this.#group, key)),
      (rows) => {
        if (this.#isClosed) return;
        const values = new Map(cold.map(({ key }, i) => [key, rows[i]]));
        this.#queue.push(encodeRecords(records.map((record) => withValue(record, values.get(record.key)))));
        then();
      },
    );
  }
}

function withValue(record: MetaRecord, row: Uint8Array | undefined): MetaRecord {
  if (isHot(record)) return record;
  const kept = row === undefined ? undefined : decodeRecord(record.key, row);
  assert(kept !== undefined && kept.modified === record.modified, 'the store has what is not in memory');
  return kept;
}
