// What falls to persistent members of shared subscriptions outlives the node that took it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import type { RawClient, ReceivedPublish } from './raw-client.ts';
import { until } from './until.ts';

const MESSAGES = 60;
const LASTING = { cleanStart: false, sessionExpiry: 600 };
const range = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i));

const test = suite('durable members of shared subscriptions');
const folder = mkdtempSync(join(tmpdir(), 'sluice-shared-'));
const settings = { 'node.data': folder, 'node.threads': 2 };
let broker: Broker;
test.before(async () => {
  broker = await Broker.start(settings);
});
test.after(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

async function publish(from: number, to: number): Promise<void> {
  const publisher = await broker.connect();
  for (let i = from; i < to; i++) publisher.publish(`work/${i % 3}`, String(i), { qos: 1, packetId: i + 1 });
  for (let i = from; i < to; i++) await publisher.next('puback');
  await publisher.disconnect();
}

const member = (id: string): Promise<RawClient> => broker.connect({ clientId: id, ...LASTING });

test('kill -9 loses nothing of what members had been given, with a connection and without', async () => {
  const ids = ['a', 'b', 'c'];
  for (const id of ids) {
    const client = await member(id);
    assert.equal(await client.subscribe('$share/g/work/#', { qos: 1 }), [1]);
    await client.disconnect();
  }
  await publish(0, MESSAGES);
  // One takes what waits, and acknowledges none of it; the rest is published while it is there.
  const busy = await member('a');
  for (let i = 0; i < MESSAGES; i++) await busy.nextPublish();
  await publish(MESSAGES, 2 * MESSAGES);
  broker.node.kill('SIGKILL');
  await broker.node.ended;
  busy.destroy();
  broker = await Broker.start(settings);
  const got = new Set<string>();
  const back = await Promise.all(ids.map(member));
  await until('all have come again', () => {
    for (const packet of back.flatMap((client) => client.takeAll())) {
      if (packet.cmd === 'publish') got.add(String((packet as ReceivedPublish).payload));
    }
    return got.size === 2 * MESSAGES;
  });
  assert.equal(
    [...got].sort((x, y) => Number(x) - Number(y)),
    range(0, 2 * MESSAGES),
  );
  for (const client of back) client.destroy();
  await broker.assertSound();
});

test.run();
