/** The links `mysql`, `postgresql` and `redis`: the stored password of a user from a database. */
import { isTrue, type UserRow, type UserStore } from '../../backends/back-end.ts';
import type { Config } from '../../config/schema.ts';
import { BackEndError } from '../../security/failure-log.ts';
import { templateValues } from '../credentials-template.ts';
import { type AuthLink, type Credentials, type Decision, IGNORE } from '../link.ts';
import type { PasswordPool } from '../password-pool.ts';
import { parseStoredPassword, pbkdf2Password, type StoredPassword } from '../stored-password.ts';
import { checkPassword } from './password.ts';

type HashSettings = Config['backend']['hash'];

export class UserStoreLink implements AuthLink {
  readonly name: 'mysql' | 'postgresql' | 'redis';
  readonly #store: UserStore;
  readonly #hash: HashSettings;
  readonly #pool: PasswordPool;

  constructor(name: 'mysql' | 'postgresql' | 'redis', store: UserStore, hash: HashSettings, pool: PasswordPool) {
    this.name = name;
    this.#store = store;
    this.#hash = hash;
    this.#pool = pool;
  }

  async authenticate(credentials: Credentials): Promise<Decision> {
    const { username, clientId, password } = credentials;
    const row = await this.#store.findUser(templateValues(credentials));
    if (row === undefined) return IGNORE;
    const stored = storedPassword(row, this.#hash);
    if (stored === undefined) throw new BackEndError('a stored password is of another form than backend.hash says');
    const groups = row.user_groups === undefined ? [] : row.user_groups.split(',').map((name) => name.trim());
    return checkPassword(this.#pool, username ?? clientId, password, stored, { superuser: isTrue(row.is_superuser), groups });
  }
}

/** Undefined when the row holds no password of the form that it is said to have. */
export function storedPassword({ password_hash: text, salt }: UserRow, settings: HashSettings): StoredPassword | undefined {
  if (text === undefined) return undefined;
  const { algorithm } = settings;
  if (algorithm === 'auto') return parseStoredPassword(text);
  if (algorithm === 'plain') return { kind: 'plain', text };
  if (!/^([0-9a-fA-F]{2})+$/.test(text)) return undefined;
  const hash = Buffer.from(text, 'hex');
  const saltBytes = Buffer.from(salt ?? '');
  const digest = algorithm.endsWith('sha256') ? 'sha256' : 'sha512';
  if (algorithm.startsWith('pbkdf2')) return pbkdf2Password(digest, settings.iterations, saltBytes, hash);
  if (hash.length !== (digest === 'sha256' ? 32 : 64)) return undefined;
  return { kind: 'digest', digest, salt: saltBytes, saltFirst: settings.salt_position === 'prefix', hash };
}
