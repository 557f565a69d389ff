import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type QueuedMessage, WriteQueue } from '../../../../src/actors/retained/shared/write-queue.ts';

const test = suite('retained write queue');
const BOUNDS = { messagesMax: 3, bytesMax: 700 };

const names = (messages: readonly QueuedMessage<number>[] | undefined): string[] => (messages ?? []).map(({ name }) => name);

test('one write at a time, of several messages of a topic the last, and all who wait hear of it', () => {
  const queue = new WriteQueue<number>(BOUNDS);
  queue.put('a', Buffer.from('1'), 1, 1);
  queue.put('b', Buffer.from('1'), 2, undefined);
  queue.put('a', null, 3, 3);
  const first = queue.take()!;
  assert.equal(
    first.map(({ name, record, seq, waiters }) => [name, record, seq, waiters]),
    [
      ['a', null, 3, [1, 3]],
      ['b', Buffer.from('1'), 2, []],
    ],
  );
  queue.put('a', Buffer.from('2'), 4, 4);
  assert.is(queue.take(), undefined);
  assert.equal(queue.done(), first);
  assert.equal(names(queue.take()), ['a']);
  queue.done();
  assert.is(queue.bytes, 0);
  assert.is(queue.take(), undefined);
});

test('a write is bounded, and what does not fit goes alone', () => {
  const queue = new WriteQueue<number>(BOUNDS);
  for (const name of ['a', 'b', 'c', 'd']) queue.put(name, null, 1, undefined);
  queue.put('large', Buffer.alloc(5000), 2, undefined);
  queue.put('e', Buffer.alloc(400), 3, undefined);
  queue.put('f', Buffer.alloc(400), 4, undefined);
  const batches: string[][] = [];
  for (let taken = queue.take(); taken !== undefined; taken = queue.take()) {
    batches.push(names(taken));
    queue.done();
  }
  assert.equal(batches, [['a', 'b', 'c'], ['d'], ['large'], ['e'], ['f']]);
});

test('what has failed comes again unless something newer has come, whose publishers then wait together', () => {
  const queue = new WriteQueue<number>(BOUNDS);
  queue.put('a', Buffer.from('1'), 1, 1);
  queue.put('b', null, 2, 2);
  queue.put('c', Buffer.from('1'), 3, 3);
  queue.take();
  queue.put('a', Buffer.from('2'), 4, 4);
  queue.put('d', null, 5, 5);
  const rest = queue.again(({ name }) => name !== 'c');
  assert.equal(names(rest), ['c'], 'what is not wanted is given back');
  const next = queue.take()!;
  assert.equal(names(next), ['b', 'a', 'd'], 'what has waited longest first');
  assert.equal(next[1]!.waiters, [1, 4]);
  queue.done();
  assert.is(queue.bytes, 0);
});

test('each message is written or replaced by a later one, each waiter hears once, and the bytes add up', () => {
  const put = fc.record({ what: fc.constant('put' as const), name: fc.constantFrom('a', 'b', 'c', 'd'), size: fc.nat(400) });
  const other = fc.record({ what: fc.constantFrom('take' as const, 'done' as const, 'again' as const) });
  fc.assert(
    fc.property(fc.array(fc.oneof(put, other), { maxLength: 60 }), (steps) => {
      const queue = new WriteQueue<number>(BOUNDS);
      const written = new Map<string, number>();
      const last = new Map<string, number>();
      const heard: number[] = [];
      let seq = 0;
      const end = (): void => {
        for (const message of queue.done()) {
          assert.ok(message.seq > (written.get(message.name) ?? 0), 'in order');
          written.set(message.name, message.seq);
          heard.push(...message.waiters);
        }
      };
      for (const step of steps) {
        if (step.what === 'put') {
          queue.put(step.name, step.size === 0 ? null : new Uint8Array(step.size), ++seq, seq);
          last.set(step.name, seq);
        } else if (step.what === 'take') queue.take();
        else if (step.what === 'done') end();
        else queue.again();
      }
      end();
      while (queue.take() !== undefined) end();
      assert.equal(written, last);
      assert.equal(
        heard.sort((a, b) => a - b),
        Array.from({ length: seq }, (_, i) => i + 1),
      );
      assert.is(queue.bytes, 0);
    }),
    { numRuns: 3000 },
  );
});

test.run();
