/**
 * What a persistent session leaves behind when its actor has failed: its subscriptions, in whose name messages go on into its inbox, until the session is made again from disk by its supervisor
 * (seed.ts). Messages of QoS 0 are for nobody meanwhile.
 */
import type { ActorRef } from '../../runtime/ref.ts';
import type { Inbox } from '../inbox/inbox.ts';
import type { Delivery, Run, Sink } from '../router/sink.ts';
import type { SessionMessage } from './messages.ts';
import { SESSION_PROBE } from './probe.ts';
import type { SessionServices } from './services.ts';

const { slot } = SESSION_PROBE;

export class Orphan implements Sink {
  readonly clientId: string;
  readonly inbox: Inbox;
  /** The session that had the client id and gives it to the one that is made, or NOBODY; undefined: the instance before had it, under the same ref. */
  readonly heirOf: ActorRef<SessionMessage> | undefined;
  readonly #services: SessionServices;
  readonly #onEnd: () => void;

  /** Takes the subscriptions of `former` over. */
  constructor(
    services: SessionServices,
    former: Sink,
    clientId: string,
    inbox: Inbox,
    heirOf?: ActorRef<SessionMessage>,
    onEnd: () => void = () => {},
  ) {
    this.#services = services;
    this.heirOf = heirOf;
    this.#onEnd = onEnd;
    this.clientId = clientId;
    this.inbox = inbox;
    inbox.disconnected();
    services.router.moveSink(former, this);
  }

  deliver(run: Run, delivery: Delivery): void {
    if (run.qos === 0 || delivery.qos === 0) return;
    const { limits, inboxes, system } = this.#services;
    const bounds = { messagesMax: limits.queueMessagesMax, bytesMax: limits.queueBytesMax };
    if (this.inbox.machine.isFull(bounds)) system.slots[slot.droppedQueueFull]! += run.count;
    else inboxes!.fanOuts.collect(this.inbox, run, delivery);
  }

  /** Nothing here fails by itself. */
  deliveryFailed(error: unknown): never {
    throw error;
  }

  /** The session is there again, or is not to be. */
  end(): void {
    this.#services.router.unsubscribeAll(this);
    this.#onEnd();
  }
}
