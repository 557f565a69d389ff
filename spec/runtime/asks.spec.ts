import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Actor, ActorContext, ReplyTo } from '../../src/runtime/actor.ts';
import { type ActorRef, wellKnownRef } from '../../src/runtime/ref.ts';
import { SimCluster } from '../../src/runtime/sim/cluster.ts';
import type { ActorSystem } from '../../src/runtime/system.ts';
import { ProbeActor, type Script } from './fixtures/probe-actor.ts';

const test = suite('asks');

/** Answers 'echo' with its text, keeps 'silent' for later, throws on 'throw', stops on 'stop'. */
class Answerer implements Actor<string> {
  kept: ReplyTo | undefined;

  receive(message: string, ctx: ActorContext<string>): void {
    const to = ctx.replyTo();
    if (message === 'throw') throw new Error('on purpose');
    if (message === 'stop') ctx.stop();
    else if (message === 'silent') this.kept = to;
    else if (message === 'late') ctx.respond(this.kept!, 'late');
    else if (to !== undefined) ctx.respond(to, `${message}!`);
  }
}

const SLOT = 20;

/** Asks `messages` from thread 0; the answerer is on `thread`. Outcomes in the order in which they came. */
function outcomes(thread: number, messages: readonly string[], mailboxMax?: number): string[] {
  const log: string[] = [];
  const cluster = new SimCluster({
    threads: 2,
    seed: 5,
    boot: (system) => {
      const options = { name: 'answerer', wellKnown: SLOT, ...(mailboxMax === undefined ? {} : { mailboxMax }) };
      if (system.thread === thread) system.spawn(() => new Answerer(), options);
    },
  });
  const target = wellKnownRef<string>(1, thread, SLOT);
  const asker = cluster.system(0).spawn(() => new ProbeActor('asker', log), { name: 'asker' });
  cluster.run(5);
  const script: Script = (ctx) => {
    for (const message of messages) {
      if (message === 'late') ctx.tell(target, 'late');
      else ctx.ask<string, string>(target, message, 50, (reply, failure) => log.push(`${message}: ${reply ?? failure}`));
    }
  };
  cluster.system(0).tell(asker, script);
  cluster.run(1000);
  assert.is(cluster.system(0).inspect().asks, 0);
  return log.filter((line) => line.includes(': '));
}

for (const thread of [0, 1]) {
  const where = thread === 0 ? 'same thread' : 'other thread';

  test(`answers come in order (${where})`, () => {
    assert.equal(outcomes(thread, ['a', 'b', 'c']), ['a: a!', 'b: b!', 'c: c!']);
  });

  test(`no answer in time is a time-out, a late one is dropped (${where})`, () => {
    assert.equal(outcomes(thread, ['silent']), ['silent: timeout']);
    assert.equal(outcomes(thread, ['silent', 'late']), ['silent: late']);
  });

  test(`a crash on the ask fails it, and nothing else (${where})`, () => {
    assert.equal(outcomes(thread, ['throw', 'a']), ['throw: failed', 'a: a!']);
  });

  test(`asks behind the end of their target are refused (${where})`, () => {
    assert.equal(outcomes(thread, ['stop', 'a']).sort(), ['a: not_found', 'stop: timeout']);
  });

  test(`a full mailbox refuses an ask (${where})`, () => {
    assert.equal(outcomes(thread, ['a', 'b', 'c'], 2).sort(), ['a: a!', 'b: b!', 'c: mailbox_full']);
  });
}

test('nobody there: not_found; no such thread or node: unreachable', () => {
  const log: string[] = [];
  const cluster = new SimCluster({ threads: 2, seed: 1, boot: () => {} });
  const script: Script = (ctx) => {
    const ask = (name: string, target: ActorRef<string>) =>
      ctx.ask<string, string>(target, 'x', 100, (_, failure) => log.push(`${name} ${failure}`));
    ask('here', wellKnownRef(1, 0, 30));
    ask('there', wellKnownRef(1, 1, 30));
    ask('thread', wellKnownRef(1, 9, 30));
    ask('node', wellKnownRef(2, 0, 30));
  };
  const asker = cluster.system(0).spawn(() => new ProbeActor('asker', []), { name: 'asker' });
  cluster.system(0).tell(asker, script);
  cluster.run(50);
  assert.equal(log.sort(), ['here not_found', 'node unreachable', 'there not_found', 'thread unreachable']);
});

test('the death of the thread fails what was asked there', () => {
  const log: string[] = [];
  const boot = (system: ActorSystem) => {
    if (system.thread === 1) system.spawn(() => new Answerer(), { name: 'answerer', wellKnown: SLOT });
  };
  const cluster = new SimCluster({ threads: 2, seed: 1, boot });
  const asker = cluster.system(0).spawn(() => new ProbeActor('asker', []), { name: 'asker' });
  const script: Script = (ctx) =>
    ctx.ask<string, string>(wellKnownRef(1, 1, SLOT), 'silent', 10_000, (_, failure) => log.push(String(failure)));
  cluster.system(0).tell(asker, script);
  cluster.run(10);
  cluster.kill(1);
  cluster.run(20);
  assert.equal(log, ['unreachable']);
});

test('a restarted asker is not bothered with answers to its former self', () => {
  const log: string[] = [];
  const cluster = new SimCluster({
    threads: 1,
    seed: 1,
    boot: (system) => void system.spawn(() => new Answerer(), { name: 'answerer', wellKnown: SLOT }),
  });
  const asker = cluster.system(0).spawn(() => new ProbeActor('asker', []), { name: 'asker' });
  const script: Script = (ctx) => {
    ctx.ask<string, string>(wellKnownRef(1, 0, SLOT), 'a', 100, () => log.push('answered'));
    throw new Error('after asking');
  };
  cluster.system(0).tell(asker, script);
  cluster.run(500);
  assert.equal(log, []);
  assert.is(cluster.system(0).inspect().asks, 0);
});

test.run();
