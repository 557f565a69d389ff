/**
 * What a reactor shows of the retained messages that a cluster shares. What is published here is shown at once, ahead of the metadata; whatever the metadata says has the last word, in its order. Pure.
 *
 *   published here ── ahead ──▶ shown, until the metadata has it and the watch has come as far
 *   watch ────────────────────▶ shown; of a topic that is ahead: what is shown when it is ahead no more
 *
 * So a client sees what it has published itself, nobody sees a message again that was replaced by one that he has seen here, and all nodes end with the same.
 * Bound: an entry per topic that is ahead; what writes them is bounded (write-queue.ts).
 */
import type { RetainedPacket } from '../messages.ts';

/** Null: nothing is retained for the topic. */
export type Retained = RetainedPacket | null;

/** What lookups see. */
export interface ShownMessages {
  get(name: string): RetainedPacket | undefined;
  show(name: string, message: Retained): void;
  names(): readonly string[];
}

/** A topic that is shown ahead of the metadata. */
interface Ahead {
  readonly name: string;
  readonly group: number;
  /** What the metadata says. */
  base: Retained;
  /** By reactor of this node, the number of the last message that it has published there and has not heard of. */
  readonly unsettled: Map<number, number>;
  /** The watch has to come this far. */
  revision: number;
}

export class Reconciler {
  readonly #shown: ShownMessages;
  readonly #groupOf: (name: string) => number;
  readonly #topics = new Map<string, Ahead>();
  /** By reactor, topics by the number of the message that is unsettled. */
  readonly #unsettled = new Map<number, Map<number, Ahead>>();
  /** By group, topics that wait for the watch alone. */
  readonly #settled = new Map<number, Set<Ahead>>();
  /** By group, the revision that all is known up to. */
  readonly #through = new Map<number, number>();

  constructor(shown: ShownMessages, groupOf: (name: string) => number) {
    this.#shown = shown;
    this.#groupOf = groupOf;
  }

  /** Topics that are ahead. */
  get size(): number {
    return this.#topics.size;
  }

  through(group: number): number {
    return this.#through.get(group) ?? 0;
  }

  /** Reactor `thread` has published that, as its message `seq`, and writes it. */
  ahead(thread: number, seq: number, name: string, message: Retained): void {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      const base = this.#shown.get(name) ?? null;
      topic = { name, group: this.#groupOf(name), base, unsettled: new Map(), revision: 0 };
      this.#topics.set(name, topic);
    }
    this.#settled.get(topic.group)?.delete(topic);
    const ofThread = this.#unsettledOf(thread);
    // It writes for a topic in order, and the last one alone if there are several.
    const before = topic.unsettled.get(thread);
    if (before !== undefined) ofThread.delete(before);
    topic.unsettled.set(thread, seq);
    ofThread.set(seq, topic);
    this.#shown.show(name, message);
  }

  /** Its message `seq` is in the metadata since `revision`; 0: it was refused. */
  settled(thread: number, seq: number, revision: number): void {
    const ofThread = this.#unsettled.get(thread);
    const topic = ofThread?.get(seq);
    if (topic === undefined) return;
    ofThread!.delete(seq);
    topic.unsettled.delete(thread);
    topic.revision = Math.max(topic.revision, revision);
    if (topic.unsettled.size === 0) this.#whenThere(topic);
  }

  /** The reactor has died: what it was writing may be in the metadata or not. */
  lost(thread: number): void {
    const ofThread = this.#unsettled.get(thread);
    if (ofThread === undefined) return;
    this.#unsettled.delete(thread);
    for (const topic of ofThread.values()) {
      topic.unsettled.delete(thread);
      if (topic.unsettled.size === 0) this.#whenThere(topic);
    }
  }

  /** The metadata says so of the topic; in the order of revisions. */
  watched(name: string, message: Retained): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) this.#shown.show(name, message);
    else topic.base = message;
  }

  /** All changes of the group up to there are known. */
  reached(group: number, revision: number): void {
    this.#through.set(group, Math.max(this.through(group), revision));
    const waiting = this.#settled.get(group);
    if (waiting === undefined) return;
    for (const topic of waiting) if (topic.revision <= revision) this.#catchUp(topic);
  }

  /** The whole group was read at `revision`, and each message was `watched`; those names are all that there are. */
  readWhole(group: number, revision: number, there: ReadonlySet<string>): void {
    const isGone = (name: string): boolean => this.#groupOf(name) === group && !there.has(name);
    for (const name of this.#shown.names()) if (!this.#topics.has(name) && isGone(name)) this.#shown.show(name, null);
    for (const topic of this.#topics.values()) if (isGone(topic.name)) topic.base = null;
    this.reached(group, revision);
  }

  #unsettledOf(thread: number): Map<number, Ahead> {
    let ofThread = this.#unsettled.get(thread);
    if (ofThread === undefined) this.#unsettled.set(thread, (ofThread = new Map()));
    return ofThread;
  }

  #whenThere(topic: Ahead): void {
    if (topic.revision <= this.through(topic.group)) return this.#catchUp(topic);
    let waiting = this.#settled.get(topic.group);
    if (waiting === undefined) this.#settled.set(topic.group, (waiting = new Set()));
    waiting.add(topic);
  }

  #catchUp(topic: Ahead): void {
    this.#settled.get(topic.group)?.delete(topic);
    this.#topics.delete(topic.name);
    this.#shown.show(topic.name, topic.base);
  }
}
