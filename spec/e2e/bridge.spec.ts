// A bridge between two nodes: every QoS, both ways, and nothing lost while the other side is away and this one is killed.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../../bench/targets/broker-process.ts';
import type { BridgeList } from '../../src/nodes/bridge/routes.ts';
import { bridge, end, endAll, forget, isUp, start, take } from './bridge-nodes.ts';
import { cliOf } from './in-process-cli.ts';

const test = suite('bridge');
test.after(endAll);

const COUNT = 100;

test('what was acknowledged while the other side was away survives kill -9 and crosses; then both ways at each QoS, with prefixes', async () => {
  const port = await freePort();
  const both = '{direction="both",filter="#",qos=2,local_prefix="out/",remote_prefix="from/edge/"}';
  const settings = { 'mqtt.bridges': bridge('cloud', port, both), 'node.threads': 2 };
  const first = await start('edge', settings);
  await first.untilMetric('sluice_router_subscriptions', (value) => value === 1);
  const writer = await first.connect();
  for (let i = 1; i <= COUNT; i++) writer.publish('out/while-away', String(i), { qos: 1, packetId: i });
  for (let i = 1; i <= COUNT; i++) await writer.next('puback');
  writer.destroy();
  forget(first);
  first.node.kill('SIGKILL');
  await first.node.ended;

  const cloud = await start('cloud', { 'mqtt.tcp.port': port, 'storage.enabled': 'false' });
  const far = await cloud.connect();
  await far.subscribe('from/#', { qos: 2 });
  const edge = await start('edge', settings);
  const missing = new Set(Array.from({ length: COUNT }, (_, i) => `from/edge/while-away ${i + 1} 1`));
  while (missing.size > 0) missing.delete(await take(far));
  await isUp(edge);
  const near = await edge.connect();
  for (const qos of [0, 1, 2] as const) near.publish(`out/q${qos}`, 'x', { qos, packetId: 10 + qos });
  const got = [await take(far), await take(far), await take(far)].sort();
  assert.equal(got, ['from/edge/q0 x 0', 'from/edge/q1 x 1', 'from/edge/q2 x 2']);
  await near.subscribe('out/#', { qos: 2 });
  far.publish('from/edge/back', 'y', { qos: 2, packetId: 7 });
  assert.is(await take(near), 'out/back y 2');
  // Many are under way at once, and their acknowledgements find the right ones.
  for (let i = 1; i <= COUNT; i++) far.publish('from/edge/many', String(i), { qos: 1, packetId: 1000 + i });
  const many = new Set<string>();
  while (many.size < COUNT) many.add(await take(near));
  assert.equal(
    [...many],
    Array.from({ length: COUNT }, (_, i) => `out/many ${i + 1} 1`),
  );
  const { bridges } = (await cliOf(edge, 'bridge', 'list')) as BridgeList;
  assert.equal(
    bridges.map(({ name, isConnected }) => [name, isConnected]),
    [['cloud', true]],
  );
  far.destroy();
  near.destroy();
  await end(edge, cloud);
});

test.run();
