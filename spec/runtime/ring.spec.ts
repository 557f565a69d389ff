import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RecordSink } from '../../src/runtime/channel.ts';
import { allocateRing, RECORD_HEADER_BYTES, RingReader, RingWriter } from '../../src/runtime/ring.ts';

const test = suite('ring');

interface Seen {
  readonly type: number;
  readonly kind: number;
  readonly target: number;
  readonly sender: number;
  readonly correlation: number;
  readonly bytes: readonly number[];
}

function collector(seen: Seen[]): RecordSink {
  return {
    onRecord: (type, kind, target, sender, correlation, bytes, start, end) =>
      void seen.push({ type, kind, target, sender, correlation, bytes: [...bytes.subarray(start, end)] }),
  };
}

function pair(capacity: number): { writer: RingWriter; reader: RingReader } {
  const memory = allocateRing(capacity);
  return { writer: new RingWriter(memory), reader: new RingReader(memory) };
}

test('a record keeps all its fields, also the largest ones', () => {
  const { writer, reader } = pair(1024);
  const target = 2 ** 52 - 1;
  const sender = 2 ** 51 + 2 ** 31 + 5;
  assert.ok(writer.write(7, 65_535, target, sender, 2 ** 32 - 1, Uint8Array.of(0, 1, 2, 255, 9), 1, 4));
  writer.publish();
  const seen: Seen[] = [];
  assert.is(reader.drain(collector(seen), 10), 1);
  assert.equal(seen, [{ type: 7, kind: 65_535, target, sender, correlation: 2 ** 32 - 1, bytes: [1, 2, 255] }]);
});

test('nothing is visible before publish', () => {
  const { writer, reader } = pair(1024);
  writer.write(0, 1, 5, 0, 0, Uint8Array.of(1), 0, 1);
  assert.not(reader.hasRecords());
  assert.ok(writer.publish());
  assert.not(writer.publish());
  assert.ok(reader.hasRecords());
});

test('a receiver that shuts the gate gets no further record, and the rest when it opens', () => {
  const { writer, reader } = pair(1024);
  for (let i = 0; i < 5; i++) writer.write(0, i, 1, 0, 0, Uint8Array.of(i), 0, 1);
  writer.publish();
  const gate = { isHeld: false };
  const kinds: number[] = [];
  const sink: RecordSink = {
    onRecord: (_type, kind) => {
      kinds.push(kind);
      if (kind === 1) gate.isHeld = true;
    },
  };
  assert.is(reader.drain(sink, 10, gate), 2);
  assert.is(reader.drain(sink, 10, gate), 0);
  gate.isHeld = false;
  assert.is(reader.drain(sink, 10, gate), 3);
  assert.equal(kinds, [0, 1, 2, 3, 4]);
});

test('a full ring refuses and takes again what the reader has freed', () => {
  const { writer, reader } = pair(128);
  const record = new Uint8Array(64 - RECORD_HEADER_BYTES);
  const write = () => writer.write(0, 0, 1, 0, 0, record, 0, record.length);
  assert.ok(write());
  assert.ok(write());
  assert.not(write(), 'exactly full');
  writer.publish();
  assert.is(writer.used(), 128);
  reader.drain(collector([]), 1);
  assert.ok(write());
  assert.not(write());
});

test('a record that does not fit before the end goes to the start, whole', () => {
  const { writer, reader } = pair(128);
  const seen: Seen[] = [];
  for (let round = 0; round < 50; round++) {
    const bytes = Uint8Array.from({ length: 20 }, (_, i) => round + i);
    assert.ok(writer.write(0, round, 1, 0, 0, bytes, 0, 20), `round ${round}`);
    writer.publish();
    assert.is(reader.drain(collector(seen), 10), 1);
  }
  assert.equal(
    seen.map(({ kind, bytes }) => [kind, bytes[0], bytes[19]]),
    Array.from({ length: 50 }, (_, round) => [round, round, round + 19]),
  );
});

test('a writer that waits is noticed once half of the ring is free', () => {
  const { writer, reader } = pair(128);
  const record = new Uint8Array(32 - RECORD_HEADER_BYTES);
  for (let i = 0; i < 4; i++) writer.write(0, 0, 1, 0, 0, record, 0, record.length);
  writer.publish();
  assert.not(writer.isHalfFree());
  writer.setWaiting(true);
  reader.drain(collector([]), 1);
  assert.not(reader.takeWritable(), 'a quarter is free');
  reader.drain(collector([]), 1);
  assert.ok(reader.takeWritable());
  assert.not(reader.takeWritable(), 'told once');
});

test('a sink that throws has taken its record', () => {
  const { writer, reader } = pair(256);
  for (const kind of [1, 2]) writer.write(0, kind, 1, 0, 0, new Uint8Array(0), 0, 0);
  writer.publish();
  assert.throws(() =>
    reader.drain(
      {
        onRecord: () => {
          throw new Error('sink');
        },
      },
      10,
    ),
  );
  const seen: Seen[] = [];
  reader.drain(collector(seen), 10);
  assert.equal(
    seen.map(({ kind }) => kind),
    [2],
  );
});

test('property: the ring is a bounded queue', () => {
  const write = fc.record({ length: fc.integer({ min: 0, max: 400 }), seed: fc.nat(255) });
  const command = fc.oneof(write, fc.constant('publish' as const), fc.integer({ min: 1, max: 8 }));
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const { writer, reader } = pair(1024);
      const hidden: string[] = [];
      const expected: string[] = [];
      const seen: Seen[] = [];
      for (const step of commands) {
        if (step === 'publish') {
          writer.publish();
          expected.push(...hidden.splice(0));
        } else if (typeof step === 'number') {
          reader.drain(collector(seen), step);
        } else {
          const bytes = Uint8Array.from({ length: step.length + 3 }, (_, i) => (i * 7 + step.seed) & 255);
          const fitted = writer.write(3, step.seed, 2 ** 42 + step.seed, 9, 1, bytes, 3, bytes.length);
          if (fitted) hidden.push(`${step.seed}:${bytes.subarray(3).join()}`);
          else assert.ok(writer.used() > 0, 'an empty ring takes any record of less than half its size');
        }
      }
      writer.publish();
      expected.push(...hidden);
      reader.drain(collector(seen), Number.MAX_SAFE_INTEGER);
      assert.equal(
        seen.map(({ kind, bytes }) => `${kind}:${bytes.join()}`),
        expected,
      );
      assert.is(writer.used(), 0);
    }),
  );
});

test.run();
