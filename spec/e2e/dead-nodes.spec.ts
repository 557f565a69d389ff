// Three real nodes: clients of all are managed on any. One is killed and stays away: the wills of its clients come once, and a session ends when its time is over.
import { setTimeout as pause } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import type { ClientDetails } from '../../src/actors/clients/messages.ts';
import type { ClientPage } from '../../src/nodes/extensions/cluster-clients.ts';
import { cliAt } from './in-process-cli.ts';
import { type ConnectSettings, RawClient, type ReceivedPublish } from './raw-client.ts';
import { ThreeNodes } from './three-nodes.ts';
import { until } from './until.ts';

const test = suite('clients of a node that is dead');
let three: ThreeNodes;
let cluster: LocalCluster;
const clients: RawClient[] = [];

test.before(async () => {
  three = await ThreeNodes.make('dead-nodes', { 'node.threads': 2 });
  ({ cluster } = three);
  await cluster.start();
});
test.after(async () => {
  for (const client of clients) client.destroy();
  await three.end();
});

async function enter(node: LocalNode, clientId: string, settings: Partial<ConnectSettings> = {}): Promise<RawClient> {
  const client = await RawClient.open(Number(node.ready!.mqtt!.tcp!.split(':').at(-1)));
  clients.push(client);
  const { reasonCode } = await client.connect({ clientId, ...settings });
  assert.is(reasonCode, 0);
  return client;
}

const LASTING: Partial<ConnectSettings> = { cleanStart: false, sessionExpiry: 3600 };
const willOf = (name: string, delaySeconds = 0): Partial<ConnectSettings> => ({
  will: { topic: `wills/${name}`, payload: Buffer.from(name), qos: 1, retain: false, delaySeconds },
});

const isKnown = async (node: LocalNode, clientId: string): Promise<boolean> =>
  (await node.http('GET', `/api/v1/meta/key?kind=data&key=${encodeURIComponent(`session/${clientId}`)}`)).status === 200;

const listed = async (node: LocalNode, query = ''): Promise<ClientPage> =>
  (await node.http('GET', `/api/v1/clients?like=seen-${query}`)).body as ClientPage;
const places = ({ clients }: ClientPage): string[] => clients.map(({ clientId, node, state }) => `${clientId} ${node} ${state}`);

test('clients of all nodes are listed, shown and managed on any of them', async () => {
  const [here, other, doomed] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
  const one = await enter(here, 'seen-1');
  const two = await enter(other, 'seen-2');
  await enter(doomed, 'seen-3', LASTING);
  (await enter(other, 'seen-4', LASTING)).destroy();
  const all = [
    `seen-1 ${here.id} online`,
    `seen-2 ${other.id} online`,
    `seen-3 ${doomed.id} online`,
    `seen-4 ${other.id} offline`,
  ];
  for (const node of cluster.nodes) {
    await until('all are listed', async () => places(await listed(node)).join() === all.join());
    assert.equal(places(await listed(node, '&limit=2')), all.slice(0, 2));
    const rest = await listed(node, '&limit=2&after=seen-2');
    assert.equal([places(rest), rest.next, rest.missing], [all.slice(2), undefined, undefined]);
    assert.equal(
      places(await listed(node, '&scope=node')),
      all.filter((text) => text.split(' ')[1] === String(node.id)),
    );
  }
  const shown = await cliAt(here.ready!.http!, 'client', 'show', 'seen-2');
  assert.equal([(shown as ClientDetails).node, (shown as ClientDetails).subscriptions], [other.id, []]);
  assert.is((await here.http('POST', '/api/v1/clients/seen-2/subscriptions', { topic: 'far/+', qos: 1 })).status, 201);
  one.publish('far/x', 'reached');
  await until('the subscription is there', async () => {
    one.publish('far/x', 'reached');
    return (await two.settled()).some(({ cmd }) => cmd === 'publish');
  });
  assert.is((await doomed.http('DELETE', `/api/v1/clients/seen-2/subscriptions/${encodeURIComponent('far/+')}`)).status, 204);
  assert.is((await doomed.http('DELETE', '/api/v1/clients/seen-2')).status, 204);
  let last = await two.next();
  while (last.cmd === 'publish') last = await two.next();
  assert.equal([last.cmd, (last as { readonly reasonCode?: number }).reasonCode], ['disconnect', 0x98]);
  for (const node of cluster.nodes) assert.is((await node.http('DELETE', '/api/v1/clients/seen-9')).status, 404);
  assert.is((await doomed.http('DELETE', '/api/v1/clients/seen-4?session=discard')).status, 204);
  await until('it is gone', async () => places(await listed(here)).length === 2);
});

test('wills come once, sessions end, and a node that is back adds nothing to that', async () => {
  const [here, other, doomed] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
  const watcher = await enter(here, 'watcher');
  await watcher.subscribe('wills/#', { qos: 1 });
  const texts = async (): Promise<string[]> =>
    (await watcher.settled()).flatMap((packet) =>
      packet.cmd === 'publish' ? [String((packet as ReceivedPublish).payload)] : [],
    );
  for (const node of [other, doomed]) {
    const prober = await enter(node, `prober-${node.id}`);
    await until(`node ${node.id} knows the filter`, async () => {
      prober.publish('wills/probe', 'probe', { qos: 1, packetId: 9 });
      await prober.next('puback');
      return (await texts()).length > 0;
    });
  }
  await enter(doomed, 'clean', { cleanStart: true, sessionExpiry: 0, ...willOf('clean') });
  await enter(doomed, 'lasting', { cleanStart: false, sessionExpiry: 3600, ...willOf('lasting') });
  await enter(doomed, 'brief', { cleanStart: false, sessionExpiry: 6, ...willOf('brief', 1000) });
  await until('the cluster knows of them', async () => {
    const { status } = await here.http('GET', `/api/v1/meta/key?kind=data&key=${encodeURIComponent(`will/clean\0${doomed.id}`)}`);
    return status === 200 && (await isKnown(here, 'lasting')) && (await isKnown(here, 'brief'));
  });
  await doomed.kill('SIGKILL');

  const got: string[] = [];
  const listen = async (): Promise<void> => {
    // The processes have enough to do.
    await pause(50);
    got.push(...(await texts()).filter((text) => text !== 'probe'));
  };
  await until('all wills have come', async () => {
    await listen();
    return got.length >= 3;
  });
  assert.equal([...got].sort(), ['brief', 'clean', 'lasting']);
  await until('the session whose time is over is gone', async () => !(await isKnown(here, 'brief')));
  assert.ok(await isKnown(here, 'lasting'));

  const page = await listed(other);
  assert.equal([places(page), page.missing], [[`seen-1 ${here.id} online`, `seen-3 ${doomed.id} away`], [doomed.id]]);
  assert.is(((await here.http('GET', '/api/v1/clients/seen-3')).body as ClientDetails).state, 'away');
  assert.is((await here.http('POST', '/api/v1/clients/seen-3/subscriptions', { topic: 'x' })).status, 503);
  assert.is((await here.http('DELETE', '/api/v1/clients/seen-3?session=discard')).status, 204);
  assert.not(await isKnown(other, 'seen-3'));

  await doomed.start();
  await until('what lay there is compared with the metadata', async () => {
    return (
      (await doomed.http('GET', '/api/v1/clients/lasting?scope=node')).status === 200 &&
      (await doomed.http('GET', '/api/v1/clients/brief?scope=node')).status === 404
    );
  });
  // What it would have to say again comes before this.
  const last = await enter(doomed, 'last', willOf('last'));
  await until('it is heard', async () => {
    last.destroy();
    await listen();
    return got.includes('last');
  });
  assert.equal([...got].sort(), ['brief', 'clean', 'last', 'lasting']);
});

test.run();
