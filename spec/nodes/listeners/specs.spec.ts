import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/base/errors.ts';
import { loadConfig } from '../../../src/nodes/config/load.ts';
import { printConfig } from '../../../src/nodes/config/print.ts';
import { describeBind } from '../../../src/nodes/listeners/bind.ts';
import { type ListenerSpec, listenerSpecs } from '../../../src/nodes/listeners/specs.ts';

const test = suite('listeners of a configuration');

function specs(...assignments: string[]): ListenerSpec[] {
  return listenerSpecs(loadConfig({ assignments, environment: {}, file: undefined }).config, 2);
}

function brief(list: readonly ListenerSpec[]): string[] {
  return list.map((spec) => `${spec.settings.name} ${spec.settings.type} ${describeBind(spec.bind)}`);
}

function refusal(...assignments: string[]): string {
  try {
    specs(...assignments);
  } catch (error) {
    assert.instance(error, SluiceError, String(error));
    assert.is((error as SluiceError).code, 'SLUICE_CONFIG_BAD_VALUE');
    return (error as SluiceError).message;
  }
  throw new Error('nothing was refused');
}

test('by default TCP and WebSocket on loopback; with a certificate TLS and secure WebSocket too', () => {
  assert.equal(brief(specs()), ['tcp tcp 127.0.0.1:1883', 'ws ws 127.0.0.1:8083']);
  assert.equal(brief(specs('mqtt.ws.port=-1')), ['tcp tcp 127.0.0.1:1883']);
  assert.equal(brief(specs('mqtt.tls.cert_file=a', 'mqtt.tls.key_file=b')), [
    'tcp tcp 127.0.0.1:1883',
    'tls tls 127.0.0.1:8883',
    'ws ws 127.0.0.1:8083',
    'wss wss 127.0.0.1:8084',
  ]);
});

test('shared keys stand for certificates, with TLS alone and where the table says nothing else', () => {
  const list = specs(
    'mqtt.tls.psk_file=keys',
    'mqtt.ws.port=-1',
    `mqtt.listeners=[{name="a", type="tls", port=1}, {name="b", type="wss", port=2, tls={cert_file="c", key_file="k"}},
      {name="c", type="tls", port=3, tls={psk_file="others", psk_hint="h"}}]`,
  );
  assert.equal(brief(list), [
    'tcp tcp 127.0.0.1:1883',
    'tls tls 127.0.0.1:8883',
    'a tls 127.0.0.1:1',
    'b wss 127.0.0.1:2',
    'c tls 127.0.0.1:3',
  ]);
  assert.equal(
    list.slice(1).map(({ tlsFiles }) => [tlsFiles!.psk_file, tlsFiles!.cert_file, tlsFiles!.psk_hint]),
    [
      ['keys', '', ''],
      ['keys', '', ''],
      ['', 'c', ''],
      ['others', '', 'h'],
    ],
  );
  assert.match(
    refusal('mqtt.tls.psk_file=keys', 'mqtt.tls.cert_file=c', 'mqtt.tls.key_file=k'),
    /^mqtt\.tls\.psk_file: .*not both/,
  );
});

test('a table inherits what it leaves out', () => {
  const [, , plant] = specs(
    'mqtt.inflight_max=7',
    'mqtt.rate.listener_connects=100',
    'mqtt.rate.client_messages=9',
    'auth.chains=devices=tls+builtin',
    'mqtt.listeners=[{name="plant", type="tcp", port=1, auth="devices", mountpoint="plant/", limits={max_packet_bytes=100}, rate={listener_bytes=5}}]',
  );
  const { settings } = plant!;
  assert.is(settings.authChain, 'devices');
  assert.is(settings.mountpoint, 'plant/');
  assert.is(settings.limits.packetBytesMax, 100);
  assert.is(settings.limits.inFlightMax, 7);
  assert.equal(settings.limits.rate, { clientMessages: 9, clientBytes: 0, listenerMessages: 0, listenerBytes: 5 });
  assert.is(settings.intake.ratePerSecond, 50, 'half for each of two reactors');
  assert.is(settings.intake.connectionsMax, 100_000);
});

test('a listener asks for a password, or for SCRAM, as its chain does', () => {
  const listeners = '{name="a", type="tcp", port=1, auth="keys"}, {name="b", type="tcp", port=2, auth="people"}';
  const facts = (...assignments: string[]): unknown =>
    specs('mqtt.ws.port=-1', 'auth.chains=keys=jwt,people=builtin', `mqtt.listeners=[${listeners}]`, ...assignments).map(
      ({ settings: { name, authenticates, scram } }) => [name, authenticates, scram],
    );
  assert.equal(facts(), [
    ['tcp', false, false],
    ['a', true, false],
    ['b', true, true],
  ]);
  assert.equal(
    facts('auth.scram_file=users.scram'),
    [
      ['tcp', false, true],
      ['a', true, false],
      ['b', true, true],
    ],
    'users of the file belong to the chain of the node',
  );
});

test('several of a kind, and those that are not enabled left out', () => {
  const list = specs(
    'mqtt.tcp.port=-1',
    'mqtt.ws.port=-1',
    'mqtt.tls.ca_file=ca',
    `mqtt.listeners=[
      {name="a", type="tcp", port=1}, {name="b", type="tcp", port=2, host="::", ipv6_only=true},
      {name="c", type="ws", port=3, path="/x"}, {name="off", type="tcp", port=4, enabled=false},
      {name="d", type="unix", path="/run/x", mode="0660"},
      {name="e", type="tls", port=5, tls={cert_file="c", key_file="k", client_certificate="required"}}]`,
  );
  assert.equal(brief(list), ['a tcp 127.0.0.1:1', 'b tcp [::]:2', 'c ws 127.0.0.1:3', 'd unix /run/x', 'e tls 127.0.0.1:5']);
  assert.is(list[2]!.settings.upgrade!.path, '/x');
  assert.equal(list[3]!.bind, { path: '/run/x', mode: 0o660, key: 'mqtt.listeners[4].path' });
  assert.is(list[4]!.tlsFiles!.ca_file, 'ca');
  assert.is(list[4]!.tlsFiles!.client_certificate, 'required');
});

test('what does not fit together is refused with its place', () => {
  const table: [listeners: string, message: RegExp][] = [
    ['{name="tcp", type="tcp", port=1}', /^mqtt\.listeners\[0\]\.name: tcp is the listener of mqtt\.tcp/],
    ['{name="a", type="tcp", port=1}, {name="a", type="tcp", port=2}', /^mqtt\.listeners\[1\]\.name: there are two/],
    ['{name="a", type="tcp"}', /needs a port/],
    ['{name="a", type="unix"}', /needs a path/],
    ['{name="a", type="unix", path="/x", port=1}', /neither host nor port/],
    ['{name="a", type="ws", port=1, path="x"}', /begins with \//],
    ['{name="a", type="tcp", port=1, path="/x"}', /has no path/],
    ['{name="a", type="tcp", port=1, tls={}}', /is not encrypted/],
    ['{name="a", type="tls", port=1}', /needs cert_file and key_file/],
    ['{name="a", type="wss", port=1, tls={psk_file="k"}}', /shared keys are for type tls/],
    ['{name="a", type="tls", port=1, tls={psk_file="k", cert_file="c"}}', /tls\.psk_file: .*not both/],
    ['{name="a", type="quic", port=1, proxy_protocol=true}', /not spoken over QUIC/],
    ['{name="A", type="tcp", port=1}', /^mqtt\.listeners\[0\]\.name = "A" .*not allowed; it is text that matches/],
    ['{type="tcp", port=1}', /^mqtt\.listeners\[0\] = .*it lacks name/],
    ['{name="a", type="smtp", port=1}', /\.type = "smtp" .*one of tcp, tls, ws, wss, unix, quic/],
    ['{name="a", type="tcp", prot=1}', /^mqtt\.listeners\[0\]\.prot = 1 .*is not a key; the nearest one there is port/],
    ['{name="a", type="tcp", port=1, limits={connections_max=0}}', /limits\.connections_max = 0 .*an integer from 1 to/],
    ['{name="a", type="tls", port=1, tls={sni=[{cert_file="x"}]}}', /tls\.sni\[0\] = .*it lacks key_file/],
    ['{name="a", type="tcp", port=1, mountpoint="a/#"}', /mountpoint = "a\/#" /],
    ['{name="a", type="tcp", port=1, auth="none"}', /^mqtt\.listeners\[0\]\.auth: there is no chain none in auth\.chains$/],
    ['"a"', /^mqtt\.listeners\[0\] = "a" .*not a table/],
  ];
  for (const [listeners, message] of table) assert.match(refusal(`mqtt.listeners=[${listeners}]`), message);
});

test('as a file and as printed they are the same', () => {
  const text =
    'mqtt.listeners=[{name="a", type="tls", port=1, tls={cert_file="c", key_file="k", sni=[{cert_file="d", key_file="e"}]}}]';
  const { config, settings } = loadConfig({ assignments: [text], environment: {}, file: undefined });
  assert.match(printConfig(settings), /mqtt\.listeners = \[\{ name = "a", type = "tls", port = 1, tls = \{ cert_file = "c"/);
  const listeners = config.mqtt.listeners as unknown as { tls: { sni: unknown[] } }[];
  assert.equal(listeners[0]!.tls.sni, [{ cert_file: 'd', key_file: 'e' }]);
});

test.run();
