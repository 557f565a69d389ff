import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SteadyMap } from '../../src/base/steady-map.ts';

const test = suite('steady-map');

test('is a map', () => {
  const change = fc.tuple(fc.nat(6000), fc.boolean());
  fc.assert(
    fc.property(fc.array(change, { minLength: 100, maxLength: 20_000 }), (changes) => {
      const steady = new SteadyMap<number, string>();
      const model = new Map<number, string>();
      changes.forEach(([key, add], i) => {
        if (add) {
          steady.set(key, `${i}`);
          model.set(key, `${i}`);
        } else {
          assert.is(steady.delete(key), model.delete(key));
        }
        assert.is(steady.get(key), model.get(key));
        assert.is(steady.has(key), model.has(key));
      });
      assert.is(steady.size, model.size);
      assert.equal(
        [...steady.keys()].sort((a, b) => a - b),
        [...model.keys()].sort((a, b) => a - b),
      );
      assert.equal([...steady.values()].sort(), [...model.values()].sort());
      assert.equal(new Map(steady), model);
    }),
    { numRuns: 20 },
  );
});

test('keeps what came back after many other keys have gone', () => {
  const map = new SteadyMap<number, string>();
  for (const round of [1, 2, 3]) {
    map.set(-1, 'x');
    map.delete(-1);
    map.set(-1, 'x');
    for (let key = 0; key < 5000; key++) {
      map.set(key, 'x');
      map.delete(key);
    }
    assert.ok(map.has(-1), `round ${round}`);
    assert.is(map.size, 1);
  }
});

test('its keys can be walked while they change', () => {
  const map = new SteadyMap<string, number>();
  for (const key of ['a', 'b', 'c']) map.set(key, 1);
  const seen: string[] = [];
  for (const key of map.keys()) {
    seen.push(key);
    map.delete('b');
    map.set('d', 1);
  }
  assert.equal(seen, ['a', 'c', 'd']);
});

test.run();
