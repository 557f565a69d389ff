// Two nodes that bridge everything to each other: no message goes round.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../../bench/targets/broker-process.ts';
import { bridge, crossed, discarded, end, endAll, isUp, start, take } from './bridge-nodes.ts';
import { until } from './until.ts';

const test = suite('bridges both ways');
test.after(endAll);

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
