/**
 * What waits on disk for another node, of QoS 1 and 2: an inbox in the shared log, as sessions have them. While the node is away all of it goes here, with what was under way when the link was lost; and from then on, until
 * all has been handed on, what comes behind it. So it survives this node. It goes when the other node has acknowledged it.
 *
 *        ackedTo               read to                 end
 *   gone ───┤ under way, maybe     ├──── waits ────────┤ being written
 *   ────────┴──────────────────────┴──────────────────┴──▶ offsets; which message is to get which, nobody knows before (backlog-places.ts)
 *
 * Bound: RELAY_BACKLOG_BYTES_MAX.
 */
import { RELAY_BACKLOG_BYTES_MAX, RELAY_BATCH_BYTES } from '../../base/limits.ts';
import { runOf } from '../homes/page.ts';
import type { Grant } from '../inbox/block.ts';
import { Inbox } from '../inbox/inbox.ts';
import { forEachInboxFrame } from '../inbox/inbox-frames.ts';
import type { Inboxes } from '../inbox/inboxes.ts';
import type { InboxMachine, InboxState } from '../inbox/machine.ts';
import type { Run } from '../router/sink.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { type Outgoing, splitOutgoing } from '../session/outgoing.ts';
import { BacklogPlaces, type Place, type Stretch } from './backlog-places.ts';

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

/** What a reader hands on, in order. */
export interface BacklogReader {
  /** Behind it the backlog is at `next`. The run is lent. */
  readonly run: (run: Run, key: Uint8Array, next: number) => void;
  readonly fence: (name: Uint8Array) => void;
}

/** The backlog for one stretch of what is given to it, so that it is known which messages the log has answered for. */
class StretchInbox extends Inbox {
  readonly #places: BacklogPlaces;
  readonly #stretch: Stretch;
  readonly #onWritten: () => void;

  constructor({ inboxes, onWritten }: BacklogPorts, machine: InboxMachine, places: BacklogPlaces, stretch: Stretch) {
    super(inboxes, machine.state());
    this.machine = machine;
    this.#places = places;
    this.#stretch = stretch;
    this.#onWritten = onWritten;
  }

  override arrived(base: number, count: number): void {
    super.arrived(base, count, () => {});
    this.#places.arrived(this.#stretch, base, count);
    this.#onWritten();
  }

  override lost(count: number, bytes: number): void {
    super.lost(count, bytes);
    this.#places.lost(this.#stretch, count);
    this.#onWritten();
  }
}

export class Backlog {
  readonly #ports: BacklogPorts;
  readonly #inbox: Inbox;
  readonly #places: BacklogPlaces;
  /** Of the stretch that takes what is given now. */
  #current: StretchInbox | null = null;
  #isReading = false;

  constructor(ports: BacklogPorts, state: InboxState) {
    this.#ports = ports;
    this.#inbox = new Inbox(ports.inboxes, state);
    this.#places = new BacklogPlaces(state.ackedTo, state.end);
  }

  /** Everything has been handed on. */
  get isRead(): boolean {
    const { end, staged } = this.#inbox.machine;
    return this.#places.readTo >= end && staged === this.#places.keeping && !this.#places.hasFences;
  }

  get messages(): number {
    return this.#inbox.machine.messages;
  }

  /** Of a run that is being published; false: it is full. */
  add(run: Run, key: Uint8Array): boolean {
    const { fanOuts } = this.#ports.inboxes;
    if (this.#isFull) return false;
    const { current } = this.#places;
    const inbox = (this.#current ??= this.#inboxFor(current));
    this.#places.given(current, run.count);
    if (key.length === 0) fanOuts.collect(inbox, run, WHOLE);
    else fanOuts.single(inbox, run, grantOf(key));
    return true;
  }

  /** For what is under way already, and is to survive this node: it is not read. */
  keep(): Keeping {
    const stretch = this.#places.keep();
    const inbox = this.#inboxFor(stretch);
    this.#current = null;
    return {
      place: stretch.place,
      add: (run, key) => {
        if (this.#isFull) return false;
        this.#places.given(stretch, run.count);
        this.#ports.inboxes.fanOuts.single(inbox, run, grantOf(key));
        return true;
      },
    };
  }

  /** Behind what it has by now. */
  fence(name: Uint8Array): void {
    this.#places.fence(name);
    this.#current = null;
  }

  get #isFull(): boolean {
    return this.#inbox.machine.isFull(BOUNDS);
  }

  #inboxFor(stretch: Stretch): StretchInbox {
    return new StretchInbox(this.#ports, this.#inbox.machine, this.#places, stretch);
  }

  /** Hands on what follows, as much as a batch has or less; `then` when there may be more. */
  read(reader: BacklogReader, then: () => void): void {
    const places = this.#places;
    if (this.#isReading || this.isRead || places.isKeeping) return;
    const { inboxes, later } = this.#ports;
    const { machine } = this.#inbox;
    this.#passFences(reader);
    const from = places.readTo;
    // The rest is being written.
    if (from >= machine.end) return;
    this.#isReading = true;
    inboxes.read(machine.shard, from, RELAY_BATCH_BYTES, (answer) =>
      later(() => {
        this.#isReading = false;
        if ('code' in answer) return;
        // Something is under way by now that may lie in there: it is read again when it is known what.
        if (places.isKeeping) return;
        forEachInboxFrame(answer.bytes, machine.shard, (runs, base) => this.#handOn(runs, base, reader));
        // A hole that the disk has left.
        if (places.readTo === from) places.read(machine.end);
        this.#passFences(reader);
        then();
      }),
    );
  }

  /** The other node has what is before `offset`. */
  acknowledged(offset: number): void {
    if (offset > this.#inbox.machine.ackedTo) this.#inbox.finishTo(offset);
  }

  #handOn(runs: readonly Outgoing[], base: number, reader: BacklogReader): void {
    const places = this.#places;
    let at = base;
    if (base > places.readTo) {
      places.read(base);
      this.#passFences(reader);
    }
    for (const each of runs) {
      for (let rest: Outgoing | null = each; rest !== null; ) {
        // Up to where this was read before, or is kept; or to the next place to stop at.
        const stop = at < places.readTo ? places.readTo : places.stop;
        const parted: { head: Outgoing; rest: Outgoing | null } = splitOutgoing(rest, Math.min(rest.count, stop - at));
        at += parted.head.count;
        if (at > places.readTo) this.#hand(parted.head, at, reader);
        rest = parted.rest;
      }
    }
  }

  #hand(outgoing: Outgoing, next: number, reader: BacklogReader): void {
    const run = runOf(this.#ports.topics, outgoing);
    const upTo = this.#places.read(next);
    if (run !== undefined) reader.run(run, outgoing.share === null ? NO_KEY : Buffer.from(outgoing.share), upTo);
    this.#passFences(reader);
  }

  #passFences(reader: BacklogReader): void {
    for (let name = this.#places.passFence(); name !== undefined; name = this.#places.passFence()) reader.fence(name);
  }
}

/** With the key of a shared subscription: for one of its members. */
function grantOf(key: Uint8Array): Grant {
  if (key.length === 0) return WHOLE;
  return { ...WHOLE, share: Buffer.from(key.buffer, key.byteOffset, key.length).toString() };
}
