/**
 * Event messages: what happens to clients and messages of a reactor, as messages to `$events/…`. Collected here, published by the announcer a moment later, with
 * QoS 0. Nothing that concerns a topic with a `$` in front makes an event, or events would make events.
 *
 * Bounds: EVENTS_QUEUED_MAX; further ones are lost and counted.
 */
import { EVENTS_QUEUED_MAX } from '../../base/limits.ts';
import type { Announcement } from '../announcer/messages.ts';
import { EVENTS_PROBE } from './probe.ts';

export const EVENT_NAMES = [
  'client_connected',
  'client_disconnected',
  'session_subscribed',
  'session_unsubscribed',
  'message_delivered',
  'message_dropped',
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

const { slot } = EVENTS_PROBE;

export class Events {
  readonly names: readonly EventName[];
  /** Set by the announcer: something has been queued. */
  onQueued: () => void = () => {};
  readonly #wanted: ReadonlySet<EventName>;
  readonly #slots: Float64Array;
  readonly #wallClock: () => number;
  #queue: Announcement[] = [];

  constructor(names: readonly EventName[], slots: Float64Array, wallClock: () => number) {
    this.names = names;
    this.#wanted = new Set(names);
    this.#slots = slots;
    this.#wallClock = wallClock;
  }

  wants(name: EventName): boolean {
    return this.#wanted.has(name);
  }

  add(name: EventName, facts: Readonly<Record<string, unknown>>): void {
    if (!this.#wanted.has(name)) return;
    if (this.#queue.length >= EVENTS_QUEUED_MAX) {
      this.#slots[slot.lost]!++;
      return;
    }
    this.#queue.push({ topic: `$events/${name}`, payload: JSON.stringify({ event: name, ...facts, ts: this.#wallClock() }) });
    if (this.#queue.length === 1) this.onQueued();
  }

  /** What is queued; it is not any more. */
  take(): readonly Announcement[] {
    const taken = this.#queue;
    this.#queue = [];
    this.#slots[slot.published]! += taken.length;
    return taken;
  }
}
