import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type SysReading, SysTree } from '../../../src/nodes/sys/sys-tree.ts';

const test = suite('sys tree');

const ZERO: SysReading = {
  connections: 0,
  sessions: 0,
  expired: 0,
  connects: 0,
  messagesReceived: 0,
  messagesSent: 0,
  messagesDropped: 0,
  bytesReceived: 0,
  bytesSent: 0,
  subscriptions: 0,
  sharedSubscriptions: 0,
  retained: 0,
  retainedBytes: 0,
  residentBytes: 1000,
};

test('tells what has changed and nothing else, and everything again after it was forgotten', () => {
  const tree = new SysTree('sluice 1');
  const first = new Map(tree.advance(ZERO, 0, 5.9));
  assert.is(first.get('$SYS/broker/version'), 'sluice 1');
  assert.is(first.get('$SYS/broker/uptime'), '5 seconds');
  assert.is(first.get('$SYS/broker/clients/connected'), '0');
  assert.equal(tree.advance(ZERO, 0, 5.9), []);
  const second = new Map(tree.advance({ ...ZERO, connections: 2, sessions: 3 }, 0, 5.9));
  assert.equal(Object.fromEntries(second), {
    '$SYS/broker/clients/total': '3',
    '$SYS/broker/clients/maximum': '2',
    '$SYS/broker/clients/connected': '2',
    '$SYS/broker/clients/active': '2',
    '$SYS/broker/clients/disconnected': '1',
    '$SYS/broker/clients/inactive': '1',
  });
  const third = new Map(tree.advance({ ...ZERO, connections: 1, sessions: 1 }, 0, 5.9));
  assert.not(third.has('$SYS/broker/clients/maximum'), 'the most that there were');
  tree.forget();
  assert.is(tree.advance({ ...ZERO, connections: 1, sessions: 1 }, 0, 5.9).length, first.size);
});

test('load averages go towards the rate per minute, the short ones first, and never beyond it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 60 }), (perSecond, seconds) => {
      const tree = new SysTree('x');
      let told: Map<string, string> = new Map();
      for (let i = 0; i <= 50; i++) {
        const reading = { ...ZERO, messagesReceived: i * seconds * perSecond };
        told = new Map([...told, ...tree.advance(reading, i * seconds * 1000, 0)]);
      }
      const [one, five, fifteen] = [1, 5, 15].map((span) => Number(told.get(`$SYS/broker/load/messages/received/${span}min`)));
      const rate = perSecond * 60;
      assert.ok(one! <= rate + 0.01 && one! >= five! && five! >= fifteen! && fifteen! > 0, `${rate}: ${one} ${five} ${fifteen}`);
      const expected = rate * (1 - Math.exp((-50 * seconds) / 60));
      assert.ok(Math.abs(one! - expected) <= 0.01 + expected * 1e-6, `${one} is ${expected}`);
    }),
  );
});

test.run();
