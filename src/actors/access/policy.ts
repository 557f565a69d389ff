/**
 * The access policy of one reactor: the rules that are in memory, the bans, and the clients that have rights under it. Owned by the reactor's thread; the access
 * actor brings it what main sends.
 */

import { parseScramCredential, type ScramCredential } from '../authenticator/scram-sha-256.ts';
import { AddressList } from './address-list.ts';
import { BanTable } from './bans.ts';
import type { FlappingOptions } from './flapping.ts';
import type { Ban, BuiltinUser, Identity, Rule, RuleBook } from './messages.ts';
import { Rights, type RightsPolicy, type RuleSource } from './rights.ts';
import { type ClientRule, RuleTable } from './rules.ts';

export interface AccessOptions {
  /** In the order in which they are asked; none: everything is allowed. */
  readonly sources: readonly RuleSource[];
  /** What happens when no source says anything. `loopback`: clients of this machine may, others may not. */
  readonly noMatch: 'loopback' | 'allow' | 'deny';
  readonly checksDeliveries: boolean;
  /** Where deliveries are checked, every subscription is granted. */
  readonly grantsSubscriptions: boolean;
  readonly denyOnFailure: boolean;
  /** A client that publishes what it may not is disconnected; otherwise its message is dropped. */
  readonly disconnectsOnDenial: boolean;
  /** Null: nobody counts how often a client connects. */
  readonly flapping: FlappingOptions | null;
  /** How long what was fetched or asked counts, milliseconds. */
  readonly cacheMs: number;
}

/** A session with rights, as the policy sees it. */
export interface RightsHolder {
  readonly rights: Rights | null;
  readonly identity: Identity;
  /** What it has remembered of its rights does not count any more. */
  rightsChanged(): void;
  /** Who is traced has changed. */
  traceChanged(): void;
  /** It is banned. */
  expel(): void;
}

const LOOPBACK = new AddressList(['127.0.0.0/8', '::1']);
/** Share of the cache time after which something is due: looked at in quarters, nothing gets older than the whole. */
const DUE_SHARE = 0.75;

export class AccessPolicy {
  readonly options: AccessOptions;
  /** As in the options, until it is changed. */
  flapping: FlappingOptions | null;
  readonly #tables = new Map<string, RuleTable>();
  readonly #holders = new Set<RightsHolder>();
  readonly #onChange: () => void;
  /** Credentials of the SCRAM file, as they are stored there, by user name; they come before those of built-in users. */
  scramFile: ReadonlyMap<string, string> = new Map();
  #bans = new BanTable();
  /** The built-in users, for SCRAM. */
  #users = new Map<string, BuiltinUser>();
  #lastId = 0;

  /** `onChange`: who gets what may be different from now on. */
  constructor(
    options: AccessOptions,
    book: RuleBook = {},
    bans: readonly Ban[] = [],
    onChange: () => void = () => {},
    users: ReadonlyMap<string, BuiltinUser> = new Map(),
  ) {
    this.#users = new Map(users);
    this.options = options;
    this.flapping = options.flapping;
    this.#onChange = onChange;
    this.#bans = new BanTable(bans);
    for (const [source, rules] of Object.entries(book)) this.#tables.set(source, new RuleTable(rules));
  }

  get isOpen(): boolean {
    return this.options.sources.length === 0 && this.options.noMatch !== 'deny';
  }

  /** Null: the client may do everything. `claims`: the rules that its authentication has brought. */
  rightsOf(identity: Identity, claims: readonly Rule[] | undefined): Rights | null {
    return this.isOpen ? null : new Rights(this.#policyFor(identity), identity, claims);
  }

  #policyFor(identity: Identity): RightsPolicy {
    const { sources, noMatch, checksDeliveries, grantsSubscriptions, denyOnFailure, disconnectsOnDenial } = this.options;
    return {
      sources,
      allowByDefault: noMatch === 'allow' || (noMatch === 'loopback' && isLocal(identity.address)),
      checksDeliveries,
      grantsSubscriptions,
      denyOnFailure,
      disconnectsOnDenial,
      bookRules: (source, of): readonly ClientRule[] => this.#tables.get(source)?.rulesFor(of) ?? [],
      newId: () => ++this.#lastId,
      rulesChanged: () => {
        if (checksDeliveries) this.#onChange();
      },
    };
  }

  /** A client has connected here: the reactor that its id belongs to counts. */
  noteConnect(clientId: string): void {
    if (this.flapping !== null) this.onConnect(clientId);
  }

  /** Set by the access actor. */
  onConnect: (clientId: string) => void = () => {};

  enter(holder: RightsHolder): void {
    this.#holders.add(holder);
  }

  leave(holder: RightsHolder): void {
    this.#holders.delete(holder);
  }

  tracesChanged(): void {
    for (const holder of this.#holders) holder.traceChanged();
  }

  /** What is kept of the topics of clients does not count any more: plans of topics have changed. */
  forgetTopics(): void {
    for (const holder of this.#holders) holder.rightsChanged();
  }

  replaceRules(source: string, rules: readonly Rule[]): void {
    this.#tables.set(source, new RuleTable(rules));
    for (const holder of this.#holders) {
      holder.rights?.renew('book');
      holder.rightsChanged();
    }
    this.#onChange();
  }

  replaceUsers(users: Iterable<readonly [name: string, user: BuiltinUser]>): void {
    this.#users = new Map(users);
  }

  changeUser(name: string, user: BuiltinUser | null): void {
    if (user === null) this.#users.delete(name);
    else this.#users.set(name, user);
  }

  scramCredentialOf(name: string): ScramCredential | undefined {
    const user = this.#users.get(name);
    return user === undefined ? undefined : parseScramCredential(user.scram);
  }

  /** What goes with a built-in user; nothing for others. */
  builtinUser(name: string): Partial<Pick<BuiltinUser, 'superuser' | 'groups'>> {
    const user = this.#users.get(name);
    return user === undefined ? {} : { superuser: user.superuser, groups: user.groups };
  }

  /** To be called four times per cache time: renews what is due. `now` is the thread's clock. */
  sweep(now: number): void {
    const dueBefore = now - this.options.cacheMs * DUE_SHARE;
    for (const holder of this.#holders) {
      if (holder.rights === null || holder.rights.oldestAt > dueBefore) continue;
      holder.rights.renew('everything');
      holder.rightsChanged();
    }
  }

  /** `now` is milliseconds since the epoch. */
  replaceBans(bans: readonly Ban[], now: number): void {
    this.#bans = new BanTable(bans);
    if (bans.length === 0) return;
    for (const holder of [...this.#holders]) if (this.#bans.forbids(holder.identity, now)) holder.expel();
  }

  forbids(identity: Identity, now: number): boolean {
    return this.#bans.forbids(identity, now);
  }

  forbidsAddress(address: string, now: number): boolean {
    return this.#bans.size > 0 && this.#bans.forbidsAddress(address, now);
  }

  inspect(): unknown {
    return { sources: this.options.sources.map(({ name }) => name), clients: this.#holders.size, bans: this.#bans.size };
  }
}

/** A client without an address has come by a socket of this machine. */
function isLocal(address: string): boolean {
  return address === '' || LOOPBACK.has(address);
}
