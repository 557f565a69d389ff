// What operators see: $SYS, events, topic metrics, slow subscribers, alarms.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUnsubscribe } from '../../src/wire/mqtt/client-encoder.ts';
import { Broker } from './broker.ts';
import { cliOf } from './in-process-cli.ts';
import { puback, type RawClient } from './raw-client.ts';
import { until } from './until.ts';

const test = suite('insight');
const folder = mkdtempSync(join(tmpdir(), 'sluice-insight-'));
let broker: Broker;
test.before(async () => {
  broker = await Broker.start({
    'node.data': folder,
    'storage.enabled': 'false',
    'node.threads': 2,
    'mqtt.sys_interval_s': 1,
    'mqtt.slow_subscribers.threshold_ms': 1,
    'alarms.interval_s': 1,
    'alarms.connections': 1,
    'mqtt.connections_max': 400,
    'mqtt.events':
      'client_connected,client_disconnected,session_subscribed,session_unsubscribed,message_delivered,message_acked,message_dropped',
  });
});
test.after(async () => {
  await broker.assertSound();
  assert.is(await broker.stop(), 0);
  rmSync(folder, { recursive: true });
});

const cli = (...args: readonly string[]): Promise<unknown> => cliOf(broker, ...args);

const get = async (path: string): Promise<unknown> => (await fetch(`${broker.http}${path}`)).json();

async function send(method: string, path: string, body?: object): Promise<number> {
  const init = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return (await fetch(`${broker.http}${path}`, { method, ...init })).status;
}

/** The next event of that name about that client. */
async function eventOf(watcher: RawClient, name: string, clientId: string): Promise<Record<string, unknown>> {
  for (;;) {
    const { topic, payload } = await watcher.nextPublish();
    const event = JSON.parse(String(payload)) as Record<string, unknown>;
    if (topic === `$events/${name}` && event.clientid === clientId) return event;
  }
}

test('$SYS: retained, by the names of mosquitto, and brought up to date', async () => {
  const client = await broker.connect();
  await client.subscribe('$SYS/#');
  const values = new Map<string, string>();
  while (!values.has('$SYS/broker/clients/connected') || values.get('$SYS/broker/clients/connected') === '0') {
    const { topic, payload } = await client.nextPublish();
    values.set(topic, String(payload));
  }
  assert.match(values.get('$SYS/broker/version')!, /^sluice /);
  const uptime = values.get('$SYS/broker/uptime');
  while (values.get('$SYS/broker/uptime') === uptime) {
    const { topic, payload } = await client.nextPublish();
    values.set(topic, String(payload));
  }
  assert.match(values.get('$SYS/broker/uptime')!, /^\d+ seconds$/);
  client.destroy();
});

test('events: what a client does, as JSON', async () => {
  const watcher = await broker.connect();
  await watcher.subscribe('$events/+');
  const client = await broker.connect({ clientId: 'watched', username: 'ada', password: Buffer.from('x') });
  const connected = await eventOf(watcher, 'client_connected', 'watched');
  assert.is(connected.username, 'ada');
  assert.is(connected.ipaddress, '127.0.0.1');
  assert.is(connected.proto_ver, 5);
  await client.subscribe('ev/+', { qos: 1 });
  const subscribed = await eventOf(watcher, 'session_subscribed', 'watched');
  assert.equal([subscribed.topic, subscribed.qos], ['ev/+', 1]);
  client.publish('ev/x', 'hello');
  const delivered = await eventOf(watcher, 'message_delivered', 'watched');
  assert.equal([delivered.topic, delivered.qos, delivered.messages], ['ev/x', 0, 1]);
  client.send(encodeUnsubscribe(1, 3, ['ev/+', 'never']));
  assert.is((await eventOf(watcher, 'session_unsubscribed', 'watched')).topic, 'ev/+');
  await client.disconnect();
  assert.is((await eventOf(watcher, 'client_disconnected', 'watched')).reason, 'normal');
  const small = await broker.connect({ clientId: 'small', maximumPacketSize: 100 });
  await small.subscribe('ev/#');
  watcher.publish('ev/large', 'x'.repeat(200));
  assert.is((await eventOf(watcher, 'message_dropped', 'small')).reason, 'undeliverable');
  small.destroy();
  assert.is((await eventOf(watcher, 'client_disconnected', 'small')).reason, 'connection_closed');
  watcher.destroy();
});

test('events: a message is acknowledged when its client says so, at either QoS, and again on a later connection', async () => {
  const watcher = await broker.connect();
  await watcher.subscribe('$events/message_acked');
  const publisher = await broker.connect();
  const settings = { clientId: 'acks', cleanStart: false, sessionExpiry: 100 };
  let client = await broker.connect(settings);
  await client.subscribe('ack/#', { qos: 2 });
  publisher.publish('ack/1', 'x', { qos: 1, packetId: 1 });
  client.send(puback((await client.nextPublish()).messageId!));
  const first = await eventOf(watcher, 'message_acked', 'acks');
  assert.equal([first.topic, first.qos, first.reason], ['ack/1', 1, 'success']);
  publisher.publish('ack/2', 'x', { qos: 2, packetId: 2 });
  await client.nextPublish();
  client.destroy();
  client = await broker.connect(settings);
  const again = await client.nextPublish();
  assert.ok(again.dup);
  client.send(Uint8Array.of(0x50, 3, 0, again.messageId!, 0x97));
  const refused = await eventOf(watcher, 'message_acked', 'acks');
  assert.equal([refused.topic, refused.qos, refused.reason], ['ack/2', 2, 'quota_exceeded']);
  client.send(puback(999));
  publisher.publish('ack/3', 'x', { qos: 1, packetId: 3 });
  client.send(puback((await client.nextPublish()).messageId!));
  assert.is((await eventOf(watcher, 'message_acked', 'acks')).topic, 'ack/3', 'what was never sent has not been acknowledged');
  for (const each of [client, publisher, watcher]) each.destroy();
});

test('topic metrics count what their filter matches, over all reactors, and survive a restart', async () => {
  const publisher = await broker.connectOn(1);
  const near = await broker.connectOn(1);
  const far = await broker.connectOn(2);
  await near.subscribe('tm/a');
  await far.subscribe('tm/#');
  publisher.publish('tm/a', 'before');
  await near.nextPayload();
  await far.nextPayload();
  assert.is(await send('POST', '/api/v1/topic-metrics', { filter: 'tm/+' }), 201);
  assert.is(await send('POST', '/api/v1/topic-metrics', { filter: 'tm/+' }), 409);
  assert.is(await send('POST', '/api/v1/topic-metrics', { filter: 'tm/#/x' }), 400);
  // The counting begins with the first message after the reactors have heard of it.
  const counters = async (): Promise<Record<string, number>> =>
    ((await get('/api/v1/topic-metrics/tm%2F%2B')) as { counters: Record<string, number> }).counters;
  await until('it counts', async () => {
    publisher.publish('tm/a', 'x', { qos: 1, packetId: 1 });
    await publisher.next('puback');
    return (await counters()).in_qos1! > 0;
  });
  await until('all have been delivered', async () => {
    const { in_qos1, out } = await counters();
    return out === in_qos1! * 2;
  });
  assert.is(await send('PUT', '/api/v1/topic-metrics/tm%2F%2B/reset'), 204);
  publisher.publish('tm/b', 'x');
  publisher.publish('other', 'x');
  near.publish('tm/c', 'x');
  await until('the rest is counted', async () => (await counters()).in_qos0 === 2 && (await counters()).out === 2);
  assert.is(await broker.metric('sluice_topic_messages_total{filter="tm/+",direction="in_qos0"}'), 2);
  assert.is(await broker.metric('sluice_topic_messages_total{filter="tm/+",direction="out"}'), 2);
  far.destroy();
  await until('nobody wants it', async () => {
    publisher.publish('tm/d', 'x', { qos: 1, packetId: 9 });
    return ((await publisher.next('puback')) as unknown as { reasonCode?: number }).reasonCode === 0x10;
  });
  assert.ok((await counters()).dropped! > 0);
  assert.equal(
    ((await cli('topic-metrics', 'list')) as { metrics: { filter: string }[] }).metrics.map(({ filter }) => filter),
    ['tm/+'],
  );
  assert.is(await send('DELETE', '/api/v1/topic-metrics/tm%2F%2B'), 204);
  assert.is(await send('DELETE', '/api/v1/topic-metrics/tm%2F%2B'), 404);
  for (const client of [publisher, near]) client.destroy();
});

test('slow subscribers: who takes long to acknowledge', async () => {
  const slow = await broker.connect({ clientId: 'slow' });
  const publisher = await broker.connect();
  await slow.subscribe('slow', { qos: 1 });
  publisher.publish('slow', 'x', { qos: 1, packetId: 1 });
  const { messageId } = await slow.nextPublish();
  await until('some time has passed', async () => {
    const { uptimeSeconds } = (await get('/api/v1/node')) as { uptimeSeconds: number };
    started ??= uptimeSeconds;
    return uptimeSeconds > started + 0.1;
  });
  slow.send(puback(messageId!));
  let clients: { clientId: string; latencyMs: number; count: number }[] = [];
  await until('it is listed', async () => {
    ({ clients } = (await get('/api/v1/slow-subscribers')) as { clients: typeof clients });
    return clients.some(({ clientId }) => clientId === 'slow');
  });
  const entry = clients.find(({ clientId }) => clientId === 'slow')!;
  assert.ok(entry.latencyMs >= 50 && entry.count === 1, JSON.stringify(entry));
  assert.equal(await cli('slow', '--clear'), { clients: [] });
  slow.destroy();
  publisher.destroy();
});
let started: number | undefined;

test('alarms: raised and lifted by the node and by an operator, with a history, metrics and events', async () => {
  const isActive = async (name: string): Promise<boolean> =>
    ((await get('/api/v1/alarms')) as { active: { name: string }[] }).active.some((alarm) => alarm.name === name);
  await until('the connections of the other specs are gone', async () => !(await isActive('connections_high')));
  const watcher = await broker.connect();
  await watcher.subscribe('$events/alarm_activated');
  const many = await Promise.all(Array.from({ length: 5 }, () => broker.connect())); // 1 % of 400
  await until('there are too many connections', () => isActive('connections_high'));
  assert.is((JSON.parse(await watcher.nextPayload()) as { name: string }).name, 'connections_high');
  assert.is(await broker.metric('sluice_alarms_active{alarm="connections_high"}'), 1);
  for (const client of [...many, watcher]) client.destroy();
  await until('that is over', async () => !(await isActive('connections_high')));
  assert.equal(await cli('alarm', 'raise', 'drill', 'only a drill'), { active: 'drill' });
  assert.ok(await isActive('drill'));
  assert.is(await send('DELETE', '/api/v1/alarms/drill'), 204);
  assert.is(await send('DELETE', '/api/v1/alarms/drill'), 404);
  const { history } = (await cli('alarm', 'list')) as { history: { name: string }[] };
  assert.is(history[0]!.name, 'drill');
  assert.ok(history.some(({ name }) => name === 'connections_high'));
  assert.is(await send('DELETE', '/api/v1/alarms/history'), 204);
  assert.equal(((await get('/api/v1/alarms')) as { history: unknown[] }).history, []);
});

test.run();
