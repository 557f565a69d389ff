/**
 * The inbox of one persistent session: brings its messages from the log to the client. What has just been written is taken from memory if the client is there and
 * keeps up; everything else is read from the store, a piece at a time, when its turn comes. What an offline session costs is this object.
 */
import { INBOX_AHEAD_BYTES, INBOX_READ_BYTES } from '../../base/limits.ts';
import { CONTROL } from '../../storage/control.ts';
import type { Outgoing } from '../session/outgoing.ts';
import { OutgoingQueue } from '../session/outgoing.ts';
import type { StagedWrite } from '../shard/staged.ts';
import type { ShardBytes, ShardFacts } from '../store/messages.ts';
import type { FanOut } from './fan-outs.ts';
import { forEachInboxFrame } from './inbox-frames.ts';
import { type Inboxes, inboxStateOf } from './inboxes.ts';
import { InboxMachine, type InboxState } from './machine.ts';
import { MARK, takenValue } from './marks.ts';

export interface InboxHost {
  /** There is something for the client, or room for more. */
  inboxReady(): void;
  /** The store cannot read the inbox. */
  inboxFailed(code: string): void;
}

export class Inbox {
  machine: InboxMachine;
  /** The frame that gathers what is for this inbox alone, see `FanOuts`. */
  gathering: FanOut | null = null;
  /** Its former owner on another reactor has yet to say where it stands: until then what arrives is only counted. */
  isHeld = false;
  /** Something in it may have come by a shared subscription. */
  mayHoldShared: boolean;
  /** That were for it and could not be written. */
  lostMessages = 0;
  #whenWritten: (() => void)[] = [];
  /** The owner's turn has work at its end: see `Inboxes`. */
  isTouched = false;
  /** What the log knows of `sentTo`. */
  #sentToKept: number;
  #ackedToKept: number;
  /** By packet id: shards of dedicated logs that remember that a QoS 2 message has been taken. */
  readonly #taken = new Map<number, number[]>();
  readonly #inboxes: Inboxes;
  #host: InboxHost | null = null;
  /** Messages in memory, in order, the first of them at `#aheadFrom`. */
  #ahead = new OutgoingQueue();
  #aheadFrom = 0;
  #isReading = false;

  constructor(inboxes: Inboxes, state: InboxState) {
    this.#inboxes = inboxes;
    this.machine = new InboxMachine(state);
    this.mayHoldShared = state.end > state.ackedTo;
    this.#adoptTaken(state);
    this.#sentToKept = state.sentTo;
    this.#ackedToKept = state.ackedTo;
    inboxes.began();
  }

  /** A client is there; everything that is not done goes to it, from the oldest on. */
  connected(host: InboxHost): void {
    this.#host = host;
    this.machine.rewind();
    this.#forget();
  }

  disconnected(): void {
    this.#host = null;
    this.machine.rewind();
    this.#forget();
  }

  /** The next message or messages for the client, at most `count`, and all of one kind; undefined: none is here, and one that comes is announced. */
  take(count: number): Outgoing | undefined {
    const { machine } = this;
    if (machine.cursor >= machine.end) return undefined;
    if (this.#ahead.messages === 0 || this.#aheadFrom !== machine.cursor) {
      this.#read();
      return undefined;
    }
    const outgoing = this.#ahead.shift(count);
    if (outgoing !== undefined) this.#aheadFrom += outgoing.count;
    return outgoing;
  }

  /** The log has `count` more messages, from `base` on; `read` makes them out of memory. */
  arrived(base: number, count: number, read: (out: Outgoing[]) => void): void {
    const { machine } = this;
    if (this.isHeld) return machine.committedEarly(base, count);
    const isNext = base === machine.end;
    machine.committed(base, count);
    this.#noteWritten();
    if (this.#host === null || this.#isReading) return;
    const aheadTo = this.#ahead.messages === 0 ? machine.cursor : this.#aheadFrom + this.#ahead.messages;
    if (isNext && aheadTo === base && this.#ahead.bytes < INBOX_AHEAD_BYTES) {
      if (this.#ahead.messages === 0) this.#aheadFrom = base;
      const runs: Outgoing[] = [];
      read(runs);
      for (const run of runs) this.#ahead.push(run, UNBOUNDED);
    }
    this.#host.inboxReady();
  }

  lost(count: number, bytes: number): void {
    this.lostMessages += count;
    this.machine.lost(count, bytes);
    this.#noteWritten();
  }

  /** The log has all before `next`, whoever has written it. */
  reaches(next: number): void {
    this.machine.end = Math.max(this.machine.end, next);
    this.#host?.inboxReady();
  }

  /** Calls `then` when nothing is being written to it any more. */
  whenWritten(then: () => void): void {
    this.#whenWritten.push(then);
    this.#noteWritten();
  }

  /** Its session is made again from what the log knows. What is on its way to the log stays there. */
  restart(facts: ShardFacts, taken: InboxState['taken']): void {
    const { shard, end, staged, bytes, idShift, unsureTo } = this.machine;
    const state = { ...inboxStateOf(shard, facts), taken, idShift, unsureTo };
    this.#taken.clear();
    this.#adoptTaken(state);
    this.machine = new InboxMachine({ ...state, end: Math.max(end, state.ackedTo), bytes });
    this.machine.stage(staged, 0);
    this.#ackedToKept = this.machine.ackedTo;
    this.#sentToKept = this.machine.sentTo;
    this.disconnected();
  }

  /** The former owner has said where it stands. */
  release(state: InboxState | null): void {
    this.isHeld = false;
    if (state === null) return;
    this.machine.adopt(state);
    this.mayHoldShared ||= state.end > state.ackedTo;
    this.#adoptTaken(state);
  }

  #noteWritten(): void {
    if (this.machine.staged > 0 || this.#whenWritten.length === 0) return;
    const waiting = this.#whenWritten;
    this.#whenWritten = [];
    for (const then of waiting) then();
  }

  /** The message with this packet id, if it is one of ours, is the client's for good. */
  finish(packetId: number): void {
    const offset = this.machine.offsetOf(packetId);
    if (offset < this.machine.cursor && this.machine.finish(offset)) this.#inboxes.touch(this);
  }

  /** The client may have been asked to release the id before a message with it was sent: a PUBCOMP may be the answer to that. */
  wasReleasedFirst(packetId: number): boolean {
    return this.machine.offsetOf(packetId) < this.machine.unsureTo;
  }

  /** So is everything before `offset`. */
  finishTo(offset: number): void {
    const { machine } = this;
    while (machine.ackedTo < offset && machine.ackedTo < machine.end) machine.finish(machine.ackedTo);
    this.#inboxes.touch(this);
  }

  /** What a former connection had been sent is not known to the last message: all that is here counts as sent. */
  sentAll(): void {
    this.machine.sentTo = this.machine.end;
    this.#inboxes.touch(this);
  }

  /** Other members of a shared subscription have these. */
  moved(offsets: readonly number[]): void {
    for (const offset of offsets) if (this.machine.left(offset)) this.#inboxes.touch(this);
  }

  /** The message at the cursor has been sent, or needs not to be. */
  pass(): void {
    this.machine.pass();
    this.#inboxes.touch(this);
  }

  /** Gives up the oldest messages to make room; returns how many. */
  dropOldest(count: number): number {
    const dropped = this.machine.dropOldest(count);
    if (dropped > 0) this.#inboxes.touch(this);
    return dropped;
  }

  /** The message at the cursor is not for the client, or not any more. */
  skip(): void {
    const offset = this.machine.cursor;
    this.machine.pass();
    if (this.machine.finish(offset)) this.#inboxes.touch(this);
  }

  /** PUBREC has come: durable before PUBREL leaves, or the message would be sent once more after the node has died. */
  receive(packetId: number): StagedWrite | null {
    const offset = this.machine.offsetOf(packetId);
    if (offset >= this.machine.cursor || this.machine.isDone(offset)) return null;
    this.machine.receive(offset);
    return this.#inboxes.control(this.machine.shard, CONTROL.mark, MARK.received, offset);
  }

  /** Where it stands, for another thread. */
  state(): InboxState {
    const taken = Array.from(this.#taken, ([packetId, shards]) => shards.map((shard) => [packetId, shard] as const)).flat();
    return { ...this.machine.state(), taken };
  }

  /** A QoS 2 message with this id goes to a shard of a dedicated log, which remembers it. */
  takenAt(packetId: number, shard: number): void {
    const shards = this.#taken.get(packetId);
    if (shards === undefined) this.#taken.set(packetId, [shard]);
    else if (!shards.includes(shard)) shards.push(shard);
  }

  hasTaken(packetId: number, shard: number): boolean {
    return this.#taken.get(packetId)?.includes(shard) === true;
  }

  /** A QoS 2 message with this id has come from the client; kept with what it leads to. */
  beginInbound(packetId: number): StagedWrite {
    return this.#inboxes.control(this.machine.shard, CONTROL.mark, MARK.inbound, packetId);
  }

  /** Its id is free again. */
  endInbound(packetId: number): StagedWrite {
    const write = this.#inboxes.control(this.machine.shard, CONTROL.unmark, MARK.inbound, packetId);
    const shards = this.#taken.get(packetId);
    if (shards === undefined) return write;
    this.#taken.delete(packetId);
    return this.#inboxes.release(write, shards, takenValue(this.machine.shard, packetId));
  }

  #adoptTaken({ taken }: InboxState): void {
    for (const [packetId, shard] of taken) this.takenAt(packetId, shard);
  }

  /** Tells the log how far the client is; nobody waits for that. */
  keep(): void {
    const { machine } = this;
    if (machine.ackedTo > this.#ackedToKept) this.#inboxes.later(machine.shard, CONTROL.trim, 0, machine.ackedTo);
    if (machine.sentTo > this.#sentToKept && machine.sentTo > machine.ackedTo) {
      if (this.#sentToKept > machine.ackedTo) this.#inboxes.later(machine.shard, CONTROL.unmark, MARK.sent, this.#sentToKept);
      this.#inboxes.later(machine.shard, CONTROL.mark, MARK.sent, machine.sentTo);
    }
    this.#ackedToKept = machine.ackedTo;
    this.#sentToKept = machine.sentTo;
  }

  inspect(): unknown {
    const { shard, ackedTo, cursor, end, staged } = this.machine;
    return { shard, ackedTo, cursor, end, staged, ahead: this.#ahead.messages };
  }

  #forget(): void {
    this.#ahead = new OutgoingQueue();
  }

  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const { machine } = this;
    const from = machine.cursor;
    this.#inboxes.read(machine.shard, from, INBOX_READ_BYTES, (answer) => {
      this.#isReading = false;
      const host = this.#host;
      if (host === null) return;
      if ('code' in answer) return host.inboxFailed(answer.code);
      if (machine.cursor === from) this.#takeRead(answer, from);
      host.inboxReady();
    });
  }

  #takeRead({ bytes, end }: ShardBytes, from: number): void {
    const { machine } = this;
    if (end > machine.end) machine.end = end;
    this.#forget();
    let next = from;
    forEachInboxFrame(bytes, machine.shard, (runs, baseOffset) => {
      next = this.#takeRuns(runs, baseOffset, next);
    });
    // A hole that the disk has left: the operator was told, and the client gets what is behind it.
    if (next === from) while (machine.cursor < machine.end) this.skip();
  }

  /** Queues the messages of a frame from offset `next` on; returns the offset after them. */
  #takeRuns(runs: readonly Outgoing[], baseOffset: number, next: number): number {
    if (baseOffset > next) {
      while (this.machine.cursor < baseOffset) this.skip();
      next = baseOffset;
    }
    let passed = next - baseOffset;
    for (const run of runs) {
      if (passed >= run.count) {
        passed -= run.count;
        continue;
      }
      const queue = new OutgoingQueue();
      queue.push(run, UNBOUNDED);
      if (passed > 0) queue.shift(passed);
      const rest = queue.shift(run.count)!;
      if (this.#ahead.messages === 0) this.#aheadFrom = next;
      this.#ahead.push(rest, UNBOUNDED);
      next += rest.count;
      passed = 0;
    }
    return next;
  }
}

/** What was let into the inbox once is not refused on its way to the client. */
const UNBOUNDED = { messagesMax: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER };
