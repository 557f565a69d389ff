import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FilterTrie } from '../../../src/actors/router/filter-trie.ts';
import { topicFilter, topicName } from './arbitraries.ts';
import { naiveMatch } from './naive-match.ts';

const test = suite('filter-trie');

const newTrie = (): FilterTrie<string> => new FilterTrie<string>((filter) => filter);

function matched(trie: FilterTrie<string>, topic: string): string[] {
  const out: string[] = [];
  trie.match(topic, out);
  return out.sort();
}

test('finds what the standard says under random insertion and removal', () => {
  const change = fc.tuple(fc.boolean(), topicFilter);
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.array(topicName, { minLength: 1, maxLength: 12 }), (changes, topics) => {
      const trie = newTrie();
      const model = new Set<string>();
      for (const [add, filter] of changes) {
        if (add) {
          trie.set(filter);
          model.add(filter);
        } else {
          assert.is(trie.delete(filter), model.delete(filter));
        }
      }
      assert.is(trie.size, model.size);
      assert.equal([...trie.filters()].sort(), [...model].sort());
      for (const topic of topics) {
        const expected = [...model].filter((filter) => naiveMatch(filter, topic)).sort();
        assert.equal(matched(trie, topic), expected, topic);
        assert.is(trie.matches(topic), expected.length > 0, topic);
      }
    }),
    { numRuns: 3000 },
  );
});

test('its shape depends on the content alone, so churn leaves nothing behind', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(topicFilter, { maxLength: 40 }),
      fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
      (filters, keep) => {
        const churned = newTrie();
        for (const filter of filters) churned.set(filter);
        filters.forEach((filter, i) => {
          if (!keep[i]) churned.delete(filter);
        });
        const fresh = newTrie();
        for (const filter of churned.filters()) fresh.set(filter);
        assert.is(churned.countNodes(), fresh.countNodes());
      },
    ),
    { numRuns: 2000 },
  );
});

test('a value in place of another of the same filter replaces it', () => {
  const trie = new FilterTrie<{ filter: string; n: number }>((value) => value.filter);
  for (const filter of ['a/b', 'a/+', 'a/#', 'x/+/y', '+']) {
    trie.set({ filter, n: 1 });
    trie.set({ filter, n: 2 });
    assert.is(trie.get(filter)?.n, 2);
  }
  const out: { filter: string; n: number }[] = [];
  for (const topic of ['a/b', 'x/q/y', 'a']) trie.match(topic, out);
  assert.is(out.length, 6);
  assert.ok(out.every((value) => value.n === 2));
});

test('filters that share no path cost no nodes', () => {
  const trie = newTrie();
  trie.set('other/#');
  for (let i = 0; i < 1000; i++) trie.set(`device/${i}/+/state`);
  assert.is(trie.countNodes(), 2);
  for (let i = 1; i < 1000; i++) trie.delete(`device/${i}/+/state`);
  assert.is(trie.countNodes(), 1);
  assert.equal(matched(trie, 'device/0/x/state'), ['device/0/+/state']);
});

test('the deepest filter and a topic deeper than any filter', () => {
  const deepest = Array.from({ length: 128 }, () => '+').join('/');
  const trie = newTrie();
  trie.set(deepest);
  trie.set(deepest.replace(/\+$/, '#'));
  trie.set(deepest.replace(/\+$/, 'z'));
  assert.is(matched(trie, Array.from({ length: 128 }, () => 'x').join('/')).length, 2);
  assert.equal(matched(trie, Array.from({ length: 30_000 }, () => '').join('/')), [deepest.replace(/\+$/, '#')]);
});

test('the iterator over filters survives changes', () => {
  const trie = newTrie();
  for (let i = 0; i < 10; i++) trie.set(`a/${i}`);
  const seen: string[] = [];
  for (const filter of trie.filters()) {
    seen.push(filter);
    if (filter === 'a/3') {
      trie.delete('a/4');
      trie.set('late/+');
    }
  }
  assert.not.ok(seen.includes('a/4'));
  assert.ok(seen.includes('late/+'));
});

test.run();
