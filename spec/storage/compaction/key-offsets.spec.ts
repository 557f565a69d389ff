import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KeyOffsets, OTHER_SLICE } from '../../../src/storage/compaction/key-offsets.ts';

const test = suite('offsets of keys');

test('knows the last offset of each key, whatever the order', () => {
  const puts = fc.array(fc.tuple(fc.uint8Array({ maxLength: 3 }), fc.nat(1000)), { maxLength: 300, size: 'max' });
  fc.assert(
    fc.property(puts, (all) => {
      const keys = new KeyOffsets(300);
      const model = new Map<string, number>();
      for (const [key, offset] of all) {
        assert.ok(keys.put(key, offset));
        const name = Buffer.from(key).toString('hex');
        model.set(name, Math.max(offset, model.get(name) ?? 0));
      }
      assert.is(keys.size, model.size);
      for (const [name, offset] of model) assert.is(keys.get(Buffer.from(name, 'hex')), offset);
      assert.is(keys.get(Buffer.from('never put')), undefined);
      const shared = new KeyOffsets(keys.memory);
      for (const [name, offset] of model) assert.is(shared.get(Buffer.from(name, 'hex')), offset);
    }),
    { numRuns: 60 },
  );
});

test('refuses a key too many, and still takes the ones that it knows', () => {
  const keys = new KeyOffsets(100);
  let taken = 0;
  while (keys.put(Buffer.from(`key ${taken}`), taken)) taken++;
  assert.ok(taken >= 100 && taken <= 102, `${taken}`);
  assert.ok(keys.put(Buffer.from('key 7'), 9999));
  assert.is(keys.get(Buffer.from('key 7')), 9999);
  assert.is(keys.get(Buffer.from(`key ${taken}`)), undefined);
});

test('slices share the keys out', () => {
  const names = Array.from({ length: 500 }, (_, i) => Buffer.from(`key ${i}`));
  const slices = [0, 1, 2].map((slice) => new KeyOffsets(500, slice, 3));
  for (const [offset, name] of names.entries()) for (const keys of slices) assert.ok(keys.put(name, offset));
  assert.is(
    slices.reduce((sum, { size }) => sum + size, 0),
    500,
  );
  assert.ok(slices.every(({ size }) => size > 100));
  for (const [offset, name] of names.entries()) {
    const found = slices.map((keys) => new KeyOffsets(keys.memory).get(name));
    assert.equal(found.sort(), [OTHER_SLICE, OTHER_SLICE, offset].sort());
  }
});

test.run();
