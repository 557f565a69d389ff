/** What the specs of storage generate. */
import fc from 'fast-check';
import { RecordBatchBuilder } from '../../src/storage/record-batch-builder.ts';
import { RecordCursor } from '../../src/storage/record-cursor.ts';
import { RecordHeaders } from '../../src/storage/record-headers.ts';
import type { OracleRecord } from './kafkajs-oracle.ts';

export const timestamp: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
  fc.integer({ min: -1, max: 2 ** 50 }),
);
const bytes = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 60, maxLength: 300 }));
const name = fc.string({ maxLength: 12 }).map((text) => `h${text}`);

function record(headerValue: fc.Arbitrary<Uint8Array | undefined>): fc.Arbitrary<OracleRecord> {
  return fc.record({
    timestamp,
    key: fc.option(bytes, { nil: undefined }),
    value: fc.option(bytes, { nil: undefined }),
    headers: fc.array(fc.tuple(name, headerValue), { maxLength: 4 }),
  });
}

/** Records that kafkajs can encode: same names lie side by side and every header has a value. */
export const oracleRecords: fc.Arbitrary<OracleRecord[]> = fc.array(
  record(bytes).map((one) => ({ ...one, headers: [...new Map(one.headers)] })),
  { minLength: 1, maxLength: 40 },
);
export const records: fc.Arbitrary<OracleRecord[]> = fc.array(record(fc.option(bytes, { nil: undefined })), {
  minLength: 1,
  maxLength: 40,
});

const builder = new RecordBatchBuilder();
const headers = new RecordHeaders();

/** A batch made by our builder, in memory of its own. */
export function build(all: readonly OracleRecord[], attributes = 0): Uint8Array {
  builder.clear();
  for (const { timestamp: time, key, value, headers: pairs } of all) {
    headers.clear();
    for (const [header, headerValue] of pairs) headers.add(Buffer.from(header), headerValue);
    builder.append(time, key, 0, key?.length ?? 0, value, 0, value?.length ?? 0, pairs.length === 0 ? undefined : headers);
  }
  builder.seal(attributes);
  return Uint8Array.from(builder.bytes.subarray(0, builder.end));
}

/** A batch of records that hold nothing but a text each. */
export function textBatch(texts: readonly string[], timestampMs = 1000): Uint8Array {
  return build(texts.map((text) => ({ timestamp: timestampMs, key: undefined, value: Buffer.from(text), headers: [] })));
}

export interface ReadRecord extends OracleRecord {
  readonly offset: number;
}

/** All records of a batch, as our cursor reads them. */
export function readRecords(batch: Uint8Array, at = 0): ReadRecord[] {
  const cursor = new RecordCursor().open(batch, at);
  const all: ReadRecord[] = [];
  const range = (start: number, end: number): Uint8Array | undefined =>
    start < 0 ? undefined : Uint8Array.from(cursor.bytes.subarray(start, end));
  while (cursor.next()) {
    const pairs: [string, Uint8Array | undefined][] = [];
    while (cursor.nextHeader())
      pairs.push([
        Buffer.from(range(cursor.headerKeyStart, cursor.headerKeyEnd)!).toString(),
        range(cursor.headerValueStart, cursor.headerValueEnd),
      ]);
    all.push({
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: range(cursor.keyStart, cursor.keyEnd),
      value: range(cursor.valueStart, cursor.valueEnd),
      headers: pairs,
    });
  }
  return all;
}

/** The code of the SluiceError that `body` throws, undefined when it throws nothing; anything else is thrown on. */
export function codeOf(body: () => unknown): string | undefined {
  try {
    body();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'string' && code.startsWith('SLUICE_')) return code;
    throw error;
  }
  return undefined;
}
