/**
 * The built-in users: name, stored password, what SCRAM needs, groups. In memory, written to the document store before a change is reported as done.
 *
 * Bounds: USERS_MAX users; hashing waits in the password pool.
 */
import type { BuiltinUser } from '../../actors/access/messages.ts';
import { parseScramCredential } from '../../actors/authenticator/scram-sha-256.ts';
import { SluiceError } from '../../base/errors.ts';
import { USER_GROUPS_MAX, USERS_MAX } from '../../base/limits.ts';
import type { PasswordPool } from '../auth/password-pool.ts';
import { parseStoredPassword, type StoredPassword } from '../auth/stored-password.ts';
import type { DocumentStore } from './document-store.ts';

interface StoredUser {
  readonly hash: string;
  readonly scram: string;
  readonly superuser: boolean;
  readonly groups: readonly string[];
}

export interface User {
  readonly stored: StoredPassword;
  readonly scram: string;
  readonly superuser: boolean;
  readonly groups: readonly string[];
}

/** What may be told of a user. */
export interface UserSummary {
  readonly name: string;
  readonly superuser: boolean;
  readonly groups: readonly string[];
}

export interface UserChange {
  readonly password?: string;
  readonly superuser?: boolean;
  readonly groups?: readonly string[];
}

export class UserDirectory {
  readonly #store: DocumentStore;
  readonly #pool: PasswordPool;
  readonly #onChange: (name: string, user: BuiltinUser | null) => Promise<void>;
  #users: ReadonlyMap<string, StoredUser>;

  /** `onChange` tells those who check users elsewhere; null: it is gone. Throws when the store holds something else than users. */
  constructor(
    store: DocumentStore,
    pool: PasswordPool,
    onChange: (name: string, user: BuiltinUser | null) => Promise<void> = async () => {},
  ) {
    this.#store = store;
    this.#onChange = onChange;
    this.#pool = pool;
    this.#users = readUsers(store.read('users'));
  }

  get size(): number {
    return this.#users.size;
  }

  /** All of them, as reactors know them. */
  get everybody(): ReadonlyMap<string, BuiltinUser> {
    return new Map([...this.#users].map(([name, user]) => [name, builtin(user)] as const));
  }

  find(name: string): User | undefined {
    const user = this.#users.get(name);
    const stored = user === undefined ? undefined : parseStoredPassword(user.hash);
    return user === undefined || stored === undefined ? undefined : { ...user, stored };
  }

  summary(name: string): UserSummary | undefined {
    const user = this.#users.get(name);
    return user === undefined ? undefined : summarize(name, user);
  }

  /** Up to `limit` users behind `after`, by name. */
  list(after: string, limit: number): UserSummary[] {
    const names = [...this.#users.keys()].filter((name) => name > after).sort();
    return names.slice(0, limit).map((name) => summarize(name, this.#users.get(name)!));
  }

  /** False when there is one of this name. */
  async add(name: string, password: string, { superuser = false, groups = [] }: Omit<UserChange, 'password'>): Promise<boolean> {
    if (this.#users.has(name)) return false;
    if (this.#users.size >= USERS_MAX) throw new SluiceError('SLUICE_SECURITY_LIMIT', `there are ${USERS_MAX} users already`);
    const secrets = await this.#hash(password);
    if (this.#users.has(name)) return false;
    await this.#save(name, new Map(this.#users).set(name, { ...secrets, superuser, groups: bounded(groups) }));
    return true;
  }

  /** False when there is none of this name. */
  async change(name: string, { password, superuser, groups }: UserChange): Promise<boolean> {
    if (!this.#users.has(name)) return false;
    const secrets = password === undefined ? {} : await this.#hash(password);
    const user = this.#users.get(name);
    if (user === undefined) return false;
    const changed: StoredUser = {
      ...user,
      ...secrets,
      ...(superuser === undefined ? {} : { superuser }),
      ...(groups === undefined ? {} : { groups: bounded(groups) }),
    };
    await this.#save(name, new Map(this.#users).set(name, changed));
    return true;
  }

  async remove(name: string): Promise<boolean> {
    const users = new Map(this.#users);
    if (!users.delete(name)) return false;
    await this.#save(name, users);
    return true;
  }

  /** In force at once, so that what follows builds on it; taken back when it cannot be kept. */
  async #save(name: string, users: ReadonlyMap<string, StoredUser>): Promise<void> {
    const before = this.#users;
    this.#users = users;
    try {
      await this.#store.write('users', Object.fromEntries(users));
    } catch (error) {
      if (this.#users === users) this.#users = before;
      throw error;
    }
    const user = users.get(name);
    await this.#onChange(name, user === undefined ? null : builtin(user));
  }

  async #hash(password: string): Promise<Pick<StoredUser, 'hash' | 'scram'>> {
    const secrets = await this.#pool.hash(password);
    if (secrets === undefined) throw new SluiceError('SLUICE_SECURITY_BUSY', 'too many passwords wait to be hashed');
    return secrets;
  }
}

function bounded(groups: readonly string[]): readonly string[] {
  const unique = [...new Set(groups)];
  if (unique.length > USER_GROUPS_MAX)
    throw new SluiceError('SLUICE_SECURITY_LIMIT', `a user has ${USER_GROUPS_MAX} groups at most`);
  return unique;
}

function builtin({ scram, superuser, groups }: StoredUser): BuiltinUser {
  return { scram, superuser, groups };
}

function summarize(name: string, { superuser, groups }: StoredUser): UserSummary {
  return { name, superuser, groups };
}

function readUsers(document: unknown): ReadonlyMap<string, StoredUser> {
  if (document === undefined) return new Map();
  const entries = typeof document === 'object' && document !== null ? Object.entries(document) : [['', undefined]];
  const users = new Map<string, StoredUser>();
  for (const [name, value] of entries as [string, StoredUser | undefined][]) {
    const isSound =
      typeof value?.hash === 'string' &&
      parseStoredPassword(value.hash) !== undefined &&
      parseScramCredential(value.scram) !== undefined &&
      typeof value.superuser === 'boolean' &&
      Array.isArray(value.groups);
    if (!isSound) throw new SluiceError('SLUICE_SECURITY_STORE', 'the stored users are not what this version writes');
    users.set(name, value);
  }
  return users;
}
