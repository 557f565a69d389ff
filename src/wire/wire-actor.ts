/**
 * The actor around a thread's wire, at a slot of its own on every thread: it gives it turns and time, tells the other
 * threads and nodes where nodes listen, and shows operators what each link does.
 */
import type { Actor, ActorContext, TerminationReason } from '../runtime/actor.ts';
import { type ActorRef, wellKnownRef } from '../runtime/ref.ts';
import type { ActorSystem } from '../runtime/system.ts';
import type { PeerList } from './schema-types.ts';
import { DOOR_THREAD, Wire, type WireOptions } from './wire.ts';

export const WIRE_SLOT = 63;
const TICK_MS = 50;

export type WireMessage = PeerList | { readonly type: 'serve' };

export function wireRef(node: number, thread: number): ActorRef<WireMessage> {
  return wellKnownRef(node, thread, WIRE_SLOT);
}

/**
 * Connects a thread to other nodes. On the accepting thread with `options.listen` the promise is fulfilled once it listens,
 * with the port; elsewhere at once.
 */
export async function startWire(system: ActorSystem, options: WireOptions): Promise<number | undefined> {
  const self = wireRef(system.node, system.thread);
  const wire: Wire = new Wire(
    system,
    options,
    () => system.tell(self, { type: 'serve' }),
    () => tellPeers(system, wire, options.services),
  );
  system.remote.connect(wire);
  system.onThreadChange((thread, state) => {
    if (thread === wire.acceptingThread && state === 'down') system.remote.acceptorLost();
    else if (system.thread === wire.acceptingThread && state === 'up') tellPeers(system, wire, options.services);
  });
  system.spawn<WireMessage>(() => new WireActor(system, wire, options.services), { name: 'wire', wellKnown: WIRE_SLOT });
  const port = options.listen === undefined ? undefined : await wire.acceptor.listen(options.listen);
  if (system.thread !== 0) wire.dialAll();
  return port;
}

/** To the other threads of this node, and to the doors of other nodes. */
function tellPeers(system: ActorSystem, wire: Wire, services: readonly number[] = []): void {
  const { peers } = wire;
  const reactors = Array.from({ length: system.reactors + 1 }, (_, thread) => thread);
  for (const thread of [...reactors, ...services]) {
    if (thread !== system.thread) system.tell(wireRef(system.node, thread), { type: 'PeerList', peers });
  }
  for (const { node } of peers) {
    const others = peers.filter((peer) => peer.node !== node);
    if (others.length > 0) system.tell(wireRef(node, DOOR_THREAD), { type: 'PeerList', peers: others });
  }
}

class WireActor implements Actor<WireMessage> {
  readonly #system: ActorSystem;
  readonly #wire: Wire;
  readonly #services: readonly number[] | undefined;
  #dueMs = 0;

  constructor(system: ActorSystem, wire: Wire, services: readonly number[] | undefined) {
    this.#system = system;
    this.#wire = wire;
    this.#services = services;
  }

  started(ctx: ActorContext<WireMessage>): void {
    this.#arm(ctx);
  }

  receive(message: WireMessage): void {
    if (message.type === 'serve') this.#wire.serve();
    else if (this.#wire.learn(message.peers, false) && this.#system.thread === DOOR_THREAD)
      tellPeers(this.#system, this.#wire, this.#services);
  }

  onTimer(_key: number, ctx: ActorContext<WireMessage>): void {
    const now = ctx.now();
    this.#wire.tick(now, Math.max(0, now - this.#dueMs));
    this.#arm(ctx);
  }

  #arm(ctx: ActorContext<WireMessage>): void {
    this.#dueMs = ctx.now() + TICK_MS;
    ctx.startTimer(TICK_MS, 0);
  }

  stopping(reason: TerminationReason): void {
    if (reason === 'stopped') this.#wire.stop();
  }

  inspect(): unknown {
    return this.#wire.picture();
  }
}
