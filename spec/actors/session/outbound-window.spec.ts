import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AWAIT_PUBACK, AWAIT_PUBCOMP, AWAIT_PUBREC, FREE, OutboundWindow } from '../../../src/actors/session/outbound-window.ts';

const test = suite('outbound window');

const PACKET_ID_MAX = 65_535;

interface Out {
  awaiting: number;
  message: string | null;
}

/** The window and what it should be: a Map remembers the order in which its keys were set. */
class Pair {
  real: OutboundWindow<string>;
  readonly model = new Map<number, Out>();
  readonly #keep: boolean;
  #sent = 0;

  constructor(limit: number, keep: boolean) {
    this.real = new OutboundWindow<string>(limit, keep);
    this.#keep = keep;
  }

  take(awaiting: number): number {
    const message = `m${this.#sent++}`;
    const id = this.real.take(awaiting, message);
    assert.ok(Number.isInteger(id) && id >= 1 && id <= PACKET_ID_MAX, `id ${id}`);
    assert.not.ok(this.model.has(id), `id ${id} was out`);
    this.model.set(id, { awaiting, message: this.#keep ? message : null });
    return id;
  }

  release(id: number): void {
    this.real.release(id);
    this.model.delete(id);
  }

  /** Takes and releases ids: the allocator moves on, what is out stays out. */
  goOn(times: number): void {
    for (let i = 0; i < times; i++) this.real.release(this.real.take(AWAIT_PUBACK, null));
  }

  /** Until `id` is the next one, or the ids have gone round without it. */
  goOnTo(id: number): void {
    for (let i = 0, last = 0; last !== id - 1 && i <= PACKET_ID_MAX; i++) {
      last = this.real.take(AWAIT_PUBACK, null);
      this.real.release(last);
    }
  }

  nth(n: number): number | undefined {
    return [...this.model.keys()][n % Math.max(1, this.model.size)];
  }

  visited(): [number, Out][] {
    const all: [number, Out][] = [];
    this.real.forEach((id, awaiting, message) => {
      all.push([id, { awaiting, message }]);
    });
    return all;
  }

  check(): void {
    assert.is(this.real.count, this.model.size);
    assert.is(this.real.room, this.real.limit - this.model.size);
    const [visited, expected] = [this.visited(), [...this.model]];
    // A readable difference of 65,535 ids takes minutes.
    if (expected.length < 200) assert.equal(visited, expected);
    assert.ok(isDeepStrictEqual(visited, expected), 'order or content');
    for (const [id, { awaiting }] of this.model) assert.is(this.real.awaiting(id), awaiting);
  }

  /** As a takeover does it. */
  handOver(limit: number): void {
    const heir = new OutboundWindow<string>(limit, this.#keep);
    for (const [id, { awaiting, message }] of this.visited()) heir.restore(id, awaiting, message);
    this.real = heir;
  }
}

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('take' as const), n: fc.constantFrom(AWAIT_PUBACK, AWAIT_PUBREC) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('release' as const), n: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('received' as const), n: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('go on' as const), n: fc.constantFrom(1, 7, 30_000, PACKET_ID_MAX) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('hand over' as const), n: fc.constant(0) }) },
);

test('is a map of ids in the order of sending, whatever is acknowledged when, also round the end of the id space', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 70 }), fc.boolean(), fc.array(command, { maxLength: 80 }), (limit, keep, commands) => {
      const pair = new Pair(limit, keep);
      let laps = 0;
      for (const { op, n } of commands) {
        if (op === 'take' && pair.real.room > 0) pair.take(n);
        if (op === 'go on' && pair.real.room > 0 && (laps += n) < 4 * PACKET_ID_MAX) pair.goOn(n);
        if (op === 'hand over') pair.handOver(limit);
        const id = pair.nth(n);
        if (id === undefined) continue;
        if (op === 'release') pair.release(id);
        if (op === 'received' && pair.model.get(id)!.awaiting === AWAIT_PUBREC) {
          pair.real.received(id);
          // In place: what is sent again keeps its turn.
          Object.assign(pair.model.get(id)!, { awaiting: AWAIT_PUBCOMP, message: null });
        }
      }
      pair.check();
    }),
    { numRuns: 150, endOnFailure: true },
  );
});

test('every id of the protocol may be out at once, then the window is full', () => {
  const pair = new Pair(PACKET_ID_MAX, false);
  for (let i = 0; i < PACKET_ID_MAX; i++) pair.take(AWAIT_PUBACK);
  pair.check();
  assert.throws(() => pair.real.take(AWAIT_PUBACK, null), /full/);
  pair.release(4711);
  assert.is(pair.take(AWAIT_PUBREC), 4711);
  pair.check();
});

test('an id that stays out is older than all that are sent while the ids go round', () => {
  const pair = new Pair(8, true);
  pair.goOnTo(60_000);
  assert.is(pair.take(AWAIT_PUBACK), 60_000);
  pair.goOnTo(5);
  assert.is(pair.take(AWAIT_PUBACK), 5, 'one lap later');
  pair.goOnTo(3);
  assert.is(pair.take(AWAIT_PUBACK), 3, 'and one more');
  pair.check();
  assert.is(pair.visited()[0]![0], 60_000);
  pair.handOver(8);
  pair.check();
  pair.release(60_000);
  pair.check();
});

test('ids that are not out are free', () => {
  const window = new OutboundWindow<string>(4, true);
  assert.is(window.awaiting(1), FREE);
  assert.throws(() => window.release(1));
  const id = window.take(AWAIT_PUBACK, 'a');
  assert.is(window.awaiting(id + 16), FREE, 'another id that would share the slot');
  assert.throws(() => window.received(id), /PUBREC/);
  assert.throws(() => window.restore(id, AWAIT_PUBACK, 'b'));
});

test('restores more than its own limit and then has no room', () => {
  const window = new OutboundWindow<string>(2, true);
  for (const id of [65_534, 65_535, 1, 2, 40]) window.restore(id, AWAIT_PUBACK, `m${id}`);
  assert.is(window.room, -3);
  const ids: number[] = [];
  window.forEach((id) => {
    ids.push(id);
  });
  assert.equal(ids, [65_534, 65_535, 1, 2, 40]);
  for (const id of ids) window.release(id);
  assert.is(window.take(AWAIT_PUBACK, 'next'), 41);
});

for (const limit of [0, PACKET_ID_MAX + 1]) {
  test(`refuses a limit of ${limit}`, () => assert.throws(() => new OutboundWindow(limit, true)));
}

test.run();
