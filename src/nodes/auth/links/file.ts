/** The link `file`: users and hashes of a file, in memory until the file is read again. */
import { type AuthLink, type Credentials, type Decision, IGNORE } from '../link.ts';
import type { PasswordPool } from '../password-pool.ts';
import { readUsersFile, type Users } from '../users-file.ts';
import { checkPassword } from './password.ts';

export class FileLink implements AuthLink {
  readonly name = 'file';
  readonly #file: string;
  readonly #pool: PasswordPool;
  #users: Users;

  /** Throws when the file is bad. */
  constructor(file: string, pool: PasswordPool) {
    this.#file = file;
    this.#pool = pool;
    this.#users = readUsersFile(file);
  }

  /** Throws and keeps the users when the file has become bad. */
  reload(): void {
    this.#users = readUsersFile(this.#file);
  }

  async authenticate({ username, password }: Credentials): Promise<Decision> {
    const stored = username === undefined ? undefined : this.#users.get(username);
    return stored === undefined ? IGNORE : checkPassword(this.#pool, username!, password, stored);
  }
}
