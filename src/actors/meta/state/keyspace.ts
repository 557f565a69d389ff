/** The keys of a group in their order, as they are now, and what they come to. A copy costs nothing until something changes, so a snapshot does not either. */
import { isHot, type MetaKey, type MetaRecord, recordBytes } from './record.ts';
import { RecordTree } from './record-tree.ts';

export class Keyspace {
  #tree = new RecordTree();
  /** Of all keys and values, hot or not. */
  bytes = 0;
  /** Of the values in memory. */
  hotBytes = 0;
  /** Values that are not. */
  #cold = 0;

  get size(): number {
    return this.#tree.size;
  }

  /** All values are in memory. */
  get isHot(): boolean {
    return this.#cold === 0;
  }

  get(key: MetaKey): MetaRecord | undefined {
    return this.#tree.get(key);
  }

  /** In place of `before`, which is what `get` says. */
  set(record: MetaRecord, before: MetaRecord | undefined): void {
    this.#tree.set(record);
    this.#count(record, 1);
    if (before !== undefined) this.#count(before, -1);
  }

  /** The same record, with its value or without. */
  replace(record: MetaRecord, by: MetaRecord): void {
    this.set(by, record);
  }

  remove(before: MetaRecord): void {
    this.#tree.delete(before.key);
    this.#count(before, -1);
  }

  #count(record: MetaRecord, sign: 1 | -1): void {
    const { key, valueBytes } = record;
    this.bytes += sign * recordBytes(key.length, valueBytes);
    if (isHot(record)) this.hotBytes += sign * valueBytes;
    else this.#cold += sign;
  }

  /** Records from `from` to before `to`, or to the end when that is empty. Nothing may change while it is read. */
  *range(from: MetaKey, to: MetaKey): Generator<MetaRecord, void, undefined> {
    for (const record of this.#tree.from(from)) {
      if (to !== '' && record.key >= to) return;
      yield record;
    }
  }

  clear(): void {
    this.#tree = new RecordTree();
    this.bytes = 0;
    this.hotBytes = 0;
    this.#cold = 0;
  }

  /** As it is now, for a reader that takes its time. */
  clone(): Keyspace {
    const clone = new Keyspace();
    clone.#tree = this.#tree.clone();
    clone.bytes = this.bytes;
    clone.hotBytes = this.hotBytes;
    clone.#cold = this.#cold;
    return clone;
  }
}
