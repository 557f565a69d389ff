/**
 * What a mosquitto.conf means as configuration of a node, key by key, and what of it has no counterpart. Pure, but for the file and its folder of further ones.
 *
 * Where mosquitto's default lets more through than ours, mosquitto's holds (packets of any size, sessions that never expire); where it lets less through, ours does.
 */
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { ConfigValue } from '../config/keys.ts';
import { bridgeTable } from './bridge-table.ts';
import { confError } from './conf-lines.ts';
import { listenerTable, type Machine, type Table, takesIdentity } from './listener-table.ts';
import { CONF_OPTIONS } from './options.ts';
import { type ConfListener, type Given, type MosquittoConf, readMosquittoConf, type Section } from './read-conf.ts';

export interface MosquittoSettings {
  /** Values by key. */
  readonly values: ReadonlyMap<string, { readonly value: ConfigValue; readonly where: string }>;
  /** A line each. */
  readonly warnings: readonly string[];
}

const PACKET_BYTES_MAX = 268_435_460;
const EXPIRY_NEVER_S = 4_294_967_295;
const CONNECTIONS_UNBOUNDED = 10_000_000;
const QUEUE_MESSAGES_MAX = 10_000_000;
const QUEUE_BYTES_MAX = 8_589_934_592;
const IN_FLIGHT_MAX = 65_535;
const PACKET_BYTES_MIN = 64;
const SYS_INTERVAL_MAX_S = 3600;
const PORT_DEFAULT = 1883;

export function mosquittoSettings(file: string, machine: Machine = thisMachine()): MosquittoSettings {
  return new Mapping(file, readMosquittoConf(file), machine).run();
}

export function thisMachine(): Machine {
  const interfaces = networkInterfaces();
  return {
    hasIpv6: Object.values(interfaces).some((addresses) => addresses?.some(({ family }) => family === 'IPv6')),
    addressOf: (device) => interfaces[device]?.[0]?.address,
  };
}

class Mapping {
  readonly #file: string;
  readonly #conf: MosquittoConf;
  readonly #machine: Machine;
  readonly #values = new Map<string, { value: ConfigValue; where: string }>();
  readonly #warnings: string[] = [];
  readonly #warned = new Set<string>();

  constructor(file: string, conf: MosquittoConf, machine: Machine) {
    this.#file = file;
    this.#conf = conf;
    this.#machine = machine;
  }

  run(): MosquittoSettings {
    this.#mapNode();
    this.#mapLog();
    this.#mapListeners();
    this.#mapBridges();
    this.#warnOfTheRest();
    return { values: this.#values, warnings: this.#warnings };
  }

  #set(key: string, value: ConfigValue, where = this.#file): void {
    this.#values.set(key, { value, where });
  }

  #warn(where: string, what: string): void {
    this.#warnings.push(`${where}: ${what}`);
  }

  #mapNode(): void {
    const { node } = this.#conf;
    this.#copy('max_inflight_messages', 'mqtt.inflight_max', (count) => (count === 0 ? IN_FLIGHT_MAX : count));
    this.#copy('max_keepalive', 'mqtt.keep_alive_max_s');
    this.#copy('sys_interval', 'mqtt.sys_interval_s', (seconds) => Math.min(seconds, SYS_INTERVAL_MAX_S));
    this.#copy('max_queued_messages', 'mqtt.queue.messages_max', (count) =>
      count === 0 ? QUEUE_MESSAGES_MAX : Math.min(count, QUEUE_MESSAGES_MAX),
    );
    this.#copy('max_queued_bytes', 'mqtt.queue.bytes_max', (bytes) =>
      bytes === 0 ? QUEUE_BYTES_MAX : Math.min(bytes, QUEUE_BYTES_MAX),
    );
    const packet = node.get<number>('max_packet_size');
    this.#set('mqtt.max_packet_bytes', Math.max(packet?.value ?? PACKET_BYTES_MAX, PACKET_BYTES_MIN), packet?.where);
    const expiry = node.get<number>('persistent_client_expiration');
    this.#set('mqtt.session_expiry_max_s', Math.min(expiry?.value ?? EXPIRY_NEVER_S, EXPIRY_NEVER_S), expiry?.where);
    const connections = node.get<number>('global_max_connections');
    this.#set('mqtt.connections_max', bounded(connections?.value ?? -1), connections?.where);
    const retain = node.get<boolean>('retain_available');
    if (retain !== undefined) this.#set('mqtt.retained.available', retain.value, retain.where);
    const duplicates = node.get<boolean>('allow_duplicate_messages');
    if (duplicates !== undefined) this.#set('mqtt.overlap', duplicates.value ? 'separate' : 'merge', duplicates.where);
    const persistence = node.get<boolean>('persistence');
    this.#set('storage.enabled', persistence?.value ?? false, persistence?.where);
    const location = node.get<string>('persistence_location');
    if (location !== undefined) this.#set('node.data', join(location.value, 'sluice'), location.where);
  }

  #copy(name: string, key: string, convert: (value: number) => number = (value) => value): void {
    const given = this.#conf.node.get<number>(name);
    if (given !== undefined) this.#set(key, convert(given.value), given.where);
  }

  #mapLog(): void {
    const { node } = this.#conf;
    const types = node.all('log_type');
    const last = types.at(-1) ?? node.all('log_dest').at(-1);
    if (last === undefined) return;
    const isOff = node.all('log_dest').some(({ value }) => value === 'none') || types.some(({ value }) => value === 'none');
    const has = (...names: string[]): boolean => types.some(({ value }) => names.includes(value as string));
    const level = isOff
      ? 'silent'
      : has('all', 'debug')
        ? 'debug'
        : types.length === 0 || has('information', 'notice', 'subscribe', 'unsubscribe')
          ? 'info'
          : has('warning')
            ? 'warn'
            : 'error';
    this.#set('log.level', level, last.where);
    for (const { value, where } of node.all('log_dest'))
      if (value !== 'stderr' && value !== 'none')
        this.#warn(where, `log_dest ${value} has no counterpart: the log goes to stderr`);
  }

  #mapListeners(): void {
    const { listeners } = this.#conf;
    for (const type of ['tcp', 'ws'] as const) this.#set(`mqtt.${type}.port`, -1);
    const names = namesOf(listeners);
    const tables =
      listeners.length === 0 ? this.#localTables() : listeners.map((listener, i) => this.#tableOf(listener, names[i]!));
    this.#mapSecurity(names);
    this.#set('mqtt.listeners', tables as unknown as ConfigValue);
  }

  /** mosquitto without a listener serves this machine, on both kinds of address. */
  #localTables(): Table[] {
    const hosts = this.#machine.hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
    const limits = { connections_max: CONNECTIONS_UNBOUNDED };
    return hosts.map((host, i) => ({ name: i === 0 ? 'local' : 'local-6', type: 'tcp', host, port: PORT_DEFAULT, limits }));
  }

  #tableOf(listener: ConfListener, name: string): Table {
    const security = this.#conf.isPerListener ? listener.security : this.#conf.security;
    const table = listenerTable(listener, security, name, this.#machine);
    const chain = this.#chainOf(listener, name);
    return chain === '' ? table : { ...table, auth: chain };
  }

  /** '' is the chain of the node. */
  #chainOf(listener: ConfListener, name: string): string {
    if (takesIdentity(listener)) return CERTIFICATES;
    return this.#conf.isPerListener && linksOf(listener.security, false).length > 0 ? name : '';
  }

  #mapBridges(): void {
    const { bridges } = this.#conf;
    if (bridges.length === 0) return;
    const tables = bridges.map((bridge, i) => {
      const { table, warnings } = bridgeTable(bridge);
      for (const warning of warnings) this.#warn(bridge.where, warning);
      if (bridges.findIndex(({ name }) => name === bridge.name) < i)
        throw confError(bridge.where, `there is another connection ${bridge.name}`);
      return table;
    });
    this.#set('mqtt.bridges', tables as unknown as ConfigValue);
  }

  #mapSecurity(names: readonly string[]): void {
    const { security, isPerListener, listeners } = this.#conf;
    const chains: string[] = listeners.some(takesIdentity) ? [`${CERTIFICATES}=deny`] : [];
    const usersFiles: string[] = [];
    const aclFiles: string[] = [];
    const own = isPerListener ? [] : linksOf(security, listeners.length === 0);
    this.#set('auth.chain', own);
    if (!isPerListener) this.#mapCommonFiles(security);
    if (isPerListener) {
      for (const [i, listener] of listeners.entries()) {
        const name = names[i]!;
        const links = linksOf(listener.security, false);
        const [password, acl] = [listener.security.get<string>('password_file'), listener.security.get<string>('acl_file')];
        if (links.length > 0) chains.push(`${name}=${links.join('+')}`);
        if (password !== undefined) usersFiles.push(`${name}=${password.value}`);
        if (acl !== undefined) aclFiles.push(`${name}=${acl.value}`);
      }
    }
    this.#set('auth.chains', chains);
    this.#set('auth.users_files', usersFiles);
    this.#set('acl.files', aclFiles);
    // What a listener without a file of rules lets its clients do.
    this.#set('acl.no_match', 'allow');
    if (aclFiles.length > 0 || this.#values.has('acl.file')) {
      this.#set('acl.check_deliveries', true);
      this.#set('acl.grant_subscriptions', true);
    }
    this.#openTo();
    this.#mapEmptyIds();
  }

  #mapCommonFiles(security: Section): void {
    const [password, acl] = [security.get<string>('password_file'), security.get<string>('acl_file')];
    if (password !== undefined) this.#set('auth.users_file', password.value, password.where);
    if (acl !== undefined) this.#set('acl.file', acl.value, acl.where);
  }

  /** Everybody may come in where the file says so itself. */
  #openTo(): void {
    const { isPerListener, security, listeners } = this.#conf;
    const open = listeners
      .map((listener) => (isPerListener ? listener.security : security))
      .filter((each) => linksOf(each, false).length === 0)
      .map((each) => each.get<boolean>('allow_anonymous'));
    if (open[0] === undefined) return;
    this.#set('auth.insecure', true, open[0].where);
  }

  #mapEmptyIds(): void {
    const { isPerListener, security, listeners } = this.#conf;
    const given = (isPerListener ? listeners.map((listener) => listener.security) : [security]).map((each) =>
      each.get<boolean>('allow_zero_length_clientid'),
    );
    const refusal = given.find((each) => each?.value === false);
    if (refusal === undefined) return;
    this.#set('mqtt.client_id.empty', false, refusal.where);
    if (given.some((each) => each?.value !== false))
      this.#warn(refusal.where, 'allow_zero_length_clientid false holds for all listeners here');
  }

  #warnOfTheRest(): void {
    const { node, security, listeners, bridges, pluginOptions } = this.#conf;
    const ofListeners = listeners.flatMap(({ options, security: own }) => [options, own]);
    for (const section of [node, security, ...ofListeners, ...bridges.map(({ options }) => options)]) {
      for (const name of section.names()) this.#warnOf(name, section.all(name));
    }
    const [first] = pluginOptions;
    if (first !== undefined) this.#warn(first.where, `${first.value} has no counterpart: plugins of mosquitto cannot be loaded`);
  }

  /** Once for each option, however often it is there. */
  #warnOf(name: string, given: readonly Given[]): void {
    const option = CONF_OPTIONS.get(name)!;
    const found = given.find(({ value }) => option.instead !== undefined && value !== option.asIs);
    if (name === 'tls_version' && given[0]?.value === 'tlsv1.1' && !this.#warned.has(name)) {
      this.#warned.add(name);
      this.#warn(given[0].where, 'tls_version tlsv1.1 is not spoken: TLS begins with 1.2');
    }
    if (found === undefined || this.#warned.has(name)) return;
    this.#warned.add(name);
    this.#warn(found.where, `${name} has no counterpart: ${option.instead}`);
  }
}

/** The chain of listeners whose clients are who their certificates say: whoever's says nothing stays outside. */
const CERTIFICATES = 'certificates';

function bounded(connections: number): number {
  return connections < 1 ? CONNECTIONS_UNBOUNDED : Math.min(connections, CONNECTIONS_UNBOUNDED);
}

/** Who decides about clients there; nobody when all may come in. `isLocal`: there is no listener but the one of this machine. */
function linksOf(security: Section, isLocal: boolean): string[] {
  const takesAnonymous = security.isOn('allow_anonymous', isLocal);
  if (security.get('password_file') !== undefined) return takesAnonymous ? ['anonymous', 'file'] : ['file'];
  return takesAnonymous ? [] : ['deny'];
}

/** Distinct, and fit for logs and metrics. */
function namesOf(listeners: readonly ConfListener[]): string[] {
  const seen = new Map<string, number>();
  return listeners.map(({ port, options }) => {
    const kind = options.text('protocol') === 'websockets' ? 'ws' : 'mqtt';
    const base = port === 0 ? 'unix' : `${kind}-${port}`;
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    return count === 1 ? base : `${base}-${count}`;
  });
}
