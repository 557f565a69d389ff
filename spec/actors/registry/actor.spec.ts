import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RegistryActor } from '../../../src/actors/registry/actor.ts';
import type { Granted, Owner, RegistryMessage } from '../../../src/actors/registry/messages.ts';
import { REGISTRY_PROBE } from '../../../src/actors/registry/probe.ts';
import type { SessionMessage } from '../../../src/actors/session/messages.ts';
import { WELL_KNOWN } from '../../../src/actors/well-known.ts';
import type { Actor } from '../../../src/runtime/actor.ts';
import { type ActorRef, NOBODY, wellKnownRef } from '../../../src/runtime/ref.ts';
import { SimCluster } from '../../../src/runtime/sim/cluster.ts';

const test = suite('registry actor');

const { slot } = REGISTRY_PROBE;
const HOME = 1;
const registry = wellKnownRef<RegistryMessage>(1, HOME, WELL_KNOWN.registry);

function newCluster() {
  const cluster = new SimCluster({
    threads: 4,
    seed: 3,
    boot: (system) => {
      if (system.thread > 0)
        system.spawn<RegistryMessage>(() => new RegistryActor(system), { name: 'registry', wellKnown: WELL_KNOWN.registry });
    },
  });
  const log: string[] = [];
  /** A stand-in for a session on `thread` that writes down what it is told. */
  const session = (thread: number, name: string): ActorRef<SessionMessage> => {
    const actor: Actor<SessionMessage> = { receive: ({ type }) => log.push(`${name} ${type}`) };
    const ref = cluster.system(thread).spawn(() => actor, { name });
    cluster.run();
    return ref;
  };
  /** The owner before, as the claimer learns it. */
  const claim = async (thread: number, by: ActorRef<SessionMessage>): Promise<number> => {
    const granted = cluster.system(thread).ask<Granted>(registry, { type: 'claim', clientId: 'me', session: by }, 1000);
    cluster.run();
    return (await granted).previous;
  };
  const tell = (thread: number, message: RegistryMessage): void => {
    cluster.system(thread).tell(registry, message);
    cluster.run(cluster.nowMs + 5);
  };
  const count = (which: keyof typeof slot): number => cluster.system(HOME).slots[slot[which]]!;
  return { cluster, log, session, claim, tell, count };
}

test('who looks for the owner of an id claims nothing', async () => {
  const { cluster, session, claim, count } = newCluster();
  const find = async (): Promise<Owner> => {
    const owner = cluster.system(2).ask<Owner>(registry, { type: 'find', clientId: 'me' }, 1000);
    cluster.run();
    return owner;
  };
  assert.equal(await find(), { session: NOBODY });
  const one = session(1, 'one');
  await claim(1, one);
  assert.equal(await find(), { session: one });
  assert.equal([count('clients'), count('claims')], [1, 1]);
});

test('claims from anywhere form one chain', async () => {
  const { session, claim, tell, count } = newCluster();
  const [one, two, three] = [session(1, 'one'), session(2, 'two'), session(3, 'three')];
  assert.is(await claim(1, one), NOBODY);
  assert.is(await claim(2, two), one);
  assert.is(await claim(3, three), two);
  tell(2, { type: 'release', clientId: 'me', session: two });
  assert.is(count('clients'), 1, 'the owner is still there');
  tell(1, { type: 'release', clientId: 'me', session: one });
  tell(3, { type: 'release', clientId: 'me', session: three });
  assert.equal([count('clients'), count('claims'), count('takeovers')], [0, 3, 2]);
});

test('a reactor that dies frees the ids of its sessions', async () => {
  const { cluster, session, claim, count } = newCluster();
  await claim(2, session(2, 'dead'));
  cluster.kill(2);
  cluster.run();
  assert.is(count('clients'), 0);
  assert.is(await claim(3, session(3, 'next')), NOBODY);
});

test('an owner that dies leaves the id to the one before it', async () => {
  const { cluster, session, claim } = newCluster();
  const former = session(3, 'former');
  await claim(3, former);
  await claim(2, session(2, 'dead'));
  cluster.kill(2);
  cluster.run();
  assert.is(await claim(1, session(1, 'next')), former);
});

test('a registry that comes back serves claims when all others have announced their sessions', async () => {
  const { cluster, log, session, claim, tell } = newCluster();
  const [former, claimer] = [session(2, 'former'), session(3, 'claimer')];
  await claim(2, former);
  cluster.kill(HOME, 1);
  cluster.run(cluster.nowMs + 5);
  const granted = cluster.system(3).ask<Granted>(registry, { type: 'claim', clientId: 'me', session: claimer }, 4000);
  cluster.run(cluster.nowMs + 5);
  tell(3, { type: 'announced', thread: 3 });
  tell(2, { type: 'announce', clientId: 'me', session: former, claim: 1 });
  tell(2, { type: 'announced', thread: 2 });
  assert.is((await granted).previous, former);
  assert.equal(log, []);
});

test('a registry that comes back ends those who announce themselves too late', async () => {
  const { cluster, log, session, claim, tell, count } = newCluster();
  const [former, owner] = [session(2, 'former'), session(3, 'owner')];
  await claim(2, former);
  cluster.kill(HOME, 1);
  cluster.run();
  assert.is(await claim(3, owner), NOBODY, 'nobody has announced anything in time');
  tell(2, { type: 'announce', clientId: 'me', session: former, claim: 1 });
  assert.equal(log, ['former superseded']);
  assert.is(count('clients'), 1);
});

test.run();
