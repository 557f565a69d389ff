// Messages of a session between two nodes: what is read is what was written, and what is cut short is no page.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePage, encodePage } from '../../../src/actors/homes/page.ts';
import type { Outgoing } from '../../../src/actors/session/outgoing.ts';
import { decode, outgoing, payloads } from '../session/packets.ts';

const test = suite('pages of messages');

const run: fc.Arbitrary<Outgoing> = fc
  .record({
    texts: fc.array(fc.string({ maxLength: 40 }), { minLength: 1, maxLength: 4 }),
    qos: fc.constantFrom(1 as const, 2 as const),
    retain: fc.boolean(),
    subscriptionIds: fc.option(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 3 })),
    share: fc.option(fc.constantFrom('g/a/#', 'groß/+')),
    expiresAt: fc.constantFrom(0, 1_700_000_000_000),
  })
  .map(({ texts, qos, ...rest }) => ({ ...outgoing(texts, { qos, topic: 'a/b' }), ...rest }));

const shown = ({ buffer, start, end, dialect, ...rest }: Outgoing): object => ({
  ...rest,
  dialect,
  texts: payloads(decode(dialect, buffer.subarray(start, end))),
});

test('runs come as they were, with what their client gets of them', () => {
  fc.assert(
    fc.property(fc.array(run, { maxLength: 6 }), (runs) => {
      assert.equal(decodePage(encodePage(runs))!.map(shown), runs.map(shown));
    }),
    { numRuns: 40 },
  );
});

test('half a page is none', () => {
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 1 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (runs, part) => {
      const page = encodePage(runs);
      const length = Math.floor(page.length * part);
      // Its head alone is a page without messages.
      assert.equal(decodePage(page.subarray(0, length)), length === 8 ? [] : undefined);
    }),
    { numRuns: 40 },
  );
});

test('a page of another layout is none', () => {
  const page = encodePage([]);
  assert.equal(decodePage(page), []);
  page[0] = 2;
  assert.is(decodePage(page), undefined);
});

test.run();
