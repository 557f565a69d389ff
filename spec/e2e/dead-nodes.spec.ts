// Three real nodes, of which one is killed and stays away: the wills of its clients come once, and a session ends when its time is over.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
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

const willOf = (name: string, delaySeconds = 0): Partial<ConnectSettings> => ({
  will: { topic: `wills/${name}`, payload: Buffer.from(name), qos: 1, retain: false, delaySeconds },
});

const isKnown = async (node: LocalNode, clientId: string): Promise<boolean> =>
  (await node.http('GET', `/api/v1/meta/key?kind=data&key=${encodeURIComponent(`session/${clientId}`)}`)).status === 200;

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
    got.push(...(await texts()).filter((text) => text !== 'probe'));
  };
  await until('all wills have come', async () => {
    await listen();
    return got.length >= 3;
  });
  assert.equal([...got].sort(), ['brief', 'clean', 'lasting']);
  await until('the session whose time is over is gone', async () => !(await isKnown(here, 'brief')));
  assert.ok(await isKnown(here, 'lasting'));

  await doomed.start();
  await until('what lay there is compared with the metadata', async () => {
    return (
      (await doomed.http('GET', '/api/v1/clients/lasting')).status === 200 &&
      (await doomed.http('GET', '/api/v1/clients/brief')).status === 404
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
