// What waits on one node for another that is dead, when both die: real nodes, whose stores forget at start what nobody knows.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalNode } from '../../bench/cluster/local-cluster.ts';
import { type ConnectSettings, RawClient } from './raw-client.ts';
import { ThreeNodes } from './three-nodes.ts';
import { until } from './until.ts';

const test = suite('what waits for a node');
type Settings = Partial<ConnectSettings> & { readonly clientId: string };
const COUNT = 10;

async function backlogOf(node: LocalNode): Promise<number> {
  const text = await (await fetch(`http://${node.ready!.http}/metrics`)).text();
  return Number(/^sluice_relay_backlog_messages (\d+)/m.exec(text)?.[1]);
}

test('what waits for a node that was killed outlives the node that it waits on', async () => {
  const three = await ThreeNodes.make('relay-backlog', { 'node.threads': 1 });
  const clients: RawClient[] = [];
  const connect = async (node: LocalNode, settings: Settings): Promise<RawClient> => {
    const client = await RawClient.connect(Number(node.ready!.mqtt!.tcp!.split(':').at(-1)), settings);
    clients.push(client);
    return client;
  };
  try {
    await three.cluster.start();
    const [first, , third] = three.cluster.nodes as [LocalNode, LocalNode, LocalNode];
    const lasting: Settings = { clientId: 'lasting', cleanStart: false, sessionExpiry: 3600 };
    const before = await connect(third, lasting);
    await before.subscribe('t/#', { qos: 1 });
    before.destroy();
    await third.kill('SIGKILL');
    const publisher = await connect(first, { clientId: 'p' });
    await until('the link is known to be lost, and what comes goes to disk', async () => {
      publisher.publish('t/probe', 'probe', { qos: 1, packetId: 100 });
      await publisher.next('puback');
      return (await backlogOf(first)) > 0;
    });
    for (let i = 0; i < COUNT; i++) {
      publisher.publish('t/x', String(i), { qos: 1, packetId: i + 1 });
      await publisher.next('puback');
    }
    await first.kill('SIGKILL');
    await Promise.all([first.start(), third.start()]);
    const after = await connect(third, lasting);
    const got: string[] = [];
    while (got.length < COUNT) {
      const { topic, payload } = await after.nextPublish();
      if (topic === 't/x' && !got.includes(String(payload))) got.push(String(payload));
    }
    assert.equal(
      got,
      Array.from({ length: COUNT }, (_, i) => String(i)),
    );
  } finally {
    for (const client of clients) client.destroy();
    await three.end();
  }
});

test.run();
