/**
 * What waits on disk for another node, of QoS 1 and 2: an inbox in the shared log, as sessions have them. While the node is away all of it goes here, with what was under way when the link was lost; and from then on, until
 * all has been handed on, what comes behind it. So it survives this node. It goes when the other node has acknowledged it.
 *
 *        ackedTo                                  end
 *   gone ───┤ under way, kept, waits, by ranges ────┤ being written
 *   ────────┴───────────────────────────────────────┴──▶ offsets; which message is to get which, nobody knows before (backlog-places.ts)
 *
 * Bound: RELAY_BACKLOG_BYTES_MAX.
 */
import { RELAY_BACKLOG_BYTES_MAX, RELAY_BATCH_BYTES } from '../../base/limits.ts';
import type { Range } from '../../base/ranges.ts';
import { runOf } from '../homes/page.ts';
import type { Grant } from '../inbox/block.ts';
import { Inbox } from '../inbox/inbox.ts';
import { forEachInboxFrame } from '../inbox/inbox-frames.ts';
import type { Inboxes } from '../inbox/inboxes.ts';
import type { InboxMachine, InboxState } from '../inbox/machine.ts';
import type { Run } from '../router/sink.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { type Outgoing, splitOutgoing } from '../session/outgoing.ts';
import { BacklogPlaces, Place, type Stretch } from './backlog-places.ts';

const WHOLE: Grant = { qos: 2, retainAsPublished: true, subscriptionIds: null, share: null };
const BOUNDS = { messagesMax: Number.MAX_SAFE_INTEGER, bytesMax: RELAY_BACKLOG_BYTES_MAX };
const NO_KEY = new Uint8Array(0);

export interface BacklogPorts {
  readonly inboxes: Inboxes;
  readonly topics: TopicTable;
  /** In a turn of the relay. */
  readonly later: (then: () => void) => void;
  /** There may be more to read. */
  readonly onWritten: () => void;
}

/** What takes the messages of a batch that is under way. */
export interface Keeping {
  /** False: it is full. */
  add(run: Run, key: Uint8Array): boolean;
  /** Of what was added. */
  readonly place: Place;
}

/** What a reader hands on, in the order of giving. */
export interface BacklogReader {
  /** It lies in `[from, to)`. The run is lent. */
  readonly run: (run: Run, key: Uint8Array, from: number, to: number) => void;
  readonly fence: (name: Uint8Array) => void;
}

/** The backlog for one part of what is given to it, so that it is known whose messages the log has answered for. */
class PartInbox extends Inbox {
  readonly part: Stretch | Place;
  readonly #places: BacklogPlaces;
  readonly #onAnswer: () => void;

  constructor(inboxes: Inboxes, machine: InboxMachine, places: BacklogPlaces, part: Stretch | Place, onAnswer: () => void) {
    super(inboxes, machine.state());
    this.machine = machine;
    this.part = part;
    this.#places = places;
    this.#onAnswer = onAnswer;
  }

  override arrived(base: number, count: number): void {
    super.arrived(base, count, () => {});
    this.#places.arrived(this.part, base, count);
    this.#onAnswer();
  }

  override lost(count: number, bytes: number): void {
    super.lost(count, bytes);
    this.#places.lost(this.part, count);
    this.#onAnswer();
  }
}

export class Backlog {
  readonly #ports: BacklogPorts;
  readonly #inbox: Inbox;
  readonly #places: BacklogPlaces;
  /** Of the stretch that took what was given last. */
  #current: PartInbox | null = null;
  #isReading = false;

  constructor(ports: BacklogPorts, state: InboxState) {
    this.#ports = ports;
    this.#inbox = new Inbox(ports.inboxes, state);
    this.#places = new BacklogPlaces(state.ackedTo, state.end);
  }

  /** Everything has been handed on. */
  get isRead(): boolean {
    return this.#places.isRead;
  }

  get messages(): number {
    return this.#inbox.machine.messages;
  }

  /** Of a run that is being published; false: it is full. */
  add(run: Run, key: Uint8Array): boolean {
    const { current } = this.#places;
    if (this.#current?.part !== current) this.#current = this.#inboxOf(current);
    return this.#give(this.#current, run, key, false);
  }

  /** Takes what is under way, and is to survive this node: it is not read. */
  keep(): Keeping {
    const place = new Place();
    const inbox = this.#inboxOf(place);
    return { place, add: (run, key) => this.#give(inbox, run, key, true) };
  }

  /** Behind what it has by now. */
  fence(name: Uint8Array): void {
    this.#places.fence(name);
  }

  /** Hands on what follows, as much as a batch has or less; `then` when there may be more. */
  read(reader: BacklogReader, then: () => void): void {
    if (this.#isReading) return;
    const range = this.#next(reader);
    if (range === undefined) return;
    const { inboxes, later } = this.#ports;
    const { shard } = this.#inbox.machine;
    this.#isReading = true;
    inboxes.read(shard, range.from, RELAY_BATCH_BYTES, (answer) =>
      later(() => {
        this.#isReading = false;
        if ('code' in answer) return;
        let seenTo = range.from;
        forEachInboxFrame(answer.bytes, shard, (runs, base) => {
          // A hole that the disk has left.
          if (base > seenTo) this.#places.missing(seenTo, base);
          seenTo = this.#handOn(runs, base, reader);
        });
        if (seenTo === range.from) this.#places.missing(range.from, range.to);
        this.#trim();
        then();
      }),
    );
  }

  /** The other node has that batch. */
  acknowledged(place: Place): void {
    this.#places.acknowledged(place);
    this.#trim();
  }

  #inboxOf(part: Stretch | Place): PartInbox {
    const { inboxes, onWritten } = this.#ports;
    return new PartInbox(inboxes, this.#inbox.machine, this.#places, part, () => {
      this.#trim();
      onWritten();
    });
  }

  #give(inbox: PartInbox, run: Run, key: Uint8Array, isAlone: boolean): boolean {
    if (inbox.machine.isFull(BOUNDS)) return false;
    const { fanOuts } = this.#ports.inboxes;
    this.#places.given(inbox.part, run.count);
    if (key.length === 0 && !isAlone) fanOuts.collect(inbox, run, WHOLE);
    else fanOuts.single(inbox, run, grantOf(key));
    return true;
  }

  /** Passes fences. */
  #next(reader: BacklogReader): Range | undefined {
    for (;;) {
      const next = this.#places.next();
      if (!(next instanceof Uint8Array)) return next;
      reader.fence(next);
    }
  }

  /** What of a frame it is the turn of; returns where the frame ends. */
  #handOn(runs: readonly Outgoing[], base: number, reader: BacklogReader): number {
    let at = base;
    for (const each of runs) {
      for (let rest: Outgoing | null = each; rest !== null; ) {
        const next = this.#next(reader);
        const from = next === undefined || next.from < at ? Number.POSITIVE_INFINITY : next.from;
        const count: number = (from === at ? next!.to : from) - at;
        const parted: { head: Outgoing; rest: Outgoing | null } = splitOutgoing(rest, Math.min(rest.count, count));
        if (from === at) this.#hand(parted.head, at, reader);
        at += parted.head.count;
        rest = parted.rest;
      }
    }
    return at;
  }

  #hand(outgoing: Outgoing, from: number, reader: BacklogReader): void {
    const to = from + outgoing.count;
    const run = runOf(this.#ports.topics, outgoing);
    // Its topic is none.
    if (run === undefined) return this.#places.missing(from, to);
    this.#places.handedOn(from, to);
    reader.run(run, outgoing.share === null ? NO_KEY : Buffer.from(outgoing.share), from, to);
  }

  /** What is needed no more goes from the disk. */
  #trim(): void {
    const { ackedTo } = this.#places;
    if (ackedTo > this.#inbox.machine.ackedTo) this.#inbox.finishTo(ackedTo);
  }
}

/** With the key of a shared subscription: for one of its members. */
function grantOf(key: Uint8Array): Grant {
  if (key.length === 0) return WHOLE;
  return { ...WHOLE, share: Buffer.from(key.buffer, key.byteOffset, key.length).toString() };
}
