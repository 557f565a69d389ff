/** A listener of a mosquitto.conf as a table of mqtt.listeners. Pure. */
import { confError } from './conf-lines.ts';
import type { ConfListener, Given, Section } from './read-conf.ts';

/** What the machine has to do with it. */
export interface Machine {
  readonly hasIpv6: boolean;
  /** The first address of a network interface; undefined when there is no such interface. */
  addressOf(device: string): string | undefined;
}

/** As it goes into the configuration. */
export interface Table {
  readonly name: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Where there are only suites of TLS 1.2 in a list of ciphers, Node takes that for a wish to do without TLS 1.3; OpenSSL and mosquitto do not. */
const TLS13_SUITES = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';
const MIN_VERSION: Readonly<Record<string, string>> = { 'tlsv1.1': 'TLSv1.2', 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' };
const CONNECTIONS_UNBOUNDED = 10_000_000;
const UNIX_MODE = '0777';
const EVERY_PATH = '*';

/** Whether its clients are who their certificates say, so that no password counts. */
export function takesIdentity({ options }: ConfListener): boolean {
  const wanted = options.isOn('use_identity_as_username') || options.isOn('use_subject_as_username');
  return wanted && options.isOn('require_certificate') && options.get('certfile') !== undefined;
}

/** `security` is what holds for the listener, be it its own or that of all. */
export function listenerTable(listener: ConfListener, security: Section, name: string, machine: Machine): Table {
  const { options, port, at } = listener;
  const isWebSocket = options.text('protocol') === 'websockets';
  const tls = sharedKeysOf(listener, security) ?? tlsOf(listener);
  const isUnix = port === 0;
  if (isUnix && (isWebSocket || tls !== undefined))
    throw confError(listener.where, 'a Unix socket speaks MQTT alone, without TLS and WebSocket');
  const type = isUnix ? 'unix' : isWebSocket ? (tls === undefined ? 'ws' : 'wss') : tls === undefined ? 'tcp' : 'tls';
  const mountpoint = options.get<string>('mount_point');
  const origins = options.all('websockets_origin').map(({ value }) => value as string);
  return {
    name,
    type,
    ...(isUnix ? { path: at, mode: UNIX_MODE } : { port, ...hostOf(listener, machine) }),
    ...(isWebSocket ? { path: EVERY_PATH } : {}),
    ...(isWebSocket && origins.length > 0 ? { origins } : {}),
    ...(options.get('enable_proxy_protocol') === undefined ? {} : { proxy_protocol: true }),
    ...(mountpoint === undefined ? {} : { mountpoint: checkMountPoint(mountpoint) }),
    ...(tls === undefined ? {} : { tls }),
    limits: limitsOf(listener),
  };
}

function hostOf({ options, at, where }: ConfListener, { hasIpv6, addressOf }: Machine): { host: string; ipv6_only?: boolean } {
  const device = options.get<string>('bind_interface');
  if (device !== undefined) {
    const host = addressOf(device.value);
    if (host === undefined) throw confError(device.where, `there is no interface ${device.value} with an address`);
    return { host };
  }
  const family = options.text('socket_domain');
  if (at !== '') return { host: at };
  if (family === 'ipv6') {
    if (!hasIpv6) throw confError(options.get('socket_domain')?.where ?? where, 'this machine has no IPv6');
    return { host: '::', ipv6_only: true };
  }
  return { host: family === 'ipv4' || !hasIpv6 ? '0.0.0.0' : '::' };
}

function checkMountPoint({ value, where }: Given<string>): string {
  if (!/^[^#+\0]{1,1024}\/$/.test(value))
    throw confError(
      where,
      'a mount_point has to end with / here, so that it is whole levels of a topic, and holds neither + nor #',
    );
  return value;
}

function limitsOf({ options }: ConfListener): Record<string, number> {
  const connections = options.number('max_connections', -1);
  const qos = options.get<number>('max_qos');
  const aliases = options.get<number>('max_topic_alias_broker');
  return {
    connections_max: connections < 1 ? CONNECTIONS_UNBOUNDED : connections,
    ...(qos === undefined ? {} : { qos_max: qos.value }),
    ...(aliases === undefined ? {} : { topic_aliases_out_max: aliases.value }),
  };
}

function sharedKeysOf({ options }: ConfListener, security: Section): Record<string, string> | undefined {
  const hint = options.get<string>('psk_hint');
  if (hint === undefined) return undefined;
  const keys = security.get<string>('psk_file');
  if (keys === undefined) throw confError(hint.where, 'psk_hint needs psk_file');
  if (options.get('certfile') !== undefined) throw confError(hint.where, 'psk_hint and certfile: a listener has one of them');
  const ciphers = options.get<string>('ciphers');
  return {
    psk_file: keys.value,
    psk_hint: hint.value,
    min_version: minVersionOf(options),
    client_certificate: 'none',
    ...(ciphers === undefined ? {} : { ciphers: ciphers.value }),
    ...(options.isOn('use_identity_as_username') ? { username_from: 'identity' } : {}),
  };
}

function minVersionOf(options: Section): string {
  return MIN_VERSION[options.text('tls_version')] ?? 'TLSv1.2';
}

function tlsOf({ options }: ConfListener): Record<string, string> | undefined {
  const [cert, key] = [options.get<string>('certfile'), options.get<string>('keyfile')];
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) throw confError((cert ?? key)!.where, 'certfile and keyfile belong together');
  const demanded = options.isOn('require_certificate');
  const ca = options.get<string>('cafile');
  if (demanded && ca === undefined)
    throw confError(options.get('require_certificate')!.where, 'require_certificate needs cafile');
  const crl = options.get<string>('crlfile');
  const ciphers = ciphersOf(options.get<string>('ciphers')?.value, options.get<string>('ciphers_tls1.3')?.value);
  return {
    cert_file: cert.value,
    key_file: key.value,
    min_version: minVersionOf(options),
    client_certificate: demanded ? 'required' : 'none',
    ...(ca === undefined ? {} : { ca_file: ca.value }),
    ...(crl === undefined ? {} : { crl_file: crl.value }),
    ...(ciphers === '' ? {} : { ciphers }),
    ...(demanded && options.isOn('use_identity_as_username')
      ? { username_from: 'cn' }
      : demanded && options.isOn('use_subject_as_username')
        ? { username_from: 'dn' }
        : {}),
  };
}

function ciphersOf(upTo12: string | undefined, of13: string | undefined): string {
  if (upTo12 === undefined && of13 === undefined) return '';
  return [of13 ?? TLS13_SUITES, ...(upTo12 === undefined ? ['HIGH:!aNULL:!MD5'] : [upTo12])].join(':');
}
