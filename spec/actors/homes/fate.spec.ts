import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fateOf } from '../../../src/actors/homes/fate.ts';
import { SESSION_EXPIRY_NEVER } from '../../../src/wire/mqtt/constants.ts';
import type { Will } from '../../../src/wire/mqtt/packets.ts';

const test = suite('what becomes of a session that is alone');

const willAfter = (delaySeconds: number): Will => ({ delaySeconds }) as Will;
const seconds = fc.integer({ min: 0, max: 1000 });
const session = fc.record({
  expirySeconds: fc.oneof(seconds, fc.constant(SESSION_EXPIRY_NEVER)),
  offlineSince: fc.constantFrom(0, 5_000_000),
  will: fc.option(seconds.map(willAfter)),
});
const ALONE_SINCE = 6_000_000;

test('the will comes after its delay, at the latest with the end; the end with the expiry; and nothing before', () => {
  fc.assert(
    fc.property(session, fc.boolean(), fc.integer({ min: 4_900_000, max: 8_000_000 }), (record, isMourned, nowMs) => {
      const since = record.offlineSince || ALONE_SINCE;
      const endsAt = record.expirySeconds === SESSION_EXPIRY_NEVER ? Infinity : since + record.expirySeconds * 1000;
      const willAt = record.will === null || isMourned ? Infinity : since + record.will.delaySeconds * 1000;
      const fate = fateOf(record, isMourned, ALONE_SINCE, nowMs);
      if (nowMs >= endsAt) assert.is(fate.what, 'over');
      else if (nowMs >= willAt) assert.is(fate.what, 'will');
      else assert.equal(fate, { what: 'wait', untilMs: Math.min(endsAt, willAt) });
    }),
  );
});

test('it goes on from step to step: will, then end, each at the moment that was named before', () => {
  fc.assert(
    fc.property(session, (record) => {
      let isMourned = false;
      let nowMs = 4_000_000;
      const steps: string[] = [];
      for (let i = 0; i < 6; i++) {
        const fate = fateOf(record, isMourned, ALONE_SINCE, nowMs);
        if (fate.what === 'wait') {
          assert.ok(fate.untilMs > nowMs);
          if (fate.untilMs === Infinity) break;
          nowMs = fate.untilMs;
        } else steps.push(fate.what);
        if (fate.what === 'will') isMourned = true;
        if (fate.what === 'over') break;
      }
      const ends = record.expirySeconds !== SESSION_EXPIRY_NEVER;
      const isFirst = record.will !== null && (!ends || record.will.delaySeconds < record.expirySeconds);
      assert.equal(steps, [...(isFirst ? ['will'] : []), ...(ends ? ['over'] : [])]);
    }),
  );
});

test.run();
