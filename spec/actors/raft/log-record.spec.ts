import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Entry } from '../../../src/actors/raft/entry.ts';
import { LogRecordBuilder } from '../../../src/actors/raft/journal/log-record.ts';
import type { PlacedWrite } from '../../../src/actors/raft/journal/write-codec.ts';

const test = suite('records for the log');

function writeOf(size: number, fill: number): PlacedWrite {
  const entry: Entry = { term: 1, index: 1, kind: 0, data: new Uint8Array(size).fill(fill) };
  const hard = { term: 1, vote: 0, commit: 0 };
  const rest = { snapshot: undefined, isReset: false, isRestated: false, truncateFrom: 0, compactTo: 0 };
  return { hard, ...rest, prevIndex: 0, prevTerm: 0, entries: [entry] };
}

function recordOf(builder: LogRecordBuilder, size: number, fill: number): Uint8Array {
  builder.addWrite(1, writeOf(size, fill));
  return builder.take(1, true);
}

test('a record stays as it is until it is given back, and then serves the next one', () => {
  const builder = new LogRecordBuilder();
  const first = recordOf(builder, 1000, 1);
  const asItWas = first.slice();
  const second = recordOf(builder, 1000, 2);
  assert.is.not(second.buffer, first.buffer);
  assert.equal(first, asItWas);
  builder.giveBack(first);
  const third = recordOf(builder, 1000, 3);
  assert.is(third.buffer, first.buffer, 'memory is used again');
  assert.equal(third, recordOf(new LogRecordBuilder(), 1000, 3), 'and nothing of what it was is left');
});

test('what is too small for a record stays for others; more than a few are not kept', () => {
  const builder = new LogRecordBuilder();
  const small = recordOf(builder, 100, 1);
  builder.giveBack(small);
  const large = recordOf(builder, 100_000, 2);
  assert.is.not(large.buffer, small.buffer);
  assert.is(recordOf(builder, 100, 3).buffer, small.buffer);
  const many = Array.from({ length: 10 }, () => recordOf(builder, 100, 4));
  const buffers = new Set(many.map(({ buffer }) => buffer));
  for (const record of many) builder.giveBack(record);
  const again = many.map(() => recordOf(builder, 100, 5).buffer);
  assert.is(again.filter((buffer) => buffers.has(buffer)).length, 4);
});

test.run();
