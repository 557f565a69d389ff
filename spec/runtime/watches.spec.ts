import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Supervision } from '../../src/runtime/actor.ts';
import { type ActorRef, wellKnownRef } from '../../src/runtime/ref.ts';
import { SimCluster } from '../../src/runtime/sim/cluster.ts';
import { boom, ProbeActor, type Script } from './fixtures/probe-actor.ts';

type Context = Parameters<Script>[0];

const test = suite('watch');

const WATCHED = 20;
const WATCHER = 21;
const NEVER_RESTART: Supervision = {
  strategy: 'oneForOne',
  decide: () => 'stop',
  restartsMax: 0,
  windowMs: 1,
  backoffMinMs: 0,
  backoffMaxMs: 0,
};

/** A watcher on thread 0 and a watched actor on `thread`, which answers to `told`. */
function arrange(thread: number): { cluster: SimCluster; log: string[]; watcher: ActorRef<unknown>; watched: ActorRef<unknown> } {
  const log: string[] = [];
  const watcher = wellKnownRef<unknown>(1, 0, WATCHER);
  const watched = wellKnownRef<unknown>(1, thread, WATCHED);
  const child: Script = (ctx) => void ctx.spawn(() => new Obedient('watched', []), { name: 'watched', wellKnown: WATCHED });
  const cluster = new SimCluster({
    threads: 2,
    seed: 3,
    boot: (system) => {
      if (system.thread === 0) system.spawn(() => new ProbeActor('w', log), { name: 'watcher', wellKnown: WATCHER });
      if (system.thread === thread) {
        system.spawn(() => new ProbeActor('parent', [], child), { name: 'parent', supervision: NEVER_RESTART });
      }
    },
  });
  cluster.run(5);
  return { cluster, log, watcher, watched };
}

/** Stops or throws on a word, which, unlike a script, also travels between threads. */
class Obedient extends ProbeActor {
  override receive(message: unknown, ctx: Parameters<ProbeActor['receive']>[1]): void {
    if (message === 'stop') ctx.stop();
    else if (message === 'throw') boom()(ctx);
    else super.receive(message, ctx);
  }
}

for (const thread of [0, 1]) {
  const where = thread === 0 ? 'same thread' : 'other thread';
  const ends = (log: readonly string[]) => log.filter((line) => line.includes('sees'));

  for (const [word, reason] of [
    ['stop', 'stopped'],
    ['throw', 'failed'],
  ] as const) {
    test(`${word}: the watcher hears '${reason}', once (${where})`, () => {
      const { cluster, log, watcher, watched } = arrange(thread);
      cluster.system(0).tell(watcher, (ctx: Context) => {
        ctx.watch(watched);
        ctx.watch(watched);
      });
      cluster.run(10);
      assert.equal(ends(log), []);
      cluster.system(0).tell(watched, word);
      cluster.run(20);
      assert.equal(ends(log), [`w sees end ${reason}`]);
    });
  }

  test(`what was not there is reported as such (${where})`, () => {
    const { cluster, log, watcher } = arrange(thread);
    cluster.system(0).tell(watcher, (ctx: Context) => ctx.watch(wellKnownRef(1, thread, 33)));
    cluster.run(20);
    assert.equal(ends(log), ['w sees end not_found']);
  });

  test(`no word after unwatch (${where})`, () => {
    const { cluster, log, watcher, watched } = arrange(thread);
    cluster.system(0).tell(watcher, (ctx: Context) => ctx.watch(watched));
    cluster.run(10);
    cluster.system(0).tell(watcher, (ctx: Context) => {
      ctx.tell(watched, 'stop');
      ctx.unwatch(watched);
    });
    cluster.run(20);
    assert.equal(ends(log), []);
  });
}

test('the death of a thread ends all that is watched there, and its watches here', () => {
  const { cluster, log, watcher, watched } = arrange(1);
  cluster.system(0).tell(watcher, (ctx: Context) => ctx.watch(watched));
  cluster.system(1).spawn(() => new ProbeActor('x', [], (ctx) => ctx.watch(watcher)), { name: 'x' });
  cluster.run(10);
  const watchers = () => cluster.system(0).inspect().root.children[0]?.watchers;
  assert.is(watchers(), 1);
  cluster.kill(1);
  cluster.run(20);
  assert.equal(log.at(-1), 'w sees end thread_died');
  assert.is(watchers(), 0);
});

test('a thread or node that cannot be reached', () => {
  const { cluster, log, watcher } = arrange(1);
  cluster.system(0).tell(watcher, (ctx: Context) => {
    ctx.watch(wellKnownRef(1, 7, 2));
    ctx.watch(wellKnownRef(2, 0, 2));
  });
  cluster.run(20);
  assert.equal(log.slice(-2), ['w sees end unreachable', 'w sees end unreachable']);
});

test('a restart is not an end; the watches of the former instance are gone', () => {
  const { cluster, log, watcher, watched } = arrange(1);
  cluster.system(0).tell(watcher, (ctx: Context) => ctx.watch(watched));
  cluster.system(0).tell(watcher, boom());
  cluster.run(1000);
  cluster.system(0).tell(watched, 'stop');
  cluster.run(1100);
  assert.equal(
    log.filter((line) => line.includes('sees')),
    [],
  );
});

test.run();
