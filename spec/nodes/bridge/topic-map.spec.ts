import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BRIDGE_HOPS_MAX } from '../../../src/base/limits.ts';
import { hop, type UserProperties } from '../../../src/nodes/bridge/hops.ts';
import { type BridgeTopic, TopicMap } from '../../../src/nodes/bridge/topic-map.ts';

const test = suite('bridge: topics, ways');

const prefix = fc.constantFrom('', 'a/', 'site/1/', 'b');
const name = fc.array(fc.constantFrom('x', 'y', 'é', ''), { minLength: 1, maxLength: 3 }).map((levels) => `n${levels.join('/')}`);

test('what goes out under a rule for both directions comes in as what it was', () => {
  fc.assert(
    fc.property(prefix, prefix, name, fc.constantFrom('#', '+/#', 'n+/+'), (localPrefix, remotePrefix, rest, wanted) => {
      const filter = wanted === 'n+/+' ? rest : '#';
      const map = new TopicMap([{ direction: 'both', filter, qos: 1, localPrefix, remotePrefix }]);
      const crossed = map.out(localPrefix + rest);
      // Without a level of its own a prefix runs into the filter, and `b#` is no filter; those are refused in files.
      fc.pre(localPrefix !== 'b' && remotePrefix !== 'b');
      assert.equal(crossed, { topic: remotePrefix + rest, qos: 1 });
      assert.equal(map.in(crossed!.topic), { topic: localPrefix + rest, qos: 1 });
      assert.equal([...map.localFilters()], [[localPrefix + filter, 1]]);
      assert.equal([...map.remoteFilters()], [[remotePrefix + filter, 1]]);
    }),
  );
});

test('directions, and the first rule that fits', () => {
  const rule = (direction: BridgeTopic['direction'], filter: string, localPrefix: string, remotePrefix: string): BridgeTopic => ({
    direction,
    filter,
    qos: 2,
    localPrefix,
    remotePrefix,
  });
  const map = new TopicMap([rule('out', 's/+', 'l/', 'r/'), rule('out', '#', 'l/', 'all/'), rule('in', 'c/#', '', 'cloud/')]);
  assert.equal(map.out('l/s/1'), { topic: 'r/s/1', qos: 2 });
  assert.equal(map.out('l/s/1/2'), { topic: 'all/s/1/2', qos: 2 });
  assert.is(map.out('s/1'), undefined);
  assert.is(map.out('cloud/c/1'), undefined);
  assert.equal(map.in('cloud/c/1'), { topic: 'c/1', qos: 2 });
  assert.is(map.in('r/s/1'), undefined);
});

test('a message never comes to the same node twice, nor further than so many, and keeps its other properties', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd', ''), { minLength: 1, maxLength: 10 }), (nodes) => {
      let properties: UserProperties | undefined = { kept: 'x' };
      let from = nodes[0]!;
      const seen = new Set<string>();
      for (const to of nodes.slice(1)) {
        const next = hop(properties, from, to);
        assert.is(next === undefined, seen.has(from) || seen.has(to), `${from} to ${to}, ${[...seen]}`);
        if (next === undefined) return;
        if (from !== '') seen.add(from);
        properties = next;
        assert.is(properties.kept, 'x');
        from = to;
      }
    }),
  );
  let way: UserProperties | undefined;
  for (let i = 0; i < BRIDGE_HOPS_MAX; i++) way = hop(way, `n${i}`, `n${i + 1}`);
  assert.ok(way !== undefined);
  assert.is(hop(way, 'one', 'more'), undefined);
  assert.ok(hop({ 'sluice-bridge-path': 'alone' }, 'alone', '') === undefined);
});

test.run();
