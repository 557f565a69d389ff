/**
 * Makes what RocksDB has written durable. The binding has no synchronous write, but RocksDB hands its write-ahead log to the kernel before a write returns, and
 * fdatasync on any descriptor of a file syncs the file. The log changes its file from time to time, and a write may have gone to the file before; so a sync covers every file from the
 * last that was synced on, and the directory once for each new file. A file that is gone was flushed to tables, which RocksDB syncs itself.
 */
import { close, fdatasync, fsync, open } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { NativeDb } from './rocksdb-native.ts';

/** What is asked of the file system; specs put another in its place. */
export interface WalFiles {
  open(path: string): Promise<number>;
  close(file: number): Promise<void>;
  /** fdatasync. */
  syncData(file: number): Promise<void>;
  /** fsync. */
  syncAll(file: number): Promise<void>;
}

const openFile = promisify(open);

const NODE_FILES: WalFiles = {
  open: (path) => openFile(path, 'r'),
  close: promisify(close),
  syncData: promisify(fdatasync),
  syncAll: promisify(fsync),
};

export class WalSyncer {
  readonly #db: Pick<NativeDb, 'currentWalFile'>;
  readonly #directory: string;
  readonly #files: WalFiles;
  /** Number of the file that `#file` is open on; everything in files before it is durable. */
  #number = 0;
  #file = -1;

  constructor(db: Pick<NativeDb, 'currentWalFile'>, directory: string, files: WalFiles = NODE_FILES) {
    this.#db = db;
    this.#directory = directory;
    this.#files = files;
  }

  /** Before the first write, which may go to this file and be followed by others before the first sync. */
  async begin(): Promise<void> {
    this.#number = (await this.#db.currentWalFile()).number - 1;
  }

  /** Covers every write that has returned before the call. One call at a time. */
  async sync(): Promise<void> {
    // Nearly always the file is the same, and both can be asked at once.
    const [{ number }] = await Promise.all([
      this.#db.currentWalFile(),
      this.#file >= 0 ? this.#files.syncData(this.#file) : undefined,
    ]);
    if (number === this.#number) return;
    // The former file may have got its last writes after the sync above began.
    if (this.#file >= 0) await this.#files.syncData(this.#file);
    for (let next = this.#number + 1; next <= number; next++) await this.#moveTo(next);
    await this.#syncDirectory();
  }

  async close(): Promise<void> {
    if (this.#file >= 0) await this.#files.close(this.#file);
    this.#file = -1;
  }

  async #moveTo(number: number): Promise<void> {
    const file = await this.#files
      .open(join(this.#directory, `${String(number).padStart(6, '0')}.log`))
      .catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return -1;
        throw error;
      });
    if (file < 0) return;
    const before = this.#file;
    this.#file = file;
    this.#number = number;
    await this.#files.syncData(file);
    if (before >= 0) await this.#files.close(before);
  }

  async #syncDirectory(): Promise<void> {
    const directory = await this.#files.open(this.#directory);
    try {
      await this.#files.syncAll(directory);
    } finally {
      await this.#files.close(directory);
    }
  }
}
