import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { groupOfKey, SLOTS, slotOf } from '../../../src/actors/meta/groups.ts';
import { endOfPrefix, keyOf, textOf } from '../../../src/actors/meta/state/record.ts';
import { GROUP_KINDS, groupId, groupIds, groupName } from '../../../src/actors/raft/group-id.ts';

const test = suite('meta groups');

test('slots of keys never change', () => {
  assert.equal(['', 'a', 's/client-1', 'r/sensors/1', 'n/1'].map(slotOf), [3083, 435, 992, 497, 2578]);
});

test('every key has one group of those that there are, of every kind', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...GROUP_KINDS), fc.integer({ min: 1, max: 64 }), (text, kind, count) => {
      const counts = { metadata: count, offset: count, data: count };
      const group = groupOfKey(kind, keyOf(text), counts);
      assert.ok(groupIds(counts).includes(group));
      assert.ok(groupName(group).startsWith(`${kind}/`));
    }),
  );
  assert.is(groupName(groupId('data', 3)), 'data/3');
});

test('keys that differ in a number spread evenly over slots and groups', () => {
  const counts = { metadata: 1, offset: 1, data: 16 };
  const perGroup = new Map<number, number>();
  const slots = new Set<number>();
  for (let i = 0; i < 16_000; i++) {
    const key = keyOf(`s/client-${i}`);
    slots.add(slotOf(key));
    const group = groupOfKey('data', key, counts);
    perGroup.set(group, (perGroup.get(group) ?? 0) + 1);
  }
  assert.is(perGroup.size, 16);
  for (const [group, keys] of perGroup) assert.ok(keys > 800 && keys < 1200, `${groupName(group)} has ${keys}`);
  assert.ok(slots.size > SLOTS * 0.9);
});

test('keys are bytes in order, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      const text = a.isWellFormed() ? a : '';
      assert.is(textOf(keyOf(text)), text);
      const order = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.is(keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0, order);
    }),
  );
});

test('the end of a prefix is behind all that begin with it, and before all else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 6 }), (prefixBytes, keyBytes) => {
      const prefix = Buffer.from(prefixBytes).toString('latin1');
      const key = Buffer.from(keyBytes).toString('latin1');
      const end = endOfPrefix(prefix);
      assert.is(key >= prefix && (end === '' || key < end), key.startsWith(prefix));
    }),
  );
  assert.is(endOfPrefix('a\xff'), 'b');
  assert.is(endOfPrefix('\xff\xff'), '');
});

test.run();
