// Delayed messages outlive the node that took them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DelayedList } from '../../src/nodes/extensions/delayed-routes.ts';
import { Broker } from './broker.ts';

const test = suite('delayed messages and a crash');
const folder = mkdtempSync(join(tmpdir(), 'sluice-delayed-'));
const SETTINGS = { 'node.data': folder, 'node.threads': 2 };
let broker: Broker;
test.before(async () => {
  broker = await Broker.start(SETTINGS);
});
test.after(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

const listed = async (): Promise<DelayedList> => (await (await fetch(`${broker.http}/api/v1/delayed`)).json()) as DelayedList;

test('a delayed message of QoS 1 survives kill -9, and one that fell due meanwhile comes at the start', async () => {
  const publisher = await broker.connect({ clientId: 'publisher' });
  const subscriber = await broker.connect({ clientId: 'sub', cleanStart: false, sessionExpiry: 600 });
  await subscriber.subscribe('kept/#', { qos: 1 });
  publisher.publish('$delayed/3600/kept/memory', 'in memory');
  publisher.publish('$delayed/3600/kept/late', 'late', { qos: 1, packetId: 1 });
  publisher.publish('$delayed/3600/kept/deleted', 'deleted', { qos: 1, packetId: 2 });
  publisher.publish('$delayed/1/kept/soon', 'soon', { qos: 1, packetId: 3 });
  for (let i = 0; i < 3; i++) await publisher.next('puback');
  const { messages } = await listed();
  const deleted = messages.find(({ topic }) => topic === 'kept/deleted')!;
  assert.is((await fetch(`${broker.http}/api/v1/delayed/${deleted.id}`, { method: 'DELETE' })).status, 204);
  // What is deleted is written without anybody waiting: something that is waited for is behind it.
  publisher.publish('$delayed/3600/kept/last', 'last', { qos: 1, packetId: 4 });
  await publisher.next('puback');
  broker.node.kill('SIGKILL');
  await broker.node.ended;
  broker = await Broker.start(SETTINGS);
  const again = await broker.connect({ clientId: 'sub', cleanStart: false, sessionExpiry: 600 });
  assert.is(await again.nextPayload(), 'soon');
  assert.equal(
    (await listed()).messages
      .map(({ topic, clientId, qos, payloadBytes }) => `${topic} ${clientId} ${qos} ${payloadBytes}`)
      .sort(),
    ['kept/last publisher 1 4', 'kept/late publisher 1 4'],
  );
  again.destroy();
  await broker.assertSound();
});

test.run();
