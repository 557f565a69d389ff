// Clients that are too fast: they are held back, nothing is lost, others notice nothing; and those that connect over and over.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { until, within } from './until.ts';

const BANNED = 0x8a;
const ADMINISTRATIVE_ACTION = 0x98;

const test = suite('rates and flapping');
const folder = mkdtempSync(join(tmpdir(), 'sluice-rates-'));
test.after(() => rmSync(folder, { recursive: true }));

test('messages: everything arrives, in order, and the publisher is not read for a while', async () => {
  const broker = await Broker.start({ 'mqtt.rate.client_messages': 100 });
  const publisher = await broker.connect();
  const subscriber = await broker.connect();
  const other = await broker.connect();
  await subscriber.subscribe('fast/#');
  for (let i = 0; i < 250; i++) publisher.publish('fast/x', String(i));
  await broker.untilMetric('sluice_mqtt_reads_rate_limited_total', (value) => value > 0);
  other.publish('fast/other', 'other');
  const received: string[] = [];
  while (received.length < 251) received.push(await subscriber.nextPayload());
  assert.equal(
    received.filter((each) => each !== 'other'),
    Array.from({ length: 250 }, (_, i) => String(i)),
  );
  assert.is(await broker.metric('sluice_mqtt_messages_received_total{qos="0"}'), 251);
  for (const client of [publisher, subscriber, other]) client.destroy();
  await broker.assertSound();
  assert.is(await broker.stop(), 0);
});

test('bytes: a large packet gets through whole, and is paid for afterwards', async () => {
  const broker = await Broker.start({ 'mqtt.rate.client_bytes': 100_000 });
  const publisher = await broker.connect();
  const subscriber = await broker.connect();
  await subscriber.subscribe('large');
  const large = 'x'.repeat(200_000);
  publisher.publish('large', large);
  publisher.publish('large', 'small');
  assert.is((await subscriber.nextPayload()).length, large.length);
  assert.is(await subscriber.nextPayload(), 'small');
  assert.ok((await broker.metric('sluice_mqtt_reads_rate_limited_total')) > 0);
  publisher.destroy();
  subscriber.destroy();
  await broker.assertSound();
  assert.is(await broker.stop(), 0);
});

test('connections: beyond the rate they wait for their turn, and far beyond they are closed', async () => {
  const broker = await Broker.start({ 'mqtt.rate.listener_connects': 5, 'mqtt.handshake_timeout_ms': 5100 });
  // The thirtieth waits for five seconds, and not quite as long as it may.
  const opened = await Promise.all(Array.from({ length: 60 }, () => broker.open()));
  const connacks = opened.map((client, i) =>
    client.connect({ clientId: `c${i}` }).then(
      () => 'in',
      () => 'closed',
    ),
  );
  const outcomes = await Promise.all(connacks);
  const inside = outcomes.filter((each) => each === 'in').length;
  assert.ok(inside >= 30 && inside < 60, `${inside} got in`);
  const delayed = await broker.metric('sluice_mqtt_connects_rate_limited_total{outcome="delayed"}');
  const closed = await broker.metric('sluice_mqtt_connects_rate_limited_total{outcome="closed"}');
  assert.is(closed, 60 - inside);
  assert.ok(delayed >= 25, `${delayed} were delayed`);
  for (const client of opened) client.destroy();
  await broker.assertSound();
  assert.is(await broker.stop(), 0);
});

for (const threads of [1, 2]) {
  test(`a client that connects over and over is banned for a time, ${threads} reactors`, async () => {
    const broker = await Broker.start({
      'node.threads': threads,
      'node.data': join(folder, String(threads)),
      'mqtt.flapping.connects': 5,
      'mqtt.flapping.window_s': 3600,
      'mqtt.flapping.ban_s': 3600,
    });
    for (let i = 0; i < 4; i++) (await broker.connect({ clientId: 'nervous' })).destroy();
    const fifth = await broker.connect({ clientId: 'nervous' });
    assert.is(await fifth.reasonOfEnd(), ADMINISTRATIVE_ACTION);
    const sixth = await broker.connect({ clientId: 'nervous' });
    assert.is(sixth.connack.reasonCode, BANNED);
    await within('the end of the connection', sixth.closed);
    const calm = await broker.connect({ clientId: 'calm' });
    assert.is(calm.connack.reasonCode, 0);
    const { bans } = (await (await fetch(`${broker.http}/api/v1/bans`)).json()) as { bans: { value: string; reason: string }[] };
    assert.equal(
      bans.map(({ value, reason }) => [value, reason]),
      [['nervous', 'connects too often']],
    );
    await fetch(`${broker.http}/api/v1/bans/client/nervous`, { method: 'DELETE' });
    await until('it may connect again', async () => {
      const again = await broker.connect({ clientId: 'nervous' });
      again.destroy();
      return again.connack.reasonCode === 0;
    });
    calm.destroy();
    await broker.assertSound();
    assert.is(await broker.stop(), 0);
  });
}

test.run();
