/**
 * The rocksdb engine: batches as rows of a local store (rocksdb-keys.ts), for many shards that are read and trimmed in any order. A commit is one atomic batch of the
 * store. The state of a shard is a row of typed arrays, read when the engine opens; a shard is no object.
 *
 * Bounds: COMMIT_BYTES_MAX staged, SHARD_MAX shards. What a trim gives up is deleted after its commit, in the background.
 */
import { SluiceError } from '../../base/errors.ts';
import { COMMIT_BYTES_MAX, RECORD_BATCH_BYTES_MAX } from '../../base/limits.ts';
import type { Engine, EngineError, ReadResult, ShardId, ShardStat } from '../engine.ts';
import type { KvOp, LocalKv } from '../kv/local-kv.ts';
import { maxTimestampOf, setBaseOffset } from '../record-batch.ts';
import { checkAppend, outOfRange } from './append-check.ts';
import { BATCH, readState, rowKey, SHARD, shardKey, shardOfKey, stateValue, TIME, timeValue } from './rocksdb-keys.ts';
import { findTime, readBatches, trimOps } from './rocksdb-reads.ts';
import { ShardRows, unknownShard } from './shard-rows.ts';

interface Committed {
  readonly shard: ShardId;
  readonly incarnation: number;
  readonly end: number;
}

export class RocksEngine implements Engine {
  readonly isDurable = true;
  readonly #kv: LocalKv;
  readonly #rows = new ShardRows();
  #staged: KvOp[] = [];
  #stagedBytes = 0;
  #dirty: ShardId[] = [];
  /** Trimmed since the last commit, and trimmed for good but not deleted yet. */
  #trimmed: ShardId[] = [];
  readonly #toDelete = new Set<ShardId>();
  #deleting: Promise<void> | undefined;
  #failure: Error | undefined;
  #isClosed = false;

  private constructor(kv: LocalKv) {
    this.#kv = kv;
  }

  /** The engine over a store of its own, which it closes with itself. */
  static async open(kv: LocalKv): Promise<RocksEngine> {
    const engine = new RocksEngine(kv);
    await engine.#recover();
    return engine;
  }

  create(shard: ShardId, start = 0): void {
    if (this.#rows.has(shard)) return;
    this.#rows.create(shard, start);
    this.#touch(shard);
  }

  has(shard: ShardId): boolean {
    return this.#rows.has(shard);
  }

  append(shard: ShardId, expected: number, bytes: Uint8Array, from: number, to: number): number {
    const rows = this.#rows;
    rows.demand(shard);
    if (this.#failure !== undefined) throw this.#failure;
    const offset = rows.next[shard]!;
    const offsets = checkAppend(shard, offset, expected, RECORD_BATCH_BYTES_MAX, bytes, from, to);
    if (this.#stagedBytes + to - from > COMMIT_BYTES_MAX)
      throw new SluiceError('SLUICE_STORAGE_FULL', `${this.#stagedBytes} bytes wait for a commit already.`);
    const batch = Buffer.allocUnsafeSlow(to - from);
    batch.set(bytes.subarray(from, to));
    setBaseOffset(batch, 0, offset);
    this.#staged.push({ type: 'put', key: rowKey(BATCH, shard, offset), value: batch });
    this.#stagedBytes += batch.length;
    const timestamp = maxTimestampOf(batch, 0);
    if (timestamp > rows.maxTimestamp[shard]!) {
      rows.maxTimestamp[shard] = timestamp;
      this.#staged.push({ type: 'put', key: rowKey(TIME, shard, offset), value: timeValue(batch) });
    }
    rows.next[shard] = offset + offsets;
    rows.bytes[shard]! += batch.length;
    rows.batches[shard]!++;
    this.#touch(shard);
    return offset;
  }

  commit(sync: boolean, then: (error: EngineError) => void): void {
    if (this.#failure !== undefined) return then(this.#failure);
    const ops = this.#staged;
    const committed = this.#takeDirty(ops);
    const trimmed = this.#trimmed;
    this.#staged = [];
    this.#stagedBytes = 0;
    this.#trimmed = [];
    this.#kv.batch(ops, { sync }).then(
      () => {
        this.#publish(committed);
        for (const shard of trimmed) this.#toDelete.add(shard);
        if (this.#toDelete.size > 0) this.#deleting ??= this.#deleteTrimmed();
        then(undefined);
      },
      (error: Error) => {
        this.#failure ??= error;
        then(error);
      },
    );
  }

  read(
    shard: ShardId,
    offset: number,
    bytesMax: number,
    then: (error: EngineError, result: ReadResult | undefined) => void,
  ): void {
    if (!this.#rows.has(shard)) return then(unknownShard(shard), undefined);
    const start = this.#rows.start[shard]!;
    const end = this.#rows.end[shard]!;
    const error = outOfRange(shard, offset, start, end);
    if (error !== undefined) return then(error, undefined);
    if (offset === end) return then(undefined, { batches: new Uint8Array(0), start, end });
    const averageBytes = this.#rows.bytes[shard]! / Math.max(1, this.#rows.batches[shard]!);
    const incarnation = this.#rows.incarnation[shard]!;
    readBatches(this.#kv, shard, offset, end, bytesMax, averageBytes).then(
      (batches) => {
        // Meanwhile, the shard may have been trimmed beyond the offset, or may be gone.
        if (!this.#isSame(shard, incarnation)) return then(unknownShard(shard), undefined);
        const startNow = this.#rows.start[shard]!;
        const gone = outOfRange(shard, offset, startNow, end);
        if (gone !== undefined) return then(gone, undefined);
        if (batches === undefined) return then(missing(shard, offset), undefined);
        then(undefined, { batches, start: startNow, end });
      },
      (failure: Error) => then(failure, undefined),
    );
  }

  offsetForTime(shard: ShardId, timestampMs: number, then: (error: EngineError, offset: number) => void): void {
    if (!this.#rows.has(shard)) return then(unknownShard(shard), 0);
    const start = this.#rows.start[shard]!;
    const end = this.#rows.end[shard]!;
    if (start === end || this.#rows.maxTimestamp[shard]! < timestampMs) return then(undefined, end);
    findTime(this.#kv, shard, timestampMs, start, end).then(
      (offset) => then(undefined, Math.max(start, offset)),
      (failure: Error) => then(failure, 0),
    );
  }

  trim(shard: ShardId, start: number): void {
    if (!this.#rows.has(shard) || !this.#rows.trim(shard, start)) return;
    this.#trimmed.push(shard);
    this.#touch(shard);
  }

  stat(shard: ShardId): ShardStat {
    return this.#rows.stat(shard);
  }

  drop(shard: ShardId): void {
    if (!this.#rows.has(shard)) return;
    this.#rows.drop(shard);
    this.#staged.push({ type: 'delete', key: shardKey(shard) });
    for (const kind of [BATCH, TIME])
      this.#staged.push({ type: 'deleteRange', start: rowKey(kind, shard, 0), end: rowKey(kind, shard + 1, 0) });
  }

  shards(): Iterable<ShardId> {
    return this.#rows.shards();
  }

  close(then: (error: EngineError) => void): void {
    this.#isClosed = true;
    Promise.resolve(this.#deleting)
      .then(() => this.#kv.close())
      .then(
        () => then(undefined),
        (error: Error) => then(error),
      );
  }

  async #recover(): Promise<void> {
    const last = rowKey(SHARD + 1, 0, 0);
    let page = await this.#kv.scan({ gte: shardKey(0), lt: last });
    while (page.length > 0) {
      for (const { key, value } of page)
        if (!readState(this.#rows, shardOfKey(key), value))
          throw new SluiceError('SLUICE_STORAGE_CORRUPT', `The state of shard ${shardOfKey(key)} cannot be read.`);
      page = await this.#kv.scan({ gt: page.at(-1)!.key, lt: last });
    }
  }

  #touch(shard: ShardId): void {
    if (this.#rows.isDirty(shard)) return;
    this.#rows.setDirty(shard, true);
    this.#dirty.push(shard);
  }

  /** Adds the state of what has changed to `ops`, and says where each shard ends by it. */
  #takeDirty(ops: KvOp[]): Committed[] {
    const rows = this.#rows;
    const committed: Committed[] = [];
    for (const shard of this.#dirty) {
      // A shard that was dropped has none; one that was dropped and made again is listed twice.
      if (!rows.has(shard) || !rows.isDirty(shard)) continue;
      rows.setDirty(shard, false);
      ops.push({ type: 'put', key: shardKey(shard), value: stateValue(rows, shard) });
      committed.push({ shard, incarnation: rows.incarnation[shard]!, end: rows.next[shard]! });
    }
    this.#dirty = [];
    return committed;
  }

  #publish(committed: readonly Committed[]): void {
    for (const { shard, incarnation, end } of committed) if (this.#isSame(shard, incarnation)) this.#rows.end[shard] = end;
  }

  #isSame(shard: ShardId, incarnation: number): boolean {
    return this.#rows.has(shard) && this.#rows.incarnation[shard] === incarnation;
  }

  /** Deletes what lies before the start of trimmed shards, shard after shard. What a death leaves is deleted with the shard's next trim. */
  async #deleteTrimmed(): Promise<void> {
    for (const shard of this.#toDelete) {
      this.#toDelete.delete(shard);
      if (this.#isClosed || !this.#rows.has(shard)) continue;
      try {
        const incarnation = this.#rows.incarnation[shard]!;
        const ops = await trimOps(this.#kv, shard, this.#rows.start[shard]!, this.#rows.end[shard]!);
        // The same offsets may be another shard's by now.
        if (ops.length > 0 && this.#isSame(shard, incarnation)) await this.#kv.batch(ops, { sync: false });
      } catch (error) {
        this.#failure ??= error as Error;
      }
    }
    this.#deleting = undefined;
  }
}

function missing(shard: ShardId, offset: number): SluiceError {
  return new SluiceError('SLUICE_STORAGE_CORRUPT', `The batch of shard ${shard} that holds offset ${offset} is not there.`);
}
