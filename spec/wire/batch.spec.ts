import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../src/base/errors.ts';
import { type ActorRef, makeRef } from '../../src/runtime/ref.ts';
import { type BatchPosition, MESSAGE_HEADER_BYTES, type MessageSink, readBatch } from '../../src/wire/batch.ts';
import { FRAME_HEADER_BYTES } from '../../src/wire/frame.ts';
import { Outbox } from '../../src/wire/outbox.ts';
import { SegmentPool } from '../../src/wire/segment-pool.ts';

const test = suite('batch');

interface Message {
  readonly type: number;
  readonly kind: number;
  readonly target: ActorRef;
  readonly source: ActorRef;
  readonly correlation: number;
  readonly payload: Uint8Array;
}

const ref = fc
  .tuple(fc.nat({ max: 1023 }), fc.nat({ max: 63 }), fc.nat({ max: 2 ** 14 - 1 }), fc.nat({ max: 2 ** 22 - 1 }))
  .map(([node, thread, generation, slot]): ActorRef => makeRef(node, thread, generation, slot));
const message: fc.Arbitrary<Message> = fc.record({
  type: fc.nat({ max: 255 }),
  kind: fc.nat({ max: 65_535 }),
  target: ref,
  source: ref,
  correlation: fc.nat({ max: 2 ** 32 - 1 }),
  payload: fc
    .tuple(
      fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 300 }) }, fc.integer({ min: 60_000, max: 140_000 })),
      fc.nat({ max: 250 }),
    )
    .map(([length, seed]) => Uint8Array.from({ length }, (_, i) => seed + i)),
});

/** As text, which compares fast. */
function texts(messages: readonly Message[]): string[] {
  return messages.map(({ payload, ...rest }) => `${JSON.stringify(rest)} ${Buffer.from(payload).toString('latin1')}`);
}

class Recorder implements MessageSink {
  readonly messages: Message[] = [];
  refuseAfter = Number.POSITIVE_INFINITY;

  onMessage(
    type: number,
    kind: number,
    target: ActorRef,
    source: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (this.messages.length >= this.refuseAfter) return false;
    this.messages.push({ type, kind, target, source, correlation, payload: Uint8Array.from(bytes.subarray(start, end)) });
    return true;
  }
}

function append(outbox: Outbox, { type, kind, target, source, correlation, payload }: Message): void {
  const padded = Buffer.concat([Buffer.from([9, 9, 9]), payload, Buffer.from([9])]);
  outbox.append(type, kind, target, source, correlation, padded, 3, 3 + payload.length);
}

/** What is in the outbox's closed frames, read again; the frames are sent. */
function drain(outbox: Outbox, pool: SegmentPool): Message[][] {
  const frames: Message[][] = [];
  while (outbox.peek() !== undefined) {
    const { segment, start, end, messages } = outbox.take();
    const recorder = new Recorder();
    readBatch(segment.bytes, end, { at: start + FRAME_HEADER_BYTES, left: messages }, recorder);
    frames.push(recorder.messages);
    pool.release(segment);
  }
  return frames;
}

test('what goes into an outbox comes out, in order, each turn in its own frames', () => {
  fc.assert(
    fc.property(fc.array(fc.array(message, { maxLength: 12 }), { maxLength: 5 }), (turns) => {
      const pool = new SegmentPool();
      const outbox = new Outbox(2, pool);
      for (const turn of turns) {
        for (const each of turn) append(outbox, each);
        outbox.close();
        assert.is(outbox.messages, turn.length);
        const frames = drain(outbox, pool);
        assert.equal(texts(frames.flat()), texts(turn));
        assert.is(outbox.bytes, 0);
      }
    }),
    { numRuns: 60 },
  );
});

test('the small messages of a turn are one frame', () => {
  const pool = new SegmentPool();
  const outbox = new Outbox(2, pool);
  const small: Message = { type: 0, kind: 1, target: 5, source: 6, correlation: 0, payload: new Uint8Array(64) };
  for (let turn = 0; turn < 200; turn++) {
    for (let n = 0; n < 100; n++) append(outbox, small);
    outbox.close();
    assert.equal(
      drain(outbox, pool).map(({ length }) => length),
      [100],
    );
  }
  assert.ok(pool.free <= 1, 'segments are used again');
});

test('clearing an outbox tells what was lost and gives the memory back', () => {
  const pool = new SegmentPool();
  const outbox = new Outbox(2, pool);
  const each: Message = { type: 0, kind: 1, target: 5, source: 6, correlation: 0, payload: new Uint8Array(1000) };
  for (let n = 0; n < 300; n++) append(outbox, each);
  assert.is(outbox.clear(), 300);
  assert.is(outbox.bytes, 0);
  assert.ok(pool.free >= 4);
  append(outbox, each);
  outbox.close();
  assert.equal(drain(outbox, pool), [[each]]);
});

test('a batch that is left goes on where it was left', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 6 }), fc.nat({ max: 6 }), (messages, first) => {
      const pool = new SegmentPool();
      const outbox = new Outbox(2, pool);
      for (const each of messages) append(outbox, { ...each, payload: each.payload.subarray(0, 50) });
      outbox.close();
      const { segment, start, end } = outbox.take();
      const recorder = new Recorder();
      const position: BatchPosition = { at: start + FRAME_HEADER_BYTES, left: messages.length };
      recorder.refuseAfter = first;
      readBatch(segment.bytes, end, position, recorder);
      assert.is(position.left, Math.max(0, messages.length - first));
      recorder.refuseAfter = Number.POSITIVE_INFINITY;
      readBatch(segment.bytes, end, position, recorder);
      assert.equal(texts(recorder.messages), texts(messages.map((each) => ({ ...each, payload: each.payload.subarray(0, 50) }))));
    }),
  );
});

test('bytes that are no messages throw a coded error and never leave their frame', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (noise, count) => {
      const memory = Buffer.concat([Buffer.alloc(40, 0xaa), noise, Buffer.alloc(400, 0)]);
      const recorder: MessageSink = {
        onMessage: (_type, _kind, _target, _source, _correlation, _bytes, start, end) => {
          assert.ok(start >= 40 + MESSAGE_HEADER_BYTES && end <= 40 + noise.length);
          return true;
        },
      };
      try {
        readBatch(memory, 40 + noise.length, { at: 40, left: count }, recorder);
      } catch (error) {
        assert.is((error as SluiceError).code, 'SLUICE_WIRE_FRAME', String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test.run();
