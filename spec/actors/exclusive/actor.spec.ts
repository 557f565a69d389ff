// The exclusive actor of a simulated node, between a keeper and sessions that do what the spec says.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnExclusive } from '../../../src/actors/exclusive/actor.ts';
import { type KeeperAnswer, type KeeperMessage, keeperRef } from '../../../src/actors/exclusive/keeper-messages.ts';
import type { ExclusiveAnswer, ExclusiveMessage } from '../../../src/actors/exclusive/messages.ts';
import type { SessionMessage } from '../../../src/actors/session/messages.ts';
import { WELL_KNOWN } from '../../../src/actors/well-known.ts';
import type { ActorContext } from '../../../src/runtime/actor.ts';
import type { ActorRef } from '../../../src/runtime/ref.ts';
import { SimCluster } from '../../../src/runtime/sim/cluster.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';

const test = suite('exclusive actor');

class World {
  keeperSays: KeeperAnswer = 'granted';
  readonly kept: KeeperMessage[] = [];
  #exclusive!: ActorRef<ExclusiveMessage>;
  readonly cluster = new SimCluster({ threads: 2, seed: 5, boot: (system) => this.#boot(system) });

  /** A session that answers the asks to unsubscribe with `answers`, one after another. */
  session(answers: (readonly number[] | null)[]): { readonly ref: ActorRef<SessionMessage>; readonly asked: string[][] } {
    const asked: string[][] = [];
    const receive = (message: SessionMessage, ctx: ActorContext<SessionMessage>): void => {
      assert.is(message.type, 'unsubscribe');
      asked.push([...(message as Extract<SessionMessage, { type: 'unsubscribe' }>).filters]);
      ctx.respond(ctx.replyTo()!, answers.length > 1 ? answers.shift() : answers[0]);
    };
    return { ref: this.cluster.system(1).spawn<SessionMessage>(() => ({ receive }), { name: 'session' }), asked };
  }

  /** Until nothing more happens, or for `forMs`. */
  tell(message: ExclusiveMessage, forMs?: number): void {
    this.cluster.system(1).tell(this.#exclusive, message);
    this.cluster.run(forMs === undefined ? undefined : this.cluster.nowMs + forMs);
  }

  /** What a session hears that asks for `filter`. */
  ask(clientId: string, filter: string, session: ActorRef<SessionMessage>): ExclusiveAnswer | undefined {
    let said: ExclusiveAnswer | undefined;
    const system = this.cluster.system(1);
    const claim: ExclusiveMessage = { type: 'claim', filter, clientId, session: session as ActorRef<never> };
    system.spawn<never>(
      () => ({
        started: (ctx: ActorContext<never>) =>
          ctx.ask<ExclusiveMessage, ExclusiveAnswer>(this.#exclusive, claim, 1000, (answer) => {
            said = answer;
          }),
        receive: () => {},
      }),
      { name: 'asking' },
    );
    this.cluster.run();
    return said;
  }

  #boot(system: ActorSystem): void {
    if (system.thread !== 1) return;
    const receive = (message: KeeperMessage, ctx: ActorContext<KeeperMessage>): void => {
      this.kept.push(message);
      const to = ctx.replyTo();
      if (to !== undefined) ctx.respond(to, this.keeperSays);
    };
    system.spawn<KeeperMessage>(() => ({ receive }), { name: 'keeper', wellKnown: WELL_KNOWN.exclusiveKeeper });
    this.#exclusive = spawnExclusive(system, keeperRef(system.node));
  }
}

test('who loses what another node has is asked again while it is being taken over', () => {
  const world = new World();
  const { ref, asked } = world.session([null, null, [0]]);
  world.tell({ type: 'claim', filter: 'job', clientId: 'a', session: ref as ActorRef<never> });
  world.tell({ type: 'lost', filter: 'job' });
  assert.equal(asked, [['$exclusive/job'], ['$exclusive/job'], ['$exclusive/job']]);
  assert.equal(world.cluster.failures, []);
});

test('who has been granted it meanwhile is not asked to give it up', () => {
  const world = new World();
  const late = world.session([null]);
  const claim: ExclusiveMessage = { type: 'claim', filter: 'job', clientId: 'a', session: late.ref as ActorRef<never> };
  world.tell(claim);
  world.tell({ type: 'lost', filter: 'job' }, 100);
  world.tell(claim);
  assert.is(late.asked.length, 1);
});

test('a session that never is at home is not asked for ever', () => {
  const world = new World();
  const { ref, asked } = world.session([null]);
  world.tell({ type: 'claim', filter: 'job', clientId: 'a', session: ref as ActorRef<never> });
  world.tell({ type: 'lost', filter: 'job' });
  assert.ok(asked.length > 1 && asked.length <= 20, String(asked.length));
});

test('what the keeper has only been told of is not granted before it has said so', () => {
  const world = new World();
  const { ref } = world.session([[0]]);
  world.tell({ type: 'claim', filter: 'job', clientId: 'a', session: ref as ActorRef<never> });
  world.keeperSays = 'unknown';
  assert.is(world.ask('a', 'job', ref), 'unknown');
  assert.is(world.ask('b', 'job', ref), 'taken', 'a goes on with it as long as nobody says otherwise');
  world.keeperSays = 'granted';
  assert.is(world.ask('a', 'job', ref), 'granted');
  world.keeperSays = 'unknown';
  assert.is(world.ask('a', 'job', ref), 'granted', 'it knows by now');
  assert.equal(
    world.kept.map(({ type }) => type),
    ['keep', 'keep', 'keep'],
  );
});

test('what the keeper refuses after it has been told is not gone on with', () => {
  const world = new World();
  const { ref } = world.session([[0]]);
  world.tell({ type: 'claim', filter: 'job', clientId: 'a', session: ref as ActorRef<never> });
  world.keeperSays = 'taken';
  assert.is(world.ask('a', 'job', ref), 'taken');
  world.keeperSays = 'granted';
  assert.is(world.ask('b', 'job', ref), 'granted');
});

test('what the keeper refuses is free for the next one that it grants', () => {
  const world = new World();
  const { ref } = world.session([[0]]);
  world.keeperSays = 'taken';
  assert.is(world.ask('a', 'job', ref), 'taken');
  world.keeperSays = 'granted';
  assert.is(world.ask('b', 'job', ref), 'granted');
  assert.is(world.ask('a', 'job', ref), 'taken');
  assert.equal(
    world.kept.map(({ type }) => type),
    ['keep', 'keep'],
  );
});

test.run();
