/** From a password and its stored form to a link's decision. */
import { DENY, type Decision, type Grant, OVERLOADED } from '../link.ts';
import type { PasswordPool } from '../password-pool.ts';
import type { StoredPassword } from '../stored-password.ts';

const NO_PASSWORD = new Uint8Array(0);

export async function checkPassword(
  pool: PasswordPool,
  username: string,
  password: Uint8Array | undefined,
  stored: StoredPassword,
  grant: Grant = {},
): Promise<Decision> {
  const verdict = await pool.verify(username, password ?? NO_PASSWORD, stored);
  if (verdict === 'overloaded') return OVERLOADED;
  return verdict === 'right' ? { verdict: 'allow', grant } : DENY;
}
