import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SpareMemory } from '../../src/base/spare-memory.ts';

const test = suite('spare memory');
const BOUNDS = { countMax: 3, bytesMin: 16, bytesMax: 400 };

test('what is out is of nobody else, is large enough, and comes again when it was given back', () => {
  const anyStep = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.constant('back' as const));
  fc.assert(
    fc.property(fc.array(anyStep), (steps) => {
      const spares = new SpareMemory(BOUNDS);
      const out: ArrayBuffer[] = [];
      const kept = new Set<ArrayBuffer>();
      for (const step of steps) {
        if (step === 'back') {
          const memory = out.shift();
          if (memory === undefined) continue;
          spares.giveBack(memory);
          kept.add(memory);
          continue;
        }
        const memory = spares.take(step);
        assert.ok(memory.byteLength >= step);
        assert.not(out.includes(memory));
        if (kept.delete(memory)) assert.ok(memory.byteLength <= BOUNDS.bytesMax);
        out.push(memory);
      }
    }),
  );
});

test('no more are kept than may be, and those that have become too small make room', () => {
  const spares = new SpareMemory(BOUNDS);
  const small = Array.from({ length: 5 }, () => spares.take(10));
  for (const memory of small) spares.giveBack(memory);
  const large = spares.take(200);
  spares.giveBack(large);
  assert.is(spares.take(200), large);
  const again = Array.from({ length: 5 }, () => spares.take(10));
  assert.is(again.filter((memory) => small.includes(memory)).length, 2, 'the third has gone for the large one');
});

test.run();
