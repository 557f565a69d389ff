// A declared topic that is compacted by key, in a real node and through its kill.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { until } from './until.ts';

const KEYS = 10;
const MESSAGES = 500;
const PAYLOAD_BYTES = 10_000;

const test = suite('compaction of a declared topic');
const directory = mkdtempSync(join(tmpdir(), 'sluice-compaction-'));
const settings = { 'node.data': directory, 'storage.segment_bytes': 1_048_576 };
const clients: MqttClient[] = [];
let broker: Broker;

test.before(async () => {
  broker = await Broker.start(settings);
});
test.after(async () => {
  await Promise.all(clients.map((client) => client.endAsync(true)));
  await broker.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function request(method: string, path: string, body?: object): Promise<Response> {
  const init = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return fetch(`${broker.http}/api/v1/topics${path}`, { method, ...init });
}

/** Offsets by topic name, in order, as a client gets them from the beginning on. */
async function replay(last: number): Promise<Map<string, number[]>> {
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 0 });
  clients.push(client);
  const offsets = new Map<string, number[]>();
  let seen = -1;
  client.on('error', () => {});
  client.on('message', (topic, _payload, { properties }) => {
    const user = properties?.userProperties as Record<string, string>;
    seen = Number(user['sluice-offset']);
    offsets.set(topic, [...(offsets.get(topic) ?? []), seen]);
  });
  await client.subscribeAsync('state/#', { qos: 1, properties: { userProperties: { 'sluice-from': 'earliest' } } });
  await until(`offset ${last} has come`, () => seen >= last);
  await client.endAsync();
  return offsets;
}

test('only the last message of each topic name stays of what is old, under its offset', async () => {
  assert.is((await request('POST', '', { name: 'no', filter: 'no/#', cleanup: 'compact' })).status, 400, 'not in the shared log');
  const spec = { name: 'state', filter: 'state/#', model: 'dedicated', cleanup: 'compact', retentionMs: 1 };
  const made = await request('POST', '', spec);
  assert.is(made.status, 201, await made.clone().text());
  assert.is(((await made.json()) as { cleanup: string }).cleanup, 'compact');
  assert.is((await request('PATCH', '/state', { cleanup: 'compact,delete' })).status, 200);
  assert.is((await request('PATCH', '/state', { cleanup: 'compact' })).status, 200);

  const publisher = await broker.connect();
  for (let i = 0; i < MESSAGES; i++) {
    // The last name is published to once, at the beginning.
    const key = i === 0 ? KEYS : i % KEYS;
    const payload = i === 1 ? '' : String(i).padEnd(PAYLOAD_BYTES, '.');
    publisher.publish(`state/${key}`, payload, { qos: 1, packetId: 1 + i });
    // Some at a time, so that they are more than a few batches.
    if (i % 10 === 9) for (let acknowledged = 0; acknowledged < 10; acknowledged++) await publisher.next('puback');
  }
  await until('the topic is compacted', async () => (await broker.metric('sluice_storage_compactions_total')) > 0);
  const offsets = await replay(MESSAGES - 1);
  assert.equal(offsets.get(`state/${KEYS}`), [0], 'nothing has taken its place, whatever its age');
  let all = 0;
  for (let key = 0; key < KEYS; key++) {
    const of = offsets.get(`state/${key}`)!;
    all += of.length;
    assert.is(of.at(-1), MESSAGES - KEYS + key);
    assert.is(of[0]! >= KEYS, true, 'what is old has gone');
    assert.equal(
      of,
      [...of].sort((a, b) => a - b),
    );
  }
  assert.ok(all < MESSAGES - 100, `${all} are left`);
  await broker.assertSound();

  broker.node.kill('SIGKILL');
  await broker.node.ended;
  broker = await Broker.start(settings);
  const again = await replay(MESSAGES - 1);
  assert.equal(again.get(`state/${KEYS}`), [0]);
  for (const [topic, of] of again) assert.is(of.at(-1), offsets.get(topic)!.at(-1), topic);
});

test.run();
