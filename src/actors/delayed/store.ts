/**
 * The delayed messages of one reactor: takes runs in the place of the publisher, and publishes each message when its time has come. Plain data of the reactor's
 * thread; the delayed actor gives it its turns.
 *
 *   PUBLISH $delayed/60/a ── rights, rewriting (session/inbound.ts) ──▶ here, and on disk at QoS 1 and 2 ── acknowledged
 *                                                60 s later ──▶ publisher, as if it came now ──▶ off the disk when what it led to is on it
 *
 * Bounds: mqtt.delayed.messages_max and bytes_max, shared out among the reactors; a further message is refused.
 */
import { DELAYED_DUE_MAX } from '../../base/limits.ts';
import { placeKey } from '../../runtime/placement.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Dialect, Qos } from '../../wire/mqtt/constants.ts';
import { emptyPublishProperties, readPublishProperties } from '../../wire/mqtt/publish-properties.ts';
import { newPublishView, packetEnd, readPublish } from '../../wire/mqtt/publish-run.ts';
import type { Publisher } from '../router/publisher.ts';
import type { Run } from '../router/sink.ts';
import type { TopicTable } from '../router/topic-table.ts';
import type { StagedWrite } from '../shard/staged.ts';
import type { DelayedKeeper } from './keeper.ts';
import { type DelayedBounds, DelayedMachine, type DelayedMessage } from './machine.ts';
import type { DelayedPage, DelayedView } from './messages.ts';
import { DELAYED_PROBE } from './probe.ts';

const { slot } = DELAYED_PROBE;

export class DelayedStore {
  /** As the publisher's: what the run taken last has to be on disk for. */
  readonly writes: StagedWrite[] = [];
  /** Set by the actor: something is due earlier than it knows. */
  onSooner: () => void = () => {};
  readonly #system: ActorSystem;
  readonly #publisher: Publisher;
  readonly #topics: TopicTable;
  readonly #machine: DelayedMachine;
  readonly #view = newPublishView();
  readonly #properties = emptyPublishProperties();
  #keeper: DelayedKeeper | null = null;
  #isHeld = false;
  #delayMs = 0;
  #clientId = '';

  constructor(system: ActorSystem, publisher: Publisher, topics: TopicTable, bounds: DelayedBounds) {
    this.#system = system;
    this.#publisher = publisher;
    this.#topics = topics;
    this.#machine = new DelayedMachine(bounds);
  }

  /** Until `release` nothing is published: not everybody who is to have it is there yet. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.onSooner();
  }

  /** What is there stays. */
  boundBy(bounds: DelayedBounds): void {
    this.#machine.bounds = bounds;
  }

  /** Messages of QoS 1 and 2 are on disk before they are acknowledged. */
  keepBy(keeper: DelayedKeeper): void {
    this.#keeper = keeper;
  }

  hasRoom({ count, start, end }: Run): boolean {
    const has = this.#machine.hasRoom(count, end - start);
    if (!has) this.#system.slots[slot.refused]! += count;
    return has;
  }

  /** About the runs that are published next. */
  prepare(seconds: number, clientId: string): void {
    this.#delayMs = seconds * 1000;
    this.#clientId = clientId;
  }

  /** Takes each message of the run. Returns how many. */
  publish(run: Run): number {
    this.writes.length = 0;
    const dueAt = this.#system.wallClock() + this.#delayMs;
    const isFirst = dueAt < (this.#machine.nextDueAt() ?? Number.POSITIVE_INFINITY);
    for (let at = run.start; at < run.end; ) {
      const next = packetEnd(run.buffer, at);
      this.#take(run, run.buffer.slice(at, next), dueAt);
      at = next;
    }
    this.#report();
    if (isFirst) this.onSooner();
    return run.count;
  }

  #take({ topic, dialect, qos }: Run, packet: Uint8Array, dueAt: number): void {
    const isKept = this.#keeper !== null && qos > 0;
    const message: DelayedMessage = {
      id: this.#newId(),
      dueAt,
      topic: topic.name,
      clientId: this.#clientId,
      packet,
      dialect,
      isKept,
    };
    this.#machine.add(message);
    this.#system.slots[slot.taken]!++;
    if (!isKept) return;
    const write = this.#keeper!.keep(message);
    if (!this.writes.includes(write)) this.writes.push(write);
  }

  /** An id that belongs to this reactor: whoever looks for it, or restores it, finds it here. */
  #newId(): string {
    const { reactors, thread } = this.#system;
    for (;;) {
      const id = Array.from({ length: 2 }, () => Math.floor(this.#system.random() * 2 ** 32).toString(36)).join('');
      if (placeKey(id, reactors) === thread) return id;
    }
  }

  /** From disk, at the start. */
  restore(message: DelayedMessage): void {
    this.#machine.add(message);
    this.#report();
  }

  /** Publishes what is due. Returns after how many milliseconds to come again; undefined when nothing waits. */
  advance(): number | undefined {
    if (this.#isHeld) return undefined;
    const due = this.#machine.takeDue(this.#system.wallClock(), DELAYED_DUE_MAX);
    for (const message of due) this.#publish(message);
    if (due.length > 0) this.#report();
    const next = this.#machine.nextDueAt();
    return next === undefined ? undefined : Math.max(0, next - this.#system.wallClock());
  }

  #publish(message: DelayedMessage): void {
    const run = this.#runOf(message);
    const { outages } = this.#publisher;
    if (run !== undefined && run.qos > 0 && outages?.isOpen && outages.concerns(run.topic.name)) {
      return outages.whenOver(() => this.#publish(message));
    }
    if (run !== undefined) this.#publisher.publish(run);
    if (message.isKept) this.#keeper?.forget(message.id, run === undefined ? [] : this.#publisher.writes);
    this.#system.slots[slot.published]!++;
  }

  #runOf({ topic: name, packet, dialect }: DelayedMessage): Run | undefined {
    const topic = this.#topics.internName(name);
    const view = this.#view;
    if (topic === undefined || !readPublish(packet, 0, packet.length, dialect as Dialect, view)) return undefined;
    readPublishProperties(packet, view.propertiesStart, view.propertiesEnd, this.#properties);
    const { expiryOffset, expirySeconds } = this.#properties;
    return {
      topic,
      publisher: null,
      dialect,
      qos: ((view.header >> 1) & 3) as Qos,
      retain: (view.header & 1) !== 0,
      count: 1,
      buffer: packet,
      start: 0,
      end: packet.length,
      // Its life begins when it is published, which is now.
      expiresAt: expiryOffset < 0 ? 0 : this.#system.wallClock() + expirySeconds * 1000,
    };
  }

  list(after: string | undefined, limit: number): DelayedPage {
    return { messages: this.#machine.page(after, limit).map((message) => this.#viewOf(message)), total: this.#machine.size };
  }

  delete(id: string): boolean {
    const deleted = this.#machine.delete(id);
    if (deleted === undefined) return false;
    if (deleted.isKept) this.#keeper?.forget(id, []);
    this.#system.slots[slot.deleted]!++;
    this.#report();
    return true;
  }

  inspect(): unknown {
    return { messages: this.#machine.size, bytes: this.#machine.bytes, nextDueAt: this.#machine.nextDueAt() };
  }

  #viewOf({ id, topic, clientId, packet, dialect, dueAt }: DelayedMessage): DelayedView {
    const view = this.#view;
    readPublish(packet, 0, packet.length, dialect as Dialect, view);
    const qos = ((view.header >> 1) & 3) as Qos;
    return { id, topic, clientId, qos, retain: (view.header & 1) !== 0, payloadBytes: packet.length - view.payloadStart, dueAt };
  }

  #report(): void {
    this.#system.slots[slot.messages] = this.#machine.size;
    this.#system.slots[slot.bytes] = this.#machine.bytes;
  }
}
