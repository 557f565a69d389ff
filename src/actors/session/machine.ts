/**
 * The delivery state of one session: which QoS 2 messages the client has begun to send, which messages are in flight to it, and which wait.
 * Pure: it decides, its actor writes. It lives as long as the session, through reconnects, and can be taken out and put back (`snapshot`, `restore`)
 * when another reactor takes the client over.
 */
import { assert } from '../../base/assert.ts';
import { AWAIT_PUBACK, AWAIT_PUBCOMP, AWAIT_PUBREC, FREE, OutboundWindow } from './outbound-window.ts';
import { type Outgoing, OutgoingQueue, type QueueBounds } from './outgoing.ts';

export interface InFlight {
  readonly packetId: number;
  /** AWAIT_PUBACK, AWAIT_PUBREC or AWAIT_PUBCOMP. */
  readonly awaiting: number;
  /** Null when only PUBREL is to be sent again. */
  readonly message: Outgoing | null;
}

export interface MachineSnapshot {
  readonly inbound: readonly number[];
  readonly inFlight: readonly InFlight[];
  readonly queued: readonly Outgoing[];
}

/** What an acknowledgement means: go on, answer that the id is not known, or the client has broken the protocol. */
export type AckVerdict = 'ok' | 'unknown' | 'violation';

export class SessionMachine {
  /** Packet ids of QoS 2 messages received and not yet released [MQTT-4.3.3-10]. */
  #inbound: Set<number> | null = null;
  #window: OutboundWindow<Outgoing> | null = null;
  #queue: OutgoingQueue | null = null;
  readonly inFlightMax: number;
  #resumable: boolean;

  /** `resumable`: the session may outlive its connection, so what is in flight has to be kept for sending again. */
  constructor(inFlightMax: number, resumable: boolean) {
    this.inFlightMax = inFlightMax;
    this.#resumable = resumable;
  }

  get resumable(): boolean {
    return this.#resumable;
  }

  /** What is in flight is kept from now on: somebody else may have to be sent it. */
  keep(): void {
    this.#resumable = true;
    this.#window?.keep();
  }

  get inFlight(): number {
    return this.#window?.count ?? 0;
  }

  get queued(): number {
    return this.#queue?.messages ?? 0;
  }

  get queuedBytes(): number {
    return this.#queue?.bytes ?? 0;
  }

  get inboundPending(): number {
    return this.#inbound?.size ?? 0;
  }

  /** A QoS 2 PUBLISH came. True: it is new and is to be routed, once; false: it was sent again [MQTT-4.3.3-8]. */
  beginInbound(packetId: number): boolean {
    this.#inbound ??= new Set();
    const before = this.#inbound.size;
    return this.#inbound.add(packetId).size > before;
  }

  /** PUBREL came. False: no such message is held, which 5.0 answers with 0x92. */
  endInbound(packetId: number): boolean {
    return this.#inbound?.delete(packetId) ?? false;
  }

  /** How many more messages with QoS above 0 may go out now. */
  get room(): number {
    if (this.queued > 0) return 0;
    return this.#window?.room ?? this.inFlightMax;
  }

  /** A packet id for a message that leaves now. Callers check `room`; the message is kept only if the session is resumable. */
  send(qos: 1 | 2, message: Outgoing | null): number {
    const window = (this.#window ??= new OutboundWindow<Outgoing>(this.inFlightMax, this.#resumable));
    return window.take(qos === 1 ? AWAIT_PUBACK : AWAIT_PUBREC, message);
  }

  /** A message of the queue that does not go out: nothing is in flight for it. */
  skip(): void {}

  /** The same for a certain packet id, which is free; the message is kept elsewhere. `awaiting`: AWAIT_PUBACK, AWAIT_PUBREC or AWAIT_PUBCOMP. */
  sendAt(packetId: number, awaiting: number): void {
    this.#window ??= new OutboundWindow<Outgoing>(this.inFlightMax, this.#resumable);
    this.#window.takeAt(packetId, awaiting, null);
  }

  /** How many ids in a row, from `packetId` on, may go out now, at most `max`. */
  roomFrom(packetId: number, max: number): number {
    if (this.#window === null) return Math.min(max, this.inFlightMax);
    return this.#window.freeFrom(packetId, Math.min(max, this.#window.room));
  }

  enqueue(outgoing: Outgoing, bounds: QueueBounds): number {
    this.#queue ??= new OutgoingQueue();
    return this.#queue.push(outgoing, bounds);
  }

  /** What may leave now from the front of the queue, at most as much as the window has room for; undefined: nothing. */
  dequeue(): Outgoing | undefined {
    if (this.#queue === null || this.#queue.messages === 0) return undefined;
    const room = this.#window?.room ?? this.inFlightMax;
    return room <= 0 ? undefined : this.#queue.shift(room);
  }

  puback(packetId: number): AckVerdict {
    return this.#acknowledge(packetId, AWAIT_PUBACK);
  }

  /** 'ok': PUBREL is to be sent, unless `refused` (a reason of 0x80 or more), which ends the exchange [MQTT-4.3.3-4]. */
  pubrec(packetId: number, refused: boolean): AckVerdict {
    const awaiting = this.#window?.awaiting(packetId) ?? FREE;
    if (awaiting === FREE) return 'unknown';
    if (awaiting === AWAIT_PUBACK) return 'violation';
    if (refused) this.#window!.release(packetId);
    else if (awaiting === AWAIT_PUBREC) this.#window!.received(packetId);
    return 'ok';
  }

  pubcomp(packetId: number): AckVerdict {
    return this.#acknowledge(packetId, AWAIT_PUBCOMP);
  }

  /** Visits what a resumed client has to be sent again, oldest first [MQTT-4.4.0-1]. */
  forEachInFlight(visit: (packetId: number, awaiting: number, message: Outgoing | null) => void): void {
    this.#window?.forEach(visit);
  }

  /** The client has not said yet that it has the message. */
  awaitsReceipt(packetId: number): boolean {
    const awaiting = this.#window?.awaiting(packetId) ?? FREE;
    return awaiting === AWAIT_PUBACK || awaiting === AWAIT_PUBREC;
  }

  /** Gives up on a message in flight that can no longer be sent. */
  abandon(packetId: number): void {
    this.#window!.release(packetId);
  }

  isOut(packetId: number): boolean {
    return (this.#window?.awaiting(packetId) ?? FREE) !== FREE;
  }

  /**
   * Takes out what came by shared subscriptions and may go to another member of the one with that key, or of any without: what waits and, with
   * `unacknowledged`, what is in flight at QoS 1. A QoS 2 message whose delivery has begun stays with this client [MQTT-4.8.2-5].
   */
  takeShared(key: string | undefined, unacknowledged: boolean): Outgoing[] {
    const isWanted = ({ share }: Outgoing): boolean => share !== null && (key === undefined || share === key);
    const taken: Outgoing[] = [];
    if (unacknowledged) {
      const ids: number[] = [];
      this.forEachInFlight((packetId, awaiting, message) => {
        if (awaiting !== AWAIT_PUBACK || message === null || !isWanted(message)) return;
        ids.push(packetId);
        taken.push(message);
      });
      for (const id of ids) this.#window!.release(id);
    }
    return this.#queue === null ? taken : [...taken, ...this.#queue.takeIf(isWanted)];
  }

  snapshot(): MachineSnapshot {
    const inFlight: InFlight[] = [];
    this.forEachInFlight((packetId, awaiting, message) => inFlight.push({ packetId, awaiting, message }));
    return { inbound: [...(this.#inbound ?? [])], inFlight, queued: [...(this.#queue ?? [])] };
  }

  /** Puts a snapshot in front of whatever has been queued since. */
  restore(snapshot: MachineSnapshot): void {
    assert(this.inFlight === 0, 'restoring onto messages in flight');
    if (snapshot.inbound.length > 0) this.#inbound = new Set(snapshot.inbound);
    if (snapshot.inFlight.length > 0) {
      // Kept even if this session will not be resumed: the client that takes it over has to be sent them again.
      this.#window = new OutboundWindow<Outgoing>(this.inFlightMax, true);
      for (const { packetId, awaiting, message } of snapshot.inFlight) this.#window.restore(packetId, awaiting, message);
    }
    const since = this.#queue === null ? [] : [...this.#queue];
    if (snapshot.queued.length === 0) return;
    this.#queue = new OutgoingQueue();
    for (const outgoing of [...snapshot.queued, ...since]) this.#queue.push(outgoing, UNBOUNDED);
  }

  #acknowledge(packetId: number, expected: number): AckVerdict {
    const awaiting = this.#window?.awaiting(packetId) ?? FREE;
    if (awaiting === FREE) return 'unknown';
    if (awaiting !== expected) return 'violation';
    this.#window!.release(packetId);
    return 'ok';
  }
}

/** What was accepted once is not refused when it is put back. */
const UNBOUNDED: QueueBounds = { messagesMax: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER };
