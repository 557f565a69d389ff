/** The configuration's listeners, those of the plain keys and those of `[[mqtt.listeners]]`, as one list in which nothing is left to inherit. */
import type { ListenerSettings, ListenerType } from '../../actors/listener/settings.ts';
import { SluiceError } from '../../base/errors.ts';
import { LISTENERS_MAX } from '../../base/limits.ts';
import { chainPlan, offersScram } from '../auth/chains.ts';
import type { LimitsTable, ListenerTable, TlsTable } from '../config/listener-schema.ts';
import type { Config } from '../config/schema.ts';
import { sessionLimits } from '../session-limits.ts';
import type { Bind } from './bind.ts';

export interface ListenerSpec {
  readonly bind: Bind;
  readonly settings: ListenerSettings;
  /** Where its certificates are; `settings.tls` is undefined until they have been read. */
  readonly tlsFiles: TlsTable | undefined;
}

const BUILT_IN: readonly string[] = ['tcp', 'tls', 'ws', 'wss'];
const MODE_DEFAULT = '0600';
const WEBSOCKET: ReadonlySet<ListenerType> = new Set(['ws', 'wss']);
const ENCRYPTED: ReadonlySet<ListenerType> = new Set(['tls', 'wss', 'quic']);

export function listenerSpecs(config: Config, reactors: number): ListenerSpec[] {
  const { mqtt } = config;
  const specs: ListenerSpec[] = [];
  const withCertificate = mqtt.tls.cert_file !== '';
  const withKeys = mqtt.tls.psk_file !== '';
  if (withCertificate && withKeys)
    throw bad('mqtt.tls.psk_file', 'there are certificates or shared keys, not both; use mqtt.listeners for a second kind');
  for (const type of ['tcp', 'tls', 'ws', 'wss'] as const) {
    const { host, port } = mqtt[type];
    if (port < 0 || (ENCRYPTED.has(type) && !withCertificate && !(type === 'tls' && withKeys))) continue;
    specs.push(specOf(config, { name: type, type, host, port }, `mqtt.${type}.port`, reactors));
  }
  const tables = mqtt.listeners as unknown as readonly ListenerTable[];
  for (const [i, table] of tables.entries()) {
    const key = `mqtt.listeners[${i}]`;
    if (table.enabled === false) continue;
    check(table, key, specs);
    checkChain(config, table, key);
    specs.push(specOf(config, table, key, reactors));
  }
  if (specs.length > LISTENERS_MAX)
    throw bad('mqtt.listeners', `there are ${specs.length} listeners, more than ${LISTENERS_MAX}`);
  return specs;
}

function bad(key: string, what: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_BAD_VALUE', `${key}: ${what}`);
}

function check(table: ListenerTable, key: string, others: readonly ListenerSpec[]): void {
  const { name, type, path } = table;
  if (BUILT_IN.includes(name)) throw bad(`${key}.name`, `${name} is the listener of mqtt.${name}`);
  if (others.some(({ settings }) => settings.name === name)) throw bad(`${key}.name`, `there are two listeners ${name}`);
  if (type === 'unix') {
    if (path === undefined) throw bad(key, 'a listener of type unix needs a path');
    if (table.port !== undefined || table.host !== undefined) throw bad(key, 'a listener of type unix has neither host nor port');
  } else if (table.port === undefined) {
    throw bad(key, `a listener of type ${type} needs a port`);
  }
  if (type === 'quic' && table.proxy_protocol === true)
    throw bad(`${key}.proxy_protocol`, 'PROXY headers are not spoken over QUIC');
  if (path !== undefined && WEBSOCKET.has(type) && !path.startsWith('/') && path !== '*')
    throw bad(`${key}.path`, 'the path of a URL begins with /; * is every path');
  if (path !== undefined && type !== 'unix' && !WEBSOCKET.has(type)) throw bad(`${key}.path`, `type ${type} has no path`);
  if (table.tls !== undefined && !ENCRYPTED.has(type)) throw bad(`${key}.tls`, `type ${type} is not encrypted`);
}

function checkChain(config: Config, { auth = '' }: ListenerTable, key: string): void {
  const names = [...chainPlan(config).keys()];
  if (names.includes(auth)) return;
  const known = names.filter((name) => name !== '').join(', ');
  throw bad(`${key}.auth`, `there is no chain ${auth} in auth.chains${known === '' ? '' : `; there are ${known}`}`);
}

function specOf(config: Config, table: ListenerTable, key: string, reactors: number): ListenerSpec {
  const { mqtt } = config;
  const chains = chainPlan(config);
  const { name, type, proxy_protocol = false, auth = '', mountpoint = '', origins = mqtt.ws.origins } = table;
  const limits: LimitsTable = { ...mqtt, ...table.limits };
  const rate = { ...mqtt.rate, ...table.rate };
  const tlsFiles = ENCRYPTED.has(type) ? tlsFilesOf(config, table, key) : undefined;
  return {
    bind: bindOf(table, key),
    tlsFiles,
    settings: {
      name,
      type,
      authChain: auth,
      authenticates: chains.get(auth)!.length > 0,
      scram: offersScram(config, auth),
      mountpoint,
      limits: listenerLimits(config, limits, rate, reactors),
      intake: {
        connectionsMax: limits.connections_max,
        nodeConnectionsMax: mqtt.connections_max,
        ratePerSecond: rate.listener_connects / reactors,
        handshakesMax: limits.handshakes_max,
        handshakeTimeoutMs: limits.handshake_timeout_ms,
      },
      proxyProtocol: proxy_protocol,
      tcpKeepAliveMs: mqtt.tcp_keep_alive_s * 1000,
      upgrade: WEBSOCKET.has(type) ? { path: table.path ?? mqtt.ws.path, origins } : undefined,
      tls: undefined,
    },
  };
}

/** A table that brings certificates of its own has nothing to do with the keys of `mqtt.tls`, and the other way round. */
function tlsFilesOf({ mqtt }: Config, { type, tls = {} }: ListenerTable, key: string): TlsTable {
  const { cert_file = '', psk_file = '' } = tls;
  if (cert_file !== '' && psk_file !== '') throw bad(`${key}.tls.psk_file`, 'there are certificates or shared keys, not both');
  const other = psk_file !== '' ? { cert_file: '', key_file: '', sni: [] } : cert_file !== '' ? { psk_file: '' } : {};
  const files = { ...mqtt.tls, ...other, ...tls };
  if (files.psk_file !== '' && type !== 'tls')
    throw bad(`${key}.tls`, `type ${type} needs cert_file and key_file, shared keys are for type tls`);
  if (files.psk_file === '' && files.cert_file === '') throw bad(`${key}.tls`, `type ${type} needs cert_file and key_file`);
  return files;
}

/** How shares are dealt out is the node's to say, not a listener's. */
function listenerLimits(
  config: Config,
  limits: LimitsTable,
  rate: Config['mqtt']['rate'],
  reactors: number,
): ListenerSettings['limits'] {
  const available = limits.retained_available ?? config.mqtt.retained.available;
  const mqtt = { ...config.mqtt, ...limits, rate, retained: { ...config.mqtt.retained, available } };
  const { sharing: _, ...own } = sessionLimits({ mqtt }, reactors);
  return own;
}

function bindOf(
  { type, host = '127.0.0.1', port = 0, path = '', mode = MODE_DEFAULT, ipv6_only }: ListenerTable,
  key: string,
): Bind {
  if (type === 'unix') return { path, mode: Number.parseInt(mode, 8), key: `${key}.path` };
  const portKey = key.endsWith('.port') ? key : `${key}.port`;
  return { host, port, key: portKey, ...(ipv6_only === undefined ? {} : { ipv6Only: ipv6_only }) };
}
