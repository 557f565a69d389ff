// Beyond the standard: rewritten topics, exclusive and automatic subscriptions, bounds of retained messages.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUnsubscribe } from '../../src/wire/mqtt/client-encoder.ts';
import { Broker } from './broker.ts';
import { until } from './until.ts';

const FILTER_INVALID = 0x8f;
const QUOTA_EXCEEDED = 0x97;

const test = suite('extensions');
let broker: Broker;
test.before(async () => {
  broker = await Broker.start({
    'storage.enabled': 'false',
    'node.threads': 2,
    'mqtt.rewrite.publish': '["x/# ^x/y/(.+)$ z/y/$1", "mine ^mine$ clients/%c/state"]',
    'mqtt.rewrite.subscribe': '["old/# ^old/(.+)$ new/$1"]',
    'mqtt.rewrite.both': '["in/# ^in/(.+)$ out/$1"]',
    'mqtt.auto_subscribe': '["auto/%c/in qos=1", "all no_local", "users/%u/in"]',
    'mqtt.retained.message_bytes_max': 50,
    'mqtt.retained.expiry_s': 2,
  });
});
test.after(async () => {
  await broker.assertSound();
  assert.is(await broker.stop(), 0);
});

test('every client is subscribed to what the operator wants, with its own names in it, and gets what is retained there', async () => {
  const first = await broker.connect({ clientId: 'first' });
  first.publish('auto/second/in', 'kept', { retain: true });
  await first.settled();
  const second = await broker.connect({ clientId: 'second', username: 'ada', password: Buffer.from('x') });
  assert.is(await second.nextPayload(), 'kept');
  await broker.untilMetric('sluice_router_subscriptions', (value) => value === 5); // the first has no user name
  first.publish('users/ada/in', 'one');
  first.publish('auto/second/in', 'two', { qos: 1, packetId: 1 });
  first.publish('all', 'three');
  const got = [await second.nextPublish(), await second.nextPublish(), await second.nextPublish()];
  assert.equal(
    got.map(({ payload, qos }) => `${payload} ${qos}`),
    ['one 0', 'two 1', 'three 0'],
  );
  const odd = await broker.connect({ clientId: 'od#d' });
  await broker.untilMetric('sluice_router_subscriptions', (value) => value === 6);
  for (const client of [first, second, odd]) client.destroy();
});

test('what is published, subscribed to and unsubscribed from is rewritten; by wills and shared subscriptions too', async () => {
  const client = await broker.connect({ clientId: 'c1' });
  assert.equal(await client.subscribe('z/#'), [0]);
  assert.equal(await client.subscribe('clients/#'), [0]);
  assert.equal(await client.subscribe('old/+'), [0]);
  assert.equal(await client.subscribe('$share/g/old/shared'), [0]);
  const topicOfNext = async (): Promise<string> => (await client.nextPublish()).topic;
  for (let i = 0; i < 3; i++) {
    client.publish('x/y/a', String(i)); // the second and third find the way that the first one has taken
    assert.is(await topicOfNext(), 'z/y/a');
  }
  client.publish('mine', 'x');
  assert.is(await topicOfNext(), 'clients/c1/state');
  const other = await broker.connect({
    clientId: 'c2',
    will: { topic: 'mine', payload: Buffer.from('gone'), qos: 0, retain: false },
  });
  other.publish('mine', 'x', { qos: 1, packetId: 7 });
  assert.is(((await other.next('puback')) as { messageId?: number }).messageId, 7);
  assert.is(await topicOfNext(), 'clients/c2/state');
  other.destroy();
  assert.is(String((await client.nextPublish()).payload), 'gone');
  client.publish('new/a', 'x');
  assert.is(await topicOfNext(), 'new/a');
  client.send(encodeUnsubscribe(1, 9, ['old/+']));
  await client.next('unsuback');
  client.publish('new/a', 'x');
  client.publish('new/shared', 'x');
  const left = [await topicOfNext(), ...(await client.settled()).map((packet) => (packet as { topic?: string }).topic)];
  assert.equal(left, ['new/shared', 'new/shared'].slice(0, left.length));
  client.destroy();
});

test('an alias, a will and a delay lead to the rewritten topic as well', async () => {
  const client = await broker.connect();
  await client.subscribe('in/#'); // which is out/#
  const alias = Uint8Array.of(0x23, 0, 5);
  client.publish('in/alias', 'one', { properties: alias });
  client.publish('', 'two', { properties: alias });
  client.publish('$delayed/1/in/later', 'three');
  const got = [await client.nextPublish(), await client.nextPublish(), await client.nextPublish()];
  assert.equal(
    got.map(({ topic, payload }) => `${topic} ${payload}`),
    ['out/alias one', 'out/alias two', 'out/later three'],
  );
  client.destroy();
});

for (const threads of [1, 2]) {
  test(`an exclusive subscription is one client’s, until it ends; the other one on reactor ${threads}`, async () => {
    const JOB = `job/${threads}`;
    const EXCLUSIVE = `$exclusive/${JOB}`;
    const one = await broker.connectOn(1, { clientId: `one-${threads}`, sessionExpiry: 600, cleanStart: false });
    const other = await broker.connectOn(threads, { clientId: `other-${threads}` });
    assert.equal(await one.subscribe(EXCLUSIVE, { qos: 1 }), [1]);
    assert.equal(await one.subscribe(EXCLUSIVE, { qos: 1 }), [1], 'again');
    assert.equal(await other.subscribe(EXCLUSIVE), [QUOTA_EXCEEDED]);
    assert.equal(await other.subscribe('$exclusive/'), [FILTER_INVALID]);
    other.publish(JOB, 'first');
    assert.is(await one.nextPayload(), 'first');
    one.destroy();
    await broker.untilOffline(`one-${threads}`);
    assert.equal(await other.subscribe(EXCLUSIVE), [QUOTA_EXCEEDED], 'the session has it, with its client or without');
    const again = await broker.connectOn(threads, { clientId: `one-${threads}`, sessionExpiry: 600, cleanStart: false });
    assert.equal(await other.subscribe(EXCLUSIVE), [QUOTA_EXCEEDED], 'it has been handed over');
    again.send(encodeUnsubscribe(1, 9, [JOB]));
    assert.equal(((await again.next('unsuback')) as unknown as { granted: number[] }).granted, [0x11], 'it has no plain one');
    again.send(encodeUnsubscribe(1, 9, [EXCLUSIVE]));
    await again.next('unsuback');
    await until('the other one may have it', async () => (await other.subscribe(EXCLUSIVE))[0] === 0);
    assert.equal(await again.subscribe(EXCLUSIVE), [QUOTA_EXCEEDED]);
    other.destroy();
    await until('it is free', async () => (await again.subscribe(EXCLUSIVE))[0] === 0);
    again.destroy();
  });
}

test('retained messages: too large ones are delivered and not kept, others are kept for a time', async () => {
  const client = await broker.connect();
  await client.subscribe('r/#');
  client.publish('r/large', 'x'.repeat(100), { retain: true });
  client.publish('r/small', 'small', { retain: true });
  assert.is((await client.nextPayload()).length, 100);
  assert.is(await client.nextPayload(), 'small');
  assert.is(await broker.metric('sluice_retained_too_large_total'), 1);
  const other = await broker.connect();
  await other.subscribe('r/#');
  assert.is(await other.nextPayload(), 'small');
  await broker.untilMetric('sluice_retained_messages', (value) => value === 0);
  other.destroy();
  client.destroy();
});

test.run();
