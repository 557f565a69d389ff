/**
 * A node's snapshots in a directory of their own, written beside the thread's turns by the file system's pool: nothing here blocks the clocks of groups. A file has the name of a snapshot
 * only when all of it is durable: written under another name, synced, renamed, and the directory synced. What is written is bounded by RAFT_SNAPSHOT_BACKLOG_BYTES per snapshot that
 * arrives; one that is made here is read no faster than it is written.
 */
import type * as nodeFs from 'node:fs';
import { join } from 'node:path';
import { RAFT_SNAPSHOT_BACKLOG_BYTES, RAFT_SNAPSHOT_BLOCK_BYTES_MAX, RAFT_SNAPSHOT_CHUNK_BYTES } from '../../../base/limits.ts';
import { MalformedBytes } from '../codec/byte-reader.ts';
import type { OpenSnapshot, SnapshotReader, SnapshotStore, SnapshotWriter } from '../state-machine.ts';
import type { SnapshotMeta } from '../storage.ts';
import {
  BLOCK_PREFIX_BYTES,
  blockBytes,
  checkBlock,
  decodeHead,
  encodeBlock,
  encodeHead,
  HEAD_PREFIX_BYTES,
  headBytes,
  parseSnapshotName,
  snapshotName,
} from './snapshot-file.ts';

/** What is used of node:fs; specs put one that fails in its place. */
export type SnapshotFs = Pick<
  typeof nodeFs,
  | 'mkdirSync'
  | 'readdirSync'
  | 'unlinkSync'
  | 'openSync'
  | 'readSync'
  | 'closeSync'
  | 'open'
  | 'read'
  | 'write'
  | 'fsync'
  | 'close'
  | 'rename'
  | 'unlink'
>;

export interface FileSnapshotsOptions {
  readonly fs: SnapshotFs;
  readonly directory: string;
  /** One could not be written, or what is there is damaged: for the log. */
  readonly onError: (error: Error, path: string) => void;
}

type Done = (error: Error | null) => void;

const TEMPORARY = '.tmp';

export class FileSnapshots implements SnapshotStore {
  readonly #options: FileSnapshotsOptions;
  /** By group, the indexes of what is durable, in order. */
  readonly #kept = new Map<number, number[]>();
  #written = 0;

  /** Takes up what is in the directory; what was not finished goes. */
  constructor(options: FileSnapshotsOptions) {
    this.#options = options;
    const { fs, directory } = options;
    fs.mkdirSync(directory, { recursive: true, mode: 0o750 });
    for (const name of fs.readdirSync(directory).sort()) {
      const found = parseSnapshotName(name);
      if (found !== undefined) this.#keep(found.group, found.index);
      else if (name.endsWith(TEMPORARY)) fs.unlinkSync(join(directory, name));
    }
  }

  save(group: number, meta: SnapshotMeta, reader: SnapshotReader, done: (isOk: boolean) => void): void {
    const writer = new FileWriter(this.#options, this.#temporary(), encodeHead(group, meta));
    const more = (): void =>
      reader.read(RAFT_SNAPSHOT_CHUNK_BYTES, (bytes, isLast) => {
        writer.write(bytes, (error) => {
          if (error === null && !isLast) return more();
          reader.close();
          this.#publish(writer, group, meta.index, done);
        });
      });
    more();
  }

  open(group: number): OpenSnapshot | undefined {
    const newest = this.#kept.get(group)?.at(-1);
    return newest === undefined ? undefined : this.openAt(group, newest);
  }

  openAt(group: number, index: number): OpenSnapshot | undefined {
    if (this.#kept.get(group)?.includes(index) !== true) return undefined;
    const { fs, directory, onError } = this.#options;
    const path = join(directory, snapshotName(group, index));
    let file = -1;
    try {
      file = fs.openSync(path, 'r');
      const prefix = readNow(fs, file, HEAD_PREFIX_BYTES, 0);
      const head = readNow(fs, file, headBytes(prefix), HEAD_PREFIX_BYTES);
      const found = decodeHead(prefix, head);
      if (found.group !== group || found.meta.index !== index) throw new MalformedBytes('is another snapshot than its name says');
      return { meta: found.meta, reader: new FileReader(this.#options, path, file, HEAD_PREFIX_BYTES + head.length) };
    } catch (error) {
      if (file >= 0) fs.closeSync(file);
      onError(error as Error, path);
      return undefined;
    }
  }

  discardBefore(group: number, index: number): void {
    const { fs, directory, onError } = this.#options;
    const kept = this.#kept.get(group) ?? [];
    for (const old of kept.filter((one) => one < index)) {
      const path = join(directory, snapshotName(group, old));
      fs.unlink(path, (error) => {
        if (error !== null) onError(error, path);
      });
    }
    this.#kept.set(
      group,
      kept.filter((one) => one >= index),
    );
  }

  receive(group: number, meta: SnapshotMeta): SnapshotWriter {
    const writer = new FileWriter(this.#options, this.#temporary(), encodeHead(group, meta));
    return {
      write: (bytes) => {
        if (writer.backlog > 0 && writer.backlog + bytes.length > RAFT_SNAPSHOT_BACKLOG_BYTES) return false;
        writer.write(bytes, () => {});
        return true;
      },
      abort: () => writer.abort(),
      commit: (done) => this.#publish(writer, group, meta.index, done),
    };
  }

  #publish(writer: FileWriter, group: number, index: number, done: (isOk: boolean) => void): void {
    writer.publish(join(this.#options.directory, snapshotName(group, index)), (error) => {
      if (error === null) this.#keep(group, index);
      done(error === null);
    });
  }

  #keep(group: number, index: number): void {
    const kept = (this.#kept.get(group) ?? []).filter((one) => one !== index);
    this.#kept.set(
      group,
      [...kept, index].sort((a, b) => a - b),
    );
  }

  #temporary(): string {
    return join(this.#options.directory, `${++this.#written}${TEMPORARY}`);
  }
}

/** Steps in order, each when the one before is done; after an error none of the rest. */
class FileWriter {
  readonly #options: FileSnapshotsOptions;
  readonly #path: string;
  readonly #steps: { readonly run: (then: Done) => void; readonly done: Done }[] = [];
  #isRunning = false;
  #error: Error | null = null;
  #file = -1;
  #sum = 0;
  #position = 0;
  /** Bytes that are not written yet. */
  backlog = 0;

  constructor(options: FileSnapshotsOptions, path: string, head: Uint8Array) {
    this.#options = options;
    this.#path = path;
    this.#then((then) =>
      options.fs.open(path, 'wx', 0o640, (error, file) => {
        if (error === null) this.#file = file;
        then(error);
      }),
    );
    this.#append(head, () => {});
  }

  write(bytes: Uint8Array, done: Done): void {
    let rest = bytes;
    for (; rest.length > RAFT_SNAPSHOT_BLOCK_BYTES_MAX; rest = rest.subarray(RAFT_SNAPSHOT_BLOCK_BYTES_MAX)) {
      this.#block(rest.subarray(0, RAFT_SNAPSHOT_BLOCK_BYTES_MAX), () => {});
    }
    if (rest.length > 0) this.#block(rest, done);
    else this.#then((then) => then(null), done);
  }

  publish(path: string, done: Done): void {
    const { fs, directory, onError } = this.#options;
    this.#append(encodeBlock(new Uint8Array(0), this.#sum).block, () => {});
    this.#then((then) => fs.fsync(this.#file, then));
    this.#then((then) => this.#close(then));
    this.#then((then) => fs.rename(this.#path, path, then));
    this.#then(
      (then) =>
        fs.open(directory, 'r', (error, file) => {
          if (error !== null) return then(error);
          fs.fsync(file, (failure) => fs.close(file, () => then(failure)));
        }),
      (error) => {
        if (error !== null) {
          onError(error, path);
          this.#remove();
        }
        done(error);
      },
    );
  }

  abort(): void {
    this.#then(
      (then) => then(null),
      () => this.#remove(),
    );
  }

  #block(bytes: Uint8Array, done: Done): void {
    const { block, sum } = encodeBlock(bytes, this.#sum);
    this.#sum = sum;
    this.#append(block, done);
  }

  #append(bytes: Uint8Array, done: Done): void {
    const at = this.#position;
    this.#position += bytes.length;
    this.backlog += bytes.length;
    this.#then(
      (then) => writeAll(this.#options.fs, this.#file, bytes, at, then),
      (error) => {
        this.backlog -= bytes.length;
        done(error);
      },
    );
  }

  #then(run: (then: Done) => void, done: Done = () => {}): void {
    this.#steps.push({ run, done });
    if (!this.#isRunning) this.#next();
  }

  #next(): void {
    const step = this.#steps.shift();
    this.#isRunning = step !== undefined;
    if (step === undefined) return;
    const then: Done = (error) => {
      this.#error ??= error;
      step.done(this.#error);
      this.#next();
    };
    if (this.#error === null) step.run(then);
    else then(this.#error);
  }

  #close(then: Done): void {
    const file = this.#file;
    this.#file = -1;
    if (file < 0) then(null);
    else this.#options.fs.close(file, then);
  }

  #remove(): void {
    this.#close(() => this.#options.fs.unlink(this.#path, () => {}));
  }
}

/** Block by block. Of a damaged one nothing is handed out, nor of what follows: `read` is then never done. */
class FileReader implements SnapshotReader {
  readonly #options: FileSnapshotsOptions;
  readonly #path: string;
  readonly #file: number;
  #position: number;
  #sum = 0;
  /** Of the present block, not handed out yet. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes of the next block; -1 as long as its prefix is not read, 0 at the end. */
  #next = -1;
  #prefix: Uint8Array = new Uint8Array(0);
  #isReading = false;
  #isClosed = false;

  constructor(options: FileSnapshotsOptions, path: string, file: number, position: number) {
    this.#options = options;
    this.#path = path;
    this.#file = file;
    this.#position = position;
  }

  read(bytesMax: number, done: (bytes: Uint8Array, isLast: boolean) => void): void {
    this.#isReading = true;
    this.#fill((error) => {
      this.#isReading = false;
      if (this.#isClosed) return this.#options.fs.close(this.#file, () => {});
      if (error !== null) return this.#options.onError(error, this.#path);
      const bytes = this.#rest.slice(0, bytesMax);
      this.#rest = this.#rest.subarray(bytes.length);
      done(bytes, this.#next === 0 && this.#rest.length === 0);
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isReading) this.#options.fs.close(this.#file, () => {});
  }

  /** Makes sure that there is something to hand out, and that it is known whether more follows. */
  #fill(then: Done): void {
    if (this.#next < 0) return this.#readPrefix(then);
    if (this.#rest.length > 0 || this.#next === 0) return then(null);
    this.#readExactly(this.#next, (error, bytes) => {
      if (error !== null) return then(error);
      if (!this.#attempt(then, () => this.#take(bytes))) return;
      this.#next = -1;
      this.#readPrefix(then);
    });
  }

  #readPrefix(then: Done): void {
    this.#readExactly(BLOCK_PREFIX_BYTES, (error, prefix) => {
      if (error !== null) return then(error);
      this.#prefix = prefix;
      if (!this.#attempt(then, () => (this.#next = blockBytes(prefix, this.#sum)))) return;
      this.#fill(then);
    });
  }

  #take(bytes: Uint8Array): void {
    this.#sum = checkBlock(this.#prefix, bytes, this.#sum);
    this.#rest = bytes;
  }

  #attempt(then: Done, run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      then(error as Error);
      return false;
    }
  }

  #readExactly(length: number, then: (error: Error | null, bytes: Uint8Array) => void): void {
    const bytes = new Uint8Array(length);
    const more = (done: number): void => {
      this.#options.fs.read(this.#file, bytes, done, length - done, this.#position, (error, count) => {
        if (error !== null) return then(error, bytes);
        if (count === 0) return then(new MalformedBytes('ends early'), bytes);
        this.#position += count;
        if (done + count < length) return more(done + count);
        then(null, bytes);
      });
    };
    more(0);
  }
}

function writeAll(fs: SnapshotFs, file: number, bytes: Uint8Array, position: number, then: Done): void {
  fs.write(file, bytes, 0, bytes.length, position, (error, written) => {
    if (error !== null) return then(error);
    if (written < bytes.length) return writeAll(fs, file, bytes.subarray(written), position + written, then);
    then(null);
  });
}

function readNow(fs: SnapshotFs, file: number, length: number, position: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (fs.readSync(file, bytes, 0, length, position) < length) throw new MalformedBytes('ends early');
  return bytes;
}
