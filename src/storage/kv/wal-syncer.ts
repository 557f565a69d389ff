/**
 * Makes what RocksDB has written durable. The binding has no synchronous write, but RocksDB hands its write-ahead log to the kernel before a write returns, and
 * fdatasync on any descriptor of a file syncs the file. The log changes its file from time to time, and a write may have gone to the file before; so a sync covers every file from the
 * last that was synced on, and the directory once for each new file. A file that is gone was flushed to tables, which RocksDB syncs itself.
 */
import { close, fdatasync, fsync, open } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { NativeDb } from './rocksdb-native.ts';

const openFile = promisify(open);
const closeFile = promisify(close);
const syncData = promisify(fdatasync);
const syncAll = promisify(fsync);

export class WalSyncer {
  readonly #db: NativeDb;
  readonly #directory: string;
  /** Number of the file that `#file` is open on; everything in files before it is durable. */
  #number = 0;
  #file = -1;

  constructor(db: NativeDb, directory: string) {
    this.#db = db;
    this.#directory = directory;
  }

  /** Covers every write that has returned before the call. One call at a time. */
  async sync(): Promise<void> {
    // Nearly always the file is the same, and both can be asked at once.
    const [{ number }] = await Promise.all([this.#db.currentWalFile(), this.#file >= 0 ? syncData(this.#file) : undefined]);
    if (number === this.#number) return;
    // The former file may have got its last writes after the sync above began.
    if (this.#file >= 0) await syncData(this.#file);
    for (let next = this.#number === 0 ? number : this.#number + 1; next <= number; next++) await this.#moveTo(next);
    await this.#syncDirectory();
  }

  async close(): Promise<void> {
    if (this.#file >= 0) await closeFile(this.#file);
    this.#file = -1;
    this.#number = 0;
  }

  async #moveTo(number: number): Promise<void> {
    const file = await openFile(join(this.#directory, `${String(number).padStart(6, '0')}.log`), 'r').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return -1;
      throw error;
    });
    if (file < 0) return;
    const before = this.#file;
    this.#file = file;
    this.#number = number;
    await syncData(file);
    if (before >= 0) await closeFile(before);
  }

  async #syncDirectory(): Promise<void> {
    const directory = await openFile(this.#directory, 'r');
    try {
      await syncAll(directory);
    } finally {
      await closeFile(directory);
    }
  }
}
