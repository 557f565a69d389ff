import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TopicOrder } from '../../../src/actors/retained/topic-order.ts';

const test = suite('topic-order');

function namesOf(order: TopicOrder): string[] {
  const out: string[] = [];
  for (const walk = order.walk(); walk.name !== undefined; walk.next()) out.push(walk.name);
  return out;
}

/** By UTF-16 units, as the order has it. */
function sorted(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => (a < b ? -1 : 1));
}

test('holds what a sorted set holds, over many blocks', () => {
  const change = fc.tuple(fc.integer({ min: 0, max: 4000 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(change, { minLength: 2500, maxLength: 5000 }), (changes) => {
      const order = new TopicOrder();
      const model = new Set<string>();
      for (const [n, add] of changes) {
        const name = `t/${n.toString(7)}`;
        if (add) {
          assert.is(order.add(name), !model.has(name));
          model.add(name);
        } else {
          assert.is(order.remove(name), model.delete(name));
        }
      }
      assert.is(order.size, model.size);
      assert.equal(namesOf(order), sorted(model));
    }),
    { numRuns: 20 },
  );
});

test('shrinks to nothing and starts again', () => {
  const order = new TopicOrder();
  const names = Array.from({ length: 3000 }, (_, i) => `n${i}`);
  for (const name of names) order.add(name);
  for (const name of names) assert.ok(order.remove(name));
  assert.is(order.size, 0);
  assert.equal(namesOf(order), []);
  assert.not.ok(order.remove('n1'));
  order.walk().seek('x');
  order.add('again');
  assert.equal(namesOf(order), ['again']);
});

test('seek finds the first name that is not below', () => {
  const order = new TopicOrder();
  const names = Array.from({ length: 2000 }, (_, i) => `n${i * 2}`);
  for (const name of names) order.add(name);
  const model = sorted(names);
  for (const wanted of ['', 'a', 'n0', 'n1', 'n1000', 'n1001', 'n3998', 'n5', 'n999', 'n9999', 'z']) {
    const walk = order.walk();
    walk.seek(wanted);
    assert.is(
      walk.name,
      model.find((name) => name >= wanted),
      wanted,
    );
  }
});

test.run();
