import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BufferPool, LARGE_BYTES, SMALL_BYTES } from '../../../src/actors/session/buffer-pool.ts';

const test = suite('buffer pool');

test('lends what fits, and lends it again', () => {
  const pool = new BufferPool();
  for (const [bytes, size] of [
    [1, SMALL_BYTES],
    [SMALL_BYTES, SMALL_BYTES],
    [SMALL_BYTES + 1, LARGE_BYTES],
    [LARGE_BYTES, LARGE_BYTES],
  ] as const) {
    const buffer = pool.take(bytes);
    assert.is(buffer.length, size);
    pool.give(buffer);
    assert.is(pool.take(bytes), buffer);
  }
  const exact = pool.take(LARGE_BYTES + 1);
  assert.is(exact.length, LARGE_BYTES + 1);
  pool.give(exact);
  assert.is.not(pool.take(LARGE_BYTES + 1), exact);
});

test('the view of the first bytes has the length that is asked for, and shows the buffer as it is', () => {
  const buffer = new BufferPool().take(1);
  for (const length of [3, 3, 5, 3, SMALL_BYTES, 0]) {
    buffer.fill(length);
    const first = buffer.first(length);
    assert.is(first.length, length);
    assert.is(first.buffer, buffer.buffer);
    assert.ok(first.every((byte) => byte === (length & 0xff)));
  }
  assert.is(buffer.first(7), buffer.first(7), 'asked for again, it is not made again');
});

test.run();
