import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MetaRecord } from '../../../src/actors/meta/state/record.ts';
import { RecordTree } from '../../../src/actors/meta/state/record-tree.ts';

const test = suite('tree of records');
const recordOf = (key: string, version: number): MetaRecord => ({
  key,
  value: undefined,
  valueBytes: 0,
  created: 1,
  modified: version,
  version,
  lease: 0,
});
const text = ({ key, version }: MetaRecord): string => `${key}:${version}`;

type Model = Map<string, number>;
const entries = (model: Model, from: string): string[] =>
  [...model]
    .filter(([key]) => key >= from)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, version]) => `${key}:${version}`);

/** The tree says what the model says, also of every key around. */
function assertSame(tree: RecordTree, model: Model, keys: Iterable<string>): void {
  assert.is(tree.size, model.size);
  assert.equal([...tree.from('')].map(text), entries(model, ''));
  for (const key of keys) assert.is(tree.get(key)?.version, model.get(key), key);
}

const anyKey = fc.integer({ min: 0, max: 2_000 }).map((number) => `k${number}`);
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), key: anyKey }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key: anyKey }) },
  // Keys that come together: ascending, as clients with numbers have them.
  { weight: 2, arbitrary: fc.record({ do: fc.constant('run' as const), key: anyKey, length: fc.integer({ min: 1, max: 300 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('clear' as const), key: anyKey, length: fc.integer({ min: 1, max: 300 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clone' as const), key: anyKey }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('look' as const), key: anyKey }) },
);

test('does what a sorted map does, and copies stay as they were, whichever of them changes', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 120 }), fc.infiniteStream(fc.nat()), (steps, picks) => {
      const trees: { tree: RecordTree; model: Model }[] = [{ tree: new RecordTree(), model: new Map() }];
      const touched = new Set<string>();
      let version = 0;
      for (const step of steps) {
        const { tree, model } = trees[picks.next().value! % trees.length]!;
        const keys =
          step.do === 'run' || step.do === 'clear'
            ? Array.from({ length: step.length }, (_, i) => `${step.key}/${String(i).padStart(4, '0')}`)
            : [step.key];
        for (const key of keys) touched.add(key);
        if (step.do === 'clone') trees.push({ tree: tree.clone(), model: new Map(model) });
        else if (step.do === 'look')
          assert.equal([...tree.from(step.key)].slice(0, 5).map(text), entries(model, step.key).slice(0, 5));
        for (const key of keys) {
          if (step.do === 'set' || step.do === 'run') {
            // As a claim does it: looked at, then put.
            assert.is(tree.get(key)?.version, model.get(key));
            tree.set(recordOf(key, ++version));
            model.set(key, version);
          } else if (step.do === 'delete' || step.do === 'clear') {
            tree.delete(key);
            model.delete(key);
          }
        }
      }
      for (const { tree, model } of trees) assertSame(tree, model, touched);
    }),
    { numRuns: 200 },
  );
});

test('many keys, forwards, backwards and in any order; all gone again, and filled anew', () => {
  const orders: ((i: number) => number)[] = [(i) => i, (i) => 9_999 - i, (i) => (i * 7_919) % 10_000];
  for (const order of orders) {
    const tree = new RecordTree();
    const model: Model = new Map();
    const keys = Array.from({ length: 10_000 }, (_, i) => `key-${String(order(i)).padStart(5, '0')}`);
    for (const [i, key] of keys.entries()) {
      tree.set(recordOf(key, i));
      model.set(key, i);
    }
    assertSame(tree, model, keys);
    for (const key of keys) tree.delete(key);
    assertSame(tree, new Map(), keys);
    tree.set(recordOf('again', 1));
    assertSame(tree, new Map([['again', 1]]), keys);
  }
});

test.run();
