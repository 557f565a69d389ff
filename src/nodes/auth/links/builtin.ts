/** The link `builtin`: the users that are managed over HTTP and by `sluice user`. */
import type { UserDirectory } from '../../security/user-directory.ts';
import { type AuthLink, type Credentials, type Decision, IGNORE } from '../link.ts';
import type { PasswordPool } from '../password-pool.ts';
import { checkPassword } from './password.ts';

export class BuiltinLink implements AuthLink {
  readonly name = 'builtin';
  readonly #directory: UserDirectory;
  readonly #pool: PasswordPool;

  constructor(directory: UserDirectory, pool: PasswordPool) {
    this.#directory = directory;
    this.#pool = pool;
  }

  async authenticate({ username, password }: Credentials): Promise<Decision> {
    const user = username === undefined ? undefined : this.#directory.find(username);
    if (user === undefined) return IGNORE;
    const { stored, superuser, groups } = user;
    return checkPassword(this.#pool, username!, password, stored, { superuser, groups });
  }
}
