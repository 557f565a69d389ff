import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KvOp } from '../../../src/storage/kv/local-kv.ts';
import { opsOf, packOps, unpackOps } from '../../../src/storage/kv/packed-ops.ts';

const test = suite('packed operations');
const part = fc.uint8Array({ maxLength: 300 });
const anyOp: fc.Arbitrary<KvOp> = fc.oneof(
  fc.tuple(part, part).map(([key, value]) => ({ type: 'put' as const, key, value })),
  part.map((key) => ({ type: 'delete' as const, key })),
  fc.tuple(part, part).map(([start, end]) => ({ type: 'deleteRange' as const, start, end })),
);

test('what is packed is what was there, in its order', () => {
  fc.assert(
    fc.property(fc.array(anyOp), (ops) => {
      assert.equal(unpackOps(packOps(ops)), ops);
    }),
  );
});

test('what a store keeps does not lie in the memory of the caller', () => {
  const packed = packOps([{ type: 'put', key: new Uint8Array(3), value: Uint8Array.of(1, 2) }]);
  const kept = opsOf(packed);
  packed.bytes.fill(9);
  assert.equal(kept, [{ type: 'put', key: new Uint8Array(3), value: Uint8Array.of(1, 2) }]);
});

test('operations that are cut off or have something behind them are not taken', () => {
  const { bytes, count } = packOps([{ type: 'put', key: new Uint8Array(3), value: new Uint8Array(5) }]);
  assert.throws(() => unpackOps({ bytes: bytes.subarray(0, bytes.length - 1), count }));
  assert.throws(() => unpackOps({ bytes: Uint8Array.from([...bytes, 0]), count }));
});

test.run();
