/**
 * The pool's jobs (piscina): one password against its stored form, and a new password into the forms that are stored.
 *
 * The threads of the pool give way to the reactors: a login storm waits, messages do not. They give way by a little only, because other processes of the machine go before them too: at 10, on a machine with much else to do, one check took longer than a client waits.
 */
import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { hashPassword } from './password-hash.ts';
import { storedScram } from './scram-file.ts';
import { type StoredPassword, verifyStored } from './stored-password.ts';

export type PasswordJob =
  /** Answered by a thread that is up. */
  | { readonly type: 'hello' }
  | { readonly type: 'verify'; readonly password: Uint8Array; readonly stored: StoredPassword }
  | { readonly type: 'hash'; readonly password: string; readonly logN?: number };

export interface NewPassword {
  readonly hash: string;
  /** `SCRAM-SHA-256$…` */
  readonly scram: string;
}

const NICENESS = 5;
const NICENESS_MAX = 19;

lowerPriority();

/** Linux has priorities by thread, under the number that /proc tells; elsewhere the threads stay equals. */
function lowerPriority(): void {
  if (process.platform !== 'linux') return;
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').pop());
    if (thread > 0) setPriority(thread, Math.min(getPriority() + NICENESS, NICENESS_MAX));
  } catch {
    // No /proc: nothing is lost but the order of who goes first.
  }
}

export function passwordJob(job: PasswordJob): boolean | Promise<boolean> | NewPassword {
  if (job.type === 'hello') return true;
  if (job.type === 'verify') return verifyStored(job.password, job.stored);
  return { hash: hashPassword(job.password, job.logN), scram: storedScram(job.password) };
}
