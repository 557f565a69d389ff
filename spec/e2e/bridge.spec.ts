// Bridges between nodes: every QoS, both ways, no circles, nothing lost while the other side is away.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BridgeList } from '../../src/nodes/bridge/routes.ts';
import { bridge, crossed, discarded, end, endAll, forget, freePort, isUp, start, take } from './bridge-nodes.ts';
import { cliOf } from './in-process-cli.ts';
import { until } from './until.ts';

const test = suite('bridge');
test.after(endAll);

test('both ways at each QoS with prefixes, in circles by two bridges once around, and through a restart of the other side without loss', async () => {
  const port = await freePort();
  const both = '{direction="both",filter="#",qos=2,local_prefix="out/",remote_prefix="from/edge/"}';
  const settings = { 'mqtt.bridges': bridge('cloud', port, both), 'node.threads': 2 };
  const edge = await start('edge', settings);
  const near = await edge.connect();
  await edge.untilMetric('sluice_router_subscriptions', (value) => value === 1);
  // Before there is anything on the other side: kept on disk, at QoS 0 dropped.
  near.publish('out/early', 'one', { qos: 1, packetId: 1 });
  await near.next('puback');
  near.publish('out/lost', 'zero');
  let cloud = await start('cloud', { 'mqtt.tcp.port': port });
  const far = await cloud.connect({ clientId: 'far', cleanStart: false, sessionExpiry: 600 });
  await far.subscribe('from/#', { qos: 2 });
  await isUp(edge);
  assert.is(await take(far), 'from/edge/early one 1');
  for (const qos of [0, 1, 2] as const) near.publish(`out/q${qos}`, 'x', { qos, packetId: 10 + qos });
  const got = [await take(far), await take(far), await take(far)].sort();
  assert.equal(got, ['from/edge/q0 x 0', 'from/edge/q1 x 1', 'from/edge/q2 x 2']);
  await near.subscribe('out/#', { qos: 2 });
  far.publish('from/edge/back', 'y', { qos: 2, packetId: 7 });
  assert.is(await take(near), 'out/back y 2');
  far.destroy();
  near.destroy();

  forget(cloud);
  cloud.node.kill('SIGKILL');
  await cloud.node.ended;
  await until('the bridge knows', async () => (await edge.metric('sluice_bridge_connected{bridge="cloud"}')) === 0);
  const writer = await edge.connect();
  for (let i = 1; i <= 100; i++) writer.publish('out/while-away', String(i), { qos: 1, packetId: i });
  for (let i = 1; i <= 100; i++) await writer.next('puback');
  writer.destroy();
  forget(edge);
  edge.node.kill('SIGKILL');
  await edge.node.ended;
  const restarted = await start('edge', settings);
  cloud = await start('cloud', { 'mqtt.tcp.port': port });
  const again = await cloud.connect({ clientId: 'far', cleanStart: false, sessionExpiry: 600 });
  const missing = new Set(Array.from({ length: 100 }, (_, i) => `from/edge/while-away ${i + 1} 1`));
  while (missing.size > 0) missing.delete(await take(again));
  again.destroy();
  const { bridges } = (await cliOf(restarted, 'bridge', 'list')) as BridgeList;
  assert.equal(
    bridges.map(({ name, isConnected }) => [name, isConnected]),
    [['cloud', true]],
  );
  await end(restarted, cloud);
});

test('two nodes that bridge everything to each other pass a message on once, and everybody has it once', async () => {
  const [portA, portB] = [await freePort(), await freePort()];
  const all = '{direction="both",filter="#"}';
  const common = { 'storage.enabled': 'false' };
  const a = await start('ring-a', { ...common, 'mqtt.tcp.port': portA, 'mqtt.bridges': bridge('to-b', portB, all) });
  const b = await start('ring-b', { ...common, 'mqtt.tcp.port': portB, 'mqtt.bridges': bridge('to-a', portA, all) });
  await isUp(a);
  await isUp(b);
  const far = await b.connect();
  await far.subscribe('ring/#', { qos: 1 });
  const near = await a.connect();
  await near.subscribe('ring/#', { qos: 1 });
  near.publish('ring/x', 'x', { qos: 1, packetId: 1 });
  near.publish('ring/end', 'end', { qos: 1, packetId: 2 });
  // It goes over both bridges, there and not back: whoever is in the way of a message does not take it again.
  const copies = [await take(far), await take(far), await take(far), await take(far)].sort();
  assert.equal(copies, ['ring/end end 1', 'ring/end end 1', 'ring/x x 1', 'ring/x x 1']);
  assert.equal([await take(near), await take(near)], ['ring/x x 1', 'ring/end end 1']);
  await until(
    'the circle is closed',
    async () => (await discarded(a, 'to-b', 'looped')) + (await discarded(b, 'to-a', 'looped')) >= 4,
  );
  const before = [await crossed(a, 'to-b', 'out'), await crossed(b, 'to-a', 'out')];
  const more = [...(await far.settled()), ...(await near.settled())].filter(({ cmd }) => cmd === 'publish');
  assert.equal(more, []);
  assert.equal([await crossed(a, 'to-b', 'out'), await crossed(b, 'to-a', 'out')], before, 'nothing goes on');
  far.destroy();
  near.destroy();
  await end(a, b);
});

test.run();
