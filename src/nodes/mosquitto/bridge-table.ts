/** A `connection` of a mosquitto.conf as a table of `mqtt.bridges`. */
import { hostname } from 'node:os';
import type { BridgeTable, BridgeTopicTable } from '../config/bridge-schema.ts';
import { confError } from './conf-lines.ts';
import type { ConfBridge, Given, Section } from './read-conf.ts';

const PORT_DEFAULT = 1883;
/** Seconds, as mosquitto has it. */
const RESTART_BASE = 5;
const RESTART_CAP = 30;
const PROTOCOLS = { mqttv31: '3.1.1', mqttv311: '3.1.1', mqttv50: '5.0' } as const;

export interface BridgeMapping {
  readonly table: BridgeTable;
  readonly warnings: readonly string[];
}

export function bridgeTable({ name: given, where, options }: ConfBridge): BridgeMapping {
  const warnings: string[] = [];
  const name =
    given
      .replace(/^[^A-Za-z0-9]+/, '')
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .slice(0, 63) || 'bridge';
  if (name !== given) warnings.push(`connection ${given} is called ${name} here`);
  const tls = tlsOf(options);
  if (tls?.verify === false) warnings.push('bridge_insecure true takes any certificate, not only one of another name');
  if (options.text('bridge_protocol_version') === 'mqttv31') warnings.push('a bridge speaks MQTT 3.1.1 instead of 3.1');
  const version = (options.text('bridge_protocol_version') || 'mqttv311') as keyof typeof PROTOCOLS;
  const { min, max } = restartOf(options);
  const username = textOf(options, 'remote_username', 'username');
  const password = textOf(options, 'remote_password', 'password');
  const table: BridgeTable = {
    name,
    urls: urlsOf(options, where, tls === undefined ? 'mqtt' : 'mqtts'),
    protocol: PROTOCOLS[version],
    client_id: textOf(options, 'remote_clientid', 'clientid') ?? `${hostname()}.${given}`,
    clean_start: options.isOn('cleansession'),
    keep_alive_s: options.number('keepalive_interval', 60),
    notifications: options.isOn('notifications', true),
    reconnect_min_ms: min * 1000,
    reconnect_max_ms: max * 1000,
    topics: topicsOf(options, where),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
  };
  return { table, warnings };
}

/** The newer name, or the older. */
function textOf(options: Section, name: string, older: string): string | undefined {
  return options.text(name) || options.text(older) || undefined;
}

function urlsOf(options: Section, where: string, scheme: string): string[] {
  const addresses = `${options.text('address')} ${options.text('addresses')}`.trim();
  if (addresses === '') throw confError(where, 'the connection has no address');
  return addresses.split(/\s+/).map((address) => {
    const [, host, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(address) ?? [];
    if (host === undefined) throw confError(where, `${address} is no address of a broker`);
    return `${scheme}://${host}:${port ?? PORT_DEFAULT}`;
  });
}

function tlsOf(options: Section): BridgeTable['tls'] {
  const [ca, cert, key] = ['bridge_cafile', 'bridge_certfile', 'bridge_keyfile'].map((name) => options.text(name)) as [
    string,
    string,
    string,
  ];
  const isOn = ca !== '' || cert !== '' || options.get('bridge_capath') !== undefined || options.isOn('bridge_tls_use_os_certs');
  if (!isOn) return undefined;
  return {
    ...(ca === '' ? {} : { ca_file: ca }),
    ...(cert === '' ? {} : { cert_file: cert }),
    ...(key === '' ? {} : { key_file: key }),
    verify: !options.isOn('bridge_insecure'),
  };
}

/** `restart_timeout SECONDS`, or `restart_timeout BASE CAP`. */
function restartOf(options: Section): { min: number; max: number } {
  const given = options.get<string>('restart_timeout');
  if (given === undefined) return { min: RESTART_BASE, max: RESTART_CAP };
  const [, base, cap] = /^(\d{1,4})(?:\s+(\d{1,4}))?$/.exec(given.value) ?? [];
  const [min, max] = [Number(base), Number(cap ?? base)];
  if (base === undefined || min < 1 || max < min || max > 3600)
    throw confError(given.where, 'restart_timeout is seconds from 1 to 3600, or two of them, the lesser first');
  return { min, max };
}

function topicsOf(options: Section, where: string): BridgeTopicTable[] {
  const topics = options.all('topic') as readonly Given<string>[];
  if (topics.length === 0) throw confError(where, 'the connection has no topic');
  return topics.map(topicOf);
}

/** `topic PATTERN [[[out | in | both] QOS] LOCAL-PREFIX REMOTE-PREFIX]`; `""` is nothing. */
function topicOf({ value, where }: Given<string>): BridgeTopicTable {
  const words = value.split(/\s+/).map((word) => (word === '""' ? '' : word));
  const [filter = '', direction = 'out', qos = '0', localPrefix = '', remotePrefix = ''] = words;
  if (words.length > 5) throw confError(where, 'topic has at most five words');
  if (direction !== 'out' && direction !== 'in' && direction !== 'both')
    throw confError(where, `${direction} is no direction: out, in or both`);
  if (!/^[012]$/.test(qos)) throw confError(where, `${qos} is no QoS`);
  return {
    direction,
    filter,
    qos: Number(qos) as 0 | 1 | 2,
    ...(localPrefix === '' ? {} : { local_prefix: localPrefix }),
    ...(remotePrefix === '' ? {} : { remote_prefix: remotePrefix }),
  };
}
