/** The file of `auth.users_file`, or one that mosquitto_passwd has written: one `user:hash` a line; empty lines and lines that start with `#` are skipped. */
import { readFileSync } from 'node:fs';
import { SluiceError } from '../../base/errors.ts';
import { parseStoredPassword, type StoredPassword } from './stored-password.ts';

/** User name → stored password. */
export type Users = ReadonlyMap<string, StoredPassword>;

function badLine(file: string, line: number, what: string): SluiceError {
  // The content stays out of the message: a line may hold a password in clear text by mistake.
  return new SluiceError('SLUICE_AUTH_USERS_FILE', `${JSON.stringify(file)} line ${line}: ${what}`);
}

/** A user name may hold `:`; a hash cannot, so the last one divides. */
export function parseUsers(file: string, text: string): Users {
  const users = new Map<string, StoredPassword>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.lastIndexOf(':');
    if (colon <= 0) throw badLine(file, index + 1, 'is not `user:hash`');
    const user = line.slice(0, colon);
    const stored = parseStoredPassword(line.slice(colon + 1));
    if (stored === undefined)
      throw badLine(file, index + 1, 'has no hash that Sluice knows ($scrypt$, $argon2id$, $2b$, $6$, $7$)');
    if (users.has(user)) throw badLine(file, index + 1, 'names a user for the second time');
    users.set(user, stored);
  }
  return users;
}

export function readUsersFile(file: string): Users {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const cause = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new SluiceError('SLUICE_AUTH_USERS_FILE', `${JSON.stringify(file)} cannot be read: ${cause}`, { cause: error });
  }
  return parseUsers(file, text);
}
