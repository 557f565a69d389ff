import type net from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateCounters, COUNTER, ListenerCounters, NODE_ROW } from '../../../src/actors/listener/counters.ts';
import { Intake } from '../../../src/actors/listener/intake.ts';
import type { IntakeSettings } from '../../../src/actors/listener/settings.ts';
import { LISTENER_WAITING_MAX } from '../../../src/base/limits.ts';

const test = suite('intake');
const SOCKET = {} as net.Socket;

function intake(
  some: Partial<IntakeSettings>,
  counters: ListenerCounters = new ListenerCounters(allocateCounters(), 2),
  reactor = 1,
): Intake {
  const settings: IntakeSettings = {
    connectionsMax: 1000,
    nodeConnectionsMax: 10_000,
    ratePerSecond: 0,
    handshakesMax: 10,
    handshakeTimeoutMs: 1000,
    ...some,
  };
  return new Intake(settings, counters, 1, reactor);
}

test('the bound on connections holds for all reactors together', () => {
  const counters = new ListenerCounters(allocateCounters(), 2);
  const one = intake({ connectionsMax: 3 }, counters, 1);
  const two = intake({ connectionsMax: 3 }, counters, 2);
  assert.is(one.judge(SOCKET, 0, 0), 'enters');
  assert.is(two.judge(SOCKET, 0, 0), 'enters');
  assert.is(two.judge(SOCKET, 0, 0), 'enters');
  assert.is(one.judge(SOCKET, 0, 0), 'too many');
  assert.is(counters.total(1, COUNTER.connections), 3);
  two.left();
  assert.is(one.judge(SOCKET, 0, 0), 'enters');
});

test('and so does the node’s, over all listeners', () => {
  const counters = new ListenerCounters(allocateCounters(), 1);
  assert.ok(counters.enter(1, 1, 10, 2));
  assert.ok(counters.enter(2, 1, 10, 2));
  assert.not.ok(counters.enter(3, 1, 10, 2));
  assert.is(counters.total(NODE_ROW, COUNTER.connections), 2);
  counters.forget(1);
  assert.is(counters.total(NODE_ROW, COUNTER.connections), 0);
});

test('who comes too fast waits its turn', () => {
  const door = intake({ ratePerSecond: 2 });
  assert.is(door.judge(SOCKET, 0, 0), 'enters');
  assert.is(door.judge(SOCKET, 0, 0), 'enters');
  assert.is(door.judge(SOCKET, 0, 0), 'waits');
  assert.is(door.judge(SOCKET, 0, 400), 'waits');
  assert.is(door.next(0, 499), undefined);
  assert.ok(door.next(0, 500) !== undefined);
  assert.is(door.next(0, 600), undefined);
  assert.is(door.judge(SOCKET, 0, 1000), 'waits', 'nobody overtakes');
  assert.is(door.waiting, 2);
});

test('nobody waits where there is no rate, and one who may not wait is only let in when there is room', () => {
  const open = intake({});
  for (let i = 0; i < 500; i++) assert.is(open.judge(SOCKET, 0, 0), 'enters');
  assert.is(open.delayMs(0), 0);
  const narrow = intake({ ratePerSecond: 1, connectionsMax: 2 });
  assert.ok(narrow.admits(0));
  assert.not.ok(narrow.admits(999));
  assert.is(narrow.delayMs(500), 500);
  assert.ok(narrow.admits(1000));
  assert.not.ok(narrow.admits(5000), 'there are two already');
});

test('who waits too long is taken out, oldest first', () => {
  const door = intake({ ratePerSecond: 1 });
  door.judge(SOCKET, 0, 0);
  door.judge(SOCKET, 0, 0);
  door.judge(SOCKET, 0, 500);
  assert.is(door.expired(999).length, 0);
  assert.is(door.expired(1000).length, 1);
  assert.is(door.expired(Number.POSITIVE_INFINITY).length, 1);
  assert.is(door.waiting, 0);
});

test('handshakes under way are bounded, and so are those who wait', () => {
  const counters = new ListenerCounters(allocateCounters(), 1);
  const door = intake({ handshakesMax: 1, connectionsMax: 100_000, nodeConnectionsMax: 100_000 }, counters);
  assert.is(door.judge(SOCKET, 0, 0), 'enters');
  for (let i = 0; i < LISTENER_WAITING_MAX; i++) assert.is(door.judge(SOCKET, 1, 0), 'waits');
  assert.is(door.judge(SOCKET, 1, 0), 'too fast');
  assert.is(counters.total(1, COUNTER.connections), LISTENER_WAITING_MAX + 1, 'one that is turned away does not count');
  assert.is(door.next(1, 0), undefined);
  assert.ok(door.next(0, 0) !== undefined);
});

test.run();
