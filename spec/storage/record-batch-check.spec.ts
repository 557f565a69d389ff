import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BatchHeader, readHeader, writeHeader } from '../../src/storage/record-batch.ts';
import { checkBatch, checkProduced, checkRecords } from '../../src/storage/record-batch-check.ts';
import { build, codeOf, records, textBatch } from './arbitraries.ts';

const test = suite('foreign record batches');

const good = textBatch(['one', 'two', 'three']);
const headerCode = (bytes: Uint8Array): string | undefined => codeOf(() => checkBatch(bytes, 0, bytes.length));

/** `good` with other header fields and a checksum that vouches for them. */
function forged(change: Partial<BatchHeader>): Uint8Array {
  const bytes = Uint8Array.from(good);
  writeHeader(bytes, 0, bytes.length, { ...readHeader(bytes, 0), ...change });
  return bytes;
}

/** A batch of `count` records whose bytes are these, with a checksum that vouches for them. */
function withRecords(bytes: readonly number[], count: number, lastOffsetDelta: number = count - 1): Uint8Array {
  const batch = new Uint8Array(61 + bytes.length);
  batch.set(bytes, 61);
  writeHeader(batch, 0, batch.length, { ...readHeader(good, 0), count, lastOffsetDelta });
  return batch;
}

test('cut at each byte', () => {
  fc.assert(
    fc.property(records, (all) => {
      const batch = build(all);
      for (let end = 0; end < batch.length; end++)
        assert.is(
          codeOf(() => checkBatch(batch, 0, end)),
          'SLUICE_BATCH_TRUNCATED',
          `${end}`,
        );
    }),
    { numRuns: 20 },
  );
});

test('each bit flipped: refused, unless it lies before the checksum’s reach and the sizes', () => {
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bytes = Uint8Array.from(good);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    const at = bit >> 3;
    const code = headerCode(bytes);
    if (at < 8) assert.ok([undefined, 'SLUICE_BATCH_NUMBER'].includes(code), `${at} ${code}`);
    else if (at < 12) assert.ok(['SLUICE_BATCH_TRUNCATED', 'SLUICE_BATCH_CHECKSUM'].includes(code!), `${at} ${code}`);
    else if (at < 16) assert.is(code, undefined);
    else assert.is(code, at === 16 ? 'SLUICE_BATCH_MAGIC' : 'SLUICE_BATCH_CHECKSUM', `${at}`);
  }
});

test('length fields that lie', () => {
  for (const length of [-1, 0, 48, -(2 ** 31), 2 ** 31 - 1, good.length - 11]) {
    const bytes = Buffer.from(good);
    bytes.writeInt32BE(length, 8);
    assert.is(headerCode(bytes), 'SLUICE_BATCH_TRUNCATED', `${length}`);
  }
});

test('fields that a right checksum vouches for are checked all the same', () => {
  const cases: [Partial<BatchHeader>, string][] = [
    [{ attributes: 5 }, 'SLUICE_BATCH_ATTRIBUTES'],
    [{ attributes: 7 }, 'SLUICE_BATCH_ATTRIBUTES'],
    [{ attributes: 0x80 }, 'SLUICE_BATCH_ATTRIBUTES'],
    [{ attributes: 0x8000 }, 'SLUICE_BATCH_ATTRIBUTES'],
    [{ count: -1 }, 'SLUICE_BATCH_COUNT'],
    [{ lastOffsetDelta: -1 }, 'SLUICE_BATCH_COUNT'],
    [{ count: 4 }, 'SLUICE_BATCH_COUNT'],
    [{ count: 2 ** 31 - 1, lastOffsetDelta: 2 ** 31 - 1 }, 'SLUICE_BATCH_COUNT'],
    [{ baseOffset: -1 }, 'SLUICE_BATCH_NUMBER'],
    [{ baseOffset: Number.MAX_SAFE_INTEGER }, 'SLUICE_BATCH_NUMBER'],
    [{ maxTimestamp: 2 ** 60 }, 'SLUICE_BATCH_NUMBER'],
    [{ baseTimestamp: -(2 ** 60) }, 'SLUICE_BATCH_NUMBER'],
    [{ producerId: 2 ** 62 }, 'SLUICE_BATCH_NUMBER'],
  ];
  for (const [change, code] of cases) assert.is(headerCode(forged(change)), code, JSON.stringify(change));
  assert.is(headerCode(forged({})), undefined);
});

test('a producer leaves no offset out; a compacted batch may, and may be empty', () => {
  const gaps = forged({ lastOffsetDelta: 9 });
  assert.is(headerCode(gaps), undefined);
  assert.is(
    codeOf(() => checkProduced(gaps, 0)),
    'SLUICE_BATCH_COUNT',
  );
  const empty = withRecords([], 0, 5);
  assert.is(headerCode(empty), undefined);
  checkRecords(empty, 0);
  assert.is(
    codeOf(() => checkProduced(empty, 0)),
    'SLUICE_BATCH_COUNT',
  );
});

test('records that break the layout behind a right checksum', () => {
  const record = [0x0e, 0, 0, 0, 1, 2, 0x61, 0]; // 7 bytes: no key, value `a`, no headers
  assert.is(
    codeOf(() => checkRecords(withRecords(record, 1), 0)),
    undefined,
  );
  const cases: [string, number[], number][] = [
    ['bytes behind the last record', [...record, 0], 1],
    ['fewer records than the count', record, 2],
    ['a length of nothing', [0, ...record], 2],
    ['a negative length', [0x01, ...record], 2],
    ['a length beyond the batch', [0x10, ...record.slice(1)], 1],
    ['a length that does not end', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1],
    ['a key beyond the record', [0x0e, 0, 0, 0, 4, 2, 0x61, 0], 1],
    ['a key length of -2', [0x0e, 0, 0, 0, 3, 2, 0x61, 0], 1],
    ['a value beyond the record', [0x0e, 0, 0, 0, 1, 6, 0x61, 0], 1],
    ['a value length of -2', [0x0e, 0, 0, 0, 1, 3, 0x61, 0], 1],
    ['no room for the count of headers', [0x0e, 0, 0, 0, 1, 4, 0x61, 0], 1],
    ['more headers than fit', [0x0e, 0, 0, 0, 1, 2, 0x61, 2], 1],
    ['a negative count of headers', [0x0e, 0, 0, 0, 1, 2, 0x61, 1], 1],
    ['bytes behind the headers', [0x10, 0, 0, 0, 1, 2, 0x61, 0, 0], 1],
    ['a header name beyond the record', [0x12, 0, 0, 0, 1, 2, 0x61, 2, 4, 0x62], 1],
    ['a header name that is null', [0x12, 0, 0, 0, 1, 2, 0x61, 2, 1, 1], 1],
    ['a header value beyond the record', [0x14, 0, 0, 0, 1, 2, 0x61, 2, 2, 0x62, 2], 1],
    ['bytes behind the last header', [0x16, 0, 0, 0, 1, 2, 0x61, 2, 2, 0x62, 1, 0], 1],
    ['an offset beyond the last', [0x0e, 0, 0, 2, 1, 2, 0x61, 0], 1],
    ['a negative offset', [0x0e, 0, 0, 1, 1, 2, 0x61, 0], 1],
    ['an offset twice', [...record, ...record], 2],
    ['a timestamp beyond 2^53', [0x1e, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 1, 2, 0x61, 0], 1],
  ];
  for (const [what, bytes, count] of cases)
    assert.is(
      codeOf(() => checkRecords(withRecords(bytes, count), 0)),
      'SLUICE_BATCH_RECORDS',
      what,
    );
});

test('random records behind a right checksum: read or refused, never more', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 1, max: 6 }), (noise, count) => {
      const code = codeOf(() => checkRecords(withRecords([...noise], count), 0));
      assert.ok(code === undefined || code === 'SLUICE_BATCH_RECORDS');
    }),
    { numRuns: 5000 },
  );
});

test('one byte of the records changed behind a right checksum: read or refused, never more', () => {
  fc.assert(
    fc.property(records, fc.nat(), fc.nat({ max: 255 }), (all, where, byte) => {
      const batch = build(all);
      batch[61 + (where % (batch.length - 61))] = byte;
      writeHeader(batch, 0, batch.length, readHeader(batch, 0));
      const code = codeOf(() => checkRecords(batch, 0));
      assert.ok(code === undefined || code === 'SLUICE_BATCH_RECORDS');
    }),
    { numRuns: 3000 },
  );
});

test('random bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      assert.ok(headerCode(noise) !== undefined);
    }),
    { numRuns: 2000 },
  );
});

test.run();
