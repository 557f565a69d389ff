/** Tells the values of `$SYS/broker/…` to the reactors, as retained messages: computed on main alone, and only those that have changed. */
import type { Announce } from '../../actors/announcer/messages.ts';
import { RETAINED_PROBE } from '../../actors/retained/probe.ts';
import { ROUTER_PROBE } from '../../actors/router/probe.ts';
import { SESSION_PROBE } from '../../actors/session/probe.ts';
import { SHARE_PROBE } from '../../actors/share/probe.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { ThreadReading } from '../metrics.ts';
import { VERSION } from '../version.ts';
import { type SysReading, SysTree } from './sys-tree.ts';

export class SysPublisher {
  readonly #system: ActorSystem;
  readonly #readings: () => readonly ThreadReading[];
  readonly #tree = new SysTree(`sluice ${VERSION}`);
  readonly #timer: NodeJS.Timeout;

  constructor(system: ActorSystem, readings: () => readonly ThreadReading[], intervalMs: number) {
    this.#system = system;
    this.#readings = readings;
    // A reactor that comes back has lost the retained messages that it kept, and those that went through it meanwhile.
    system.onThreadChange((thread, state) => {
      if (state === 'up' && thread > 0) this.#tree.forget();
    });
    this.#timer = setInterval(() => this.#tell(), intervalMs);
    this.#timer.unref();
    this.#tell();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    const changed = this.#tree.advance(sysReading(this.#readings()), performance.now(), process.uptime());
    const messages = changed.map(([topic, payload]) => ({ topic, payload, retain: true }));
    const announcer = wellKnownRef<Announce>(this.#system.node, 1, WELL_KNOWN.announcer);
    if (!this.#system.tell<Announce>(announcer, { type: 'announce', messages })) this.#tree.forget();
  }
}

function sysReading(readings: readonly ThreadReading[]): SysReading {
  const sum = (...slots: readonly number[]): number =>
    readings.reduce((total, reading) => total + slots.reduce((part, slot) => part + (reading.slots[slot] ?? 0), 0), 0);
  const { slot } = SESSION_PROBE;
  return {
    connections: sum(slot.connections),
    sessions: sum(slot.sessions),
    expired: sum(slot.expired),
    connects: sum(slot.connects),
    messagesReceived: sum(slot.receivedQos0, slot.receivedQos1, slot.receivedQos2),
    messagesSent: sum(slot.sentQos0, slot.sentQos1, slot.sentQos2),
    messagesDropped: sum(slot.droppedSlowClient, slot.droppedQueueFull, slot.droppedUndeliverable),
    bytesReceived: sum(slot.bytesReceived),
    bytesSent: sum(slot.bytesSent),
    subscriptions: sum(ROUTER_PROBE.slot.subscriptions),
    sharedSubscriptions: sum(SHARE_PROBE.slot.members),
    retained: sum(RETAINED_PROBE.slot.messages),
    retainedBytes: sum(RETAINED_PROBE.slot.bytes),
    residentBytes: process.memoryUsage.rss(),
  };
}
