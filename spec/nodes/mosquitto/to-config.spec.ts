// A mosquitto.conf and what it is as configuration of a node.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/base/errors.ts';
import { type ConfigSetting, loadConfig } from '../../../src/nodes/config/load.ts';
import { listenerSpecs } from '../../../src/nodes/listeners/specs.ts';
import type { Machine } from '../../../src/nodes/mosquitto/listener-table.ts';
import { CONF_OPTIONS } from '../../../src/nodes/mosquitto/options.ts';
import { mosquittoSettings } from '../../../src/nodes/mosquitto/to-config.ts';

const test = suite('mosquitto.conf');
const folder = mkdtempSync(join(tmpdir(), 'sluice-conf-'));
test.after(() => rmSync(folder, { recursive: true }));
const FILE = join(folder, 'mosquitto.conf');
const MACHINE: Machine = { hasIpv6: true, addressOf: (device) => (device === 'eth0' ? '10.0.0.7' : undefined) };

interface Meant {
  /** Values by key, of those that the file has set. */
  readonly values: Record<string, unknown>;
  readonly listeners: Record<string, unknown>[];
  readonly warnings: readonly string[];
}

function meant(text: string, machine: Machine = MACHINE): Meant {
  writeFileSync(FILE, text);
  const { values, warnings } = mosquittoSettings(FILE, machine);
  const { config, settings } = loadConfig({ assignments: [], environment: {}, file: undefined, foreign: values });
  listenerSpecs(config, 1); // and all of it fits together
  const given = settings.filter(({ source }: ConfigSetting) => source === 'file').map(({ key, value }) => [key.path, value]);
  return {
    values: Object.fromEntries(given),
    listeners: config.mqtt.listeners as unknown as Record<string, unknown>[],
    warnings: warnings.map((line) => line.replace(`${folder}/`, '')),
  };
}

function refusal(text: string): string {
  try {
    meant(text);
  } catch (error) {
    assert.instance(error, SluiceError, String(error));
    assert.is((error as SluiceError).code, 'SLUICE_CONFIG_FILE', String(error));
    return (error as SluiceError).message.replaceAll(`${folder}/`, '');
  }
  throw new Error('nothing was refused');
}

test('an empty file is a broker for this machine that lets everybody in and keeps nothing', () => {
  const { values, listeners, warnings } = meant('\n# nothing\n\n');
  assert.equal(
    listeners.map(({ name, type, host, port, auth }) => [name, type, host, port, auth]),
    [
      ['local', 'tcp', '127.0.0.1', 1883, undefined],
      ['local-6', 'tcp', '::1', 1883, undefined],
    ],
  );
  assert.is(meant('', { ...MACHINE, hasIpv6: false }).listeners.length, 1);
  assert.equal(values['auth.chain'], []);
  assert.is(values['auth.insecure'], undefined);
  assert.is(values['storage.enabled'], false);
  assert.is(values['mqtt.tcp.port'], -1);
  assert.is(values['mqtt.ws.port'], -1);
  assert.is(values['mqtt.max_packet_bytes'], 268_435_460);
  assert.is(values['mqtt.session_expiry_max_s'], 4_294_967_295);
  assert.equal(warnings, []);
});

test('options of the node', () => {
  const table: [line: string, key: string, value: unknown][] = [
    ['max_inflight_messages 20', 'mqtt.inflight_max', 20],
    ['max_inflight_messages 0', 'mqtt.inflight_max', 65_535],
    ['max_keepalive 30', 'mqtt.keep_alive_max_s', 30],
    ['max_packet_size 20', 'mqtt.max_packet_bytes', 64],
    ['max_packet_size 4096', 'mqtt.max_packet_bytes', 4096],
    ['max_queued_messages 7', 'mqtt.queue.messages_max', 7],
    ['max_queued_messages 0', 'mqtt.queue.messages_max', 10_000_000],
    ['max_queued_bytes 70000', 'mqtt.queue.bytes_max', 70_000],
    ['max_queued_bytes 0', 'mqtt.queue.bytes_max', 8_589_934_592],
    ['persistence true', 'storage.enabled', true],
    ['persistence FALSE', 'storage.enabled', false],
    ['persistence 1', 'storage.enabled', true],
    ['persistence_location /var/lib/mosquitto/', 'node.data', '/var/lib/mosquitto/sluice'],
    ['persistent_client_expiration 2h', 'mqtt.session_expiry_max_s', 7200],
    ['persistent_client_expiration 14d', 'mqtt.session_expiry_max_s', 14 * 86_400],
    ['persistent_client_expiration 1w', 'mqtt.session_expiry_max_s', 7 * 86_400],
    ['persistent_client_expiration 2m', 'mqtt.session_expiry_max_s', 60 * 86_400],
    ['persistent_client_expiration 1y', 'mqtt.session_expiry_max_s', 365 * 86_400],
    ['persistent_client_expiration 500y', 'mqtt.session_expiry_max_s', 4_294_967_295],
    ['retain_available false', 'mqtt.retained.available', false],
    ['allow_duplicate_messages true', 'mqtt.overlap', 'separate'],
    ['allow_duplicate_messages false', 'mqtt.overlap', 'merge'],
    ['allow_zero_length_clientid false', 'mqtt.client_id.empty', false],
    ['global_max_connections 100', 'mqtt.connections_max', 100],
    ['sys_interval 0', 'mqtt.sys_interval_s', 0],
    ['sys_interval 65535', 'mqtt.sys_interval_s', 3600],
    ['global_max_connections -1', 'mqtt.connections_max', 10_000_000],
    ['log_type debug', 'log.level', 'debug'],
    ['log_type all', 'log.level', 'debug'],
    ['log_type error\nlog_type warning', 'log.level', 'warn'],
    ['log_type error', 'log.level', 'error'],
    ['log_type error\nlog_type notice', 'log.level', 'info'],
    ['log_type none', 'log.level', 'silent'],
    ['log_dest none', 'log.level', 'silent'],
    ['password_file /etc/pw', 'auth.users_file', '/etc/pw'],
    ['acl_file /etc/acl', 'acl.file', '/etc/acl'],
    ['acl_file /etc/acl', 'acl.check_deliveries', true],
    ['max_keepalive   77  ', 'mqtt.keep_alive_max_s', 77],
    ['max_keepalive\t78', 'mqtt.keep_alive_max_s', 78],
    ['max_keepalive 10\r\nmax_keepalive 11\r', 'mqtt.keep_alive_max_s', 11],
  ];
  for (const [line, key, value] of table) assert.equal(meant(`${line}\n`).values[key], value, line);
});

test('who may come in, without per_listener_settings', () => {
  const listener = 'listener 1883\n';
  const table: [text: string, chain: string[], insecure: boolean | undefined][] = [
    ['', [], undefined],
    [listener, ['deny'], undefined],
    [`${listener}allow_anonymous true\n`, [], true],
    [`${listener}allow_anonymous false\n`, ['deny'], undefined],
    [`password_file p\n${listener}`, ['file'], undefined],
    [`${listener}password_file p\nallow_anonymous true\n`, ['anonymous', 'file'], undefined],
    ['allow_anonymous false\n', ['deny'], undefined],
    ['password_file p\n', ['anonymous', 'file'], undefined],
    ['port 1884\n', ['deny'], undefined],
  ];
  for (const [text, chain, insecure] of table) {
    const { values } = meant(text);
    assert.equal(values['auth.chain'], chain, text);
    assert.is(values['auth.insecure'], insecure, text);
  }
});

test('with per_listener_settings each listener has a chain and rules of its own', () => {
  const { values, listeners } = meant(`
per_listener_settings true
listener 1883
password_file pw-a
acl_file acl-a
listener 1884
allow_anonymous true
listener 1885
password_file pw-c
allow_anonymous true
listener 1886
`);
  assert.equal(
    listeners.map(({ name, auth }) => [name, auth]),
    [
      ['mqtt-1883', 'mqtt-1883'],
      ['mqtt-1884', undefined],
      ['mqtt-1885', 'mqtt-1885'],
      ['mqtt-1886', 'mqtt-1886'],
    ],
  );
  assert.equal(values['auth.chain'], []);
  assert.equal(values['auth.chains'], ['mqtt-1883=file', 'mqtt-1885=anonymous+file', 'mqtt-1886=deny']);
  assert.equal(values['auth.users_files'], ['mqtt-1883=pw-a', 'mqtt-1885=pw-c']);
  assert.equal(values['acl.files'], ['mqtt-1883=acl-a']);
  assert.is(values['acl.file'], undefined);
  assert.is(values['acl.no_match'], 'allow');
  assert.is(values['auth.insecure'], true);
});

test('listeners', () => {
  const table: [text: string, table: Record<string, unknown>][] = [
    ['listener 1883', { name: 'mqtt-1883', type: 'tcp', host: '::', port: 1883 }],
    ['listener 1883 127.0.0.1', { host: '127.0.0.1' }],
    ['listener 1883\nsocket_domain ipv4', { host: '0.0.0.0' }],
    ['listener 1883\nsocket_domain ipv6', { host: '::', ipv6_only: true }],
    ['listener 1883\nbind_interface eth0', { host: '10.0.0.7' }],
    ['listener 0 /run/m.sock', { name: 'unix', type: 'unix', path: '/run/m.sock', mode: '0777' }],
    ['listener 9001\nprotocol websockets', { name: 'ws-9001', type: 'ws', path: '*' }],
    ['listener 9001\nprotocol websockets\nwebsockets_origin https://a.example', { origins: ['https://a.example'] }],
    ['listener 1883\nmax_connections 5\nmax_qos 1', { limits: { connections_max: 5, qos_max: 1 } }],
    ['listener 1883\nmax_connections -1', { limits: { connections_max: 10_000_000 } }],
    ['listener 1883\nmount_point site/7/', { mountpoint: 'site/7/' }],
    ['listener 1883\nenable_proxy_protocol 2', { proxy_protocol: true }],
    ['port 1884', { name: 'mqtt-1884', host: '::', port: 1884 }],
    ['bind_address 127.0.0.1', { host: '127.0.0.1', port: 1883 }],
    ['max_connections 9', { port: 1883, limits: { connections_max: 9 } }],
    [
      'listener 8883\ncertfile c\nkeyfile k',
      { type: 'tls', tls: { cert_file: 'c', key_file: 'k', min_version: 'TLSv1.2', client_certificate: 'none' } },
    ],
    [
      'listener 8883\ncertfile c\nkeyfile k\ncafile a\ncrlfile r\nrequire_certificate true\ntls_version tlsv1.3',
      {
        tls: {
          ...{ cert_file: 'c', key_file: 'k', min_version: 'TLSv1.3', client_certificate: 'required' },
          ...{ ca_file: 'a', crl_file: 'r' },
        },
      },
    ],
    [
      'listener 8884\npsk_hint h\npsk_file keys\nuse_identity_as_username true',
      {
        type: 'tls',
        tls: { psk_file: 'keys', psk_hint: 'h', min_version: 'TLSv1.2', client_certificate: 'none', username_from: 'identity' },
      },
    ],
    ['listener 9443\nprotocol websockets\ncertfile c\nkeyfile k', { name: 'ws-9443', type: 'wss' }],
  ];
  for (const [text, expected] of table) {
    const { listeners } = meant(`${text}\nallow_anonymous true\n`);
    assert.is(listeners.length, 1, text);
    for (const [field, value] of Object.entries(expected)) assert.equal(listeners[0]![field], value, `${text}: ${field}`);
  }
  const several = meant('port 1\nlistener 2 127.0.0.1\nlistener 2 127.0.0.2\nlistener 0 /a\nlistener 0 /b\n').listeners;
  assert.equal(
    several.map(({ name }) => name),
    ['mqtt-1', 'mqtt-2', 'mqtt-2-2', 'unix', 'unix-2'],
  );
  const ciphers = (lines: string): unknown =>
    (meant(`listener 8883\ncertfile c\nkeyfile k\n${lines}`).listeners[0]!.tls as { ciphers?: string }).ciphers;
  assert.is(ciphers(''), undefined);
  assert.match(
    ciphers('ciphers ECDHE-RSA-AES256-GCM-SHA384') as string,
    /^TLS_AES_256_GCM_SHA384:.*:ECDHE-RSA-AES256-GCM-SHA384$/,
  );
  assert.match(ciphers('ciphers_tls1.3 TLS_AES_128_GCM_SHA256') as string, /^TLS_AES_128_GCM_SHA256:/);
});

test('clients who are their certificates need no password, and nobody else gets in', () => {
  const text = (option: string): string =>
    `password_file p\nlistener 8883\ncertfile c\nkeyfile k\ncafile a\nrequire_certificate true\n${option}\nlistener 1883\n`;
  for (const [option, from] of [
    ['use_identity_as_username true', 'cn'],
    ['use_subject_as_username true', 'dn'],
    ['use_subject_as_username true\nuse_identity_as_username true', 'cn'],
  ]) {
    const { values, listeners } = meant(text(option!));
    assert.equal(values['auth.chains'], ['certificates=deny']);
    assert.equal(values['auth.chain'], ['file']);
    assert.is(listeners[0]!.auth, 'certificates');
    assert.is((listeners[0]!.tls as Record<string, string>).username_from, from);
    assert.is(listeners[1]!.auth, undefined);
  }
});

test('a connection is a bridge', () => {
  const text = [
    'connection north',
    'addresses a b:1884 [::1]:1885',
    'topic sensors/# both 2 site/ all/site/',
    'topic # in 1 "" down/',
    'topic "" out 0 here there',
    'topic plain',
    'remote_clientid me',
    'remote_username u',
    'remote_password p',
    'bridge_protocol_version mqttv50',
    'keepalive_interval 30',
    'cleansession true',
    'notifications false',
    'restart_timeout 2 20',
    'connection south',
    'address b',
    'topic #',
    'bridge_cafile ca.pem',
    '',
  ].join('\n');
  const [north, south] = meant(text).values['mqtt.bridges'] as readonly Record<string, unknown>[];
  assert.equal(north, {
    name: 'north',
    urls: ['mqtt://a:1883', 'mqtt://b:1884', 'mqtt://[::1]:1885'],
    protocol: '5.0',
    client_id: 'me',
    clean_start: true,
    keep_alive_s: 30,
    notifications: false,
    reconnect_min_ms: 2000,
    reconnect_max_ms: 20_000,
    topics: [
      { direction: 'both', filter: 'sensors/#', qos: 2, local_prefix: 'site/', remote_prefix: 'all/site/' },
      { direction: 'in', filter: '#', qos: 1, remote_prefix: 'down/' },
      { direction: 'out', filter: '', qos: 0, local_prefix: 'here', remote_prefix: 'there' },
      { direction: 'out', filter: 'plain', qos: 0 },
    ],
    username: 'u',
    password: 'p',
  });
  assert.equal(
    [south!.protocol, south!.urls, south!.tls, south!.client_id],
    ['3.1.1', ['mqtts://b:1883'], { ca_file: 'ca.pem', verify: true }, `${hostname()}.south`],
  );
});

test('what has no counterpart is named, once and with its place', () => {
  const table: [text: string, warnings: RegExp[]][] = [
    [
      'autosave_interval 60\npersistence_file m.db\n',
      [/^mosquitto\.conf:1: autosave_interval has no/, /^mosquitto\.conf:2: persistence_file has no/],
    ],
    [
      'listener 1\nmax_topic_alias 5\nlistener 2\nmax_topic_alias 6\n',
      [/^mosquitto\.conf:2: max_topic_alias has no counterpart/],
    ],
    ['queue_qos0_messages false\nmemory_limit 0\nset_tcp_nodelay true\n', []],
    ['queue_qos0_messages true\n', [/queue_qos0_messages has no counterpart: .* away/]],
    ['log_dest stderr\nlog_dest file /var/log/m.log\n', [/:2: log_dest file \/var\/log\/m\.log has no counterpart/]],
    [
      'connection north pole\naddress a\ntopic #\nstart_type lazy\ntry_private true\nconnection b\naddress b\ntopic #\nstart_type once\n',
      [/:1: connection north pole is called north-pole here/, /:4: start_type has no counterpart/],
    ],
    ['connection a\naddress a\ntopic #\nbridge_cafile c\nbridge_insecure true\n', [/:1: bridge_insecure true takes any/]],
    ['connection a\naddress a\ntopic #\nlocal_clientid x\n', [/:4: local_clientid has no counterpart/]],
    [
      'listener 1883\nplugin /x.so\nplugin_opt_config_file /c\nauth_opt_a b\n',
      [/plugin has no counterpart/, /:3: plugin_opt_config_file has no/],
    ],
    ['listener 8883\ncertfile c\nkeyfile k\ntls_version tlsv1.1\n', [/:4: tls_version tlsv1\.1 is not spoken/]],
    [
      'per_listener_settings true\nlistener 1\nallow_zero_length_clientid false\nlistener 2\n',
      [/:3: allow_zero_length_clientid false holds for all listeners/],
    ],
  ];
  for (const [text, expected] of table) {
    const { warnings } = meant(text);
    assert.is(warnings.length, expected.length, `${text}\n${warnings.join('\n')}`);
    for (const [i, pattern] of expected.entries()) assert.match(warnings[i]!, pattern);
  }
});

test('bad lines are refused with their place', () => {
  const table: [text: string, message: RegExp][] = [
    ['persistence maybe\n', /^mosquitto\.conf:1: persistence is true or false$/],
    ['\n\nmax_keepalive 5\n', /^mosquitto\.conf:3: max_keepalive is an integer from 10 to 65535$/],
    ['max_keepalive many\n', /integer from/],
    ['max_keepalive 30 # why\n', /integer from/],
    ['max_keepalive\n', /^mosquitto\.conf:1: max_keepalive has no value$/],
    ['max_keepalve 30\n', /"max_keepalve" is no option of mosquitto; the nearest is max_keepalive/],
    ['persistent_client_expiration 14\n', /a number with h, d, w, m or y/],
    ['log_type chatty\n', /log_type is one of debug/],
    ['listener\n', /listener needs a port/],
    ['listener x\n', /listener needs a port/],
    ['listener 70000\n', /listener needs a port/],
    ['listener 0\n', /needs its path/],
    ['listener 1883\ncertfile c\n', /^mosquitto\.conf:2: certfile and keyfile belong together/],
    ['listener 1883\ncertfile c\nkeyfile k\nrequire_certificate true\n', /:4: require_certificate needs cafile/],
    ['listener 8884\npsk_hint h\n', /:2: psk_hint needs psk_file/],
    ['psk_file k\nlistener 8884\ncertfile c\nkeyfile k\npsk_hint h\n', /:5: psk_hint and certfile/],
    ['listener 1883\nmount_point site\n', /:2: a mount_point has to end with \//],
    ['listener 1883\nmount_point site/#/\n', /:2: a mount_point/],
    ['listener 1883\nbind_interface tun9\n', /:2: there is no interface tun9/],
    ['listener 0 /s\nprotocol websockets\n', /a Unix socket speaks MQTT alone/],
    ['password_file a\nper_listener_settings true\n', /:2: per_listener_settings has to stand before/],
    ['password_file a\npassword_file b\n', /:2: password_file is there twice; the first is .*mosquitto\.conf:1/],
    ['address a\n', /:1: address belongs to a bridge/],
    ['connection\n', /connection needs a name/],
    ['connection a\ntopic #\n', /:1: the connection has no address/],
    ['connection a\naddress b\n', /:1: the connection has no topic/],
    ['connection a\naddress b:c\ntopic #\n', /b:c is no address/],
    ['connection a\naddress b\ntopic # up\n', /:3: up is no direction/],
    ['connection a\naddress b\ntopic # in 3\n', /:3: 3 is no QoS/],
    ['connection a\naddress b\ntopic # in 1 a b c\n', /:3: topic has at most five/],
    ['connection a\naddress b\ntopic #\nrestart_timeout 9 5\n', /:4: restart_timeout is seconds/],
    ['connection a\naddress b\ntopic #\nconnection a\naddress b\ntopic #\n', /:4: there is another connection a/],
    ['include_dir /no/such/folder\n', /:1: include_dir "\/no\/such\/folder" cannot be read \(ENOENT\)/],
  ];
  for (const [text, message] of table) assert.match(refusal(text), message, text);
  assert.throws(() => mosquittoSettings(join(folder, 'absent')), /absent" cannot be read \(ENOENT\)/);
});

test('include_dir takes the .conf files of a folder in mosquitto’s order, and from the main file alone', () => {
  const included = join(folder, 'conf.d');
  mkdirSync(included);
  const put = (name: string, text: string): void => {
    mkdirSync(dirname(join(included, name)), { recursive: true });
    writeFileSync(join(included, name), text);
  };
  for (const [i, name] of ['b.conf', 'A.conf', '01.conf', 'a.conf', 'B.conf', '00.conf'].entries())
    put(name, `listener ${i + 1}\n`);
  put('ignored.txt', 'nonsense\n');
  const ports = meant(`include_dir ${included}\nlistener 9\n`).listeners.map(({ port }) => port);
  assert.equal(ports, [6, 3, 2, 4, 5, 1, 9]);
  put('c.conf', `include_dir ${included}\n`);
  assert.match(refusal(`include_dir ${included}\n`), /c\.conf:1: include_dir is for the main file alone/);
  put('c.conf', 'oops 1\n');
  assert.match(refusal(`include_dir ${included}\n`), /c\.conf:1: "oops" is no option/);
});

test('any text is a configuration or is refused as a bad file', () => {
  const names = [...CONF_OPTIONS.keys(), 'listener', 'connection', 'nonsense', '#'];
  const values = ['true', 'false', '0', '1', '1883', '-1', 'mqtt', 'websockets', '/x/', 'a b', '', 'tlsv1.2', '7d', 'none'];
  const line = fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values)).map(([name, value]) => `${name} ${value}`);
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: line }, fc.string()), { maxLength: 12 }), (lines) => {
      writeFileSync(FILE, lines.join('\n'));
      try {
        const { values: found } = mosquittoSettings(FILE, MACHINE);
        loadConfig({ assignments: [], environment: {}, file: undefined, foreign: found });
      } catch (error) {
        assert.instance(error, SluiceError, String((error as Error).stack));
      }
    }),
    { numRuns: 300 },
  );
});

test('flags are stronger than the file', () => {
  writeFileSync(FILE, 'max_keepalive 30\n');
  const { values } = mosquittoSettings(FILE, MACHINE);
  const assignments = ['mqtt.keep_alive_max_s=40'];
  assert.is(loadConfig({ assignments, environment: {}, file: undefined, foreign: values }).config.mqtt.keep_alive_max_s, 40);
});

test.run();
