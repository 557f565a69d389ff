// Clients as an operator sees and manages them, and traces of what they do.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientDetails } from '../../src/actors/clients/messages.ts';
import type { ClientPage } from '../../src/nodes/extensions/cluster-clients.ts';
import { Broker } from './broker.ts';
import { cliOf } from './in-process-cli.ts';
import { puback } from './raw-client.ts';
import { until } from './until.ts';

const ADMINISTRATIVE_ACTION = 0x98;

const test = suite('clients and traces');
const folder = mkdtempSync(join(tmpdir(), 'sluice-clients-'));
let broker: Broker;
test.before(async () => {
  broker = await Broker.start({ 'node.data': folder, 'storage.enabled': 'false', 'node.threads': 2 });
});
test.after(async () => {
  await broker.assertSound();
  assert.is(await broker.stop(), 0);
  rmSync(folder, { recursive: true });
});

const cli = (...args: readonly string[]): Promise<unknown> => cliOf(broker, ...args);

const get = async <T>(path: string): Promise<T> => (await (await fetch(`${broker.http}${path}`)).json()) as T;

async function send(method: string, path: string, body?: object): Promise<number> {
  const init = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return (await fetch(`${broker.http}${path}`, { method, ...init })).status;
}

test('clients are listed in the order of their ids over all reactors, and shown with what they have', async () => {
  const clients = await Promise.all(['b', 'a', 'd', 'c', 'xe'].map((name) => broker.connect({ clientId: `list-${name}` })));
  const pages: string[][] = [];
  for (let after = ''; ; ) {
    const page = await get<ClientPage>(`/api/v1/clients?limit=2&after=${after}`);
    pages.push(page.clients.map(({ clientId }) => clientId));
    assert.is(page.total, 5);
    if (page.next === undefined) break;
    after = page.next;
  }
  assert.equal(pages, [['list-a', 'list-b'], ['list-c', 'list-d'], ['list-xe']]);
  const alike = await get<ClientPage>('/api/v1/clients?like=-x');
  assert.equal(
    alike.clients.map(({ clientId }) => clientId),
    ['list-xe'],
  );
  await clients[0]!.subscribe('l/+', { qos: 1 });
  await clients[0]!.subscribe('$exclusive/lx');
  clients[1]!.publish('l/1', 'x', { qos: 1, packetId: 1 });
  await clients[0]!.nextPublish();
  const shown = (await cli('client', 'show', 'list-b')) as ClientDetails;
  assert.is(shown.state, 'online');
  assert.is(shown.protocol, 5);
  assert.is(shown.inFlight, 1);
  assert.is(shown.address, clients[0]!.address);
  assert.ok(shown.connectedAt > 1_600_000_000_000);
  assert.equal(shown.subscriptions.map(({ filter, qos }) => `${filter} ${qos}`).sort(), ['$exclusive/lx 0', 'l/+ 1']);
  assert.is(await send('GET', '/api/v1/clients/nobody'), 404);
  for (const client of clients) client.destroy();
  await until('they are gone', async () => (await get<ClientPage>('/api/v1/clients')).total === 0);
});

test('an operator subscribes, unsubscribes and disconnects a client', async () => {
  const client = await broker.connect({ clientId: 'managed', sessionExpiry: 600, cleanStart: false });
  client.publish('m/kept', 'kept', { retain: true });
  await client.settled();
  assert.equal(await cli('client', 'subscribe', 'managed', 'm/+', '--qos', '1'), { topic: 'm/+', qos: 1 });
  assert.is(await client.nextPayload(), 'kept');
  client.publish('m/x', 'live', { qos: 1, packetId: 1 });
  const live = await client.nextPublish();
  assert.equal([String(live.payload), live.qos], ['live', 1]);
  client.send(puback(live.messageId!));
  assert.is(await send('POST', '/api/v1/clients/managed/subscriptions', { topic: 'a/#/b' }), 400);
  assert.is(await send('POST', '/api/v1/clients/nobody/subscriptions', { topic: 'a' }), 404);
  assert.is(await send('DELETE', '/api/v1/clients/managed/subscriptions/m%2F%2B'), 204);
  assert.is(await send('DELETE', '/api/v1/clients/managed/subscriptions/m%2F%2B'), 404);
  assert.is(await send('DELETE', '/api/v1/clients/managed'), 204);
  await client.next('puback');
  assert.is(await client.reasonOfEnd(), ADMINISTRATIVE_ACTION);
  await broker.untilOffline('managed');
  assert.is(await send('POST', '/api/v1/clients/managed/subscriptions', { topic: 'm/off', qos: 1 }), 201, 'its session as well');
  const again = await broker.connect({ clientId: 'managed', sessionExpiry: 600, cleanStart: false });
  assert.ok(again.connack.sessionPresent);
  assert.equal(
    (await get<ClientDetails>('/api/v1/clients/managed')).subscriptions.map(({ filter }) => filter),
    ['m/off'],
  );
  assert.equal(await cli('client', 'kick', 'managed', '--discard'), { kicked: 'managed' });
  assert.is(await again.reasonOfEnd(), ADMINISTRATIVE_ACTION);
  await broker.untilGone('managed');
});

interface Line {
  readonly client?: string;
  readonly to?: readonly string[];
  readonly direction: string;
  readonly packet?: string;
  readonly event?: string;
  readonly topic?: string;
  readonly payload?: string;
  readonly payloadBytes?: number;
}

async function linesOf(name: string): Promise<Line[]> {
  const text = await (await fetch(`${broker.http}/api/v1/traces/${name}`)).text();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
}

test('a client is traced, packet by packet in both directions, to a file and live', async () => {
  const before = await broker.connect({ clientId: 'traced' });
  // In two pieces, the trace beginning between them.
  const publish = before.encodePublish('tr/split', 'hello');
  before.send(publish.subarray(0, 5));
  const started = await cli('trace', 'start', 'one', '--client', 'traced', '--payload');
  assert.is((started as { isRunning: boolean }).isRunning, true);
  assert.is(await send('POST', '/api/v1/traces', { name: 'one', kind: 'client', value: 'x' }), 409);
  assert.is(await send('POST', '/api/v1/traces', { name: '../x', kind: 'client', value: 'x' }), 400);
  const live = await fetch(`${broker.http}/api/v1/traces/one/live`);
  before.send(publish.subarray(5));
  await until('it is traced', async () => {
    await before.settled();
    return (await linesOf('one')).length > 0;
  });
  await before.subscribe('tr/+');
  before.publish('tr/a', 'payload');
  await before.nextPublish();
  const other = await broker.connect({ clientId: 'untraced' });
  other.publish('elsewhere', 'x');
  await other.settled();
  await before.disconnect();
  const again = await broker.connect({ clientId: 'traced' });
  await again.settled();
  again.destroy();
  await until('all is written', async () => (await linesOf('one')).filter(({ event }) => event === 'disconnected').length === 2);
  assert.is(await send('POST', '/api/v1/traces/one/stop'), 204);
  assert.is(await send('POST', '/api/v1/traces/one/stop'), 404);
  const lines = await linesOf('one');
  assert.ok(lines.every(({ client }) => client === 'traced'));
  const told = lines
    .filter(({ packet }) => packet !== 'pingreq' && packet !== 'pingresp')
    .map(({ direction, packet, event, topic }) =>
      [direction, packet ?? event, ...(topic === undefined ? [] : [topic])].join(' '),
    );
  assert.equal(told, [
    'in publish tr/split',
    'in subscribe',
    'out suback',
    'in publish tr/a',
    'out publish tr/a',
    'in disconnect',
    'event disconnected',
    'event connected',
    'out connack',
    'event disconnected',
  ]);
  assert.is(lines.find(({ topic }) => topic === 'tr/a')!.payload, 'payload');
  const followed = (await live.text()).split('\n').filter((line) => line !== '');
  assert.ok(followed.length > 5 && followed.every((line) => JSON.parse(line).client === 'traced'));
  other.destroy();
});

test('topics are traced: who publishes, and who gets it on which reactor', async () => {
  const publisher = await broker.connectOn(1, { clientId: 'tp' });
  const near = await broker.connectOn(1, { clientId: 'near' });
  const far = await broker.connectOn(2, { clientId: 'far' });
  for (const client of [near, far]) await client.subscribe('tt/+');
  assert.is(await send('POST', '/api/v1/traces', { name: 'topics', kind: 'topic', value: 'tt/#' }), 201);
  await until('it is traced here and there', async () => {
    publisher.publish('tt/x', 'secret');
    publisher.publish('other', 'x');
    const lines = await linesOf('topics');
    return ['near', 'far'].every((name) => lines.some(({ to }) => to?.includes(name)));
  });
  const lines = await linesOf('topics');
  assert.ok(lines.every(({ topic }) => topic === 'tt/x'));
  assert.ok(lines.some(({ client, direction }) => client === 'tp' && direction === 'in'));
  assert.not.match(JSON.stringify(lines), /secret/);
  for (const client of [publisher, near, far]) client.destroy();
});

test('clients of an address are traced, a trace ends by itself, and is deleted', async () => {
  assert.is(await send('POST', '/api/v1/traces', { name: 'home', kind: 'address', value: '127.0.0.1', seconds: 1 }), 201);
  await until('a client is traced', async () => {
    const client = await broker.connect({ clientId: 'home' });
    await client.settled();
    client.destroy();
    const traces = (await get<{ traces: { name: string; isRunning: boolean }[] }>('/api/v1/traces')).traces;
    return traces.some(({ name, isRunning }) => name === 'home' && !isRunning) || (await linesOf('home')).length > 0;
  });
  await until('it is over', async () =>
    (await get<{ traces: { name: string; isRunning: boolean }[] }>('/api/v1/traces')).traces.some(
      ({ name, isRunning }) => name === 'home' && !isRunning,
    ),
  );
  for (const name of ['home', 'one', 'topics']) assert.is(await send('DELETE', `/api/v1/traces/${name}`), 204);
  assert.is(await send('GET', '/api/v1/traces/home'), 404);
  assert.equal(await get('/api/v1/traces'), { traces: [] });
});

test.run();
