/** The file of `auth.scram_file`: one `user:SCRAM-SHA-256$…` a line, as PostgreSQL stores them; empty lines and lines that start with `#` are skipped. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseScramCredential, type ScramCredential } from '../../actors/authenticator/scram-sha-256.ts';
import { SluiceError } from '../../base/errors.ts';

/** User name → stored credential, as in the file: plain text, so that it can go to other threads. */
export type ScramUsers = ReadonlyMap<string, string>;

const MARK = ':SCRAM-SHA-256$';
const ITERATIONS = 4096;

export function parseScramUsers(file: string, text: string): ScramUsers {
  const users = new Map<string, string>();
  const bad = (line: number, what: string): SluiceError =>
    new SluiceError('SLUICE_AUTH_SCRAM_FILE', `${JSON.stringify(file)} line ${line}: ${what}`);
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const divide = line.lastIndexOf(MARK);
    if (divide <= 0) throw bad(index + 1, 'is not `user:SCRAM-SHA-256$…`');
    const user = line.slice(0, divide);
    const stored = line.slice(divide + 1);
    if (parseScramCredential(stored) === undefined)
      throw bad(index + 1, 'has no credential of the form iterations:salt$stored:server');
    if (users.has(user)) throw bad(index + 1, 'names a user for the second time');
    users.set(user, stored);
  }
  return users;
}

export function readScramFile(file: string): ScramUsers {
  try {
    return parseScramUsers(file, readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const cause = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new SluiceError('SLUICE_AUTH_SCRAM_FILE', `${JSON.stringify(file)} cannot be read: ${cause}`, { cause: error });
  }
}

export function scramCredentialOf(users: ScramUsers, user: string): ScramCredential | undefined {
  const stored = users.get(user);
  return stored === undefined ? undefined : parseScramCredential(stored);
}

/** The line of a user for the file. */
export function scramLine(user: string, password: string, salt?: Uint8Array, iterations?: number): string {
  return `${user}:${storedScram(password, salt, iterations)}`;
}

/** What is stored of a password: enough to check a proof, too little to make one. Takes milliseconds by intent. */
export function storedScram(password: string, salt: Uint8Array = randomBytes(16), iterations: number = ITERATIONS): string {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const key = (name: string): Buffer => createHmac('sha256', salted).update(name).digest();
  const storedKey = createHash('sha256').update(key('Client Key')).digest();
  const [saltText, stored, server] = [Buffer.from(salt), storedKey, key('Server Key')].map((bytes) => bytes.toString('base64'));
  return `SCRAM-SHA-256$${iterations}:${saltText}$${stored}:${server}`;
}
