/**
 * The built-in users: name, stored password, what SCRAM needs, groups. In memory; a change is kept before it is reported as done.
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
import { KeptEntries } from './kept-entries.ts';

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

/** Null: the user is gone. */
export type UserChanges = ReadonlyMap<string, BuiltinUser | null>;

export class UserDirectory {
  readonly kept: KeptEntries<StoredUser>;
  readonly #pool: PasswordPool;

  /** `onChange` tells those who check users elsewhere. Throws when the store holds something else than users. */
  constructor(
    store: DocumentStore,
    pool: PasswordPool,
    onChange: (changes: UserChanges) => Promise<void> = async () => {},
    isShared = false,
  ) {
    this.#pool = pool;
    this.kept = new KeptEntries<StoredUser>({
      store,
      document: 'users',
      isShared,
      read: readUsers,
      write: (users) => Object.fromEntries(users),
      parse: (value) => (isSound(value) ? value : undefined),
      onChange: (changes) =>
        onChange(new Map([...changes].map(([name, user]) => [name, user === undefined ? null : builtin(user)] as const))),
    });
  }

  get #users(): ReadonlyMap<string, StoredUser> {
    return this.kept.entries;
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
    const user: StoredUser = { ...secrets, superuser, groups: bounded(groups) };
    return this.kept.update(name, (before) => (before === undefined ? user : undefined));
  }

  /** False when there is none of this name. */
  async change(name: string, { password, superuser, groups }: UserChange): Promise<boolean> {
    if (!this.#users.has(name)) return false;
    const secrets = password === undefined ? {} : await this.#hash(password);
    const changes = {
      ...secrets,
      ...(superuser === undefined ? {} : { superuser }),
      ...(groups === undefined ? {} : { groups: bounded(groups) }),
    };
    return this.kept.update(name, (before) => (before === undefined ? undefined : { ...before, ...changes }));
  }

  remove(name: string): Promise<boolean> {
    return this.kept.update(name, (before) => (before === undefined ? undefined : null));
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

function readUsers(document: unknown): Map<string, StoredUser> {
  if (document === undefined) return new Map();
  const entries = typeof document === 'object' && document !== null ? Object.entries(document) : [['', undefined]];
  const users = new Map<string, StoredUser>();
  for (const [name, value] of entries as [string, unknown][]) {
    if (!isSound(value)) throw new SluiceError('SLUICE_SECURITY_STORE', 'the stored users are not what this version writes');
    users.set(name, value);
  }
  return users;
}

function isSound(value: unknown): value is StoredUser {
  const { hash, scram, superuser, groups } = (value ?? {}) as Partial<StoredUser>;
  return (
    typeof hash === 'string' &&
    parseStoredPassword(hash) !== undefined &&
    typeof scram === 'string' &&
    parseScramCredential(scram) !== undefined &&
    typeof superuser === 'boolean' &&
    Array.isArray(groups)
  );
}
