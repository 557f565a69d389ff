import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeRun, emptyRun, encodedRunSize, encodeRun, RUN_HEADER_BYTES } from '../../../src/actors/router/run-codec.ts';
import type { Run } from '../../../src/actors/router/sink.ts';
import { TopicTable } from '../../../src/actors/router/topic-table.ts';
import { topicName } from '../../wire/mqtt/arbitraries.ts';
import { outgoing } from '../session/packets.ts';

const test = suite('run codec');

const anyRun = fc.record({
  topic: topicName,
  texts: fc.array(fc.string({ maxLength: 200 }), { minLength: 1, maxLength: 6 }),
  dialect: fc.constantFrom<0 | 1>(0, 1),
  qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
  retain: fc.boolean(),
  expiresAt: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  from: fc.integer({ min: 1, max: 31 }),
  at: fc.nat({ max: 9 }),
});

test('a run arrives as it left, but for its publisher', () => {
  const there = new TopicTable(100, 1);
  const here = new TopicTable(100, 2);
  fc.assert(
    fc.property(anyRun, ({ topic, texts, from, at, ...options }) => {
      const { subscriptionIds: _, ...packets } = outgoing(texts, { topic, ...options });
      const run: Run = { topic: there.internName(topic)!, publisher: { deliver() {}, deliveryFailed() {} }, ...packets };
      const size = encodedRunSize(run);
      const record = new Uint8Array(at + size + 3).fill(0xee);
      encodeRun(run, from, record, at);
      assert.equal([...record.subarray(0, at), ...record.subarray(at + size)], new Array(at + 3).fill(0xee));

      const decoded = emptyRun(here.internName('-')!);
      assert.is(decodeRun(record, at, at + size, here, decoded), from);
      assert.is(decoded.topic, here.internName(topic));
      assert.is(decoded.publisher, null);
      assert.is(decoded.buffer, record, 'the packets stay where they are');
      for (const key of ['dialect', 'qos', 'retain', 'count', 'expiresAt'] as const) assert.is(decoded[key], run[key]);
      assert.equal(record.subarray(decoded.start, decoded.end), run.buffer.subarray(run.start, run.end));
    }),
  );
});

test('takes no record that holds no packet', () => {
  const topics = new TopicTable(100, 1);
  const run = emptyRun(topics.internName('-')!);
  assert.throws(() => decodeRun(new Uint8Array(RUN_HEADER_BYTES), 0, RUN_HEADER_BYTES, topics, run), /header/);
});

test.run();
