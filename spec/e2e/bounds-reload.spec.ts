// What holds for all clients of a node and changes while it runs: topic levels, strategies of shared subscriptions, bounds of retained messages, flapping.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startFrom } from './file-broker.ts';
import { RawClient } from './raw-client.ts';
import { until } from './until.ts';

const TOPIC_FILTER_INVALID = 0x8f;
const TOPIC_NAME_INVALID = 0x90;
const BANNED = 0x8a;

const test = suite('reload of bounds');
const folder = mkdtempSync(join(tmpdir(), 'sluice-bounds-'));
test.after(() => rmSync(folder, { recursive: true }));

test('topic levels: new names and filters are held to them', async () => {
  const { broker, change } = await startFrom(folder, 'levels', 1, '');
  try {
    const client = await broker.connect();
    assert.equal(await client.subscribe('a/+/c'), [0]);
    assert.equal(await change('[mqtt]\ntopic_levels_max = 2\n'), ['mqtt.topic_levels_max']);
    assert.equal(await client.subscribe('a/+/d'), [TOPIC_FILTER_INVALID]);
    assert.equal(await client.subscribe('a/+'), [0]);
    client.publish('a/b', 'x');
    assert.is(await client.nextPayload(), 'x');
    client.publish('a/b/c', 'x');
    assert.is(await client.reasonOfEnd(), TOPIC_NAME_INVALID);
    await change('');
    const back = await broker.connect();
    assert.equal(await back.subscribe('a/+/c'), [0]);
    back.publish('a/b/c', 'y');
    assert.is(await back.nextPayload(), 'y');
    back.destroy();
    await broker.assertSound();
  } finally {
    assert.is(await broker.stop(), 0);
  }
});

test('shared subscriptions: groups that are there choose in the new way', async () => {
  const { broker, change } = await startFrom(folder, 'shared', 2, '[mqtt.shared]\nstrategy = "sticky"\n');
  try {
    const publisher = await broker.connect();
    const members = await Promise.all(Array.from({ length: 4 }, () => broker.connect()));
    for (const each of members) assert.equal(await each.subscribe('$share/g/work'), [0]);
    // What members have got, until all of it is there.
    const spread = async (): Promise<number[]> => {
      for (let i = 0; i < 40; i++) publisher.publish('work', 'x', { qos: 1, packetId: i + 1 });
      for (let i = 0; i < 40; i++) await publisher.next('puback');
      const counts: number[] = [];
      for (const each of members)
        counts.push((await each.settled()).filter((packet) => (packet as { cmd?: string }).cmd === 'publish').length);
      return counts.sort((a, b) => a - b);
    };
    assert.equal(await spread(), [0, 0, 0, 40]);
    assert.equal(await change('[mqtt.shared]\nstrategy = "round_robin"\n'), ['mqtt.shared.strategy']);
    const turns = await spread();
    assert.ok(
      turns.every((count) => count > 0),
      `in turns: ${turns}`,
    );
    assert.equal(await change('[mqtt.shared]\nstrategy = "round_robin"\ngroups = ["g=sticky"]\n'), ['mqtt.shared.groups']);
    assert.equal(await spread(), [0, 0, 0, 40]);
    for (const client of [publisher, ...members]) client.destroy();
    await broker.assertSound();
  } finally {
    assert.is(await broker.stop(), 0);
  }
});

test('retained messages: what is there stays, what comes is held to the new bound', async () => {
  const { broker, change } = await startFrom(folder, 'retained', 1, '');
  try {
    const client = await broker.connect();
    const retain = async (topic: string, packetId: number): Promise<void> => {
      client.publish(topic, topic, { qos: 1, packetId, retain: true });
      await client.next('puback');
    };
    for (const [index, topic] of ['r/1', 'r/2', 'r/3'].entries()) await retain(topic, index + 1);
    assert.equal(await change('[mqtt.retained]\nmessages_max = 2\n'), ['mqtt.retained.messages_max']);
    await retain('r/4', 4);
    await broker.untilMetric('sluice_retained_refused_total', (value) => value === 1);
    assert.equal(await change('[mqtt.retained]\nmessages_max = 4\n'), ['mqtt.retained.messages_max']);
    await retain('r/5', 5);
    await client.subscribe('r/+');
    const seen = [await client.nextPayload(), await client.nextPayload(), await client.nextPayload(), await client.nextPayload()];
    assert.equal(seen.sort(), ['r/1', 'r/2', 'r/3', 'r/5']);
    client.destroy();
    await broker.assertSound();
  } finally {
    assert.is(await broker.stop(), 0);
  }
});

test('flapping: counted from when it is asked for, until it is not any more', async () => {
  const { broker, change } = await startFrom(folder, 'flapping', 2, '');
  try {
    const connect = async (clientId: string): Promise<number | undefined> => {
      const client = await RawClient.open(broker.port);
      const { reasonCode } = await client.connect({ clientId });
      client.destroy();
      return reasonCode;
    };
    for (let i = 0; i < 5; i++) assert.is(await connect('restless'), 0);
    const keys = ['mqtt.flapping.connects', 'mqtt.flapping.window_s'];
    assert.equal(await change('[mqtt.flapping]\nconnects = 3\nwindow_s = 3600\n'), keys);
    for (let i = 0; i < 3; i++) await connect('restless');
    await until('it is banned', async () => (await connect('restless')) === BANNED);
    assert.equal(await change(''), keys);
    for (let i = 0; i < 8; i++) assert.is(await connect('calm again'), 0);
    await broker.assertSound();
  } finally {
    assert.is(await broker.stop(), 0);
  }
});

test.run();
