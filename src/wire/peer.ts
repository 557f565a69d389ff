/**
 * One thread's link to one other node, the sending side: it dials, proves itself, sends what the thread's actors have for
 * that node, and dials again when the link is lost.
 *
 *   idle ──first use──▶ dialling ──all lanes welcomed──▶ up
 *                         ▲  │                            │
 *                  timer  │  └── failed ──▶ waiting ◀── lost ──┘
 *                         └──────────────────┘
 *
 * While dialling messages wait; while waiting for the next attempt they are refused at once. What waits is bounded per class
 * and is lost with the link: then everything that was asked or watched at that node is settled as unreachable.
 */
import { SluiceError } from '../base/errors.ts';
import {
  WIRE_HANDSHAKE_MS_MAX,
  WIRE_HELLO_BYTES_MAX,
  WIRE_MESSAGE_BYTES_MAX,
  WIRE_PING_MS,
  WIRE_QUEUE_BYTES,
  WIRE_QUEUE_FACTOR_MAX,
  WIRE_SILENCE_MS_MAX,
  WIRE_TURN_BYTES,
} from '../base/limits.ts';
import { isSettlement, isSystem } from '../runtime/envelope.ts';
import type { SendOutcome } from '../runtime/node-link.ts';
import type { ActorRef } from '../runtime/ref.ts';
import { addressText, type NodeAddress } from './address.ts';
import { backoffMs } from './backoff.ts';
import { CLASS, CLASS_NAMES, CLASSES, classOf, type WireClass } from './classes.ts';
import { CREDIT_BODY_BYTES, Credit } from './credit.ts';
import { encodeFrame, FRAME, type ProtocolRange } from './frame.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { decodeGoodbye, encodeGoodbye, wireError } from './goodbye.ts';
import { Dialler, type DiallerResult } from './handshake.ts';
import { Outbox } from './outbox.ts';
import { WIRE_PROBE } from './probe.ts';
import type { Pipe, PipeEvents } from './transport.ts';
import type { WireParts } from './wire-parts.ts';

const { slot } = WIRE_PROBE;
/** Bytes that a pipe may have pending before less urgent classes wait for it to drain. */
const PENDING_BYTES_MAX = 1 << 20;
const PING_BODY_BYTES = 8;
const GOODBYE_BYTES_MAX = 4096;

export interface PeerPicture {
  readonly node: number;
  readonly address: string;
  readonly state: string;
  readonly incarnation: number;
  readonly roundTripMs: number;
  readonly queuedBytes: Readonly<Record<string, number>>;
  readonly frames: number;
  readonly messages: number;
  readonly bytes: number;
  readonly refusals: number;
  readonly losses: number;
  readonly lastError: string;
}

type State = 'idle' | 'dialling' | 'up' | 'waiting';

export class Peer {
  readonly node: number;
  readonly #parts: WireParts;
  readonly #boxes: readonly Outbox[];
  #address: NodeAddress;
  #state: State = 'idle';
  #lanes: Lane[] = [];
  /** By class. */
  #laneOf: Lane[] = [];
  #credit: Credit | undefined;
  #waiters: { readonly cls: WireClass; readonly then: () => void }[] = [];
  #failures = 0;
  #incarnation = 0;
  /** Since the last link stood, replies or notices could not be sent. */
  #gap = false;
  #isDirty = false;
  #dueMs = 0;
  #pingMs = 0;
  #roundTripMs = 0;
  #frames = 0;
  #messages = 0;
  #bytes = 0;
  #refusals = 0;
  #losses = 0;
  #lastError = '';

  constructor(node: number, address: NodeAddress, parts: WireParts) {
    this.node = node;
    this.#address = address;
    this.#parts = parts;
    this.#boxes = CLASSES.map((cls) => new Outbox(cls, parts.pool));
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  get address(): string {
    return addressText(this.#address);
  }

  /** A peer that moved is dialled there at the next attempt. */
  moveTo(address: NodeAddress): void {
    this.#address = address;
  }

  get queuedBytes(): number {
    return this.#boxes.reduce((sum, box) => sum + box.bytes, 0);
  }

  send(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): SendOutcome {
    if (this.#state === 'idle') this.dial();
    const mustArrive = isSystem(type) || isSettlement(type);
    if (this.#state === 'waiting') return this.#refuse(mustArrive, 'no_route');
    if (end - start > WIRE_MESSAGE_BYTES_MAX) return this.#refuse(false, 'too_large');
    const cls = classOf(type, kind);
    const box = this.#boxes[cls]!;
    const queueMax = WIRE_QUEUE_BYTES[cls]!;
    if (box.bytes >= queueMax) {
      if (!mustArrive) return this.#refuse(false, 'full');
      if (box.bytes >= queueMax * WIRE_QUEUE_FACTOR_MAX) {
        this.lose(new SluiceError('SLUICE_WIRE_UNREACHABLE', `too many replies and notices wait for node ${this.node}`));
        return this.#refuse(true, 'no_route');
      }
    }
    box.append(type, kind, target, sender, correlation, bytes, start, end);
    if (!this.#isDirty) this.#markDirty();
    return 'sent';
  }

  #markDirty(): void {
    this.#isDirty = true;
    this.#parts.markDirty(this);
  }

  #refuse(mustArrive: boolean, outcome: SendOutcome): SendOutcome {
    if (mustArrive) this.#gap = true;
    if (outcome === 'full') {
      this.#refusals++;
      this.#parts.slots[slot.full]!++;
    }
    return outcome;
  }

  whenWritable(kind: number, then: () => void): void {
    const cls = classOf(0, kind);
    if (this.#isWritable(cls)) this.#parts.nextTurn(then);
    else this.#waiters.push({ cls, then });
  }

  #isWritable(cls: WireClass): boolean {
    return this.#state === 'waiting' || this.#boxes[cls]!.bytes <= WIRE_QUEUE_BYTES[cls]! / 2;
  }

  // ---- the end of a turn ----

  /** Sends what the turn has produced, as far as budgets, credit and pipes allow. True when more can go in the next turn. */
  flush(): boolean {
    this.#isDirty = false;
    if (this.#state !== 'up') return false;
    for (const lane of this.#lanes) lane.pipe.cork();
    let isMore = false;
    for (const cls of CLASSES) isMore = this.#flushClass(cls) || isMore;
    for (const lane of this.#lanes) lane.pipe.uncork();
    this.#serveWaiters();
    return isMore;
  }

  #flushClass(cls: WireClass): boolean {
    const box = this.#boxes[cls]!;
    box.close();
    let frame = box.peek();
    if (frame === undefined) return false;
    const { pipe } = this.#laneOf[cls]!;
    const credit = this.#credit!;
    const { pool, slots } = this.#parts;
    const pendingMax = cls === CLASS.urgent ? Number.POSITIVE_INFINITY : PENDING_BYTES_MAX;
    let budget = WIRE_TURN_BYTES[cls]!;
    while (frame !== undefined && budget > 0 && credit.has(cls) && pipe.pendingBytes < pendingMax) {
      const { segment, start, end, messages } = box.take();
      const bytes = end - start;
      pipe.write(segment.bytes.subarray(start, end), () => pool.release(segment));
      credit.spend(cls, bytes);
      budget -= bytes;
      this.#frames++;
      this.#messages += messages;
      this.#bytes += bytes;
      slots[slot.framesOut]!++;
      slots[slot.messagesOut]! += messages;
      slots[slot.bytesOut]! += bytes;
      frame = box.peek();
    }
    return frame !== undefined && budget <= 0;
  }

  #serveWaiters(): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ cls }) => !this.#isWritable(cls));
    if (this.#waiters.length === waiters.length) return;
    for (const { cls, then } of waiters) if (this.#isWritable(cls)) this.#parts.nextTurn(then);
  }

  // ---- dialling ----

  dial(): void {
    if (this.#state === 'dialling' || this.#state === 'up') return;
    const { host, port } = this.#address;
    const epoch = this.#parts.nextEpoch();
    this.#state = 'dialling';
    this.#dueMs = this.#parts.now() + WIRE_HANDSHAKE_MS_MAX;
    this.#parts.slots[slot.dials]!++;
    const pipes = this.#parts.transport.dial(host, port);
    this.#lanes = pipes.map((pipe, index) => new Lane(this, pipe, this.#parts, epoch, index, this.#gap));
    for (const lane of this.#lanes) lane.start();
  }

  /** The node is alive, because it has dialled us: no reason to wait for the next attempt. */
  nudge(): void {
    if (this.#state === 'waiting') this.dial();
  }

  laneUp(): void {
    const results = this.#lanes.map(({ result }) => result);
    const first = results[0];
    if (first === undefined || results.includes(undefined)) return;
    if (results.some((result) => result!.incarnation !== first.incarnation)) {
      this.lose(new SluiceError('SLUICE_WIRE_NODE', `two processes answer as node ${this.node}`));
      return;
    }
    const { lanes } = this.#parts.transport;
    this.#laneOf = CLASSES.map((cls) => this.#lanes[lanes.findIndex((classes) => classes.includes(cls))]!);
    this.#credit = new Credit(first.windows);
    this.#state = 'up';
    this.#failures = 0;
    this.#gap = false;
    this.#incarnation = first.incarnation;
    this.#lastError = '';
    const now = this.#parts.now();
    this.#pingMs = now + WIRE_PING_MS;
    for (const lane of this.#lanes) lane.heardMs = now;
    this.drained();
    this.#parts.onPeerUp(this.node);
  }

  /** The link, or the attempt to make it, is over. */
  lose(error: SluiceError): void {
    if (this.#state !== 'dialling' && this.#state !== 'up') return;
    const wasUp = this.#state === 'up';
    this.#state = 'waiting';
    this.#failures++;
    this.#lastError = `${error.code}: ${error.message}`;
    this.#dueMs = this.#parts.now() + backoffMs(this.#failures, this.#parts.random());
    const lanes = this.#lanes;
    this.#lanes = [];
    for (const lane of lanes) lane.abandon(error);
    let lost = 0;
    for (const box of this.#boxes) lost += box.clear();
    // Replies and notices may have been among them, or among what had left and did not arrive.
    this.#gap = this.#gap || wasUp || lost > 0;
    if (wasUp) this.#losses++;
    this.#parts.slots[slot.lost]! += lost;
    if (wasUp) this.#parts.slots[slot.losses]!++;
    this.#serveWaiters();
    this.#parts.onPeerDown(this.node, wasUp, error);
  }

  restoreCredit(bytes: Uint8Array, start: number): void {
    this.#credit?.restore(bytes, start);
    this.drained();
  }

  /** There is credit again, or a pipe has room. */
  drained(): void {
    if (!this.#isDirty) this.#markDirty();
    this.#parts.requestTurn();
  }

  heardPong(sentMs: number): void {
    this.#roundTripMs = Math.max(0, this.#parts.now() - sentMs);
  }

  /** Now and then. `lateMs`: how much later than it should have been, because this thread was busy. */
  tick(now: number, lateMs: number): void {
    if (this.#state === 'waiting' && now >= this.#dueMs) this.dial();
    else if (this.#state === 'dialling' && now >= this.#dueMs + lateMs) {
      this.lose(new SluiceError('SLUICE_WIRE_SILENT', `node ${this.node} did not finish its handshake in time`));
    } else if (this.#state === 'up') this.#keepAlive(now, lateMs);
  }

  #keepAlive(now: number, lateMs: number): void {
    const lane = this.#lanes[0]!;
    if (lateMs > WIRE_PING_MS) lane.heardMs = now;
    if (now - lane.heardMs > WIRE_SILENCE_MS_MAX) {
      this.lose(new SluiceError('SLUICE_WIRE_SILENT', `nothing came from node ${this.node} for ${WIRE_SILENCE_MS_MAX} ms`));
    } else if (now >= this.#pingMs) {
      this.#pingMs = now + WIRE_PING_MS;
      lane.ping(now);
    }
  }

  /** The node stops: says so, sends what is pending, and never dials again. */
  stop(): void {
    const error = new SluiceError('SLUICE_WIRE_STOPPED', `node ${this.#parts.identity.node} is stopping`);
    if (this.#state === 'up') this.flush();
    const lanes = this.#lanes;
    this.#lanes = [];
    this.#state = 'idle';
    for (const lane of lanes) lane.end(error);
    for (const box of this.#boxes) box.clear();
  }

  picture(): PeerPicture {
    return {
      node: this.node,
      address: this.address,
      state: this.#state,
      incarnation: this.#incarnation,
      roundTripMs: Number(this.#roundTripMs.toFixed(3)),
      queuedBytes: Object.fromEntries(CLASSES.map((cls) => [CLASS_NAMES[cls], this.#boxes[cls]!.bytes])),
      frames: this.#frames,
      messages: this.#messages,
      bytes: this.#bytes,
      refusals: this.#refusals,
      losses: this.#losses,
      lastError: this.#lastError,
    };
  }
}

/** One connection of a link, from the handshake to the end. */
class Lane implements PipeEvents, FrameSink {
  readonly pipe: Pipe;
  result: DiallerResult | undefined;
  heardMs = 0;
  readonly #peer: Peer;
  readonly #parts: WireParts;
  readonly #reader: FrameReader = new FrameReader(this);
  readonly #dialler: Dialler;
  #isOver = false;

  constructor(peer: Peer, pipe: Pipe, parts: WireParts, epoch: number, lane: number, gap: boolean) {
    this.#peer = peer;
    this.pipe = pipe;
    this.#parts = parts;
    this.#dialler = new Dialler(parts.identity, { target: peer.node, thread: parts.thread, epoch, lane, gap });
  }

  start(): void {
    this.pipe.open(this);
    this.#write(this.#dialler.start());
  }

  ping(now: number): void {
    const body = Buffer.alloc(PING_BODY_BYTES);
    body.writeDoubleLE(now);
    this.#write(encodeFrame(FRAME.ping, body));
  }

  /** `peer.lose` is under way: tells the other side why, if it is its fault, and goes. */
  abandon(error: SluiceError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (error.code !== 'SLUICE_WIRE_UNREACHABLE' && error.code !== 'SLUICE_WIRE_SILENT') this.#write(encodeGoodbye(error));
    this.pipe.destroy();
  }

  end(error: SluiceError): void {
    this.#isOver = true;
    this.#write(encodeGoodbye(error));
    this.pipe.end();
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return;
    this.heardMs = this.#parts.now();
    try {
      this.#reader.push(bytes, start, end);
    } catch (error) {
      this.#peer.lose(wireError(error));
    }
  }

  onDrained(): void {
    if (!this.#isOver) this.#peer.drained();
  }

  onClosed(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#peer.lose(
      new SluiceError('SLUICE_WIRE_UNREACHABLE', `node ${this.#peer.node} at ${this.pipe.remoteAddress}: ${reason}`),
    );
  }

  onPreamble(range: ProtocolRange): void {
    this.#dialler.onPreamble(range);
  }

  judge(type: number, flags: number, count: number, bodyBytes: number): void {
    if (flags !== 0 || count !== 0) throw new SluiceError('SLUICE_WIRE_FRAME', `a frame of type ${type} has flags or a count`);
    const bytesMax = this.#bytesMaxOf(type);
    if (bytesMax === undefined) throw new SluiceError('SLUICE_WIRE_KIND', `a frame of type ${type} has no place here`);
    if (bodyBytes > bytesMax) throw new SluiceError('SLUICE_WIRE_OVERSIZE', `a frame of type ${type} claims ${bodyBytes} bytes`);
  }

  #bytesMaxOf(type: number): number | undefined {
    if (type === FRAME.goodbye) return GOODBYE_BYTES_MAX;
    if (this.result === undefined) return type === FRAME.challenge || type === FRAME.welcome ? WIRE_HELLO_BYTES_MAX : undefined;
    return type === FRAME.credit ? CREDIT_BODY_BYTES : type === FRAME.pong ? PING_BODY_BYTES : undefined;
  }

  onFrame(type: number, _flags: number, _count: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return;
    if (type === FRAME.goodbye) throw decodeGoodbye(bytes, start, end);
    if (this.result === undefined) this.#shakeHands(type, bytes, start, end);
    else if (type === FRAME.credit) this.#onCredit(bytes, start, end);
    else this.#onPong(bytes, start, end);
  }

  #shakeHands(type: number, bytes: Uint8Array, start: number, end: number): void {
    const { send, done } = this.#dialler.onFrame(type, bytes, start, end);
    if (send.length > 0) this.#write(send);
    if (done === undefined) return;
    this.result = done;
    this.#peer.laneUp();
  }

  #onCredit(bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== CREDIT_BODY_BYTES) throw new SluiceError('SLUICE_WIRE_FRAME', 'a credit frame is too short');
    this.#peer.restoreCredit(bytes, start);
  }

  #onPong(bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== PING_BODY_BYTES) throw new SluiceError('SLUICE_WIRE_FRAME', 'a pong is too short');
    this.#peer.heardPong(new DataView(bytes.buffer, bytes.byteOffset + start, PING_BODY_BYTES).getFloat64(0, true));
  }

  #write(bytes: Uint8Array): void {
    this.pipe.write(bytes, () => {});
  }
}
