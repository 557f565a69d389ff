/** The retained store of one reactor, at its well-known place. Records arrive as bytes and are copied out of the ring once, to be kept. */
import { RETAINED_ANSWER_BYTES_MAX, RETAINED_MAILBOX_MAX, RETAINED_SWEEP_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Dialect } from '../../wire/mqtt/constants.ts';
import { frameLength } from '../../wire/mqtt/frame.ts';
import { newPublishView, readPublish } from '../../wire/mqtt/publish-run.ts';
import { isTopicName } from '../../wire/mqtt/topics.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { type RetainedBounds, RetainedMachine } from './machine.ts';
import { RETAINED_BYTES, RETAINED_STORE_HEADER_BYTES, type RetainedMessage } from './messages.ts';
import { RETAINED_PROBE } from './probe.ts';

const SWEEP_TIMER = 1;
const slot = RETAINED_PROBE.slot;

export class RetainedActor implements Actor<RetainedMessage> {
  readonly #machine: RetainedMachine;
  readonly #slots: Float64Array;
  readonly #view = newPublishView();
  #isSweeping = false;

  /** @param machine outlives a restart of the actor. */
  constructor(machine: RetainedMachine, slots: Float64Array) {
    this.#machine = machine;
    this.#slots = slots;
  }

  started(ctx: ActorContext<RetainedMessage>): void {
    this.#sweepLater(ctx);
  }

  receive(message: RetainedMessage, ctx: ActorContext<RetainedMessage>): void {
    const to = ctx.replyTo();
    if (to === undefined) return;
    const bytesMax = Math.min(message.bytesMax, RETAINED_ANSWER_BYTES_MAX);
    ctx.respond(to, this.#machine.match(message.filter, message.cursor, bytesMax, ctx.wallClock()));
    this.#slots[slot.matches]!++;
    this.#report();
  }

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number, ctx: ActorContext<RetainedMessage>): void {
    const isFromDisk = kind === RETAINED_BYTES.restore;
    if (kind === RETAINED_BYTES.restored) this.#machine.endRestore();
    else if (!this.#store(bytes, start, end, ctx.wallClock(), isFromDisk)) this.#slots[slot.malformed]!++;
    this.#report();
    this.#sweepLater(ctx);
  }

  onTimer(_key: number, ctx: ActorContext<RetainedMessage>): void {
    this.#isSweeping = false;
    this.#machine.sweep(ctx.wallClock());
    this.#report();
    this.#sweepLater(ctx);
  }

  inspect(): unknown {
    return this.#machine.inspect();
  }

  /** False when the record holds no PUBLISH with a topic name. */
  #store(bytes: Uint8Array, start: number, end: number, now: number, isFromDisk: boolean): boolean {
    const packetStart = start + RETAINED_STORE_HEADER_BYTES;
    if (end - packetStart < 2 || frameLength(bytes, packetStart, end) !== end - packetStart) return false;
    const expiresAt = new DataView(bytes.buffer, bytes.byteOffset + start, RETAINED_STORE_HEADER_BYTES).getFloat64(0, true);
    const dialect: Dialect = bytes[start + 8] === 1 ? 1 : 0;
    const view = this.#view;
    if (!readPublish(bytes, packetStart, end, dialect, view) || !isTopicName(bytes, view.topicStart, view.topicEnd)) return false;
    const packet = new Uint8Array(end - packetStart);
    packet.set(bytes.subarray(packetStart, end));
    const topicAt = view.topicStart - packetStart;
    const name = Buffer.from(packet.buffer, topicAt, view.topicEnd - view.topicStart).toString('utf8');
    if (this.#machine.isOutdated(name, isFromDisk)) return true;
    if (view.payloadStart === end || (expiresAt !== 0 && expiresAt <= now)) {
      if (this.#machine.delete(name) === 'deleted') this.#slots[slot.deleted]!++;
    } else if (this.#machine.store(name, expiresAt, dialect, packet) === 'stored') {
      this.#slots[slot.stored]!++;
    }
    return true;
  }

  #sweepLater(ctx: ActorContext<RetainedMessage>): void {
    if (this.#isSweeping || this.#machine.expiring === 0) return;
    this.#isSweeping = true;
    ctx.startTimer(RETAINED_SWEEP_MS, SWEEP_TIMER);
  }

  #report(): void {
    const { size, bytes, refused, expired, scanned } = this.#machine;
    this.#slots[slot.messages] = size;
    this.#slots[slot.bytes] = bytes;
    this.#slots[slot.refused] = refused;
    this.#slots[slot.expired] = expired;
    this.#slots[slot.scanned] = scanned;
  }
}

/** Starts the retained store of this reactor. `isRestoring`: there will be `restore` records, and `restored`. */
export function spawnRetained(system: ActorSystem, bounds?: RetainedBounds, isRestoring = false): ActorRef<RetainedMessage> {
  const machine = new RetainedMachine(bounds);
  if (isRestoring) machine.beginRestore();
  return system.spawn<RetainedMessage>(() => new RetainedActor(machine, system.slots), {
    name: 'retained',
    wellKnown: WELL_KNOWN.retained,
    mailboxMax: RETAINED_MAILBOX_MAX,
  });
}
