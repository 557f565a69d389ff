/**
 * A session's subscriptions that replay declared topics, between the client and `Replays` (replay/replays.ts): SUBSCRIBE and SUBACK, room in the client's window, and when what the metadata knows of
 * them is written anew. Made for the first one.
 */
import { REPLAY_SAVE_MS } from '../../base/limits.ts';
import type { ActorContext } from '../../runtime/actor.ts';
import { type Diagnostics, encodeSuback } from '../../wire/mqtt/control-encoder.ts';
import type { SubscribePacket } from '../../wire/mqtt/packets.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import { type ReplayRefusal, type ReplayRequest, readReplayRequest } from '../replay/from.ts';
import type { ReplayState } from '../replay/machine.ts';
import { type ReplayHost, Replays } from '../replay/replays.ts';
import type { Sink } from '../router/sink.ts';
import type { Client } from './client.ts';
import type { SessionMessage } from './messages.ts';
import type { Outbound } from './outbound.ts';
import type { SessionServices } from './services.ts';
import { IO_CONTINUE } from './transport.ts';

/** The session. */
export interface ReplayingSession extends Sink {
  /** All its subscriptions. */
  readonly subscriptionCount: number;
  isClient(client: Client): boolean;
  mayReceive(topic: string): boolean;
  /** Calls `then` when what it keeps on disk says so. */
  whenKept(then: () => void): void;
  disconnect(reason: number): void;
}

export class SessionReplays {
  readonly #services: SessionServices;
  readonly #ctx: ActorContext<SessionMessage>;
  readonly #outbound: Outbound;
  readonly #session: ReplayingSession;
  readonly #timerKey: number;
  #replays: Replays | null = null;
  #isSaveDue = false;

  /** `timerKey`: of the timer after which `saved` is to be called. */
  constructor(
    services: SessionServices,
    ctx: ActorContext<SessionMessage>,
    outbound: Outbound,
    session: ReplayingSession,
    timerKey: number,
  ) {
    this.#services = services;
    this.#ctx = ctx;
    this.#outbound = outbound;
    this.#session = session;
    this.#timerKey = timerKey;
  }

  get count(): number {
    return this.#replays?.count ?? 0;
  }

  /** Takes the packet if it asks for a replay; false: it is an ordinary SUBSCRIBE. */
  takes(client: Client, packet: SubscribePacket, allowed: readonly boolean[] | null): boolean {
    const request = packet.userProperties.length === 0 ? undefined : readReplayRequest(packet);
    if (request === undefined) return false;
    this.#subscribe(client, packet, request, allowed);
    return true;
  }

  /** False: there was none for the filter. */
  end(filter: string): boolean {
    return this.#replays?.end(filter) === true;
  }

  connected(): void {
    this.#replays?.connected();
  }

  disconnected(): void {
    this.#replays?.disconnected();
  }

  feed(): void {
    this.#replays?.feed();
  }

  /** The record is being written. */
  saved(): void {
    this.#isSaveDue = false;
  }

  record(): readonly ReplayState[] {
    return this.#replays?.record() ?? [];
  }

  states(): readonly ReplayState[] {
    return this.#replays?.states() ?? [];
  }

  restore(states: readonly ReplayState[]): void {
    this.#all().restore(states);
  }

  inspect(): object {
    return this.#replays === null ? {} : { replays: this.#replays.inspect() };
  }

  #subscribe(
    client: Client,
    packet: SubscribePacket,
    request: ReplayRequest | ReplayRefusal,
    allowed: readonly boolean[] | null,
  ): void {
    const session = this.#session;
    const replays = this.#all();
    const { limits, router } = this.#services;
    const terms = { allowed, limits, count: session.subscriptionCount };
    const acknowledge = (reasons: readonly number[], why: string | undefined): void => {
      if (!session.isClient(client)) return;
      // It goes by the log, and not by the router.
      for (const [i, { filter }] of packet.entries.entries()) if (reasons[i]! < 0x80) router.unsubscribe(session, filter);
      const diagnostics: Diagnostics = client.wantsReasons && why !== undefined ? { reasonString: why } : {};
      session.whenKept(() => {
        if (!session.isClient(client)) return;
        const suback = encodeSuback(client.dialect, packet.packetId, reasons, diagnostics, client.packetBytesMax);
        client.output.append(suback, 0, suback.length);
        replays.connected();
      });
    };
    replays.subscribe(packet, request, terms, (reasons, why) => this.#soon(() => acknowledge(reasons, why)));
  }

  #all(): Replays {
    return (this.#replays ??= new Replays(this.#services.replays, this.#host()));
  }

  #host(): ReplayHost {
    const outbound = this.#outbound;
    return {
      replayRoom: (qos) => outbound.replayRoom(qos),
      sendReplayed: (outgoing, ids) => outbound.sendReplayed(outgoing, ids),
      isOut: (packetId) => outbound.machine.isOut(packetId),
      mayReceive: (topic) => this.#session.mayReceive(topic),
      replayMoved: () => this.#moved(),
      replayFailed: (code) => this.#failed(code),
      soon: (then) => this.#soon(then),
    };
  }

  #moved(): void {
    if (this.#isSaveDue || this.#outbound.inbox === null) return;
    this.#isSaveDue = true;
    this.#ctx.startTimer(REPLAY_SAVE_MS, this.#timerKey);
  }

  /** A declared topic is gone, or damaged: the client learns that there is nothing more to come. */
  #failed(code: string): void {
    this.#session.disconnect(code === 'SLUICE_STORAGE_UNKNOWN_SHARD' ? Reason.ADMINISTRATIVE_ACTION : Reason.UNSPECIFIED_ERROR);
  }

  #soon(then: () => void): void {
    this.#ctx.io(IO_CONTINUE, then);
  }
}
