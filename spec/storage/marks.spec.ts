/** Marks of shards beside a plain model. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Marks, OFFSET_KINDS } from '../../src/storage/marks.ts';

const test = suite('marks');

/** Few values, so that the same mark comes and goes. */
const kind = fc.constantFrom(1, 2, 3, OFFSET_KINDS, OFFSET_KINDS + 2);
const value = fc.oneof(fc.nat(40), fc.integer({ min: 2 ** 44, max: 2 ** 44 + 3 }));
const step = fc.oneof(
  fc.record({ op: fc.constantFrom('set', 'set', 'clear'), shard: fc.constantFrom(1, 2), kind, value }),
  fc.record({ op: fc.constantFrom('trim'), shard: fc.constantFrom(1, 2), kind, value }),
  fc.record({ op: fc.constantFrom('drop'), shard: fc.constantFrom(1, 2), kind, value }),
);

test('are what has been set and neither cleared, trimmed nor dropped', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const marks = new Marks();
      let model: string[] = [];
      for (const { op, shard, kind, value } of steps) {
        const name = `${shard} ${kind} ${value}`;
        if (op === 'set') {
          marks.set(shard, kind, value);
          if (!model.includes(name)) model.push(name);
        } else if (op === 'clear') {
          marks.clear(shard, kind, value);
          model = model.filter((each) => each !== name);
        } else if (op === 'drop') {
          marks.drop(shard);
          model = model.filter((each) => !each.startsWith(`${shard} `));
        } else {
          marks.trim(shard, value);
          model = model.filter((each) => {
            const [of, mark, at] = each.split(' ').map(Number);
            return of !== shard || mark! >= OFFSET_KINDS || at! >= value;
          });
        }
      }
      assert.equal(Array.from(marks.all(), ([shard, { kind, value }]) => `${shard} ${kind} ${value}`).sort(), model.sort());
      for (const shard of [1, 2]) assert.is(marks.of(shard).length, model.filter((each) => each.startsWith(`${shard} `)).length);
      assert.is(marks.shards, new Set(model.map((each) => each[0])).size);
    }),
    { numRuns: 500 },
  );
});

test('are trimmed one by one as fast as all at once', () => {
  const marks = new Marks();
  const count = 200_000;
  for (let i = 0; i < count; i++) marks.set(1, 1 + (i % 3), i);
  marks.set(1, OFFSET_KINDS, 7);
  // Going through all of them each time would take hours.
  for (let i = 1; i <= count; i++) marks.trim(1, i);
  assert.equal(marks.of(1), [{ kind: OFFSET_KINDS, value: 7 }]);
});

test.run();
