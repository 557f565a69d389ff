import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { detached, type Outgoing, OutgoingQueue, splitOutgoing } from '../../../src/actors/session/outgoing.ts';
import { decode, outgoing, payloads } from './packets.ts';

const test = suite('outgoing queue');

function textsOf({ dialect, buffer, start, end, count }: Outgoing): string[] {
  const texts = payloads(decode(dialect, buffer.subarray(start, end)));
  assert.is(texts.length, count);
  return texts;
}

const texts = fc.array(fc.string({ maxLength: 6 }), { minLength: 1, maxLength: 6 });
/** Payloads whose packets have one, two and three bytes of length. */
const long = fc.constantFrom('x'.repeat(200), 'y'.repeat(20_000));

test('splits between packets', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), long), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 7 }),
      (all, count) => {
        const { head, rest } = splitOutgoing(outgoing(all), count);
        assert.equal(textsOf(head), all.slice(0, count));
        assert.equal(rest === null ? [] : textsOf(rest), all.slice(count));
      },
    ),
  );
});

test('detached packets outlive their buffer and take no more than they need', () => {
  const original = outgoing(['a', 'b']);
  const copy = detached(original);
  original.buffer.fill(0xff);
  assert.equal(textsOf(copy), ['a', 'b']);
  assert.is(copy.buffer.buffer.byteLength, copy.end);
});

const command = fc.oneof(fc.record({ push: texts }), fc.record({ shift: fc.integer({ min: 1, max: 8 }) }));

test('is first in, first out within its bounds', () => {
  fc.assert(
    fc.property(
      fc.record({ messagesMax: fc.integer({ min: 0, max: 20 }), bytesMax: fc.integer({ min: 0, max: 150 }) }),
      fc.array(command, { maxLength: 60 }),
      (bounds, commands) => {
        const queue = new OutgoingQueue();
        let model: { text: string; bytes: number }[] = [];
        const bytes = (): number => model.reduce((sum, packet) => sum + packet.bytes, 0);
        for (const todo of commands) {
          if ('push' in todo) {
            const pushed = outgoing(todo.push);
            const room = bytes() >= bounds.bytesMax ? 0 : Math.max(0, bounds.messagesMax - model.length);
            const taken = todo.push.slice(0, room);
            assert.is(queue.push(pushed, bounds), taken.length);
            model.push(...taken.map((text) => ({ text, bytes: 7 + Buffer.byteLength(text) })));
          } else {
            const shifted = queue.shift(todo.shift);
            if (model.length === 0) assert.is(shifted, undefined);
            else
              assert.equal(
                textsOf(shifted!),
                model.slice(0, shifted!.count).map(({ text }) => text),
              );
            assert.ok((shifted?.count ?? 0) <= todo.shift);
            model = model.slice(shifted?.count ?? 0);
          }
          assert.is(queue.messages, model.length);
          assert.is(queue.bytes, bytes());
        }
        assert.equal(
          [...queue].flatMap(textsOf),
          model.map(({ text }) => text),
        );
      },
    ),
  );
});

test('forgets what has left', () => {
  const queue = new OutgoingQueue();
  const bounds = { messagesMax: 1e6, bytesMax: 1e9 };
  for (let i = 0; i < 1000; i++) {
    queue.push(outgoing([`${i}`, 'x']), bounds);
    if (i > 2) queue.shift(2);
  }
  assert.is([...queue].length, 3);
  assert.is(queue.messages, 6);
});

test.run();
