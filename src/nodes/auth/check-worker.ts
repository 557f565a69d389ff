/** The pool's job (piscina): one password against one stored hash. */
import { verifyPassword } from './password-hash.ts';

export interface CheckJob {
  readonly password: Uint8Array;
  readonly stored: string;
}

export function checkPassword(job: CheckJob): boolean {
  return verifyPassword(job.password, job.stored);
}
