import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FilterScan } from '../../../src/actors/retained/filter-scan.ts';
import { topicFilter, topicName } from '../router/arbitraries.ts';
import { naiveMatch } from '../router/naive-match.ts';

const test = suite('filter-scan');
const wildcardFilter = topicFilter.filter((filter) => /[+#]/.test(filter));

/** What a walk over sorted names that skips as told comes to see, and how many names it looks at. */
function scan(filter: string, sortedNames: readonly string[]): { found: string[]; seen: number } {
  const rule = new FilterScan(filter);
  const found: string[] = [];
  let seen = 0;
  let from: string | undefined = rule.first;
  for (const name of sortedNames) {
    if (from === undefined) break;
    if (name < from) continue;
    seen++;
    if (rule.matches(name)) {
      found.push(name);
    } else {
      from = rule.nextAfter(name);
      assert.ok(from === undefined || from > name, 'it only goes forward');
    }
  }
  return { found, seen };
}

test('skipping loses no match', () => {
  fc.assert(
    fc.property(wildcardFilter, fc.uniqueArray(topicName, { maxLength: 40 }), (filter, names) => {
      const order = [...names].sort((a, b) => (a < b ? -1 : 1));
      assert.equal(
        scan(filter, order).found,
        order.filter((name) => naiveMatch(filter, name)),
      );
    }),
    { numRuns: 20_000 },
  );
});

test('names that sort between a level and its children are not skipped', () => {
  assert.equal(scan('+/x', ['a', 'a-b/x', 'a/x', 'a0/x']).found, ['a-b/x', 'a/x', 'a0/x']);
  assert.equal(scan('+/a/#', ['x', 'x/a', 'x/a-b', 'x/a/y', 'x/b']).found, ['x/a', 'x/a/y']);
});

test('looks at few names where few can match', () => {
  const names: string[] = [];
  for (let device = 100; device < 200; device++)
    for (let metric = 100; metric < 200; metric++) names.push(`dev/${device}/m${metric}`);
  const { found, seen } = scan('dev/+/m150', names);
  assert.is(found.length, 100);
  assert.ok(seen <= 400, `${seen} of ${names.length}`);
  assert.ok(scan('other/+', names).seen <= 1);
  assert.ok(scan('dev/150/#', names).seen <= 101);
});

test.run();
