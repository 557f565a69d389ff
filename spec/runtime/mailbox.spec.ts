import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Envelope, RECORD } from '../../src/runtime/envelope.ts';
import { Fifo } from '../../src/runtime/fifo.ts';
import { Mailbox } from '../../src/runtime/mailbox.ts';

const test = suite('mailbox');

const envelope = (n: number): Envelope => new Envelope(RECORD.message, 0, n, 0, 0);

test('the system lane goes first, each lane in its order', () => {
  const mailbox = new Mailbox();
  mailbox.offer(envelope(1), 10);
  mailbox.urge(envelope(100));
  mailbox.offer(envelope(2), 10);
  mailbox.urge(envelope(101));
  const taken = Array.from({ length: 5 }, () => mailbox.take()?.body);
  assert.equal(taken, [100, 101, 1, 2, undefined]);
});

test('a full user lane refuses offers and takes settlements', () => {
  const mailbox = new Mailbox();
  assert.ok(mailbox.offer(envelope(1), 1));
  assert.not(mailbox.offer(envelope(2), 1));
  mailbox.force(envelope(3));
  assert.is(mailbox.userDepth, 2);
  assert.ok(mailbox.take());
  assert.not(mailbox.offer(envelope(4), 1));
});

test('property: two bounded queues', () => {
  const command = fc.constantFrom('offer', 'force', 'urge', 'take', 'takeSystem');
  fc.assert(
    fc.property(fc.array(command, { maxLength: 300 }), fc.integer({ min: 1, max: 20 }), (commands, max) => {
      const mailbox = new Mailbox();
      const user: number[] = [];
      const system: number[] = [];
      commands.forEach((step, n) => {
        if (step === 'offer') {
          assert.is(mailbox.offer(envelope(n), max), user.length < max);
          if (user.length < max) user.push(n);
        } else if (step === 'force') {
          mailbox.force(envelope(n));
          user.push(n);
        } else if (step === 'urge') {
          mailbox.urge(envelope(n));
          system.push(n);
        } else if (step === 'take') {
          assert.is(mailbox.take()?.body, system.length > 0 ? system.shift() : user.shift());
        } else {
          assert.is(mailbox.takeSystem()?.body, system.shift());
        }
        assert.is(mailbox.userDepth, user.length);
        assert.is(mailbox.systemDepth, system.length);
        assert.is(mailbox.isEmpty, user.length + system.length === 0);
      });
    }),
  );
});

test('property: a fifo is a queue through growth and shrinking', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -200, max: 200 }), { maxLength: 40 }), (runs) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      let next = 0;
      for (const run of runs) {
        for (let i = 0; i < run; i++) {
          fifo.push(next);
          model.push(next++);
        }
        for (let i = 0; i > run; i--) {
          assert.is(fifo.peek(), model[0]);
          assert.is(fifo.shift(), model.shift());
        }
        assert.is(fifo.size, model.length);
      }
    }),
  );
});

test.run();
