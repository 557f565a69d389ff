/**
 * Main's side of security: the password pool, the chains, the built-in users, rules and bans, and how they come into force on the reactors. Made before the
 * reactors start, told of their system when they have.
 */
import { availableParallelism } from 'node:os';
import {
  type AccessMessage,
  AUTHORIZER_SLOT,
  type BuiltinUser,
  FLAPPING_SLOT,
  type Identity,
  type Rule,
} from '../../actors/access/messages.ts';
import { AccessPolicy } from '../../actors/access/policy.ts';
import type { Authorizer } from '../../actors/access/rights.ts';
import { AUTHENTICATOR_SLOT, type AuthenticateReply, type AuthenticateRequest } from '../../actors/authenticator/messages.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { ACCESS_ATTEMPTS_MAX, ACCESS_TIMEOUT_MS } from '../../base/limits.ts';
import { AskError } from '../../runtime/ask-error.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import { accessOptions, asksBackEnds, flappingOptions, ruleSources } from '../access/access-options.ts';
import { AuthorizerActor, BackEndAuthorizer } from '../access/authorizer.ts';
import { readRuleFile } from '../access/rule-file.ts';
import { AuditLog } from '../admin/audit-log.ts';
import { addBanRoutes } from '../admin/ban-routes.ts';
import { AdminGuard } from '../admin/guard.ts';
import { type AccessQuestion, addRuleRoutes } from '../admin/rule-routes.ts';
import { addUserRoutes } from '../admin/user-routes.ts';
import { Authenticator } from '../auth/actor.ts';
import { type ChainPolicy, runChain } from '../auth/chain.ts';
import { chainPlan, makeChains, namedFile, offersScramAnywhere, usersFiles } from '../auth/chains.ts';
import type { AuthLink, LinkName } from '../auth/link.ts';
import { BuiltinLink } from '../auth/links/builtin.ts';
import { FileLink } from '../auth/links/file.ts';
import { HttpLink } from '../auth/links/http.ts';
import { AnonymousLink, DenyLink, TlsLink } from '../auth/links/identity.ts';
import { UserStoreLink } from '../auth/links/user-store.ts';
import { PasswordPool } from '../auth/password-pool.ts';
import { readScramFile, type ScramUsers } from '../auth/scram-file.ts';
import { BackEnds } from '../backends/back-ends.ts';
import { type Drivers, loadDrivers, type StoreName } from '../backends/drivers.ts';
import type { Config } from '../config/schema.ts';
import type { HttpAdmin } from '../http-server.ts';
import { errorFields, type Log } from '../log.ts';
import type { TableSource } from '../meta/meta-table.ts';
import type { ReactorBoot } from '../reactor-boot.ts';
import { BanList } from './ban-list.ts';
import { type DocumentStore, FileDocumentStore } from './document-store.ts';
import { FailureLog } from './failure-log.ts';
import { FlappingBanner } from './flapping-banner.ts';
import { RuleList } from './rule-list.ts';
import { type UserChanges, UserDirectory } from './user-directory.ts';

/** Threads that check passwords. Two keep a login queue moving while scrypt takes 50 ms; but they never have all cores, for scrypt takes the memory's bandwidth as well. They run at a lower priority than reactors. */
const PASSWORD_THREADS = availableParallelism() > 2 ? 2 : 1;
/** Up to so many changed users are told one by one. */
const USERS_TOLD_ONE_BY_ONE = 64;

export class NodeSecurity {
  readonly users: UserDirectory;
  readonly rules: RuleList;
  readonly bans: BanList;
  #config: Config;
  readonly #log: Log;
  readonly #pool: PasswordPool;
  readonly #chains: ReadonlyMap<string, readonly AuthLink[]>;
  readonly #links: readonly AuthLink[];
  readonly #policy: ChainPolicy;
  readonly #failures: FailureLog;
  readonly #backEnds: BackEnds;
  readonly #guard: AdminGuard;
  readonly #store: DocumentStore;
  #fileRules: readonly Rule[];
  /** How often users have changed, so that nothing that was found out before is remembered. */
  #userChanges = 0;
  /** Credentials of `auth.scram_file`. */
  scramFile: ScramUsers;
  #system: ActorSystem | undefined;
  /** There when sources have to be asked. */
  #authorizer: BackEndAuthorizer | undefined;

  /** Rejects when a file or the store is bad. `isShared`: users, rules and bans are the metadata's, see `follow`. */
  static async start(config: Config, log: Log, isShared: boolean): Promise<NodeSecurity> {
    return new NodeSecurity(config, log, await loadDrivers(config), isShared);
  }

  private constructor(config: Config, log: Log, drivers: Drivers, isShared: boolean) {
    this.#config = config;
    this.#log = log;
    this.#failures = new FailureLog(log);
    this.#backEnds = new BackEnds(config, drivers.stores);
    this.#policy = { denyOnFailure: config.auth.on_error === 'deny', timeoutMs: config.auth.timeout_ms };
    const store = new FileDocumentStore(config.node.data);
    this.#store = store;
    this.#fileRules = this.#readRules();
    this.scramFile = readScramUsers(config);
    this.#pool = new PasswordPool({ threads: PASSWORD_THREADS, logN: config.auth.scrypt_log_n });
    this.#guard = new AdminGuard(config, this.#pool);
    this.users = new UserDirectory(store, this.#pool, (changes) => this.#usersChanged(changes), isShared);
    this.rules = new RuleList(store, (rules) => this.#broadcast({ type: 'rules', source: 'builtin', rules }), isShared);
    this.bans = new BanList(store, Date.now, (bans) => this.#broadcast({ type: 'bans', bans }), isShared);
    for (const { name, kind } of ruleSources(config)) {
      // Made now, so that what is missing stops the boot.
      if (kind === 'asked' && name !== 'plugin') this.#backEnds.http('acl');
      else if (kind === 'fetched') this.#backEnds.store(name as StoreName);
    }
    const { chains, links } = makeChains(chainPlan(config), usersFiles(config), (name, file) =>
      this.#makeLink(name, file, drivers),
    );
    this.#chains = chains;
    this.#links = links;
    void this.opened();
  }

  /** Resolves when passwords are checked at once. */
  async opened(): Promise<void> {
    if (this.authenticates) await this.#pool.open();
  }

  /** Whether sessions have somebody to ask who their client is. */
  get authenticates(): boolean {
    return this.#links.length > 0;
  }

  /** What a reactor that starts now begins with. */
  reactorBoot(): ReactorBoot['security'] {
    const book = { file: this.#fileRules, builtin: this.rules.rules };
    return {
      authenticates: this.authenticates,
      authorizes: asksBackEnds(this.#config),
      access: { options: accessOptions(this.#config), book, bans: this.bans.bans, users: this.#scramUsers },
    };
  }

  /** The reactors run; from now on changes are sent to them. */
  attach(system: ActorSystem): void {
    this.#system = system;
    // It began with what there was when it was started, and changes that came while it was starting have not reached it.
    system.onThreadChange((thread, state) => {
      if (state === 'up' && thread > 0) for (const message of this.#everything()) void this.#send(system, thread, message);
    });
    const onFailure = (source: string, error: unknown): void => this.#failures.report(source, error);
    if (asksBackEnds(this.#config)) {
      const authorizer = new BackEndAuthorizer({ backEnds: this.#backEnds, slots: system.slots, onFailure });
      this.#authorizer = authorizer;
      system.spawn(() => new AuthorizerActor(authorizer), { name: 'authorizer', wellKnown: AUTHORIZER_SLOT });
    }
    const ban = (clientId: string): void => void this.#banForFlapping(clientId);
    system.spawn(() => new FlappingBanner(ban), { name: 'flapping', wellKnown: FLAPPING_SLOT });
    if (!this.authenticates) return;
    const onError = (error: unknown): void => this.#log.error(errorFields(error), 'a client could not be checked');
    system.spawn(() => new Authenticator((request) => this.#authenticate(request, system.slots), onError), {
      name: 'authenticator',
      wellKnown: AUTHENTICATOR_SLOT,
    });
  }

  /**
   * Users, rules and bans go by the metadata from now on; until it has answered, by the copies that this node has. Resolves when they are in force. What a node has from before it shared them becomes
   * known to all.
   */
  async follow(meta: TableSource): Promise<void> {
    const brings = this.#store.read('shared') === undefined;
    const onError = (document: string, what: string, error?: unknown): void =>
      this.#log.error({ document, ...(error === undefined ? {} : errorFields(error)) }, what);
    await Promise.all([this.users, this.rules, this.bans].map(({ kept }) => kept.follow(meta, brings, onError)));
    if (brings) await this.#store.write('shared', true);
  }

  /** What the sources say now, but for rules that come with a client's credentials. */
  async ask(identity: Identity, { action, topic, qos, retain }: AccessQuestion): Promise<boolean> {
    const { options, book, bans } = this.reactorBoot().access;
    const policy = new AccessPolicy(options, book, bans);
    const rights = policy.rightsOf(identity, undefined);
    if (policy.forbids(identity, Date.now())) return false;
    if (rights === null) return true;
    const authorizer = this.#authorizer;
    const by: Authorizer = {
      fetchRules: (request, then) => void (authorizer?.rules(request) ?? Promise.resolve(undefined)).then(then),
      askPermit: (request, then) => void (authorizer?.permit(request) ?? Promise.resolve(undefined)).then(then),
    };
    const parsed = parseFilter(topic);
    return new Promise((resolve) => {
      if (action === 'publish') rights.resolvePublish(topic, qos, retain, 0, by, resolve);
      else if (parsed === undefined) resolve(false);
      else rights.resolveSubscribe(parsed.filter, qos, parsed.shareGroup !== undefined, 0, by, resolve);
    });
  }

  /** What the HTTP listener needs to let people manage all this. */
  httpAdmin(): HttpAdmin {
    const { http, node } = this.#config;
    return {
      guard: this.#guard,
      audit: new AuditLog({ folder: node.data, bytesMax: http.audit.bytes_max, filesMax: http.audit.files_max }, this.#log),
      addRoutes: (app) => {
        addUserRoutes(app, this.users);
        addRuleRoutes(app, this.rules, (identity, question) => this.ask(identity, question));
        addBanRoutes(app, this.bans, Date.now);
      },
    };
  }

  /** Reads the files again, and takes what can change of the configuration: throws, and keeps what was, when a file is bad. */
  async reload(config: Config): Promise<void> {
    const rules = this.#readRules();
    const scramFile = readScramUsers(this.#config);
    for (const link of this.#links) if (link instanceof FileLink) link.reload();
    this.#fileRules = rules;
    this.scramFile = scramFile;
    this.#config = config;
    await this.#broadcast({ type: 'flapping', options: flappingOptions(config) });
    await this.#forgetLogins();
    await this.#broadcast({ type: 'rules', source: 'file', rules });
    await this.#broadcast({ type: 'scram', users: [...scramFile] });
  }

  async close(): Promise<void> {
    await Promise.all([this.users, this.rules, this.bans].map(({ kept }) => kept.close()));
    await Promise.all([this.#backEnds.close(), this.#pool.close()]);
  }

  async #usersChanged(changes: UserChanges): Promise<void> {
    await this.#forgetLogins();
    if (!offersScramAnywhere(this.#config)) return;
    if (changes.size > USERS_TOLD_ONE_BY_ONE) return this.#broadcast({ type: 'users', users: [...this.#scramUsers] });
    for (const [name, user] of changes) await this.#broadcast({ type: 'user', name, user });
  }

  /** Resolves when no reactor lets anybody in because of what was right before. */
  #forgetLogins(): Promise<void> {
    this.#userChanges++;
    return this.authenticates ? this.#broadcast({ type: 'logins', changes: this.#userChanges }) : Promise.resolve();
  }

  /** Reactors know them only when it is of use. */
  get #scramUsers(): ReadonlyMap<string, BuiltinUser> {
    return offersScramAnywhere(this.#config) ? this.users.everybody : new Map();
  }

  /** Throws when a file is bad. */
  #readRules(): readonly Rule[] {
    if (!ruleSources(this.#config).some(({ name }) => name === 'file')) return [];
    const { file, files } = this.#config.acl;
    const ofListeners = files
      .map(namedFile)
      .flatMap(([listener, name]) => readRuleFile(name).map((rule) => ({ ...rule, listeners: [listener] })));
    return file === '' ? ofListeners : [...ofListeners, ...readRuleFile(file)];
  }

  #makeLink(name: LinkName, usersFile: string, drivers: Drivers): AuthLink {
    switch (name) {
      case 'file':
        return new FileLink(usersFile, this.#pool);
      case 'builtin':
        return new BuiltinLink(this.users, this.#pool);
      case 'tls':
        return new TlsLink();
      case 'anonymous':
        return new AnonymousLink();
      case 'deny':
        return new DenyLink();
      case 'jwt':
        return drivers.jwt!();
      case 'http':
        return new HttpLink(this.#backEnds.http('auth'));
      default:
        return new UserStoreLink(name, this.#backEnds.store(name), this.#config.backend.hash, this.#pool);
    }
  }

  #authenticate(request: AuthenticateRequest, slots: Float64Array): Promise<AuthenticateReply> {
    const links = this.#chains.get(request.connection.authChain);
    if (links === undefined) return Promise.resolve({ ok: false });
    if (links.length === 0) return Promise.resolve({ ok: true });
    const onFailure = (link: string, error: unknown): void => this.#failures.report(link, error);
    const support = { pool: this.#pool, slots, userChanges: this.#userChanges, onFailure };
    return runChain(links, request, this.#policy, support);
  }

  async #banForFlapping(clientId: string): Promise<void> {
    const seconds = this.#config.mqtt.flapping.ban_s;
    try {
      await this.bans.add({ kind: 'client', value: clientId, until: Date.now() + seconds * 1000, reason: 'connects too often' });
      this.#log.warn({ clientId, seconds }, 'a client that connects over and over is banned for a time');
    } catch (error) {
      this.#log.error(errorFields(error), 'a client that connects over and over could not be banned');
    }
  }

  #everything(): readonly AccessMessage[] {
    return [
      { type: 'flapping', options: flappingOptions(this.#config) },
      { type: 'logins', changes: this.#userChanges },
      { type: 'rules', source: 'file', rules: this.#fileRules },
      { type: 'rules', source: 'builtin', rules: this.rules.rules },
      { type: 'bans', bans: this.bans.bans },
      { type: 'scram', users: [...this.scramFile] },
      { type: 'users', users: [...this.#scramUsers] },
    ];
  }

  /** Resolves when every reactor that is up has it in force. */
  async #broadcast(message: AccessMessage): Promise<void> {
    const system = this.#system;
    if (system === undefined) return;
    await Promise.all(Array.from({ length: system.reactors }, (_, i) => this.#send(system, i + 1, message)));
  }

  async #send(system: ActorSystem, thread: number, message: AccessMessage): Promise<void> {
    const to = wellKnownRef<never>(system.node, thread, WELL_KNOWN.access);
    for (let attempt = 1; attempt <= ACCESS_ATTEMPTS_MAX; attempt++) {
      try {
        await system.ask(to, message, ACCESS_TIMEOUT_MS);
        return;
      } catch (error) {
        const failure = error instanceof AskError ? error.failure : 'failed';
        if (failure === 'not_found' || failure === 'unreachable') return; // it gets everything when it is back
        this.#log.warn({ thread, failure, attempt }, 'a reactor has not confirmed a change of rules or bans');
      }
    }
  }
}

function readScramUsers({ auth }: Config): ScramUsers {
  return auth.scram_file === '' ? new Map() : readScramFile(auth.scram_file);
}
