import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Events } from '../../../src/actors/events/events.ts';
import { EVENTS_PROBE } from '../../../src/actors/events/probe.ts';
import { allocateMeters, METER_COUNTERS, Meters, meterRow } from '../../../src/actors/insight/meters.ts';
import { type SlowEntry, SlowTop } from '../../../src/actors/insight/slow-top.ts';
import type { Run } from '../../../src/actors/router/sink.ts';
import { AWAIT_PUBREC } from '../../../src/actors/session/outbound-window.ts';
import type { Outgoing } from '../../../src/actors/session/outgoing.ts';
import { TimedMachine } from '../../../src/actors/session/timed-machine.ts';
import { EVENTS_QUEUED_MAX } from '../../../src/base/limits.ts';
import { encodePublish } from '../../../src/wire/mqtt/client-encoder.ts';
import { slots } from '../session/services.ts';

const test = suite('insight: slow subscribers, topic metrics, events');

test('the top is what sorting all clients would give, as long as none is pushed out', () => {
  const note = fc.record({ client: fc.nat(4), latency: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(note, { maxLength: 50 }), (notes) => {
      const top = new SlowTop({ thresholdMs: 10, max: 5, expiryMs: 1000 });
      const model = new Map<string, SlowEntry>();
      for (const [now, { client, latency }] of notes.entries()) {
        top.note(`c${client}`, latency, now);
        if (latency < 10) continue;
        const known = model.get(`c${client}`);
        model.set(`c${client}`, {
          clientId: `c${client}`,
          latencyMs: Math.max(latency, known?.latencyMs ?? 0),
          count: (known?.count ?? 0) + 1,
          lastAt: now,
        });
      }
      const expected = [...model.values()].sort((a, b) => b.latencyMs - a.latencyMs || (a.clientId < b.clientId ? -1 : 1));
      assert.equal(top.list(notes.length), expected);
      assert.equal(top.list(notes.length + 1000), []);
    }),
  );
});

test('a slower client takes the place of the fastest, a faster one none', () => {
  const top = new SlowTop({ thresholdMs: 1, max: 2, expiryMs: 1000 });
  top.note('a', 10, 0);
  top.note('b', 20, 0);
  top.note('c', 5, 0);
  top.note('d', 15, 0);
  assert.equal(
    top.list(0).map(({ clientId }) => clientId),
    ['b', 'd'],
  );
});

function outgoing(count: number): Outgoing {
  const packets = Array.from({ length: count }, () =>
    encodePublish(0, { topic: 't', payload: Buffer.from('x'), qos: 1, packetId: 1 }),
  );
  const buffer = Buffer.concat(packets);
  return {
    dialect: 0,
    qos: 1,
    retain: false,
    subscriptionIds: null,
    buffer,
    start: 0,
    end: buffer.length,
    count,
    expiresAt: 0,
    share: null,
  };
}

test('a machine measures from sending, or from the queue, to the acknowledgement', () => {
  let now = 0;
  const slow = new SlowTop({ thresholdMs: 1, max: 5, expiryMs: 1_000_000 });
  const machine = new TimedMachine(2, false, { slow, clientId: 'c', now: () => now, wallClock: () => now });
  const slowest = (): number => slow.list(now)[0]?.latencyMs ?? 0;
  const first = machine.send(1, null);
  now = 5;
  const second = machine.send(2, null);
  machine.enqueue(outgoing(2), { messagesMax: 10, bytesMax: 1000 });
  now = 12;
  assert.is(machine.puback(first), 'ok');
  assert.is(slowest(), 12);
  machine.pubrec(second, false);
  now = 40;
  machine.pubcomp(second);
  assert.is(slowest(), 35);
  const waiting = machine.dequeue()!;
  assert.is(waiting.count, 2);
  const ids = [machine.send(1, null), machine.send(1, null)];
  now = 100;
  machine.puback(ids[0]!);
  assert.is(slowest(), 95, 'it has waited since 5');
  slow.clear();
  machine.abandon(ids[1]!);
  machine.sendAt(77, AWAIT_PUBREC);
  now = 110;
  machine.pubrec(77, true);
  assert.is(slowest(), 10);
});

test('meters count by filter and reactor, in memory that others read', () => {
  const memory = allocateMeters(2);
  const meters = new Meters(memory, 2);
  assert.ok(meters.isEmpty);
  meters.replace([
    { index: 3, filter: 'a/+' },
    { index: 511, filter: '#' },
  ]);
  assert.is(meters.metersOf('$SYS/x'), null);
  assert.equal(
    meters.metersOf('b')!.map(({ filter }) => filter),
    ['#'],
  );
  const run = { qos: 1, count: 3, start: 10, end: 70 } as unknown as Run;
  for (const meter of meters.metersOf('a/b')!) {
    meter.received(run);
    meter.delivered(2, 3);
    meter.dropped(1);
  }
  const expected = { in_qos0: 0, in_qos1: 3, in_qos2: 0, in_bytes: 60, out: 6, dropped: 1 };
  for (const index of [3, 511]) {
    const row = meterRow(memory, 2, index);
    assert.equal(Object.fromEntries(METER_COUNTERS.map((name, i) => [name, row[i]])), expected);
  }
  assert.ok(meterRow(memory, 1, 3).every((value) => value === 0));
});

test('events: only those that are wanted, and no more than fit', () => {
  const counters = slots();
  let woken = 0;
  const events = new Events(['client_connected'], counters, () => 7);
  events.onQueued = () => {
    woken++;
  };
  events.add('client_disconnected', { clientid: 'x' });
  for (let i = 0; i < EVENTS_QUEUED_MAX + 5; i++) events.add('client_connected', { clientid: 'x' });
  assert.is(woken, 1);
  const taken = events.take();
  assert.is(taken.length, EVENTS_QUEUED_MAX);
  assert.equal(taken[0], { topic: '$events/client_connected', payload: '{"event":"client_connected","clientid":"x","ts":7}' });
  assert.is(counters[EVENTS_PROBE.slot.lost], 5);
  events.add('client_connected', {});
  assert.is(woken, 2);
});

test.run();
