/**
 * Event messages: what happens to clients and messages of a reactor, as messages to `$events/…`. Collected here, published by the announcer a moment later, with
 * QoS 0. Nothing that concerns a topic with a `$` in front makes an event, or events would make events.
 *
 * Bounds: EVENTS_QUEUED_MAX; further ones are lost and counted.
 */
import { EVENTS_QUEUED_MAX } from '../../base/limits.ts';
import type { Announcement } from '../announcer/messages.ts';
import type { Plugin } from '../plugin/hooks.ts';
import { HOOK_OF } from '../plugin/told.ts';
import type { EventName } from './names.ts';
import { EVENTS_PROBE } from './probe.ts';

const { slot } = EVENTS_PROBE;

export class Events {
  readonly names: readonly EventName[];
  /** Set by the announcer: something has been queued. */
  onQueued: () => void = () => {};
  readonly #announced: ReadonlySet<EventName>;
  readonly #wanted: ReadonlySet<EventName>;
  readonly #slots: Float64Array;
  readonly #wallClock: () => number;
  #queue: Announcement[] = [];

  /** Those that the plugin is told. */
  readonly #told: ReadonlySet<EventName>;
  readonly #plugin: Plugin | null;

  constructor(
    names: readonly EventName[],
    slots: Float64Array,
    wallClock: () => number,
    told: readonly EventName[] = [],
    plugin: Plugin | null = null,
  ) {
    this.names = names;
    this.#announced = new Set(names);
    this.#wanted = new Set([...names, ...told]);
    this.#told = new Set(told);
    this.#plugin = plugin;
    this.#slots = slots;
    this.#wallClock = wallClock;
  }

  wants(name: EventName): boolean {
    return this.#wanted.has(name);
  }

  add(name: EventName, facts: Readonly<Record<string, unknown>>): void {
    if (this.#told.has(name)) this.#plugin!.tell(HOOK_OF[name], facts);
    if (!this.#announced.has(name)) return;
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
