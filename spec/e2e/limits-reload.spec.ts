// Limits and rates that change while the node runs: bounds and rates hold at once, what was settled with a client at CONNECT holds as long as its connection.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startFrom } from './file-broker.ts';
import { pubrel, RawClient } from './raw-client.ts';
import { within } from './until.ts';

const QUOTA_EXCEEDED = 0x97;
const PACKET_TOO_LARGE = 0x95;

const test = suite('reload of limits');
const folder = mkdtempSync(join(tmpdir(), 'sluice-limits-'));
test.after(() => rmSync(folder, { recursive: true }));

test('rates: a running client is held back from then on, and let go when they are lifted', async () => {
  const { broker, change } = await startFrom(folder, 'rates', 2, '');
  try {
    const [publisher, subscriber] = [await broker.connect(), await broker.connect()];
    await subscriber.subscribe('fast');
    const all = Array.from({ length: 200 }, (_, i) => publisher.encodePublish('fast', String(i)));
    publisher.send(...all);
    for (let i = 0; i < 200; i++) assert.is(await subscriber.nextPayload(), String(i));
    const held = 'sluice_mqtt_reads_rate_limited_total';
    assert.is(await broker.metric(held), 0);
    assert.equal(await change('[mqtt.rate]\nclient_messages = 1\n'), ['mqtt.rate.client_messages']);
    publisher.send(...all);
    await broker.untilMetric(held, (count) => count > 0);
    // By the old rate it would not be read for minutes.
    assert.equal(await change(''), ['mqtt.rate.client_messages']);
    publisher.publish('fast', 'last');
    for (let i = 0; i < 200; i++) assert.is(await subscriber.nextPayload(), String(i));
    assert.is(await subscriber.nextPayload(), 'last');
    for (const client of [publisher, subscriber]) client.destroy();
    await broker.assertSound();
  } finally {
    assert.is(await broker.stop(), 0);
  }
});

test('what a client was told at CONNECT holds for its connection; bounds that it was not told of hold at once', async () => {
  const { broker, change } = await startFrom(folder, 'terms', 1, '');
  try {
    const early = await broker.connect({ clientId: 'early' });
    assert.is(early.connack.properties?.receiveMaximum, 1024);
    await early.subscribe('a');
    assert.equal(await change('[mqtt]\nmax_packet_bytes = 1000\ninflight_max = 2\nsubscriptions_max = 1\n'), [
      'mqtt.max_packet_bytes',
      'mqtt.inflight_max',
      'mqtt.subscriptions_max',
    ]);
    assert.equal(await early.subscribe('b'), [QUOTA_EXCEEDED]);
    early.publish('x', 'x'.repeat(5000), { qos: 1, packetId: 9 });
    await early.next('puback');
    for (let packetId = 1; packetId <= 5; packetId++) {
      early.publish('x', 'x', { qos: 2, packetId });
      await early.next('pubrec');
    }
    early.send(pubrel(1));
    await early.next('pubcomp');
    const late = await broker.connect({ clientId: 'late' });
    assert.equal([late.connack.properties?.receiveMaximum, late.connack.properties?.maximumPacketSize], [2, 1000]);
    late.publish('x', 'x'.repeat(1000));
    assert.is(await late.reasonOfEnd(), PACKET_TOO_LARGE);
    const back = await RawClient.connect(broker.port, { clientId: 'early' });
    assert.is(back.connack.properties?.receiveMaximum, 2, 'a connection of its own is what it is told of');
    for (const client of [early, back]) client.destroy();
    await broker.assertSound();
  } finally {
    assert.is(await broker.stop(), 0);
  }
});

test('a listener of its own: connections, and a rate for all its clients', async () => {
  const table = (more: string): string => `[[mqtt.listeners]]\nname = "plant"\ntype = "tcp"\nport = 0\n${more}`;
  const { broker, change } = await startFrom(folder, 'listener', 1, table(''));
  try {
    const port = broker.portOf('plant');
    const first = await RawClient.connect(port, { clientId: 'first' });
    assert.equal(await change(table('limits = { connections_max = 1 }\n')), ['mqtt.listeners']);
    const second = await RawClient.open(port);
    assert.is((await second.connect({ clientId: 'second' })).reasonCode, QUOTA_EXCEEDED);
    assert.is((await broker.connect()).connack.reasonCode, 0, 'other listeners keep what they have');
    await change(table('limits = { connections_max = 2 }\nrate = { listener_messages = 1 }\n'));
    const third = await RawClient.connect(port, { clientId: 'third' });
    assert.is(third.connack.reasonCode, 0);
    first.send(...Array.from({ length: 50 }, () => first.encodePublish('x', 'x')));
    await broker.untilMetric('sluice_mqtt_reads_rate_limited_total', (count) => count > 0);
    await change(table('limits = { connections_max = 2 }\n'));
    await within('the client that was held', first.settled());
    for (const client of [first, second, third]) client.destroy();
    await broker.assertSound();
  } finally {
    assert.is(await broker.stop(), 0);
  }
});

test.run();
