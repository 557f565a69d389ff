// A client that goes from one node to another faster than the news of it: who came last stays, the other one goes.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RegistryActor } from '../../../src/actors/registry/actor.ts';
import type { Granted, RegistryMessage } from '../../../src/actors/registry/messages.ts';
import { spawnRelay } from '../../../src/actors/relay/actor.ts';
import { type RelayMessage, relayRef } from '../../../src/actors/relay/messages.ts';
import { spawnInterest, spawnRouter } from '../../../src/actors/router/actor.ts';
import { PressureGauge } from '../../../src/actors/router/pressure.ts';
import { Publisher } from '../../../src/actors/router/publisher.ts';
import { remoteRuns } from '../../../src/actors/router/remote-runs.ts';
import { Router } from '../../../src/actors/router/router.ts';
import type { SessionMessage } from '../../../src/actors/session/messages.ts';
import { SHARE_DEFAULTS } from '../../../src/actors/share/strategy.ts';
import { ShareTable } from '../../../src/actors/share/table.ts';
import { WELL_KNOWN } from '../../../src/actors/well-known.ts';
import type { Actor, ActorContext } from '../../../src/runtime/actor.ts';
import { placeKey } from '../../../src/runtime/placement.ts';
import { wellKnownRef } from '../../../src/runtime/ref.ts';
import { SimNetwork } from '../../../src/runtime/sim/network.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';

const test = suite('clients that move');

const NODES = [1, 2, 3];
const REACTORS = 2;

function boot(system: ActorSystem): void {
  const { thread, reactors, incarnation, slots } = system;
  const router = new Router({ thread, reactors, incarnation, slots, seed: 1 });
  const gauge = new PressureGauge();
  const publisher = new Publisher(system, router, gauge);
  const shares = new ShareTable(system, router, publisher, SHARE_DEFAULTS);
  spawnRouter(system, router, remoteRuns(system, router, gauge, shares, publisher, null));
  spawnInterest(system, shares, 'share-interest', WELL_KNOWN.shareInterest);
  const onClaim = (clientId: string): void =>
    void system.tell<RelayMessage>(relayRef(system.node), { type: 'connected', clientId });
  system.spawn<RegistryMessage>(() => new RegistryActor(system, undefined, undefined, onClaim), {
    name: 'registry',
    wellKnown: WELL_KNOWN.registry,
  });
  if (thread === 1) spawnRelay(system, { nodes: NODES, life: 1, publisher, shares, gauge }).begin();
}

/** A session that claims its id and counts how often it is sent away. */
class Connected implements Actor<SessionMessage> {
  readonly #clientId: string;
  readonly #system: ActorSystem;
  readonly #onGranted: () => void;
  timesSentAway = 0;

  constructor(system: ActorSystem, clientId: string, onGranted: () => void) {
    this.#system = system;
    this.#clientId = clientId;
    this.#onGranted = onGranted;
  }

  started(ctx: ActorContext<SessionMessage>): void {
    const { node, reactors } = this.#system;
    const registry = wellKnownRef<RegistryMessage>(node, placeKey(this.#clientId, reactors), WELL_KNOWN.registry);
    const claim = { type: 'claim', clientId: this.#clientId, session: ctx.self } as const;
    ctx.ask<RegistryMessage, Granted>(registry, claim, 1000, (granted) => {
      assert.ok(granted !== undefined, 'the claim is granted');
      this.#onGranted();
    });
  }

  receive(message: SessionMessage): void {
    if (message.type === 'disconnect') this.timesSentAway++;
  }
}

test('who came last stays, however fast it is and wherever the news of the one before is by then', () => {
  const MOVES = 400;
  const systems = new Map<string, ActorSystem>();
  const network = new SimNetwork({
    nodes: NODES.length,
    threads: REACTORS + 1,
    seed: 7,
    boot: (system) => {
      systems.set(`${system.node}/${system.thread}`, system);
      if (system.thread > 0) boot(system);
    },
  });
  network.run(5000);
  const { prng } = network.world;
  const connect = (node: number, clientId: string, onGranted: () => void): Connected => {
    const system = systems.get(`${node}/${1 + prng.below(REACTORS)}`)!;
    const session = new Connected(system, clientId, onGranted);
    system.spawn<SessionMessage>(() => session, { name: `session-${clientId}-${node}` });
    return session;
  };
  for (let move = 0; move < MOVES; move++) {
    const clientId = `client-${move}`;
    const [from, to] = move % 2 === 0 ? [1, 2] : [3, 1];
    let fresh: Connected | undefined;
    const old = connect(from!, clientId, () => {
      // From one millisecond on the clocks tell them apart.
      network.at(network.world.nowMs + 1 + 2 * prng.next(), () => {
        fresh = connect(to!, clientId, () => {});
      });
    });
    network.run(network.world.nowMs + 100);
    assert.equal([old.timesSentAway, fresh!.timesSentAway], [1, 0], `move ${move}`);
  }
});

test.run();
