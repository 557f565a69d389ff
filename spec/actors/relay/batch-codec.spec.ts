import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Arrivals } from '../../../src/actors/relay/arrivals.ts';
import {
  BATCH_HEADER_BYTES,
  BatchWriter,
  batchBytesOf,
  forEachRun,
  markFirst,
  readBatchHeader,
} from '../../../src/actors/relay/batch-codec.ts';
import { PressureSource } from '../../../src/actors/router/pressure.ts';
import { decodeRun, emptyRun } from '../../../src/actors/router/run-codec.ts';
import type { Run } from '../../../src/actors/router/sink.ts';
import { TopicTable } from '../../../src/actors/router/topic-table.ts';
import { StagedWrite } from '../../../src/actors/shard/staged.ts';
import { decode, outgoing, payloads } from '../session/packets.ts';

const test = suite('batches for other nodes');

const topics = new TopicTable(1000, 1);

function runOf(texts: readonly string[], topic: string): Run {
  const { subscriptionIds: _, ...packets } = outgoing(texts, { topic, qos: 1 });
  return { topic: topics.internName(topic)!, publisher: null, ...packets } as unknown as Run;
}

function batchOf(
  runs: readonly Run[],
  life: number,
  seq: number,
  keys: readonly (string | undefined)[] = [],
  first = 1,
): Uint8Array {
  const writer = new BatchWriter();
  for (const [i, run] of runs.entries()) writer.add(run, 1, Buffer.from(keys[i] ?? ''));
  const batch = writer.take(life, seq);
  markFirst(batch, first);
  return batch;
}

const NO_KEY = new Uint8Array(0);
const runs = fc.array(
  fc.tuple(
    fc.array(fc.string(), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('a', 'b/c'),
    fc.constantFrom(undefined, 'group/a', 'grüppe/#'),
  ),
  { minLength: 1 },
);
const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

test('a batch of another layout is none, whatever is in it', () => {
  const batch = batchOf([runOf(['one'], 'a')], 1, 1);
  assert.ok(readBatchHeader(batch, 0, batch.length) !== undefined);
  for (const version of [0, 2, 255]) {
    batch[0] = version;
    assert.is(readBatchHeader(batch, 0, batch.length), undefined);
  }
});

test('what is written is read, wherever it lies', () => {
  fc.assert(
    fc.property(runs, number, number, fc.nat(20), (all, life, seq, offset) => {
      const batch = batchOf(
        all.map(([texts, topic]) => runOf(texts, topic)),
        life,
        seq,
        all.map(([, , key]) => key),
      );
      const bytes = new Uint8Array(offset + batch.length + 3);
      bytes.set(batch, offset);
      const end = offset + batch.length;
      assert.equal(readBatchHeader(bytes, offset, end), { life, seq, first: 1 });
      const read: [string[], string, string | undefined][] = [];
      forEachRun(
        bytes,
        offset,
        end,
        (from, to, key) => {
          const run = emptyRun(topics.internName('-')!);
          decodeRun(bytes, from, to, topics, run);
          read.push([payloads(decode(run.dialect, run.buffer.subarray(run.start, run.end))), run.topic.name, key]);
        },
        assert.unreachable,
      );
      assert.equal(read, all);
    }),
  );
});

test('a batch weighs what it says, and a writer begins anew', () => {
  const writer = new BatchWriter();
  const run = runOf(['x'], 'a');
  writer.add(run, 1, NO_KEY);
  writer.add(run, 1, NO_KEY);
  assert.is(writer.length, 2 * batchBytesOf(run, NO_KEY));
  const first = writer.take(1, 1);
  assert.is(writer.length, 0);
  writer.add(runOf(['y'], 'a'), 1, NO_KEY);
  writer.take(1, 2);
  markFirst(first, 1);
  assert.equal(readBatchHeader(first, 0, first.length), { life: 1, seq: 1, first: 1 });
});

test('fences lie between runs, by their names', () => {
  const writer = new BatchWriter();
  const long = 'f'.repeat(6000);
  writer.addFence(Buffer.from('first'));
  writer.add(runOf(['x'], 'a'), 1, NO_KEY);
  writer.addFence(Buffer.from(long));
  writer.add(runOf(['y'], 'a'), 1, NO_KEY);
  const batch = writer.take(1, 1);
  markFirst(batch, 1);
  assert.equal(readBatchHeader(batch, 0, batch.length), { life: 1, seq: 1, first: 1 });
  const order: string[] = [];
  forEachRun(
    batch,
    0,
    batch.length,
    () => order.push('run'),
    (name) => order.push(name),
  );
  assert.equal(order, ['first', 'run', long, 'run']);
});

test('what is cut short, or holds lengths that cannot be, is no batch', () => {
  const batch = batchOf([runOf(['one'], 'a'), runOf(['two'], 'b')], 5, 7);
  const whole = new Set<number>();
  for (let end = 0; end <= batch.length; end++) if (readBatchHeader(batch, 0, end) !== undefined) whole.add(end);
  assert.is(whole.size, 3, 'the header alone, one run, both');
  for (const [at, value] of [
    [BATCH_HEADER_BYTES, 0],
    [BATCH_HEADER_BYTES, 0xffff_ffff],
    [BATCH_HEADER_BYTES + 4, 0xffff_ffff],
    [BATCH_HEADER_BYTES + 4, 1000],
  ] as const) {
    const bad = batch.slice();
    new DataView(bad.buffer).setUint32(at, value, true);
    assert.is(readBatchHeader(bad, 0, bad.length), undefined);
  }
  for (const bad of [0.5, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.is(readBatchHeader(batchOf([runOf(['x'], 'a')], 1, bad), 0, batch.length), undefined, String(bad));
  }
});

test('one who knows nothing of a sender begins with the oldest batch that it still has', () => {
  const acked: number[] = [];
  const arrivals = new Arrivals({
    deliver: () => null,
    passed: () => {},
    acknowledge: (_node, _life, seq) => acked.push(seq),
    hasFailed: () => false,
    count: () => {},
  });
  const send = (seq: number, first: number): void => {
    const batch = batchOf([runOf(['x'], 'a')], 1, seq, [], first);
    assert.ok(arrivals.receive(2, batch, 0, batch.length));
  };
  send(9, 7);
  send(7, 7);
  send(8, 7);
  send(9, 7);
  assert.equal(acked, [7, 8, 9]);
});

test('an acknowledgement waits for what is written and for who is slow, and goes in order', () => {
  const acked: number[] = [];
  const sources: (PressureSource | null)[] = [];
  const staged: StagedWrite[] = [];
  let delivered = 0;
  const arrivals = new Arrivals({
    deliver: (_bytes, _start, _end, _key, writes) => {
      delivered++;
      const write = staged.shift();
      if (write !== undefined) writes.add(write);
      return sources.shift() ?? null;
    },
    passed: () => {},
    acknowledge: (_node, _life, seq) => acked.push(seq),
    hasFailed: () => false,
    count: () => {},
  });
  const send = (seq: number, life = 1): boolean => {
    const batch = batchOf([runOf(['x'], 'a')], life, seq);
    return arrivals.receive(2, batch, 0, batch.length);
  };
  const write = new StagedWrite();
  const slow = new PressureSource();
  slow.press();
  staged.push(write);
  assert.ok(send(1));
  sources.push(slow);
  assert.ok(send(2));
  assert.ok(send(3));
  assert.equal(acked, []);
  slow.relieve();
  assert.equal(acked, [], 'the first one is not on disk');
  write.committed(undefined, []);
  assert.equal(acked, [3]);
  assert.ok(send(2));
  assert.is(delivered, 3, 'taken once');
  assert.equal(acked, [3, 3], 'and acknowledged again');
  arrivals.repeat(2, false);
  arrivals.repeat(2, false);
  assert.equal(acked, [3, 3, 3], 'said again once');
  arrivals.repeat(2, true);
  assert.equal(acked, [3, 3, 3, 3]);
  assert.ok(send(1, 2));
  assert.is(delivered, 4, 'a new life counts anew');
  assert.not(arrivals.receive(2, Uint8Array.of(1, 2), 0, 2));
  assert.ok(send(3, 2));
  assert.is(delivered, 4, 'the second of that life is missing, and will be sent again');
  assert.ok(send(2, 2));
  assert.ok(send(3, 2));
  assert.is(delivered, 6);
});

test('what a failed log has not taken is for the next life to acknowledge; what a reactor that died has not, is lost', () => {
  for (const hasFailed of [true, false]) {
    const acked: number[] = [];
    const write = new StagedWrite();
    const arrivals = new Arrivals({
      deliver: (_bytes, _start, _end, _key, writes) => {
        writes.add(write);
        return null;
      },
      passed: () => {},
      acknowledge: (_node, _life, seq) => acked.push(seq),
      hasFailed: () => hasFailed,
      count: () => {},
    });
    const batch = batchOf([runOf(['x'], 'a')], 1, 1);
    assert.ok(arrivals.receive(2, batch, 0, batch.length));
    write.committed('SLUICE_STORAGE_FAILED', []);
    assert.equal(acked, hasFailed ? [] : [1]);
  }
});

test.run();
