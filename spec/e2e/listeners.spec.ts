// Several listeners of a node: each with bounds of its own, some on Unix sockets.
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { RawClient } from './raw-client.ts';
import { until, within } from './until.ts';

const test = suite('listeners');
const folder = mkdtempSync(join(tmpdir(), 'sluice-listeners-'));
const path = join(folder, 'mqtt.sock');
let broker: Broker;
test.before(async () => {
  // Left behind by a node that was killed.
  const dead = await Broker.start({ 'mqtt.tcp.port': -1, 'mqtt.listeners': `[{name="unix", type="unix", path="${path}"}]` });
  dead.node.kill('SIGKILL');
  await dead.node.ended;
  assert.ok(existsSync(path));
  const listeners = [
    `{name="unix", type="unix", path="${path}", mode="0640"}`,
    '{name="few", type="tcp", port=0, limits={connections_max=3}}',
    '{name="steady", type="tcp", port=0, rate={listener_connects=10}, limits={handshake_timeout_ms=60000}}',
    '{name="small", type="tcp", port=0, limits={max_packet_bytes=100, inflight_max=3, keep_alive_max_s=7, session_expiry_max_s=11, subscriptions_max=2, qos_max=1, retained_available=false}}',
    '{name="plant", type="tcp", port=0, mountpoint="plant/7/"}',
    '{name="six", type="tcp", port=0, host="::"}',
  ];
  broker = await Broker.start({ 'node.threads': 2, 'auth.insecure': true, 'mqtt.listeners': `[${listeners.join(', ')}]` });
});
test.after(async () => {
  await broker.assertSound();
  assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
  assert.not.ok(existsSync(path), 'the socket is gone with its node');
  rmSync(folder, { recursive: true });
});

test('a Unix socket has its mode, replaces a dead one and carries MQTT', async () => {
  assert.is(broker.listeners.unix, path);
  assert.is(statSync(path).mode & 0o777, 0o640);
  const socket = net.connect({ path });
  await once(socket, 'connect');
  const client = RawClient.over(socket);
  await client.connect({ clientId: 'local' });
  await client.subscribe('unix');
  const other = await broker.connect();
  other.publish('unix', 'hello');
  assert.is(await client.nextPayload(), 'hello');
  const { detail } = (await broker.sessions()).find((session) => session.detail.clientId === 'local')!;
  assert.is(detail.address, 'unix');
  client.destroy();
});

test('a Unix socket that is in use, or no socket, is left alone', async () => {
  const file = join(folder, 'precious');
  writeFileSync(file, 'data');
  const table: [path: string, code: RegExp][] = [
    [path, /^SLUICE_LISTEN_ADDRESS_IN_USE: mqtt\.listeners\[0\]\.path: .*another process listens there/],
    [file, /^SLUICE_LISTEN_ADDRESS: .*there is a file that is no socket/],
    [join(folder, 'no', 'folder'), /^SLUICE_LISTEN_ADDRESS: /],
  ];
  for (const [at, message] of table) {
    const failed = await Broker.start({ 'mqtt.listeners': `[{name="unix", type="unix", path="${at}"}]` }).catch(
      (error: Error) => error,
    );
    assert.instance(failed, Error);
    assert.match((failed as Error).message.split('\n')[1] ?? '', message);
  }
  assert.ok(existsSync(file) && existsSync(path));
});

test('a connection too many is told so, on any reactor, and takes nobody’s place', async () => {
  const port = broker.portOf('few');
  const clients = await Promise.all([1, 2, 3].map((i) => RawClient.connect(port, { clientId: `few-${i}` })));
  for (const level of [5, 4] as const) {
    const refused = await RawClient.connect(port, { clientId: 'one-too-many', level });
    assert.is(level === 5 ? refused.connack.reasonCode : refused.connack.returnCode, level === 5 ? 0x97 : 3);
    await within('the end', refused.closed);
  }
  await clients[0]!.disconnect();
  await until('there is room again', async () => {
    const client = await RawClient.connect(port, { clientId: 'next' });
    if (client.connack.reasonCode === 0) return true;
    await client.closed;
    return false;
  });
  await broker.connect(); // other listeners have room
});

test('connections that come too fast wait, and all get in', async () => {
  const port = broker.portOf('steady');
  const opened = performance.now();
  const clients = await Promise.all(Array.from({ length: 25 }, (_, i) => RawClient.connect(port, { clientId: `steady-${i}` })));
  assert.ok(clients.every(({ connack }) => connack.reasonCode === 0));
  // Ten at once and ten a second: the last of 25 cannot have come in earlier, on however many reactors.
  assert.ok(performance.now() - opened >= 500);
});

test('the limits of a listener are those of its clients alone', async () => {
  const small = await RawClient.connect(broker.portOf('small'), { clientId: 'small', sessionExpiry: 1000, keepAliveSeconds: 60 });
  const { properties } = small.connack;
  assert.is(properties!.maximumPacketSize, 100);
  assert.is(properties!.receiveMaximum, 3);
  assert.is(properties!.serverKeepAlive, 7);
  assert.is(properties!.maximumQoS, 1);
  assert.is(properties!.retainAvailable, false);
  assert.is(properties!.sessionExpiryInterval, 11);
  assert.equal(await small.subscribe('a'), [0]);
  assert.equal(await small.subscribe('b'), [0]);
  assert.equal(await small.subscribe('c'), [0x97]);
  const free = await broker.connect();
  await free.subscribe('large');
  free.publish('large', 'x'.repeat(200));
  assert.is((await free.nextPayload()).length, 200);
  small.publish('large', 'x'.repeat(200));
  assert.is(await small.reasonOfEnd(), 0x95);
});

test('a listener on :: takes IPv6 and IPv4', async () => {
  const port = broker.portOf('six');
  for (const host of ['127.0.0.1', '::1']) {
    const socket = net.connect({ port, host });
    const isUp = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(
      () => false,
    );
    if (!isUp && host === '::1') continue; // a machine without IPv6
    const client = RawClient.over(socket);
    await client.connect({ clientId: `six-${host}` });
    const { detail } = (await broker.sessions()).find((session) => session.detail.clientId === `six-${host}`)!;
    assert.match(detail.address!, host === '::1' ? /^\[::1\]:\d+$/ : /127\.0\.0\.1\]?:\d+$/);
    client.destroy();
  }
});

test('clients behind a mount point live in their part of the tree without knowing', async () => {
  const port = broker.portOf('plant');
  for (const level of [4, 5] as const) {
    const inside = await RawClient.connect(port, { clientId: `inside-${level}`, level });
    const outside = await broker.connect({ level: 5 });
    await inside.subscribe('#', { qos: 1 });
    await outside.subscribe('plant/#', { qos: 1 });
    inside.publish('a/b', 'from inside', { qos: 1, packetId: 1 });
    assert.is((await outside.nextPublish()).topic, 'plant/7/a/b');
    outside.publish('plant/7/c', 'x'.repeat(70_000));
    outside.publish('plant', 'not theirs');
    outside.publish('plant/8/c', 'not theirs either');
    outside.publish('plant/7/d', 'theirs', { retain: true });
    const topics = new Set<string>();
    await until('all have come', async () => {
      for (const packet of inside.takeAll()) if (packet.cmd === 'publish') topics.add(packet.topic);
      return ['a/b', 'c', 'd'].every((topic) => topics.has(topic));
    });
    assert.is(topics.size, 3, [...topics].join());
    outside.publish('plant/7/d', '', { retain: true });
    inside.destroy();
    outside.destroy();
  }
  const dying = await RawClient.connect(port, {
    clientId: 'dying',
    will: { topic: 'last/words', payload: Buffer.from('bye'), qos: 0, retain: false },
  });
  const heir = await broker.connect();
  await heir.subscribe('plant/7/last/#');
  dying.destroy();
  assert.is((await heir.nextPublish()).topic, 'plant/7/last/words');
});

test.run();
