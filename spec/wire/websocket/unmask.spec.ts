import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unmask } from '../../../src/wire/websocket/unmask.ts';

const test = suite('unmask');

/** RFC 6455, section 5.3, word for word. */
function naive(payload: Uint8Array, mask: Uint8Array, phase: number): Uint8Array {
  return payload.map((octet, i) => octet ^ mask[(i + phase) % 4]!);
}

test('does what the standard says, wherever the payload lies and goes', () => {
  const memory = Buffer.from(new ArrayBuffer(1024));
  const run = fc.record({
    payload: fc.uint8Array({ maxLength: 500 }),
    mask: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    phase: fc.integer({ min: 0, max: 3 }),
    to: fc.integer({ min: 0, max: 40 }),
    shift: fc.integer({ min: 0, max: 40 }),
    offset: fc.integer({ min: 0, max: 7 }),
  });
  fc.assert(
    fc.property(run, ({ payload, mask, phase, to, shift, offset }) => {
      const bytes = memory.subarray(offset);
      const at = to + shift;
      bytes.fill(0xaa);
      bytes.set(payload, at);
      unmask(bytes, at, payload.length, to, Buffer.from(mask).readInt32LE(), phase);
      assert.equal(Uint8Array.from(bytes.subarray(to, to + payload.length)), Uint8Array.from(naive(payload, mask, phase)));
      assert.ok(
        bytes.subarray(at + payload.length).every((byte) => byte === 0xaa),
        'nothing behind it changes',
      );
      assert.ok(
        bytes.subarray(0, to).every((byte) => byte === 0xaa),
        'nor before it',
      );
    }),
    { numRuns: 500 },
  );
});

test.run();
