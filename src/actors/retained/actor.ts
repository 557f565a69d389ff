/** The retained store of one reactor, at its well-known place. Records arrive as bytes and are copied out of the ring once, to be kept. */
import {
  RETAINED_ANSWER_BYTES_MAX,
  RETAINED_HELD_MAX,
  RETAINED_MAILBOX_MAX,
  RETAINED_SWEEP_MS,
  RETAINED_TICK_MS,
} from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { type RetainedBounds, RetainedMachine } from './machine.ts';
import { RETAINED_BYTES, type RetainedMatch, type RetainedMessage } from './messages.ts';
import { RETAINED_PROBE } from './probe.ts';
import { RetainedRecordReader } from './record-reader.ts';
import type { SharedStore } from './shared/shared-store.ts';

const SWEEP_TIMER = 1;
const SHARED_TIMER = 2;
const slot = RETAINED_PROBE.slot;

export class RetainedActor implements Actor<RetainedMessage> {
  readonly #machine: RetainedMachine;
  readonly #slots: Float64Array;
  /** Null: the node shares its retained messages with nobody. */
  readonly #shared: SharedStore | null;
  readonly #reader = new RetainedRecordReader();
  /** Who wants to know what there is before it is there. */
  #held: { readonly to: ReplyTo; readonly match: RetainedMatch | undefined }[] = [];
  #isSweeping = false;

  /** @param machine outlives a restart of the actor, as `shared` does. */
  constructor(machine: RetainedMachine, slots: Float64Array, shared: SharedStore | null = null) {
    this.#machine = machine;
    this.#slots = slots;
    this.#shared = shared;
  }

  started(ctx: ActorContext<RetainedMessage>): void {
    this.#sweepLater(ctx);
    const shared = this.#shared;
    if (shared === null) return;
    shared.onLoaded = () => void ctx.tell(ctx.self, { type: 'loaded' });
    ctx.startTimer(0, SHARED_TIMER);
  }

  receive(message: RetainedMessage, ctx: ActorContext<RetainedMessage>): void {
    const isLoaded = this.#shared === null || this.#shared.isLoaded;
    if (message.type === 'loaded') return isLoaded ? this.#answerHeld(ctx) : undefined;
    const to = ctx.replyTo();
    if (to === undefined) return;
    const match = message.type === 'match' ? message : undefined;
    if (isLoaded || this.#held.length >= RETAINED_HELD_MAX) this.#answer(to, match, ctx);
    else this.#held.push({ to, match });
  }

  #answerHeld(ctx: ActorContext<RetainedMessage>): void {
    const held = this.#held;
    this.#held = [];
    for (const { to, match } of held) this.#answer(to, match, ctx);
  }

  #answer(to: ReplyTo, match: RetainedMatch | undefined, ctx: ActorContext<RetainedMessage>): void {
    if (match === undefined) return ctx.respond(to, true);
    const bytesMax = Math.min(match.bytesMax, RETAINED_ANSWER_BYTES_MAX);
    ctx.respond(to, this.#machine.match(match.filter, match.cursor, bytesMax, ctx.wallClock()));
    this.#slots[slot.matches]!++;
    this.#report();
  }

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number, ctx: ActorContext<RetainedMessage>): void {
    const isFromDisk = kind === RETAINED_BYTES.restore;
    if (kind === RETAINED_BYTES.restored) this.#machine.endRestore();
    else if (kind === RETAINED_BYTES.settled) this.#shared?.settled(bytes, start, end);
    else if (kind === RETAINED_BYTES.ahead) {
      if (this.#shared?.ahead(bytes, start, end) !== true) this.#slots[slot.malformed]!++;
    } else if (!this.#store(bytes, start, end, ctx.wallClock(), isFromDisk)) this.#slots[slot.malformed]!++;
    this.#report();
    this.#sweepLater(ctx);
  }

  onTimer(key: number, ctx: ActorContext<RetainedMessage>): void {
    if (key === SHARED_TIMER) {
      this.#shared?.tick();
      this.#report();
      this.#sweepLater(ctx);
      ctx.startTimer(RETAINED_TICK_MS, SHARED_TIMER);
      return;
    }
    this.#isSweeping = false;
    this.#machine.sweep(ctx.wallClock());
    this.#report();
    this.#sweepLater(ctx);
  }

  inspect(): unknown {
    const shared = this.#shared?.inspect();
    const own = this.#machine.inspect();
    return shared === undefined ? own : Object.assign({}, own, shared);
  }

  /** False when the record holds no PUBLISH with a topic name. */
  #store(bytes: Uint8Array, start: number, end: number, now: number, isFromDisk: boolean): boolean {
    const reader = this.#reader;
    if (!reader.read(bytes, start, end)) return false;
    const { name, expiresAt, dialect, packetStart } = reader;
    if (this.#machine.isOutdated(name, isFromDisk)) return true;
    if (reader.isEmpty || (expiresAt !== 0 && expiresAt <= now)) {
      if (this.#machine.delete(name) === 'deleted') this.#slots[slot.deleted]!++;
      return true;
    }
    const packet = new Uint8Array(end - packetStart);
    packet.set(bytes.subarray(packetStart, end));
    if (this.#machine.store(name, expiresAt, dialect, packet) === 'stored') this.#slots[slot.stored]!++;
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

/** With what a node shares its retained messages, made for the machine; null: it does not. */
export type MakeShared = (machine: RetainedMachine) => SharedStore | null;

/** Starts the retained store of this reactor. `isRestoring`: there will be `restore` records, and `restored`. */
export function spawnRetained(
  system: ActorSystem,
  bounds?: RetainedBounds,
  isRestoring = false,
  makeShared: MakeShared = () => null,
): ActorRef<RetainedMessage> {
  const machine = new RetainedMachine(bounds);
  if (isRestoring) machine.beginRestore();
  const shared = makeShared(machine);
  if (shared !== null) {
    system.onThreadChange((thread, state) => {
      if (state === 'down') shared.lost(thread);
    });
  }
  return system.spawn<RetainedMessage>(() => new RetainedActor(machine, system.slots, shared), {
    name: 'retained',
    wellKnown: WELL_KNOWN.retained,
    mailboxMax: RETAINED_MAILBOX_MAX,
  });
}
