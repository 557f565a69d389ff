import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Outgoing } from '../../../src/actors/session/outgoing.ts';
import { Slab } from '../../../src/actors/session/slab.ts';

const test = suite('slab');

test('copies stay as they were, whatever is copied after them and whatever becomes of the original', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(sizes, (lengths) => {
      const slab = new Slab();
      const scratch = new Uint8Array(5000);
      const copies = lengths.map((length, i) => {
        scratch.fill(i + 1, 0, length);
        const original: Outgoing = {
          dialect: 1,
          qos: 1,
          retain: i % 2 === 0,
          subscriptionIds: [i],
          buffer: scratch,
          start: 0,
          end: length,
          count: i,
          expiresAt: i,
          share: i % 2 === 0 ? null : `g/${i}`,
        };
        const copy = slab.copy(original);
        assert.equal({ ...copy, buffer: null, start: 0, end: length }, { ...original, buffer: null });
        return copy;
      });
      scratch.fill(0);
      for (const [i, { buffer, start, end }] of copies.entries()) {
        assert.is(end - start, lengths[i]);
        assert.ok(buffer.subarray(start, end).every((byte) => byte === i + 1));
      }
    }),
    { numRuns: 50 },
  );
});

test('small copies share their memory', () => {
  const slab = new Slab();
  const outgoing: Outgoing = {
    dialect: 0,
    qos: 1,
    retain: false,
    subscriptionIds: null,
    buffer: new Uint8Array(64),
    start: 0,
    end: 64,
    count: 1,
    expiresAt: 0,
    share: null,
  };
  assert.is(slab.copy(outgoing).buffer, slab.copy(outgoing).buffer);
});

test.run();
