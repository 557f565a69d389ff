// A thread of a real node dies under load: what was acknowledged meanwhile reaches the persistent sessions that lived on it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import type { RawClient, ReceivedPublish } from './raw-client.ts';
import { until } from './until.ts';

const SESSIONS = 6;
const MESSAGES = 400;
const WINDOW = 20;
const LASTING = { level: 5, cleanStart: false, sessionExpiry: 600 } as const;

const test = suite('the death of a reactor thread');
const directory = mkdtempSync(join(tmpdir(), 'sluice-reactor-'));
let broker: Broker;
test.before(async () => {
  const preload = new URL('./reactor-killer.js', import.meta.url).href;
  broker = await Broker.start({ 'node.threads': 2, 'node.data': directory }, { NODE_OPTIONS: `--import ${preload}` });
});
test.after(async () => {
  await broker.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Publishes all of them, and kills the thread in between; returns what was acknowledged with success. */
async function publishThrough(publisher: RawClient): Promise<string[]> {
  const acknowledged: string[] = [];
  let sent = 0;
  for (let answered = 0; answered < MESSAGES; answered++) {
    for (; sent < MESSAGES && sent < answered + WINDOW; sent++) {
      publisher.publish('work/x', String(sent), { qos: 1, packetId: 1 + sent });
    }
    if (answered === MESSAGES / 4) broker.node.kill('SIGUSR2');
    const { messageId, reasonCode } = (await publisher.next('puback')) as unknown as { messageId: number; reasonCode?: number };
    assert.is.not(reasonCode, 0x10, 'nobody is told that there are no subscribers');
    if (!reasonCode) acknowledged.push(String(messageId - 1));
  }
  return acknowledged;
}

test('what is acknowledged to publishers on the other reactor is for its sessions', async () => {
  const ids = Array.from({ length: SESSIONS }, (_, i) => `session-${i}`);
  for (const clientId of ids) {
    const client = await broker.connectOn(2, { clientId, ...LASTING });
    assert.equal(await client.subscribe('work/#', { qos: 1 }), [1]);
    await client.disconnect();
  }
  const publisher = await broker.connectOn(1, { level: 5 });
  const acknowledged = await publishThrough(publisher);
  assert.ok(acknowledged.length >= MESSAGES - 2 * WINDOW, `${acknowledged.length} are acknowledged`);
  assert.ok(broker.node.stderr.join('\n').includes('reactor'), 'the node has told of the death');
  for (const clientId of ids) {
    const client = await broker.connect({ clientId, ...LASTING });
    const got = new Set<string>();
    await until(
      () => `${clientId} has all; it has ${got.size} of ${acknowledged.length}`,
      () => {
        for (const packet of client.takeAll()) if (packet.cmd === 'publish') got.add(String((packet as ReceivedPublish).payload));
        return acknowledged.every((text) => got.has(text));
      },
    );
    client.destroy();
  }
  await broker.assertSound();
});

test.run();
