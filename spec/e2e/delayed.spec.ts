// Delayed messages: when they come, what is refused, how they are listed.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { cliOf } from './in-process-cli.ts';
import { puback, pubrel } from './raw-client.ts';

const NOT_AUTHORIZED = 0x87;
const NAME_INVALID = 0x90;
const QUOTA_EXCEEDED = 0x97;

interface Listed {
  readonly messages: readonly { id: string; topic: string; clientId: string; qos: number; payloadBytes: number; dueAt: number }[];
  readonly total: number;
  readonly next?: string;
}

const test = suite('delayed messages');
let broker: Broker;
test.before(async () => {
  broker = await Broker.start({
    'storage.enabled': 'false',
    'node.threads': 2,
    'mqtt.delayed.messages_max': 16,
    'mqtt.delayed.seconds_max': 5000,
  });
});
test.after(async () => {
  await broker.assertSound();
  assert.is(await broker.stop(), 0);
});

const cli = (...args: readonly string[]): Promise<unknown> => cliOf(broker, ...args);

const listed = async (query = ''): Promise<Listed> =>
  (await (await fetch(`${broker.http}/api/v1/delayed${query}`)).json()) as Listed;

test('a delayed message comes when it is due and not before, at each QoS, and is counted', async () => {
  const subscriber = await broker.connect();
  const publisher = await broker.connect();
  await subscriber.subscribe('later/#', { qos: 2 });
  const sentAt = Date.now();
  publisher.publish('$delayed/1/later/0', 'zero');
  publisher.publish('$delayed/1/later/1', 'one', { qos: 1, packetId: 1 });
  publisher.publish('$delayed/1/later/2', 'two', { qos: 2, packetId: 2 });
  publisher.publish('$delayed/0/later/now', 'now');
  assert.is(((await publisher.next('puback')) as unknown as { reasonCode?: number }).reasonCode ?? 0, 0);
  await publisher.next('pubrec');
  publisher.send(pubrel(2));
  await publisher.next('pubcomp');
  assert.is(await subscriber.nextPayload(), 'now');
  assert.is(await broker.metric('sluice_delayed_messages'), 3);
  const got: string[] = [];
  for (let i = 0; i < 3; i++) {
    const { topic, payload, messageId, qos } = await subscriber.nextPublish();
    got.push(`${topic} ${payload}`);
    if (qos === 1) subscriber.send(puback(messageId!));
  }
  assert.ok(Date.now() - sentAt >= 990, 'not before its time');
  assert.equal(got, ['later/0 zero', 'later/1 one', 'later/2 two']);
  assert.is(await broker.metric('sluice_delayed_messages'), 0);
  assert.is(await broker.metric('sluice_delayed_published_total'), 3);
  subscriber.destroy();
  publisher.destroy();
});

test('bad delays and too many messages are refused; 3.1.1 clients live on', async () => {
  const publisher = await broker.connectOn(1);
  let packetId = 0;
  const reasonOf = async (topic: string): Promise<number> => {
    publisher.publish(topic, 'x', { qos: 1, packetId: ++packetId });
    return ((await publisher.next('puback')) as unknown as { reasonCode?: number }).reasonCode ?? 0;
  };
  for (const topic of ['$delayed/x/a', '$delayed/1', '$delayed/5001/a', '$delayed/1/$delayed/1/a'])
    assert.is(await reasonOf(topic), NAME_INVALID, topic);
  assert.is(await reasonOf('$delayed/50/$SYS/broker/uptime'), NOT_AUTHORIZED);
  assert.is(await reasonOf('$SYS/broker/uptime'), NOT_AUTHORIZED);
  for (let i = 0; i < 8; i++) assert.is(await reasonOf('$delayed/50/a'), 0); // half of what both reactors take
  assert.is(await reasonOf('$delayed/50/a'), QUOTA_EXCEEDED);
  const old = await broker.connectOn(1, { level: 4 });
  old.publish('$delayed/50/a', 'x', { qos: 1, packetId: 1 });
  await old.next('puback');
  assert.is(await broker.metric('sluice_delayed_messages'), 8);
  for (const { id } of (await listed()).messages) await fetch(`${broker.http}/api/v1/delayed/${id}`, { method: 'DELETE' });
  assert.is(await broker.metric('sluice_delayed_refused_total'), 2);
  old.destroy();
  publisher.destroy();
});

test('delayed messages are listed in pages over all reactors and deleted', async () => {
  const clients = [await broker.connectOn(1), await broker.connectOn(2)];
  for (const [i, client] of clients.entries())
    for (let n = 0; n < 3; n++) client.publish(`$delayed/1000/page/${i}/${n}`, 'x', { qos: 1, packetId: n + 1 });
  for (const client of clients) for (let n = 0; n < 3; n++) await client.next('puback');
  const topics: string[] = [];
  for (let query = '?limit=4'; ; ) {
    const page = await listed(query);
    assert.is(page.total, 6);
    topics.push(...page.messages.map(({ topic }) => topic));
    if (page.next === undefined) break;
    query = `?limit=4&after=${page.next}`;
  }
  assert.equal(
    topics.sort(),
    [0, 1].flatMap((i) => [0, 1, 2].map((n) => `page/${i}/${n}`)),
  );
  const first = (await cli('delayed', 'list')) as Listed;
  assert.is(first.messages.length, 6);
  assert.is((await fetch(`${broker.http}/api/v1/delayed/${first.messages[0]!.id}`, { method: 'DELETE' })).status, 204);
  assert.is((await fetch(`${broker.http}/api/v1/delayed/${first.messages[0]!.id}`, { method: 'DELETE' })).status, 404);
  assert.is((await listed()).total, 5);
  for (const { id } of (await listed()).messages) await fetch(`${broker.http}/api/v1/delayed/${id}`, { method: 'DELETE' });
  assert.is((await listed()).total, 0);
  for (const client of clients) client.destroy();
});

test.run();
