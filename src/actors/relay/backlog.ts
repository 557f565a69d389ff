/**
 * What waits on disk for another node, of QoS 1 and 2: an inbox in the shared log, as sessions have them. While the node is away all of it goes here, with what was under way when the link was lost; and from then on, until
 * all has been handed on, what comes behind it. So it survives this node. It goes when the other node has acknowledged it.
 *
 *        ackedTo               read to             position = end + staged
 *   gone ───┤ under way, maybe     ├──── waits ────────┤
 *   ────────┴──────────────────────┴──────────────────┴──▶ offsets
 *
 * Bound: RELAY_BACKLOG_BYTES_MAX.
 */
import { RELAY_BACKLOG_BYTES_MAX, RELAY_BATCH_BYTES } from '../../base/limits.ts';
import { runOf } from '../homes/page.ts';
import type { Grant } from '../inbox/block.ts';
import { Inbox } from '../inbox/inbox.ts';
import { forEachInboxFrame } from '../inbox/inbox-frames.ts';
import type { Inboxes } from '../inbox/inboxes.ts';
import type { InboxState } from '../inbox/machine.ts';
import type { Run } from '../router/sink.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { type Outgoing, splitOutgoing } from '../session/outgoing.ts';

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
  /** `count` messages were not written; what was to lie behind them, from `offset` on, lies that much earlier. */
  readonly onLost: (offset: number, count: number) => void;
}

/** What a reader hands on, in order. */
export interface BacklogReader {
  /** Behind it the backlog is at `next`. The run is lent. */
  readonly run: (run: Run, key: Uint8Array, next: number) => void;
  readonly fence: (name: Uint8Array) => void;
}

class BacklogInbox extends Inbox {
  readonly #ports: BacklogPorts;

  constructor(ports: BacklogPorts, state: InboxState) {
    super(ports.inboxes, state);
    this.#ports = ports;
  }

  override arrived(base: number, count: number): void {
    super.arrived(base, count, () => {});
    this.#ports.onWritten();
  }

  override lost(count: number, bytes: number): void {
    super.lost(count, bytes);
    this.#ports.onLost(this.machine.end, count);
  }
}

interface Fence {
  at: number;
  readonly name: Uint8Array;
}

export class Backlog {
  readonly #ports: BacklogPorts;
  readonly #inbox: Inbox;
  #readTo: number;
  #isReading = false;
  #fences: Fence[] = [];

  constructor(ports: BacklogPorts, state: InboxState) {
    this.#ports = { ...ports, onLost: (offset, count) => this.#lost(offset, count, ports.onLost) };
    this.#inbox = new BacklogInbox(this.#ports, state);
    this.#readTo = state.ackedTo;
  }

  /** Behind all that it has. */
  get position(): number {
    const { end, staged } = this.#inbox.machine;
    return end + staged;
  }

  /** Everything has been handed on. */
  get isRead(): boolean {
    return this.#readTo >= this.position && this.#fences.length === 0;
  }

  get messages(): number {
    return this.#inbox.machine.messages;
  }

  /** Of a run that is being published; false: it is full. */
  add(run: Run, key: Uint8Array): boolean {
    if (this.#inbox.machine.isFull(BOUNDS)) return false;
    const { fanOuts } = this.#ports.inboxes;
    if (key.length === 0) fanOuts.collect(this.#inbox, run, WHOLE);
    else fanOuts.single(this.#inbox, run, grantOf(key));
    return true;
  }

  /** Of what is under way already, and is to survive this node: it is not read. False: it is full. */
  keep(run: Run, key: Uint8Array): boolean {
    if (this.#inbox.machine.isFull(BOUNDS)) return false;
    const wasRead = this.isRead;
    this.#ports.inboxes.fanOuts.single(this.#inbox, run, grantOf(key));
    if (wasRead) this.#readTo = this.position;
    return true;
  }

  /** Behind what it has by now. */
  fence(name: Uint8Array): void {
    this.#ports.inboxes.fanOuts.handOver(); // what comes from now on does not get in front of it
    this.#fences.push({ at: this.position, name });
  }

  /** Hands on what follows, as much as a batch has or less; `then` when there may be more. */
  read(reader: BacklogReader, then: () => void): void {
    if (this.#isReading || this.isRead) return;
    const { inboxes, later } = this.#ports;
    const { machine } = this.#inbox;
    this.#passFences(reader);
    const from = this.#readTo;
    // The rest is being written.
    if (from >= machine.end) return;
    this.#isReading = true;
    inboxes.read(machine.shard, from, RELAY_BATCH_BYTES, (answer) =>
      later(() => {
        this.#isReading = false;
        if ('code' in answer) return;
        forEachInboxFrame(answer.bytes, machine.shard, (runs, base) => this.#handOn(runs, base, reader));
        // A hole that the disk has left.
        if (this.#readTo === from) this.#readTo = machine.end;
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
    let at = base;
    if (base > this.#readTo) {
      this.#readTo = base;
      this.#passFences(reader);
    }
    for (const each of runs) {
      for (let rest: Outgoing | null = each; rest !== null; ) {
        // Up to where this was read before, or to the next fence.
        const fenceAt = this.#fences[0]?.at ?? Number.POSITIVE_INFINITY;
        const stop = at < this.#readTo ? this.#readTo : fenceAt;
        const parted: { head: Outgoing; rest: Outgoing | null } = splitOutgoing(rest, Math.min(rest.count, stop - at));
        at += parted.head.count;
        if (at > this.#readTo) this.#hand(parted.head, at, reader);
        rest = parted.rest;
      }
    }
  }

  #hand(outgoing: Outgoing, next: number, reader: BacklogReader): void {
    const run = runOf(this.#ports.topics, outgoing);
    this.#readTo = next;
    if (run !== undefined) reader.run(run, outgoing.share === null ? NO_KEY : Buffer.from(outgoing.share), next);
    this.#passFences(reader);
  }

  #passFences(reader: BacklogReader): void {
    while (this.#fences.length > 0 && this.#fences[0]!.at <= this.#readTo) reader.fence(this.#fences.shift()!.name);
  }

  #lost(offset: number, count: number, tell: BacklogPorts['onLost']): void {
    for (const fence of this.#fences) fence.at = earlier(fence.at, offset, count);
    this.#readTo = earlier(this.#readTo, offset, count);
    tell(offset, count);
  }
}

/** Where a place is when `count` messages at `offset` are not there after all. */
export function earlier(place: number, offset: number, count: number): number {
  return place <= offset ? place : Math.max(offset, place - count);
}

/** With the key of a shared subscription: for one of its members. */
function grantOf(key: Uint8Array): Grant {
  if (key.length === 0) return WHOLE;
  return { ...WHOLE, share: Buffer.from(key.buffer, key.byteOffset, key.length).toString() };
}
