/**
 * Keeps a second process out of a data directory, by Unix sockets with names of their own in it: who listens on one holds the directory, and the kernel takes that
 * away with the process, however it ends. A socket that refuses connections is what a dead process has left.
 *
 *   claim:  listen on a name that nobody has had before, then look for others
 *             one of them answers    ──▶ give up: it is held, or another start is a moment ahead
 *             none answers           ──▶ held; the names of the dead are removed
 *
 * Of two starts at once at least the one that listened later sees the other, so never both hold. Asked, the holder says who it is.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { SluiceError } from '../base/errors.ts';

const NAME = /^lock-[0-9a-f]{16}\.sock$/;
const NO_SOCKETS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL']);
const ANSWER_MS_MAX = 1000;
/** Longest path of a Unix socket on the systems that we know, without the closing zero. */
const PATH_BYTES_MAX = 103;

export interface DataLock {
  release(): void;
}

/** Makes the directory if needed. Throws SLUICE_STORAGE_LOCKED, and what the file system throws. `about` is told to whoever asks for the holder. */
export async function lockData(directory: string, about: string): Promise<DataLock> {
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  const paths = new SocketPaths(directory);
  const name = `lock-${randomBytes(8).toString('hex')}.sock`;
  const server = await listen(paths.of(name), about);
  const release = (): void => {
    server.close();
    paths.close();
  };
  try {
    const others = socketNames(directory).filter((other) => other !== name);
    for (const other of others) await refuseIfAlive(directory, paths.of(other));
    for (const other of others) remove(join(directory, other));
  } catch (error) {
    release();
    throw error;
  }
  return { release };
}

/** Who holds the directory, as it says itself; undefined when nobody does. Changes nothing. */
export async function holderOf(directory: string): Promise<string | undefined> {
  const paths = new SocketPaths(directory);
  try {
    for (const name of socketNames(directory)) {
      const holder = await ask(paths.of(name));
      if (holder !== undefined) return holder;
    }
    return undefined;
  } finally {
    paths.close();
  }
}

async function refuseIfAlive(directory: string, path: string): Promise<void> {
  const holder = await ask(path);
  if (holder === undefined) return;
  throw new SluiceError(
    'SLUICE_STORAGE_LOCKED',
    `${directory} is in use by ${holder}; stop it, or set node.data to another directory`,
  );
}

function socketNames(directory: string): string[] {
  return readdirSync(directory).filter((name) => NAME.test(name));
}

function listen(path: string, about: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(about);
    });
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(NO_SOCKETS.has(error.code ?? '') ? cannotLock(path, error) : error),
    );
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

function cannotLock(path: string, cause: NodeJS.ErrnoException): SluiceError {
  const what = `no lock can be made at ${path} (${cause.code}): the file system takes no Unix sockets`;
  return new SluiceError('SLUICE_STORAGE_LOCKED', `${what}; set node.data to a directory of another one`, { cause });
}

/** What the listener at `path` says of itself; undefined when there is none. */
function ask(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let answer = '';
    let isConnected = false;
    const socket = connect(path, () => {
      isConnected = true;
    });
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.on('data', (bytes) => {
      answer += bytes.toString();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT' && !isConnected) reject(error);
    });
    socket.on('close', () => resolve(isConnected ? answer || 'another process' : undefined));
  });
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Paths of sockets are short; where the kernel lets a directory be named by its descriptor, any directory will do. */
class SocketPaths {
  readonly #directory: string;
  readonly #file: number | undefined;

  constructor(directory: string) {
    const longest = Buffer.byteLength(join(directory, 'lock-0123456789abcdef.sock'));
    this.#file = longest > PATH_BYTES_MAX && process.platform === 'linux' ? openSync(directory, 'r') : undefined;
    this.#directory = this.#file === undefined ? directory : `/proc/self/fd/${this.#file}`;
    if (longest > PATH_BYTES_MAX && this.#file === undefined) {
      throw new SluiceError(
        'SLUICE_STORAGE_LOCKED',
        `the path ${directory} is too long for a lock; set node.data to a shorter one`,
      );
    }
  }

  of(name: string): string {
    return join(this.#directory, name);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}
