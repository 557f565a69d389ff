import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InboxMachine, type InboxState } from '../../../src/actors/inbox/machine.ts';

const test = suite('inbox machine');

function state(some: Partial<InboxState> = {}): InboxState {
  return { shard: 1, ackedTo: 0, sentTo: 0, end: 0, bytes: 0, done: [], received: [], taken: [], ...some };
}

type Op = 'stage' | 'commit' | 'lose' | 'send' | 'finish' | 'receive' | 'rewind' | 'restart';
const ops: readonly Op[] = ['stage', 'commit', 'lose', 'send', 'send', 'finish', 'finish', 'receive', 'rewind', 'restart'];

/** The machine beside plain sets. */
class Model {
  machine: InboxMachine;
  readonly open = new Set<number>();
  readonly received = new Set<number>();
  readonly staged: number[] = [];
  end: number;

  constructor(start: number) {
    this.machine = new InboxMachine(state({ ackedTo: start, sentTo: start, end: start }));
    this.end = start;
  }

  readonly act: Readonly<Record<Op, (random: number) => void>> = {
    stage: (random) => {
      this.staged.push(1 + (random % 3));
      this.machine.stage(this.staged.at(-1)!, 100);
    },
    commit: () => {
      const count = this.staged.shift() ?? 0;
      if (count > 0) this.machine.committed(this.end, count);
      for (let i = 0; i < count; i++) this.open.add(this.end++);
    },
    lose: () => {
      const count = this.staged.shift() ?? 0;
      if (count > 0) this.machine.lost(count, 100);
    },
    send: () => {
      const { machine } = this;
      const offset = machine.cursor;
      if (offset >= machine.end) return;
      assert.is(machine.offsetOf(machine.packetIdOf(offset)), offset, 'ids and offsets are one to one within the window');
      machine.pass();
      assert.is(machine.cursor, offset + 1);
    },
    finish: (random) =>
      this.#withSent(random, (offset) => {
        this.machine.finish(offset);
        this.open.delete(offset);
        this.received.delete(offset);
      }),
    receive: (random) =>
      this.#withSent(random, (offset) => {
        this.machine.receive(offset);
        this.received.add(offset);
      }),
    rewind: () => this.machine.rewind(),
    restart: () => {
      if (this.machine.staged === 0) this.machine = new InboxMachine(this.machine.state());
    },
  };

  check(): void {
    const { machine, open, end } = this;
    const oldest = Math.min(end, ...open);
    assert.is(machine.ackedTo, oldest);
    assert.ok(machine.cursor >= machine.ackedTo && machine.cursor <= machine.end && machine.cursor <= machine.sentTo);
    assert.is(machine.end, end);
    assert.is(machine.messages, end - oldest + this.staged.reduce((sum, n) => sum + n, 0));
    for (let offset = oldest; offset < end; offset++) assert.is(machine.isDone(offset), !open.has(offset));
    for (const offset of this.received) assert.ok(machine.isReceived(offset));
    assert.ok(machine.bytes >= -1e-6);
  }

  #withSent(random: number, then: (offset: number) => void): void {
    const sent = [...this.open].filter((offset) => offset < this.machine.cursor);
    if (sent.length > 0) then(sent[random % sent.length]!);
  }
}

test('is where a plain set of offsets says it is, whatever comes in which order', () => {
  const script = fc.array(fc.tuple(fc.constantFrom(...ops), fc.nat()), { maxLength: 120 });
  const runs = fc.property(fc.integer({ min: 0, max: 200_000 }), script, (start, steps) => {
    const model = new Model(start);
    for (const [op, random] of steps) {
      model.act[op](random);
      model.check();
    }
  });
  fc.assert(runs, { numRuns: 1000 });
});

test('a message has the same packet id whenever it is sent, from 1 to 65,535', () => {
  const machine = new InboxMachine(state({ ackedTo: 65_530, sentTo: 65_530, end: 65_545 }));
  const ids = Array.from({ length: 15 }, (_, i) => machine.packetIdOf(65_530 + i));
  assert.equal(ids, [65_531, 65_532, 65_533, 65_534, 65_535, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('no more offsets are out than there are ids, whatever is done in between', () => {
  const machine = new InboxMachine(state({ end: 100_000 }));
  while (machine.idsFree > 0) {
    const offset = machine.cursor;
    machine.pass();
    if (offset > 0) machine.finish(offset); // the first one is never acknowledged
  }
  assert.is(machine.cursor, 65_534);
  machine.finish(0);
  assert.is(machine.idsFree, 65_534);
});

test('drops the oldest only while nothing is in flight', () => {
  const machine = new InboxMachine(state({ end: 10, bytes: 1000 }));
  assert.is(machine.dropOldest(3), 3);
  assert.is(machine.ackedTo, 3);
  machine.pass();
  assert.is(machine.dropOldest(3), 0);
});

test.run();
