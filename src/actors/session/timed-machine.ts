/**
 * A session machine that measures how long its client takes to acknowledge: from the moment at which a message was sent, or had to wait in the queue, to its PUBACK
 * or PUBCOMP. Used in the place of the plain one only while slow subscribers are looked for, so that nobody else pays for it.
 */
import type { SlowTop } from '../insight/slow-top.ts';
import { SessionMachine } from './machine.ts';
import type { Outgoing, QueueBounds } from './outgoing.ts';

export interface TimedBy {
  readonly slow: SlowTop;
  readonly clientId: string;
  now(): number;
  wallClock(): number;
}

export class TimedMachine extends SessionMachine {
  readonly #by: TimedBy;
  /** When the message with a packet id was begun. Bounded by the messages in flight. */
  readonly #begun = new Map<number, number>();
  /** What waits in the queue: messages and since when, oldest first. Bounded by the entries of the queue. */
  #waiting: { messages: number; readonly since: number }[] = [];
  /** Messages that leave now and have waited since then. */
  #leaving = 0;
  #since = 0;

  constructor(inFlightMax: number, resumable: boolean, by: TimedBy) {
    super(inFlightMax, resumable);
    this.#by = by;
  }

  override send(qos: 1 | 2, message: Outgoing | null): number {
    const packetId = super.send(qos, message);
    this.#begun.set(packetId, this.#takeSince());
    return packetId;
  }

  override skip(): void {
    this.#takeSince();
    super.skip();
  }

  override sendAt(packetId: number, awaiting: number): void {
    super.sendAt(packetId, awaiting);
    if (!this.#begun.has(packetId)) this.#begun.set(packetId, this.#by.now());
  }

  override enqueue(outgoing: Outgoing, bounds: QueueBounds): number {
    const taken = super.enqueue(outgoing, bounds);
    if (taken > 0) this.#waiting.push({ messages: taken, since: this.#by.now() });
    return taken;
  }

  override dequeue(): Outgoing | undefined {
    const outgoing = super.dequeue();
    if (outgoing === undefined) return undefined;
    const first = this.#waiting[0];
    this.#since = first?.since ?? this.#by.now();
    this.#leaving = outgoing.count;
    for (let left = outgoing.count; left > 0 && this.#waiting.length > 0; ) {
      const entry = this.#waiting[0]!;
      const part = Math.min(left, entry.messages);
      entry.messages -= part;
      left -= part;
      if (entry.messages === 0) this.#waiting.shift();
    }
    if (this.queued === 0) this.#waiting = []; // some were taken out by other ways
    return outgoing;
  }

  override puback(packetId: number): ReturnType<SessionMachine['puback']> {
    this.#ended(packetId);
    return super.puback(packetId);
  }

  override pubrec(packetId: number, refused: boolean): ReturnType<SessionMachine['pubrec']> {
    if (refused) this.#ended(packetId);
    return super.pubrec(packetId, refused);
  }

  override pubcomp(packetId: number): ReturnType<SessionMachine['pubcomp']> {
    this.#ended(packetId);
    return super.pubcomp(packetId);
  }

  override abandon(packetId: number): void {
    this.#begun.delete(packetId);
    super.abandon(packetId);
  }

  #takeSince(): number {
    if (this.#leaving === 0) return this.#by.now();
    this.#leaving--;
    return this.#since;
  }

  #ended(packetId: number): void {
    const begun = this.#begun.get(packetId);
    if (begun === undefined) return;
    this.#begun.delete(packetId);
    this.#by.slow.note(this.#by.clientId, this.#by.now() - begun, this.#by.wallClock());
  }
}
