import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Directive, Strategy, Supervision } from '../../src/runtime/actor.ts';
import type { ActorRef } from '../../src/runtime/ref.ts';
import { RestartLog } from '../../src/runtime/supervisor.ts';
import { boom, oneThread, ProbeActor, type Script } from './fixtures/probe-actor.ts';

const test = suite('supervision');

const AT_ONCE = { restartsMax: 3, windowMs: 1000, backoffMinMs: 0, backoffMaxMs: 0 };

/** A parent with children a, b, c under the given supervision; b fails with two messages behind the fatal one. */
function failMiddleChild(strategy: Strategy, directive: Directive): { log: string[]; deadLetters: number; restarts: number } {
  const { cluster, system, log } = oneThread();
  const children: ActorRef<unknown>[] = [];
  const supervision: Supervision = { ...AT_ONCE, strategy, decide: () => directive };
  const spawnChildren: Script = (ctx) => {
    children.length = 0;
    for (const name of ['a', 'b', 'c']) children.push(ctx.spawn(() => new ProbeActor(name, log), { name }));
  };
  // The grandparent resumes, so that an escalation can be told from a restart of the parent.
  const parent = () => new ProbeActor('p', log, spawnChildren);
  const grandparent: Script = (ctx) => {
    ctx.spawn(parent, { name: 'p', supervision });
  };
  system.spawn(() => new ProbeActor('g', log, grandparent), {
    name: 'g',
    supervision: { ...AT_ONCE, strategy: 'oneForOne', decide: () => 'restart' },
  });
  cluster.run(10);
  log.length = 0;
  const [, b] = children;
  system.tell(b!, boom());
  system.tell(b!, 'next');
  cluster.run(100);
  const { deadLetters, restarts } = system.inspect();
  return { log, deadLetters: deadLetters.total, restarts };
}

const NEXT = 'b got "next"';
const EXPECTED: Readonly<Record<Strategy, Readonly<Record<Directive, readonly string[]>>>> = {
  oneForOne: {
    resume: [NEXT],
    restart: ['b stopping restarted', 'b started', NEXT],
    stop: ['b stopping failed'],
    escalate: [],
  },
  allForOne: {
    resume: [NEXT],
    restart: [
      'c stopping restarted',
      'b stopping restarted',
      'a stopping restarted',
      'a started',
      'b started',
      NEXT,
      'c started',
    ],
    stop: ['c stopping stopped', 'b stopping failed', 'a stopping stopped'],
    escalate: [],
  },
  restForOne: {
    resume: [NEXT],
    restart: ['c stopping restarted', 'b stopping restarted', 'b started', NEXT, 'c started'],
    stop: ['c stopping stopped', 'b stopping failed'],
    escalate: [],
  },
};
const ESCALATED = [
  'c stopping stopped',
  'b stopping stopped',
  'a stopping stopped',
  'p stopping restarted',
  'p started',
  'a started',
  'b started',
  'c started',
];

for (const strategy of Object.keys(EXPECTED) as Strategy[]) {
  for (const directive of Object.keys(EXPECTED[strategy]) as Directive[]) {
    test(`${strategy}, ${directive}`, () => {
      const { log, deadLetters, restarts } = failMiddleChild(strategy, directive);
      const expected = directive === 'escalate' ? ESCALATED : EXPECTED[strategy][directive];
      assert.equal([...log].sort(), [...expected].sort());
      assert.equal(
        log.filter((line) => line.includes('stopping')),
        expected.filter((line) => line.includes('stopping')),
        'stopped in reverse start order',
      );
      assert.equal(
        log.filter((line) => line.includes('started')),
        expected.filter((line) => line.includes('started')),
        'started in start order',
      );
      assert.is(
        deadLetters,
        directive === 'stop' || directive === 'escalate' ? 2 : 1,
        'the fatal message, and what nobody takes',
      );
      assert.is(restarts, expected.filter((line) => line.endsWith('restarted')).length);
    });
  }
}

test('the fatal message is a dead letter with its error', () => {
  const { cluster, system, log } = oneThread();
  const ref = system.spawn(() => new ProbeActor('a', log), { name: 'a' });
  system.tell(ref, boom('no good'));
  cluster.run(5);
  const [letter] = system.inspect().deadLetters.last;
  assert.is(letter?.reason, 'failed');
  assert.is(letter?.error, 'Error: no good');
});

test('a restart waits for the back-off, which doubles; ref and mailbox stay', () => {
  const { cluster, system, log } = oneThread();
  const supervision: Supervision = {
    strategy: 'oneForOne',
    restartsMax: 10,
    windowMs: 100_000,
    backoffMinMs: 100,
    backoffMaxMs: 350,
  };
  let child: ActorRef<unknown> = 0;
  const parent: Script = (ctx) => {
    child = ctx.spawn(() => new ProbeActor('c', log, () => log.push(`at ${Math.floor(ctx.now() / 100) * 100}`)), { name: 'c' });
  };
  system.spawn(() => new ProbeActor('p', log, parent), { name: 'p', supervision });
  cluster.run(10);
  for (let i = 0; i < 4; i++) system.tell(child, boom());
  system.tell(child, 'last');
  cluster.run(50);
  log.length = 0;
  cluster.run(5000);
  assert.equal(
    log.filter((line) => line.startsWith('at')),
    ['at 100', 'at 300', 'at 600', 'at 1000'],
  );
  assert.is(log.at(-1), 'c got "last"');
});

test('more restarts than the window allows escalate, out of the root they end the thread', () => {
  const { cluster, system, log } = oneThread();
  const supervision: Supervision = { ...AT_ONCE, strategy: 'oneForOne' };
  let child: ActorRef<unknown> = 0;
  const parent: Script = (ctx) => {
    child = ctx.spawn(() => new ProbeActor('c', log), { name: 'c' });
  };
  const grandparent: Script = (ctx) => {
    ctx.spawn(() => new ProbeActor('p', log, parent), { name: 'p', supervision });
  };
  const top: Supervision = { ...AT_ONCE, strategy: 'oneForOne', decide: () => 'escalate' };
  system.spawn(() => new ProbeActor('g', log, grandparent), { name: 'g', supervision: top });
  cluster.run(10);
  for (let i = 0; i < 3; i++) system.tell(child, boom());
  cluster.run(20);
  assert.is(log.filter((line) => line === 'c started').length, 4);
  assert.is(log.filter((line) => line === 'g started').length, 1);
  system.tell(child, boom());
  cluster.run(100);
  assert.is(log.filter((line) => line === 'g started').length, 2, 'the root restarts the grandparent');
  for (let i = 0; i < 60 && cluster.isAlive(0); i++) {
    for (let j = 0; j < 4; j++) system.tell(child, boom('final'));
    cluster.run(cluster.nowMs + 500);
  }
  assert.not(cluster.isAlive(0));
  assert.match(String(cluster.failures[0]?.error), 'final');
});

test('an actor that fails to start is started again; resumed it ends', () => {
  for (const directive of ['restart', 'resume'] as const) {
    const { cluster, system, log } = oneThread();
    let attempts = 0;
    const parent: Script = (ctx) => {
      const child = ctx.spawn(() => new ProbeActor('c', log, () => (++attempts < 3 ? boom()(ctx) : undefined)), { name: 'c' });
      ctx.watch(child);
    };
    const supervision: Supervision = { ...AT_ONCE, strategy: 'oneForOne', decide: () => directive };
    system.spawn(() => new ProbeActor('p', log, parent), { name: 'p', supervision });
    cluster.run(50);
    assert.is(attempts, directive === 'restart' ? 3 : 1);
    assert.is(log.includes('p sees end failed'), directive === 'resume');
  }
});

test('a restart cancels timers and stops children', () => {
  const { cluster, system, log } = oneThread();
  const start: Script = (ctx) => {
    ctx.startTimer(50, ctx.now() < 10 ? 1 : 2);
    ctx.spawn(() => new ProbeActor('child', log), { name: 'child' });
  };
  const ref = system.spawn(() => new ProbeActor('a', log, start), { name: 'a' });
  cluster.run(5);
  system.tell(ref, boom());
  cluster.run(500);
  assert.equal(
    log.filter((line) => line.includes('timer')),
    ['a timer 2'],
  );
  assert.is(log.filter((line) => line === 'child stopping stopped').length, 1);
  assert.is(system.inspect().actors, 3);
});

test('property: the restart log admits at most restartsMax in any window, with bounded delays', () => {
  const supervision = fc.record({
    strategy: fc.constant('oneForOne' as const),
    restartsMax: fc.integer({ min: 0, max: 6 }),
    windowMs: fc.integer({ min: 1, max: 1000 }),
    backoffMinMs: fc.integer({ min: 0, max: 50 }),
    backoffMaxMs: fc.integer({ min: 50, max: 400 }),
  });
  fc.assert(
    fc.property(supervision, fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 60 }), (options, gaps) => {
      const log = new RestartLog();
      const admitted: number[] = [];
      let nowMs = 0;
      for (const gap of gaps) {
        nowMs += gap;
        const recent = admitted.filter((atMs) => atMs > nowMs - options.windowMs).length;
        const delayMs = log.admit(nowMs, options);
        assert.is(delayMs < 0, recent >= options.restartsMax);
        if (delayMs < 0) continue;
        admitted.push(nowMs);
        assert.is(delayMs, Math.min(options.backoffMinMs * 2 ** recent, options.backoffMaxMs));
      }
    }),
  );
});

test.run();
