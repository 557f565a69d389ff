import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CELL_MESSAGES_MAX, MAILBOX_USER_MAX, TURN_MESSAGES_MAX, TURN_MS_MAX } from '../../src/base/limits.ts';
import { allocateSlots } from '../../src/base/probe.ts';
import type { Actor, ActorContext } from '../../src/runtime/actor.ts';
import { wellKnownRef } from '../../src/runtime/ref.ts';
import { SimCluster } from '../../src/runtime/sim/cluster.ts';
import { ThreadSystem } from '../../src/runtime/thread-system.ts';
import { boom, oneThread, ProbeActor, type Script } from './fixtures/probe-actor.ts';

const test = suite('turns');

/** Tells itself the next message for ever. */
class Glutton implements Actor<'more'> {
  eaten = 0;

  started(ctx: ActorContext<'more'>): void {
    for (let i = 0; i < 1000; i++) ctx.tell(ctx.self, 'more');
  }

  receive(_: 'more', ctx: ActorContext<'more'>): void {
    this.eaten++;
    ctx.tell(ctx.self, 'more');
  }
}

test('nothing starves beside actors that never run dry: neighbours, timers, other threads, sockets', () => {
  const log: string[] = [];
  const gluttons: Glutton[] = [];
  const cluster = new SimCluster({
    threads: 2,
    seed: 9,
    boot: (system) => {
      if (system.thread === 0) return;
      for (let i = 0; i < 3; i++) {
        const glutton = new Glutton();
        gluttons.push(glutton);
        system.spawn(() => glutton, { name: 'glutton' });
      }
      system.spawn(() => new ProbeActor('modest', log, (ctx) => void ctx.startTimer(30, 7)), { name: 'modest', wellKnown: 20 });
    },
  });
  const modest = wellKnownRef<unknown>(1, 1, 20);
  cluster.run(20);
  cluster.system(0).tell(modest, 'from afar');
  cluster.system(1).tell(modest, 'from here');
  cluster.run(60);
  assert.equal([...log].sort(), ['modest got "from afar"', 'modest got "from here"', 'modest started', 'modest timer 7']);
  const eaten = gluttons.map((glutton) => glutton.eaten);
  assert.ok(Math.max(...eaten) - Math.min(...eaten) <= TURN_MESSAGES_MAX, `even shares: ${eaten}`);
  const { turns, messages } = cluster.system(1).inspect();
  assert.ok(messages <= turns * (TURN_MESSAGES_MAX + CELL_MESSAGES_MAX), 'a turn keeps its budget');
});

test('a turn ends in time when messages are dear, and takes all that it may when they are not', () => {
  let clock = 0;
  let costMs = 1;
  let handled = 0;
  const system = new ThreadSystem({
    node: 1,
    thread: 1,
    incarnation: 0,
    reactors: 1,
    boots: 0,
    slots: new Float64Array(allocateSlots()),
    platform: {
      now: () => clock,
      wallClock: () => clock,
      random: () => 0.5,
      scheduleTurn: () => {},
      sleep: () => {},
      awake: () => {},
      fatal: (error) => {
        throw error;
      },
    },
  });
  const dear: Actor<number> = {
    receive: () => {
      handled++;
      clock += costMs;
    },
  };
  const refs = [0, 1, 2].map((i) => system.spawn(() => dear, { name: `dear-${i}`, mailboxMax: 10_000 }));
  system.turn();
  for (const ref of refs) for (let i = 0; i < 1000; i++) system.tell(ref, i);
  for (let turns = 0; turns < 20; turns++) {
    handled = 0;
    system.turn();
    assert.ok(handled > TURN_MS_MAX && handled <= TURN_MS_MAX + 2, `${handled} messages of a millisecond each`);
  }
  [costMs, handled] = [0, 0];
  system.turn();
  assert.is(handled, TURN_MESSAGES_MAX, 'messages that take no time');
  system.halt();
});

test('the system lane overtakes the user lane', () => {
  const { cluster, system, log } = oneThread();
  const parent = system.spawn(
    () => new ProbeActor('p', log, (ctx) => void ctx.spawn(() => new ProbeActor('c', log), { name: 'c', wellKnown: 20 })),
    { name: 'p' },
  );
  cluster.run(5);
  const script: Script = (ctx) => {
    for (let i = 0; i < 3; i++) ctx.tell(wellKnownRef<unknown>(1, 0, 20), i);
    ctx.stop(wellKnownRef(1, 0, 20));
  };
  system.tell(parent, script);
  cluster.run(10);
  assert.equal(log, ['p started', 'c started', 'c stopping stopped']);
  assert.is(system.inspect().deadLetters.total, 3);
});

test('a full mailbox is an error that the sender sees', () => {
  const { cluster, system, log } = oneThread();
  const small = system.spawn(() => new ProbeActor('small', log), { name: 'small', mailboxMax: 2 });
  const large = system.spawn(() => new ProbeActor('large', []), { name: 'large' });
  assert.equal([system.tell(small, 1), system.tell(small, 2), system.tell(small, 3)], [true, true, false]);
  assert.not(system.tellBytes(small as never, 1, Uint8Array.of(1), 0, 1));
  for (let i = 0; i < MAILBOX_USER_MAX; i++) assert.ok(system.tell(large, i));
  assert.not(system.tell(large, 'one more'));
  cluster.run(10);
  assert.equal(log.slice(1), ['small got 1', 'small got 2']);
  assert.equal(
    system.inspect().deadLetters.last.map(({ reason }) => reason),
    ['mailbox_full', 'mailbox_full'],
  );
});

test('bytes told on the same thread are copied, and come in order with messages', () => {
  const { cluster, system, log } = oneThread();
  const ref = system.spawn(() => new ProbeActor('a', log), { name: 'a' });
  const bytes = Uint8Array.of(0, 1, 2, 3);
  system.tell(ref, 'before');
  assert.ok(system.tellBytes(ref as never, 9, bytes, 1, 3));
  bytes.fill(99);
  system.tell(ref, 'after');
  cluster.run(5);
  assert.equal(log.slice(1), ['a got "before"', 'a bytes 9 1,2', 'a got "after"']);
});

test('I/O runs at once, unless its actor is at work: then behind its message', () => {
  const { cluster, system, log } = oneThread();
  const contexts: ActorContext<unknown>[] = [];
  const ref = system.spawn(() => new ProbeActor('a', log, (ctx) => void contexts.push(ctx)), { name: 'a' });
  cluster.run(5);
  contexts[0]!.io(1, 'now');
  assert.is(log.at(-1), 'a io 1 now');
  const script: Script = (ctx) => {
    ctx.io(2, 'nested');
    log.push('end of message');
  };
  system.tell(ref, script);
  cluster.run(10);
  assert.equal(log.slice(-2), ['end of message', 'a io 2 nested']);
});

test('an actor without receiveBytes, and refs of actors that are gone, end in dead letters', () => {
  const { cluster, system } = oneThread();
  const deaf = system.spawn(() => ({ receive: () => {} }), { name: 'deaf' });
  const gone = system.spawn(() => new ProbeActor('gone', []), { name: 'gone' });
  system.tell(gone, ((ctx) => ctx.stop()) as Script);
  cluster.run(5);
  system.tellBytes(deaf as never, 1, new Uint8Array(1), 0, 1);
  const successor = system.spawn(() => new ProbeActor('successor', []), { name: 'successor' });
  assert.not(system.tell(gone, 'late'));
  assert.is.not(successor, gone);
  cluster.run(10);
  assert.equal(
    system.inspect().deadLetters.last.map(({ reason }) => reason),
    ['not_found', 'no_handler'],
  );
});

test('turn-end hooks run after the mailboxes of their turn', () => {
  const { cluster, system, log } = oneThread();
  const ref = system.spawn(() => new ProbeActor('a', log), { name: 'a' });
  cluster.run(5);
  system.atTurnEnd(() => log.push('end'));
  system.tell(ref, 1);
  cluster.run(10);
  assert.equal(log.slice(-2), ['a got 1', 'end']);
});

test('drain stops children last started first, with dry mailboxes', async () => {
  const { cluster, system, log } = oneThread();
  const a = system.spawn(() => new ProbeActor('a', log), { name: 'a' });
  const b = system.spawn(() => new ProbeActor('b', log), { name: 'b' });
  const failed = system.spawn(() => new ProbeActor('f', log), { name: 'f' });
  cluster.run(5);
  system.tell(failed, boom());
  system.tell(a, 1);
  system.tell(b, 2);
  const drained = system.drain(1000);
  cluster.run(2000);
  await drained;
  assert.equal(log.slice(3), ['f stopping restarted', 'a got 1', 'b got 2', 'b stopping stopped', 'a stopping stopped']);
  assert.is(system.inspect().actors, 1);
});

test.run();
