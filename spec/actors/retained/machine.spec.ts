import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RetainedMachine } from '../../../src/actors/retained/machine.ts';
import { RETAINED_SCAN_MAX, RETAINED_SWEEP_TOPICS } from '../../../src/base/limits.ts';
import { topicFilter, topicName } from '../router/arbitraries.ts';
import { naiveMatch } from '../router/naive-match.ts';

const test = suite('retained machine');
const UNLIMITED = 1e9;

const packetOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const textOf = (packet: Uint8Array): string => Buffer.from(packet).toString();

/** A whole lookup: the texts of all packets, with `between` called after each step. */
function lookup(machine: RetainedMachine, filter: string, bytesMax: number, now = 0, between: () => void = () => {}): string[] {
  const out: string[] = [];
  let cursor: string | undefined;
  do {
    const answer = machine.match(filter, cursor, bytesMax, now);
    for (const { packet } of answer.packets) out.push(textOf(packet));
    cursor = answer.cursor;
    between();
  } while (cursor !== undefined);
  return out;
}

test('keeps the last message of each topic and finds it as the standard says', () => {
  const change = fc.tuple(topicName, fc.constantFrom('store', 'store', 'delete'), fc.integer({ min: 0, max: 3 }));
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 60 }),
      fc.array(topicFilter, { maxLength: 6 }),
      fc.integer({ min: 0, max: 40 }),
      (changes, filters, bytesMax) => {
        const machine = new RetainedMachine();
        const model = new Map<string, string>();
        for (const [name, what, n] of changes) {
          if (what === 'store') {
            const text = `${name}=${n}`;
            assert.is(machine.store(name, 0, 0, packetOf(text)), 'stored');
            model.set(name, text);
          } else {
            assert.is(machine.delete(name), model.delete(name) ? 'deleted' : 'absent');
          }
        }
        assert.is(machine.size, model.size);
        for (const filter of filters) {
          const expected = [...model].filter(([name]) => naiveMatch(filter, name)).map(([, text]) => text);
          assert.equal(lookup(machine, filter, bytesMax).sort(), expected.sort(), filter);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('a lookup in steps meets exactly once what stays, whatever else changes between them', () => {
  const change = fc.tuple(topicName, fc.boolean());
  fc.assert(
    fc.property(
      fc.uniqueArray(topicName, { minLength: 5, maxLength: 40 }),
      topicFilter,
      fc.array(fc.array(change, { maxLength: 5 }), { maxLength: 20 }),
      (names, filter, rounds) => {
        const machine = new RetainedMachine();
        const untouched = new Set(names);
        for (const name of names) machine.store(name, 0, 0, packetOf(name));
        for (const round of rounds) for (const [name] of round) untouched.delete(name);
        const changes = [...rounds];
        const seen = lookup(machine, filter, 1, 0, () => {
          for (const [name, add] of changes.shift() ?? []) {
            if (add) machine.store(name, 0, 0, packetOf(name));
            else machine.delete(name);
          }
        });
        assert.is(new Set(seen).size, seen.length, 'nothing twice');
        assert.ok(seen.every((name) => naiveMatch(filter, name)));
        for (const name of untouched) assert.is(seen.includes(name), naiveMatch(filter, name), name);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a step looks at a bounded number of topics, also when none matches', () => {
  const machine = new RetainedMachine();
  const topics = RETAINED_SCAN_MAX * 3;
  for (let i = 0; i < topics; i++) machine.store(`${i}/a/b`, 0, 0, packetOf('x'));
  const before = machine.scanned;
  const first = machine.match('+/+/c', undefined, UNLIMITED, 0);
  assert.ok(first.cursor !== undefined);
  assert.is(machine.scanned - before, RETAINED_SCAN_MAX);
  assert.equal(lookup(machine, '+/+/c', UNLIMITED), []);
  assert.is(lookup(machine, '+/+/b', UNLIMITED).length, topics);
});

test('an answer ends at its bytes but holds at least one packet', () => {
  const machine = new RetainedMachine();
  for (const name of ['a', 'b', 'c']) machine.store(name, 0, 0, packetOf('123456'));
  const answer = machine.match('#', undefined, 12, 0);
  assert.is(answer.packets.length, 2);
  assert.is(machine.match('#', answer.cursor, 1, 0).packets.length, 1);
});

test('refuses what does not fit and keeps what it has', () => {
  const machine = new RetainedMachine({ messagesMax: 2, bytesMax: 2000 });
  machine.store('a', 0, 0, packetOf('1'));
  machine.store('b', 0, 0, packetOf('1'));
  assert.is(machine.store('c', 0, 0, packetOf('1')), 'refused');
  assert.is(machine.store('a', 0, 0, packetOf('2')), 'stored', 'a replacement needs no new place');
  assert.is(machine.store('b', 0, 0, new Uint8Array(3000)), 'refused');
  assert.is(machine.refused, 2);
  assert.equal(lookup(machine, '#', UNLIMITED), ['2', '1']);
  machine.delete('a');
  assert.is(machine.store('c', 0, 0, packetOf('1')), 'stored');
});

test('its account of bytes is what the messages left in it cost', () => {
  const change = fc.tuple(topicName, fc.boolean(), fc.nat(50), fc.nat(3));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const churned = new RetainedMachine();
      const model = new Map<string, [number, number]>();
      for (const [name, add, bytes, expiresAt] of changes) {
        if (add) {
          churned.store(name, expiresAt, 0, new Uint8Array(bytes));
          model.set(name, [bytes, expiresAt]);
        } else {
          churned.delete(name);
          model.delete(name);
        }
      }
      const fresh = new RetainedMachine();
      for (const [name, [bytes, expiresAt]] of model) fresh.store(name, expiresAt, 0, new Uint8Array(bytes));
      assert.is(churned.bytes, fresh.bytes);
      assert.is(churned.expiring, fresh.expiring);
    }),
  );
});

test('expired messages are not found and go when they are met', () => {
  const machine = new RetainedMachine();
  machine.store('a', 100, 1, packetOf('a'));
  machine.store('b', 0, 1, packetOf('b'));
  machine.store('c', 200, 1, packetOf('c'));
  assert.equal(lookup(machine, '#', UNLIMITED, 99), ['a', 'b', 'c']);
  assert.equal(lookup(machine, '#', UNLIMITED, 100), ['b', 'c']);
  assert.is(machine.size, 2);
  assert.equal(lookup(machine, 'c', UNLIMITED, 200), []);
  assert.is(machine.size, 1);
  assert.is(machine.expired, 2);
  assert.is(machine.expiring, 0);
});

test('the sweep comes by every topic, some at a time', () => {
  const machine = new RetainedMachine();
  const topics = RETAINED_SWEEP_TOPICS * 2 + 10;
  for (let i = 0; i < topics; i++) machine.store(`t/${i}`, i % 2 === 0 ? 50 : 0, 0, packetOf('x'));
  const dropped = [machine.sweep(60), machine.sweep(60), machine.sweep(60)];
  assert.ok(dropped.every((count) => count < RETAINED_SWEEP_TOPICS));
  assert.is(dropped[0]! + dropped[1]! + dropped[2]!, topics / 2);
  assert.is(machine.expiring, 0);
});

test.run();
