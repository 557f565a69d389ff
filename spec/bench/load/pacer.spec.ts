import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Pacer } from '../../../bench/load/pacer.ts';

const test = suite('pacer');

test('however late it is asked, every message is handed out once, at its own time, to the publishers in turn', () => {
  const waits = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 9 }), waits, (rate, publishers, steps) => {
      const start = 1000;
      const pacer = new Pacer(start, rate, publishers);
      const offered: { publisher: number; at: number }[] = [];
      let now = start;
      for (const step of steps) {
        now += step;
        pacer.due(now, (publisher, at) => {
          assert.ok(at <= now);
          offered.push({ publisher, at });
        });
      }
      const elapsed = now - start;
      assert.ok(Math.abs(offered.length - (Math.floor((elapsed * rate) / 1000) + 1)) <= 1);
      offered.forEach(({ publisher, at }, i) => {
        assert.is(publisher, i % publishers);
        assert.ok(Math.abs(at - (start + (i * 1000) / rate)) < 1e-6);
      });
    }),
    { numRuns: 200 },
  );
});

test.run();
