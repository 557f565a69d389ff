/**
 * Duplicates of one bound socket, by sending its handle through a child process and back: the only dup(2) that Node offers.
 *
 *   main ── handle ──▶ child            (SCM_RIGHTS: the kernel makes a new descriptor at each receiver)
 *   main ◀─ handle ×n ─ child, exits
 *
 * Why: a worker that dies closes the descriptors that it listens on, and a descriptor number is shared by the whole process.
 * With one descriptor for all reactors, one death would deafen the node; with one each, it only loses its own.
 */
import { fork } from 'node:child_process';
import { assert } from '../../base/assert.ts';

/** libuv's bound, not listening handle of TCP or a Unix socket (`net._createServerHandle`); Node hands it out but does not describe it. */
export interface BoundHandle {
  readonly fd: number;
  close(closed?: () => void): void;
  /** Missing for Unix sockets. */
  getsockname?(into: { address?: string; family?: string; port?: number }): number;
}

const CHILD = new URL('./duplicate-fd-child.js', import.meta.url);
/** A child that has not answered by then is given up, milliseconds (usual: 60 to 80; more than ten seconds have been seen where many processes want a few cores). */
const DUPLICATE_MS_MAX = 60_000;

export function duplicateHandle(handle: BoundHandle, count: number): Promise<BoundHandle[]> {
  assert(count > 0, 'duplicates are asked for');
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const copies: BoundHandle[] = [];
    const timer = setTimeout(() => fail(new Error('the duplicating child did not answer')), DUPLICATE_MS_MAX);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      for (const copy of copies.splice(0)) copy.close();
      child.kill('SIGKILL');
      reject(error);
    };
    child.on('error', fail);
    child.on('exit', (code, signal) => fail(new Error(`the duplicating child exited early: ${signal ?? code}`)));
    child.on('message', (_index, copy) => {
      copies.push(copy as unknown as BoundHandle);
      if (copies.length < count) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      child.disconnect();
      resolve(copies);
    });
    child.send(count, handle as never, (error) => {
      if (error !== null) fail(error);
    });
  });
}
