/**
 * The store on RocksDB. One process opens a directory, one thread calls it: a second opener is refused. Batches that wait for the one under way are written together, in
 * the order of their calls, and one sync serves all of them. RocksDB works on libuv's pool, which is as large as UV_THREADPOOL_SIZE says.
 *
 * Memory: two write buffers of KV_WRITE_BUFFER_BYTES and a cache of 32 MiB, in which indexes and filters lie too. Bound: KV_BATCHES_QUEUED_MAX batches wait.
 */
import { mkdir } from 'node:fs/promises';
import { SluiceError } from '../../base/errors.ts';
import { KV_BATCHES_QUEUED_MAX, KV_SCAN_BYTES_MAX, KV_SCAN_ENTRIES_MAX, KV_WRITE_BUFFER_BYTES } from '../../base/limits.ts';
import { copyStore } from './checkpoint.ts';
import type { KvEntry, KvOp, KvRange, KvSnapshot, LocalKv } from './local-kv.ts';
import { opsOf, type PackedOps } from './packed-ops.ts';
import { type NativeDb, type NativeOptions, openNative } from './rocksdb-native.ts';
import { type WalFiles, WalSyncer } from './wal-syncer.ts';

const OPTIONS: NativeOptions = {
  maxBackgroundJobs: 2,
  maxOpenFiles: 64,
  writeBufferSize: KV_WRITE_BUFFER_BYTES,
  maxWriteBufferNumber: 2,
  tableCacheIndexAndFilterBlocks: true,
  avoidFlushDuringShutdown: true,
};
/** Entries that one step of a scan fetches. */
const SCAN_STEP_ENTRIES = 64;
/** Batches are written together up to this many operations. */
const GROUP_OPS_MAX = 16_384;
const EMPTY = new Uint8Array(0);
/** The binding tells kinds of failures by their text alone: of this process, of another one; of tables and manifests. */
const IN_USE = /lock hold by current process|while lock file/i;
const CORRUPT = /corrupt|checksum mismatch/i;

interface Job {
  /** Undefined for a checkpoint. */
  readonly ops: readonly KvOp[] | undefined;
  readonly directory: string;
  readonly sync: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class RocksKv implements LocalKv {
  readonly #directory: string;
  readonly #db: NativeDb;
  readonly #syncer: WalSyncer;
  #queue: Job[] = [];
  #running: Promise<void> | undefined;
  #failure: SluiceError | undefined;
  #isClosed = false;

  private constructor(directory: string, db: NativeDb, files: WalFiles | undefined) {
    this.#directory = directory;
    this.#db = db;
    this.#syncer = new WalSyncer(db, directory, files);
  }

  /** Opens the store in `directory`, made when it is not there. Errors: SLUICE_STORAGE_IN_USE, SLUICE_STORAGE_CORRUPT, SLUICE_STORAGE_FAILED. */
  static async open(directory: string, files?: WalFiles): Promise<RocksKv> {
    try {
      await mkdir(directory, { recursive: true });
      const db = openNative(directory, OPTIONS);
      await db.ready();
      const kv = new RocksKv(directory, db, files);
      await kv.#syncer.begin();
      return kv;
    } catch (error) {
      throw openError(directory, error);
    }
  }

  batch(ops: readonly KvOp[] | PackedOps, { sync }: { readonly sync: boolean }): Promise<void> {
    return this.#enqueue(opsOf(ops), '', sync);
  }

  checkpoint(directory: string): Promise<void> {
    return this.#enqueue(undefined, directory, false);
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return getOne(this.#opened(), key);
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return getMany(this.#opened(), keys);
  }

  scan(range: KvRange): Promise<KvEntry[]> {
    return scan(this.#opened(), range);
  }

  snapshot(): KvSnapshot {
    const session = this.#opened().snapshot();
    return {
      get: (key) => getOne(session, key),
      getMany: (keys) => getMany(session, keys),
      scan: (range) => scan(session, range),
      close: () => session.close(),
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#running;
    await this.#syncer.close();
    await this.#db.close({ force: true });
  }

  #opened(): NativeDb {
    if (this.#isClosed) throw new SluiceError('SLUICE_STORAGE_FAILED', `The store in ${this.#directory} is closed.`);
    return this.#db;
  }

  #enqueue(ops: readonly KvOp[] | undefined, directory: string, sync: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opened();
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#queue.length >= KV_BATCHES_QUEUED_MAX)
        throw new SluiceError('SLUICE_STORAGE_FULL', `${KV_BATCHES_QUEUED_MAX} batches wait for the store already.`);
      this.#queue.push({ ops, directory, sync, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Serves the queue until it is empty. Never fails itself. */
  async #run(): Promise<void> {
    // What is called in the same turn goes together.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const jobs = this.#takeGroup();
      try {
        if (this.#failure !== undefined) throw this.#failure;
        if (jobs[0]!.ops === undefined) await this.#copy(jobs[0]!.directory);
        else await this.#write(jobs);
        for (const job of jobs) job.resolve();
      } catch (error) {
        for (const job of jobs) job.reject(error as Error);
      }
    }
    this.#running = undefined;
  }

  #takeGroup(): Job[] {
    let count = 1;
    if (this.#queue[0]!.ops !== undefined) {
      let ops = this.#queue[0]!.ops.length;
      while (count < this.#queue.length) {
        const next = this.#queue[count]!.ops;
        if (next === undefined || (ops += next.length) > GROUP_OPS_MAX) break;
        count++;
      }
    }
    return this.#queue.splice(0, count);
  }

  async #write(jobs: readonly Job[]): Promise<void> {
    try {
      const capacity = jobs.reduce((sum, job) => sum + job.ops!.length, 0);
      const batch = this.#db.write({ capacity: Math.max(1, capacity), autoDestroy: true });
      for (const job of jobs) for (const op of job.ops!) add(batch, op);
      await batch.flush();
      if (jobs.some((job) => job.sync)) await this.#syncer.sync();
    } catch (error) {
      // Nothing is known about what the disk holds; a second sync would not tell.
      this.#failure = new SluiceError('SLUICE_STORAGE_FAILED', `Writing to ${this.#directory} failed: ${text(error)}.`, {
        cause: error,
      });
      throw this.#failure;
    }
  }

  async #copy(directory: string): Promise<void> {
    try {
      await this.#db.flush();
      await this.#db.suspend();
      try {
        await copyStore(this.#directory, directory);
      } finally {
        await this.#db.resume();
      }
    } catch (error) {
      throw new SluiceError('SLUICE_STORAGE_FAILED', `A checkpoint in ${directory} failed: ${text(error)}.`, { cause: error });
    }
  }
}

function add(batch: ReturnType<NativeDb['write']>, op: KvOp): void {
  if (op.type === 'put') batch.tryPut(op.key, op.value);
  else if (op.type === 'delete') batch.tryDelete(op.key);
  else if (Buffer.compare(op.start, op.end) < 0) batch.tryDeleteRange(op.start, op.end);
}

async function getOne(db: NativeDb, key: Uint8Array): Promise<Uint8Array | undefined> {
  return (await getMany(db, [key]))[0];
}

async function getMany(db: NativeDb, keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
  if (keys.length === 0) return [];
  const batch = db.read({ capacity: keys.length, autoDestroy: true });
  const values = keys.map((key) => batch.get(key));
  batch.tryFlush();
  return (await Promise.all(values)).map((value) => value ?? undefined);
}

async function scan(db: NativeDb, range: KvRange): Promise<KvEntry[]> {
  const { reverse = false, bytesMax = KV_SCAN_BYTES_MAX, keysOnly = false, gte, gt, lte, lt } = range;
  const limit = Math.min(range.limit ?? KV_SCAN_ENTRIES_MAX, KV_SCAN_ENTRIES_MAX);
  const found: KvEntry[] = [];
  if (limit <= 0) return found;
  let bytes = 0;
  const entries = db.iterator({
    ...(gt !== undefined ? { gt } : gte !== undefined && { gte }),
    ...(lt !== undefined ? { lt } : lte !== undefined && { lte }),
    reverse,
    limit,
    capacity: Math.min(limit, SCAN_STEP_ENTRIES),
    values: !keysOnly,
  });
  for await (const { key, value } of entries) {
    found.push({ key, value: value ?? EMPTY });
    bytes += key.length + (value?.length ?? 0);
    if (bytes >= bytesMax) break;
  }
  return found;
}

function openError(directory: string, error: unknown): SluiceError {
  const what = text(error);
  const code = IN_USE.test(what)
    ? 'SLUICE_STORAGE_IN_USE'
    : CORRUPT.test(what)
      ? 'SLUICE_STORAGE_CORRUPT'
      : 'SLUICE_STORAGE_FAILED';
  return new SluiceError(code, `The store in ${directory} cannot be opened: ${what}.`, { cause: error });
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
