/**
 * A Unix domain socket that every reactor accepts from. A file that a node which died has left behind is removed; one that somebody listens on, or that is no
 * socket at all, is not touched. The file is gone once the socket is closed.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import * as net from 'node:net';
import { getSystemErrorName } from 'node:util';
import { type ErrorCode, SluiceError } from '../../base/errors.ts';
import type { BoundHandle } from './duplicate-fd.ts';
import type { ListeningSocket } from './listening-socket.ts';
import { shareHandle } from './shared-socket.ts';

export interface UnixAddress {
  readonly path: string;
  /** Permissions of the file. */
  readonly mode: number;
  /** The configuration key, for error messages. */
  readonly key: string;
}

/** What the address of a Unix socket has room for; libuv would cut the rest off without a word. */
const PATH_BYTES_MAX = 107;

type CreatePipeHandle = (path: string, port: -1, family: -1) => BoundHandle | number;

export async function openUnixSocket(address: UnixAddress, reactors: number): Promise<ListeningSocket> {
  if (Buffer.byteLength(address.path) > PATH_BYTES_MAX)
    throw failure(address, 'EINVAL', `its path has more than ${PATH_BYTES_MAX} bytes`);
  await clear(address);
  const bound = bind(address);
  if (typeof bound === 'number') throw failure(address, getSystemErrorName(bound));
  return shareHandle(bound, address.path, reactors);
}

/** The file has its permissions from the start: nobody gets in before. */
function bind({ path, mode }: UnixAddress): BoundHandle | number {
  const createServerHandle = (net as unknown as { _createServerHandle: CreatePipeHandle })._createServerHandle;
  const umask = process.umask(0o777 & ~mode);
  try {
    return createServerHandle(path, -1, -1);
  } finally {
    process.umask(umask);
  }
}

/** Removes what is left of a socket that nobody listens on. */
async function clear(address: UnixAddress): Promise<void> {
  const { path } = address;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw failure(address, 'EEXIST', 'there is a file that is no socket');
  if (await answers(path)) throw failure(address, 'EADDRINUSE');
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}

function failure({ key, path }: UnixAddress, cause: string, why?: string): SluiceError {
  const code: ErrorCode = cause === 'EADDRINUSE' ? 'SLUICE_LISTEN_ADDRESS_IN_USE' : 'SLUICE_LISTEN_ADDRESS';
  const what = why ?? (cause === 'EADDRINUSE' ? 'another process listens there' : `the system refuses it (${cause})`);
  return new SluiceError(code, `${key}: cannot listen on ${path}: ${what}`);
}
