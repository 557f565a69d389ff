/**
 * One connection from another node: its handshake, and then its frames, whose messages go on to their actors. Messages for
 * this thread are handed over where they lie in the read buffer; those for another thread go into its ring. When a ring has
 * no room the rest of the frame is kept, later frames of that class queue behind it, and no credit is given back: so the
 * sender stops, and what is kept is bounded by the window of the class.
 *
 * Whatever is wrong with what comes ends this connection with a coded error and a count, and touches nothing else.
 */
import { cloneBytes } from '../base/bytes.ts';
import { SluiceError } from '../base/errors.ts';
import {
  WIRE_HANDSHAKE_MS_MAX,
  WIRE_HELLO_BYTES_MAX,
  WIRE_MESSAGE_BYTES_MAX,
  WIRE_SEGMENT_BYTES,
  WIRE_SILENCE_MS_MAX,
} from '../base/limits.ts';
import { ASK_FAILURES, RECORD, RECORD_FROM_NODES_MAX, TERMINATION_REASONS } from '../runtime/envelope.ts';
import { Fifo } from '../runtime/fifo.ts';
import { type ActorRef, NOBODY, nodeOf, threadOf } from '../runtime/ref.ts';
import { type BatchPosition, MESSAGE_HEADER_BYTES, type MessageSink, readBatch } from './batch.ts';
import { CLASSES, classOf, type WireClass } from './classes.ts';
import { Debt } from './credit.ts';
import { encodeFrame, FRAME, FRAME_HEADER_BYTES, type ProtocolRange } from './frame.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { decodeGoodbye, encodeGoodbye, wireError } from './goodbye.ts';
import { Acceptor, type AcceptorResult } from './handshake.ts';
import type { InboundConnection, InboundTable } from './inbound-table.ts';
import { WIRE_PROBE } from './probe.ts';
import type { Pipe, PipeEvents } from './transport.ts';
import type { WireParts } from './wire-parts.ts';

const { slot } = WIRE_PROBE;
const FRAME_BYTES_MAX = Math.max(WIRE_SEGMENT_BYTES, MESSAGE_HEADER_BYTES + WIRE_MESSAGE_BYTES_MAX);
const PING_BODY_BYTES = 8;
const GOODBYE_BYTES_MAX = 4096;

/** A frame, or the rest of one, that waits for room. `credit` is what is given back when it is done. */
interface Held {
  readonly bytes: Uint8Array;
  readonly position: BatchPosition;
  readonly credit: number;
}

/** What a connection needs from the one who accepts it. */
export interface InboundOwner {
  readonly table: InboundTable;
  /** Something is to be sent at the end of the turn: `flush` is wanted. */
  wantsFlush(connection: Inbound): void;
  gone(connection: Inbound): void;
}

export class Inbound implements PipeEvents, FrameSink, MessageSink, InboundConnection {
  readonly #pipe: Pipe;
  readonly #parts: WireParts;
  readonly #owner: InboundOwner;
  readonly #reader: FrameReader = new FrameReader(this);
  readonly #acceptor: Acceptor;
  readonly #debt = new Debt();
  readonly #held: readonly Fifo<Held>[] = CLASSES.map(() => new Fifo<Held>());
  readonly #isWaiting: boolean[] = CLASSES.map(() => false);
  readonly #position: BatchPosition = { at: 0, left: 0 };
  #joined: AcceptorResult | undefined;
  #classes: readonly WireClass[] = [];
  /** Of the frame that is being read. */
  #cls: WireClass = 0;
  #heardMs: number;
  #isOver = false;

  constructor(pipe: Pipe, parts: WireParts, owner: InboundOwner) {
    this.#pipe = pipe;
    this.#parts = parts;
    this.#owner = owner;
    this.#heardMs = parts.now();
    this.#acceptor = new Acceptor(parts.identity, (hello) => owner.table.admit(hello));
    pipe.open(this);
  }

  get isHandshaking(): boolean {
    return this.#joined === undefined;
  }

  // ---- the pipe ----

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return;
    this.#heardMs = this.#parts.now();
    try {
      this.#reader.push(bytes, start, end);
    } catch (error) {
      this.#refuse(wireError(error));
    }
  }

  onDrained(): void {}

  onClosed(): void {
    this.#over();
  }

  /** The other side is at fault. */
  #refuse(error: SluiceError): void {
    if (this.#isOver) return;
    const { slots } = this.#parts;
    const isExpected = error.code === 'SLUICE_WIRE_STOPPED';
    if (!isExpected) slots[this.isHandshaking ? slot.refusedHandshake : slot.refusedFrame]!++;
    if (!isExpected) this.#parts.onRefused(this.#pipe.remoteAddress, this.#joined?.hello.node, error);
    this.end(error);
  }

  /** Says why, and closes. */
  end(error: SluiceError): void {
    if (this.#isOver) return;
    this.#write(encodeGoodbye(error));
    this.#pipe.end();
    this.#over();
  }

  cut(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pipe.destroy();
    this.#clean();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#joined !== undefined) this.#owner.table.leave(this.#joined.hello, this);
    this.#clean();
  }

  #clean(): void {
    this.#parts.slots[slot.heldFrames]! -= this.#held.reduce((frames, held) => frames + held.size, 0);
    this.#owner.gone(this);
  }

  /** `lateMs`: how much later than it should have been, because this thread was busy. */
  tick(now: number, lateMs: number): void {
    const silentMs = now - this.#heardMs - lateMs;
    if (silentMs <= (this.isHandshaking ? WIRE_HANDSHAKE_MS_MAX : WIRE_SILENCE_MS_MAX)) return;
    // Only the lane of the pings is never silent; when it goes, its link goes.
    if (this.isHandshaking || this.#joined!.hello.lane === 0) {
      this.end(new SluiceError('SLUICE_WIRE_SILENT', `nothing came for ${Math.round(silentMs)} ms`));
    }
  }

  flush(): void {
    if (this.#isOver) return;
    const credit = this.#debt.settle();
    if (credit !== undefined) this.#write(credit);
  }

  #write(bytes: Uint8Array): void {
    this.#pipe.write(bytes, () => {});
  }

  // ---- frames ----

  onPreamble(range: ProtocolRange): void {
    this.#write(this.#acceptor.onPreamble(range));
  }

  judge(type: number, flags: number, count: number, bodyBytes: number): void {
    if (this.#isOver) throw new SluiceError('SLUICE_WIRE_UNREACHABLE', 'the connection is over');
    if (type === FRAME.batch && this.#joined !== undefined) {
      this.#judgeBatch(flags, count, bodyBytes);
      return;
    }
    const bytesMax = this.#bytesMaxOf(type);
    if (bytesMax === undefined) throw new SluiceError('SLUICE_WIRE_KIND', `a frame of type ${type} has no place here`);
    if (flags !== 0 || count !== 0) throw new SluiceError('SLUICE_WIRE_FRAME', `a frame of type ${type} has flags or a count`);
    if (bodyBytes > bytesMax) throw new SluiceError('SLUICE_WIRE_OVERSIZE', `a frame of type ${type} claims ${bodyBytes} bytes`);
  }

  #bytesMaxOf(type: number): number | undefined {
    if (type === FRAME.goodbye) return GOODBYE_BYTES_MAX;
    if (this.#joined === undefined) return type === FRAME.hello || type === FRAME.proof ? WIRE_HELLO_BYTES_MAX : undefined;
    return type === FRAME.ping ? PING_BODY_BYTES : undefined;
  }

  #judgeBatch(flags: number, count: number, bodyBytes: number): void {
    if (!this.#classes.includes(flags as WireClass)) throw new SluiceError('SLUICE_WIRE_KIND', `a batch has flags ${flags}`);
    if (bodyBytes > FRAME_BYTES_MAX) throw new SluiceError('SLUICE_WIRE_OVERSIZE', `a batch claims ${bodyBytes} bytes`);
    if (count === 0 || count * MESSAGE_HEADER_BYTES > bodyBytes) {
      throw new SluiceError('SLUICE_WIRE_FRAME', `a batch of ${bodyBytes} bytes claims ${count} messages`);
    }
    this.#debt.incur(flags, FRAME_HEADER_BYTES + bodyBytes);
  }

  onFrame(type: number, flags: number, count: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return;
    if (type === FRAME.batch) this.#onBatch(flags as WireClass, count, bytes, start, end);
    else if (type === FRAME.goodbye) throw decodeGoodbye(bytes, start, end);
    else if (type === FRAME.ping) this.#write(encodeFrame(FRAME.pong, bytes.subarray(start, end)));
    else this.#shakeHands(type, bytes, start, end);
  }

  #shakeHands(type: number, bytes: Uint8Array, start: number, end: number): void {
    const { send, done } = this.#acceptor.onFrame(type, bytes, start, end);
    if (done !== undefined) this.#join(done);
    this.#write(send);
  }

  #join(done: AcceptorResult): void {
    const classes = this.#parts.transport.lanes[done.hello.lane];
    if (classes === undefined) throw new SluiceError('SLUICE_WIRE_FRAME', `there is no lane ${done.hello.lane}`);
    this.#owner.table.join(done.hello, this);
    this.#joined = done;
    this.#classes = classes;
    if (done.hello.lane === 0) this.#parts.onDialledBy(done.hello.node, done.hello.address);
  }

  // ---- messages ----

  #onBatch(cls: WireClass, count: number, bytes: Uint8Array, start: number, end: number): void {
    const { slots } = this.#parts;
    slots[slot.framesIn]!++;
    slots[slot.messagesIn]! += count;
    slots[slot.bytesIn]! += FRAME_HEADER_BYTES + end - start;
    const credit = FRAME_HEADER_BYTES + end - start;
    if (this.#held[cls]!.size > 0) {
      this.#hold(cls, cloneBytes(bytes, start, end), count, credit);
      return;
    }
    const position = this.#position;
    position.at = start;
    position.left = count;
    this.#cls = cls;
    readBatch(bytes, end, position, this);
    if (position.left > 0) this.#hold(cls, cloneBytes(bytes, position.at, end), position.left, credit);
    else this.#done(cls, credit);
  }

  #done(cls: WireClass, credit: number): void {
    this.#debt.clear(cls, credit);
    this.#owner.wantsFlush(this);
  }

  #hold(cls: WireClass, bytes: Uint8Array, left: number, credit: number): void {
    this.#held[cls]!.push({ bytes, position: { at: 0, left }, credit });
    this.#parts.slots[slot.heldFrames]!++;
  }

  /** There may be room again for what is held. */
  #resume(cls: WireClass): void {
    this.#isWaiting[cls] = false;
    if (this.#isOver) return;
    try {
      const held = this.#held[cls]!;
      for (let next = held.peek(); next !== undefined; next = held.peek()) {
        this.#cls = cls;
        readBatch(next.bytes, next.bytes.length, next.position, this);
        if (next.position.left > 0) return;
        held.shift();
        this.#parts.slots[slot.heldFrames]!--;
        this.#done(cls, next.credit);
      }
    } catch (error) {
      this.#refuse(wireError(error));
    }
  }

  onMessage(
    type: number,
    kind: number,
    target: ActorRef,
    source: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const { reader } = this.#joined!;
    this.#check(type, kind, target, source, correlation);
    const { remote } = this.#parts;
    const isEncoded = kind > 0 && (type === RECORD.message || type === RECORD.ask || type === RECORD.reply);
    let taken: boolean;
    if (isEncoded) {
      const message = reader.decode(kind, bytes, start, end);
      if (message === undefined) {
        remote.undecodable(type, target, source, correlation);
        return true;
      }
      taken = remote.arriveMessage(type, target, source, correlation, message);
    } else {
      taken = remote.arrive(type, kind, target, source, correlation, bytes, start, end);
    }
    if (!taken) this.#waitFor(threadOf(target));
    return taken;
  }

  #waitFor(thread: number): void {
    const cls = this.#cls;
    if (this.#isWaiting[cls]) return;
    this.#isWaiting[cls] = true;
    this.#parts.whenThreadWritable(thread, () => this.#resume(cls));
  }

  #check(type: number, kind: number, target: ActorRef, source: ActorRef, correlation: number): void {
    const { hello, reader } = this.#joined!;
    if (type > RECORD_FROM_NODES_MAX || classOf(type, kind) !== this.#cls || kind > kindMaxOf(type, reader.kindMax)) {
      throw new SluiceError('SLUICE_WIRE_KIND', `a message of type ${type} and kind ${kind} has no place here`);
    }
    if (nodeOf(target) !== this.#parts.identity.node || !isFrom(type, source, hello.node, hello.thread)) {
      throw new SluiceError('SLUICE_WIRE_NODE', `a message is not for this node, or not from node ${hello.node}`);
    }
    const isCorrelated = type === RECORD.ask || type === RECORD.reply || type === RECORD.failure;
    if (isCorrelated !== correlation > 0) throw new SluiceError('SLUICE_WIRE_FRAME', 'a message has the wrong correlation');
  }
}

/** The thread at the other end speaks for itself alone; but of what is not there, on whichever thread of its node, it says so. */
function isFrom(type: number, source: ActorRef, node: number, thread: number): boolean {
  if (source === NOBODY) return true;
  const isOfAny = type === RECORD.terminated || type === RECORD.failure;
  return nodeOf(source) === node && (isOfAny || threadOf(source) === thread);
}

function kindMaxOf(type: number, schemas: number): number {
  switch (type) {
    case RECORD.bytes:
      return 65_535;
    case RECORD.message:
    case RECORD.ask:
    case RECORD.reply:
      return schemas;
    case RECORD.failure:
      return ASK_FAILURES.length - 1;
    case RECORD.terminated:
      return TERMINATION_REASONS.length - 1;
    default:
      return 0;
  }
}
