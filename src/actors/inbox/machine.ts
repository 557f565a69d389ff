/**
 * Where a session stands in its inbox, the shard of the shared log that keeps its messages of QoS 1 and 2. Pure.
 *
 *        ackedTo            cursor              end        end + staged
 *   done ───┤  in flight       ├─── waits ────────┤  being written ┤
 *   ────────┴──────────────────┴─────────────────┴────────────────┴──▶ offsets
 *
 * Beyond `ackedTo` some may be done already, and some may wait for PUBCOMP. The packet id of a message follows from its offset, so it is the same whenever
 * the message is sent, also after the node has died [MQTT-4.4.0-1]; ids are unique as long as fewer offsets than there are ids lie between `ackedTo` and
 * `cursor`, which bounds the cursor.
 */
import { assert } from '../../base/assert.ts';

const PACKET_IDS = 65_535;

export interface InboxBounds {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/** What is kept of an inbox beside its messages, and what a session that takes another one over is given. */
export interface InboxState {
  readonly shard: number;
  readonly ackedTo: number;
  /** Messages before it have been sent once. */
  readonly sentTo: number;
  readonly end: number;
  readonly bytes: number;
  /** Offsets beyond `ackedTo` that are done. */
  readonly done: readonly number[];
  /** Offsets for which PUBREC has come. */
  readonly received: readonly number[];
  /** Packet ids of QoS 2 messages that the client has not released, each with a shard of a dedicated log that remembers it. */
  readonly taken: readonly (readonly [packetId: number, shard: number])[];
  /** Of a session that has come from another node, where its messages had other offsets: what is to be added for packet ids to stay as they were. */
  readonly idShift?: number;
  /** Messages before this offset have packet ids that the client may not have released for a former home, which is out of reach: each is released in front of the message. */
  readonly unsureTo?: number;
}

/** Of one that is new. */
export function emptyInboxState(shard: number): InboxState {
  return { shard, ackedTo: 0, sentTo: 0, end: 0, bytes: 0, done: [], received: [], taken: [] };
}

export class InboxMachine {
  readonly shard: number;
  ackedTo: number;
  sentTo: number;
  /** Next message for the client on this connection. */
  cursor: number;
  end: number;
  /** Messages that are being written. */
  staged = 0;
  unsureTo: number;
  #idShift: number;
  #bytes: number;
  #early = 0;
  #earlyEnd = 0;
  readonly #done: Set<number>;
  readonly #received: Set<number>;
  /** Offsets of messages that are on their way to another member of a shared subscription. */
  readonly #leaving = new Set<number>();

  constructor(state: InboxState) {
    this.shard = state.shard;
    this.ackedTo = state.ackedTo;
    this.sentTo = Math.max(state.sentTo, state.ackedTo);
    this.cursor = state.ackedTo;
    this.end = state.end;
    this.#idShift = state.idShift ?? 0;
    this.unsureTo = state.unsureTo ?? 0;
    this.#bytes = state.bytes;
    this.#done = new Set(state.done);
    this.#received = new Set(state.received);
    this.#advance();
  }

  /** What the former owner knows, whose messages are all written. */
  adopt(state: InboxState): void {
    assert(this.ackedTo === 0 && this.end === 0, 'an inbox is adopted before it is used');
    this.ackedTo = state.ackedTo;
    this.sentTo = Math.max(state.sentTo, state.ackedTo);
    this.cursor = state.ackedTo;
    this.end = Math.max(state.end, this.#earlyEnd);
    this.staged -= this.#early;
    this.#early = 0;
    this.#idShift = state.idShift ?? 0;
    this.unsureTo = state.unsureTo ?? 0;
    this.#bytes += state.bytes;
    for (const offset of state.done) this.#done.add(offset);
    for (const offset of state.received) this.#received.add(offset);
    this.#advance();
  }

  get idShift(): number {
    return this.#idShift;
  }

  state(): InboxState {
    const { shard, ackedTo, sentTo, end, unsureTo } = this;
    const [bytes, idShift] = [this.#bytes, this.#idShift];
    return {
      shard,
      ackedTo,
      sentTo,
      end,
      bytes,
      done: [...this.#done],
      received: [...this.#received],
      taken: [],
      idShift,
      unsureTo,
    };
  }

  /** Messages that the client has not got for good. */
  get messages(): number {
    return this.end + this.staged - this.ackedTo;
  }

  /** What the client could have now. */
  get due(): number {
    return this.end - this.cursor;
  }

  /** Bytes of those, about. */
  get dueBytes(): number {
    return this.messages === 0 ? 0 : (this.#bytes * this.due) / this.messages;
  }

  /** Those that are not in flight. */
  get waiting(): number {
    return this.end + this.staged - this.cursor;
  }

  /** Bytes of all, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** There are exceptions to the rule that everything from the cursor on has not been sent and done. */
  get hasExceptions(): boolean {
    return this.#done.size > 0 || this.#received.size > 0 || this.#leaving.size > 0;
  }

  isFull(bounds: InboxBounds): boolean {
    return this.waiting >= bounds.messagesMax || this.#bytes >= bounds.bytesMax;
  }

  /** Messages on their way to the log. */
  stage(count: number, bytes: number): void {
    this.staged += count;
    this.#bytes += bytes;
  }

  /** They are there, from `base` on. */
  committed(base: number, count: number): void {
    this.staged -= count;
    // Several reactors write to an inbox: what one of them has written may be heard of before what lies in front of it, which the log has by then.
    this.end = Math.max(this.end, base + count);
  }

  /** They are there, and the former owner has not said yet where it stands: they count as staged until then. */
  committedEarly(base: number, count: number): void {
    this.#early += count;
    this.#earlyEnd = base + count;
  }

  /** They were not written. */
  lost(count: number, bytes: number): void {
    this.staged -= count;
    this.#bytes -= bytes;
  }

  /** A new connection: everything that is not done goes to the client once more. */
  rewind(): void {
    this.cursor = this.ackedTo;
  }

  /** How many messages from the cursor on may be in flight as far as packet ids go. */
  get idsFree(): number {
    return PACKET_IDS - 1 - (this.cursor - this.ackedTo);
  }

  packetIdOf(offset: number): number {
    return ((offset + this.#idShift) % PACKET_IDS) + 1;
  }

  /** The offset of a packet id that is out. */
  offsetOf(packetId: number): number {
    const from = (this.ackedTo + this.#idShift) % PACKET_IDS;
    return this.ackedTo + ((packetId - 1 - from + PACKET_IDS) % PACKET_IDS);
  }

  /** The message at the cursor leaves, or does not need to: goes on to the next one. Returns whether it has been sent before. */
  pass(): boolean {
    const isAgain = this.cursor < this.sentTo;
    this.cursor++;
    if (this.cursor > this.sentTo) this.sentTo = this.cursor;
    return isAgain;
  }

  isDone(offset: number): boolean {
    return this.#done.has(offset) || this.#leaving.has(offset);
  }

  /** Whether another client may get it instead: it is not this one's yet, and at QoS 2 its delivery has not begun [MQTT-4.8.2-5]. */
  mayLeave(offset: number, qos: number): boolean {
    if (offset < this.ackedTo || offset >= this.end || this.isDone(offset) || this.#received.has(offset)) return false;
    return qos < 2 || offset >= this.sentTo;
  }

  /** It is being given to another client: not to be sent to this one, until it is known what became of that. */
  leave(offset: number): void {
    this.#leaving.add(offset);
  }

  /** Another client has it. True when `ackedTo` has moved. */
  left(offset: number): boolean {
    return this.#leaving.delete(offset) && this.finish(offset);
  }

  /** Nobody else could be given it: it is sent on the client's next connection. */
  stay(offset: number): void {
    this.#leaving.delete(offset);
  }

  isReceived(offset: number): boolean {
    return this.#received.has(offset);
  }

  /** PUBREC has come: the message is the client's, its id is still taken. */
  receive(offset: number): void {
    this.#received.add(offset);
  }

  /** The client has it for good, or is never to get it. True when `ackedTo` has moved: what lies before may be forgotten. */
  finish(offset: number): boolean {
    if (offset < this.ackedTo || offset >= this.end) return false;
    this.#received.delete(offset);
    this.#done.add(offset);
    return this.#advance();
  }

  /** Gives up the oldest messages that are not in flight to make room; returns how many. */
  dropOldest(count: number): number {
    if (this.cursor > this.ackedTo) return 0;
    const dropped = Math.min(count, this.end - this.ackedTo);
    const to = this.ackedTo + dropped;
    for (; this.ackedTo < to; ) this.#step();
    this.cursor = this.ackedTo;
    this.#advance();
    return dropped;
  }

  #advance(): boolean {
    const before = this.ackedTo;
    while (this.#done.has(this.ackedTo)) this.#step();
    if (this.cursor < this.ackedTo) this.cursor = this.ackedTo;
    return this.ackedTo > before;
  }

  #step(): void {
    this.#done.delete(this.ackedTo);
    this.#received.delete(this.ackedTo);
    const left = this.end + this.staged - this.ackedTo;
    this.#bytes = left <= 1 ? 0 : this.#bytes - this.#bytes / left;
    this.ackedTo++;
    if (this.sentTo < this.ackedTo) this.sentTo = this.ackedTo;
  }
}
