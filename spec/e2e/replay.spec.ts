// Replays of a declared topic by MQTT.js, from a real node and through its kill.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { until } from './until.ts';

interface Suback {
  readonly granted: readonly number[];
  readonly properties?: { readonly reasonString?: string };
}

interface Message {
  readonly text: string;
  readonly offset: number;
  readonly partition: number;
}

const test = suite('replay with MQTT.js');
const directory = mkdtempSync(join(tmpdir(), 'sluice-replay-'));
const clients: MqttClient[] = [];
let broker: Broker;

test.before(async () => {
  broker = await Broker.start({ 'node.threads': 2, 'node.data': directory });
});
test.after(async () => {
  await Promise.all(clients.map((client) => client.endAsync(true)));
  await broker.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function connect(options: IClientOptions = {}): Promise<{ client: MqttClient; messages: Message[] }> {
  const client = mqtt.connect(broker.url, { protocolVersion: 5, reconnectPeriod: 0, ...options });
  clients.push(client);
  client.on('error', () => {}); // the node is killed under it
  const messages: Message[] = [];
  client.on('message', (_topic, payload, { properties }) => {
    const user = properties?.userProperties as Record<string, string>;
    messages.push({ text: String(payload), offset: Number(user['sluice-offset']), partition: Number(user['sluice-partition']) });
  });
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
  });
  return { client, messages };
}

async function declare(partitions: number): Promise<void> {
  const answer = await fetch(`${broker.http}/api/v1/topics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: `t${partitions}`, filter: `t${partitions}/#`, partitions }),
  });
  assert.is(answer.status, 201, await answer.text());
}

async function publish(client: MqttClient, topic: string, from: number, to: number): Promise<void> {
  await Promise.all(Array.from({ length: to - from }, (_, i) => client.publishAsync(topic, `${from + i}`, { qos: 1 })));
}

const arrived = (messages: readonly Message[], count: number): Promise<void> =>
  until(
    () => `${count} messages have come; ${messages.length} have`,
    () => messages.length >= count,
  );

test('earliest, then live, across reactors; each topic in order', async () => {
  await declare(3);
  const { client: publisher } = await connect();
  for (const topic of ['t3/a', 't3/b', 't3/c']) await publish(publisher, topic, 0, 200);
  const { client, messages } = await connect();
  const publishing = publish(publisher, 't3/a', 200, 400);
  await client.subscribeAsync('t3/#', { qos: 1, properties: { userProperties: { 'sluice-from': 'earliest' } } });
  await publishing;
  await publish(publisher, 't3/b', 200, 400);
  await arrived(messages, 1000);
  for (const partition of [0, 1, 2]) {
    const offsets = messages.filter((message) => message.partition === partition).map(({ offset }) => offset);
    assert.equal(
      offsets,
      offsets.map((_, i) => i),
      'no gap, no duplicate',
    );
  }
});

test('an offset goes on where another client has stopped, also after the node was killed', async () => {
  await declare(1);
  const { client: publisher } = await connect();
  await publish(publisher, 't1/a', 0, 100);
  broker.node.kill('SIGKILL');
  await broker.node.ended;
  broker = await Broker.start({ 'node.threads': 2, 'node.data': directory });
  const { client, messages } = await connect({ properties: { receiveMaximum: 5 } });
  await client.subscribeAsync('t1/#', { qos: 2, properties: { userProperties: { 'sluice-from': '90' } } });
  const { client: again } = await connect();
  await publish(again, 't1/a', 100, 120);
  await arrived(messages, 30);
  assert.equal(
    messages.map(({ text, offset }) => [text, offset]),
    Array.from({ length: 30 }, (_, i) => [`${90 + i}`, 90 + i]),
  );
});

test('what cannot be asked for is refused with its code', async () => {
  const { client } = await connect();
  const asking = client.subscribeAsync('t1/#', { qos: 1, properties: { userProperties: { 'sluice-from': 'tomorrow' } } });
  const refused = await asking.then(
    () => undefined,
    ({ packet }: { packet?: Suback }) => packet,
  );
  assert.equal(refused?.granted, [0x83]);
  assert.match(refused?.properties?.reasonString ?? '', /^SLUICE_REPLAY_INVALID: sluice-from is earliest, latest/);
});

test.run();
