import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CONFIG_KEYS } from '../../../src/nodes/config/keys.ts';
import { editDistance, nearestWord } from '../../../src/nodes/config/nearest.ts';

const test = suite('nearest word');

test('distance of known pairs', () => {
  const table: [string, string, number][] = [
    ['', '', 0],
    ['port', 'port', 0],
    ['prot', 'port', 1],
    ['pot', 'port', 1],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
  ];
  for (const [a, b, distance] of table) assert.is(editDistance(a, b), distance, `${a} ${b}`);
});

test('distance is symmetric, zero only for equals, and bounded by the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b);
      assert.is(distance, editDistance(b, a));
      assert.is(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length));
      assert.ok(distance >= Math.abs(a.length - b.length));
    }),
  );
});

test('a known key is its own nearest, also with one neighbouring pair swapped', () => {
  const known = [...CONFIG_KEYS.keys()];
  for (const key of known) assert.is(nearestWord(key, known), key);
  // `acl.file` and `acl.files`: a slip in the one may be as near to the other.
  const alone = known.filter((key) => !known.includes(`${key}s`) && !(key.endsWith('s') && known.includes(key.slice(0, -1))));
  fc.assert(
    fc.property(fc.constantFrom(...alone), fc.nat(), (key, at) => {
      const name = key.lastIndexOf('.') + 1;
      const i = name + (at % Math.max(1, key.length - name - 1));
      const swapped = key.slice(0, i) + (key[i + 1] ?? '') + key[i]! + key.slice(i + 2);
      assert.is(nearestWord(swapped, known), key);
    }),
  );
});

test('a word of any length gets an answer', () => {
  assert.ok(CONFIG_KEYS.has(nearestWord('x'.repeat(1_000_000), CONFIG_KEYS.keys())));
});

test.run();
