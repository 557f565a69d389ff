/**
 * The way of a run from its publisher to everybody: the sessions of this reactor by a call each, every other reactor that has interest by one ring
 * record, the retained store if it asks to be kept. Runs that a full ring refuses wait here in order, and the publisher meets pressure until
 * they are gone; what waits is bounded because a publisher under pressure stops reading after the bytes that it has.
 */
import { cloneBytes } from '../../base/bytes.ts';
import { placeKey } from '../../runtime/placement.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { packetEnd } from '../../wire/mqtt/publish-run.ts';
import type { JointUnits } from '../inbox/joint-units.ts';
import type { Outages } from '../inbox/outages.ts';
import { isOfNode, RETAINED_BYTES, RETAINED_STORE_HEADER_BYTES, writeRetainedStore } from '../retained/messages.ts';
import { RETAINED_PROBE } from '../retained/probe.ts';
import type { Retainer } from '../retained/retainer.ts';
import { AHEAD_HEADER_BYTES } from '../retained/shared/ahead-codec.ts';
import type { SharedRetainer } from '../retained/shared/shared-retainer.ts';
import type { DeclaredTopics } from '../shard/declared-topics.ts';
import type { StagedWrite } from '../shard/staged.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { ROUTER_BYTES } from './messages.ts';
import { type PressureGauge, PressureSource } from './pressure.ts';
import type { Router } from './router.ts';
import { encodedRunSize, encodeRun } from './run-codec.ts';
import type { Run } from './sink.ts';

interface Link {
  readonly thread: number;
  readonly pressure: PressureSource;
  /** Records that the ring refused, oldest first. */
  waiting: { target: number; kind: number; record: Uint8Array }[];
}

/** In front of an awaited run: the number of its unit, u32. */
export const UNIT_BYTES = 4;

/** 0 is no bound. */
export interface RetainedMessageBounds {
  /** Of a packet. */
  readonly bytesMax: number;
  /** For a message without an expiry of its own. */
  readonly expiryMs: number;
}

const NO_BOUNDS: RetainedMessageBounds = { bytesMax: 0, expiryMs: 0 };
const NONE: readonly StagedWrite[] = [];

export class Publisher {
  readonly #system: ActorSystem;
  readonly router: Router;
  readonly #gauge: PressureGauge;
  readonly #links: (Link | undefined)[] = [];
  #scratch: Uint8Array = new Uint8Array(128 * 1024);
  #declared: DeclaredTopics | null = null;
  #joint: JointUnits | null = null;
  #retainer: Retainer | null = null;
  #shared: SharedRetainer | null = null;
  #retainedBounds: RetainedMessageBounds = NO_BOUNDS;
  /** The durable writes that the run published last went to; to be acknowledged when they are done. */
  readonly writes: StagedWrite[] = [];
  /** Which messages have to wait because a reactor has died; null: nothing is durable. */
  outages: Outages | null = null;
  /** Whose run of which unit is in hand, and may be passed on to a third reactor; 0: what is sent is of this reactor. */
  readonly passing: { from: number; unit: number } = { from: 0, unit: 0 };

  constructor(system: ActorSystem, router: Router, gauge: PressureGauge) {
    this.#system = system;
    this.router = router;
    this.#gauge = gauge;
    system.onThreadChange((thread, state) => {
      const link = this.#links[thread];
      if (state !== 'down' || link === undefined) return;
      link.waiting = [];
      link.pressure.relieve();
    });
  }

  /** Delivers `run` to every session and reactor with interest. Returns how many those are; 0 means that nobody wants it. */
  publish(run: Run): number {
    if (this.#declared !== null) this.writes.length = 0;
    if (run.retain) this.#retain(run);
    let delivered = this.router.deliverLocal(run);
    if (this.#declared !== null) delivered += this.#noteWrites(this.#declared, run);
    const interest = run.topic.interest;
    return interest === 0 ? delivered : delivered + this.#forward(run, interest);
  }

  /** Delivers a run that was published on another node to those here who want it; where it was published the rest is done. Returns how many they are. */
  publishRelayed(run: Run): number {
    const { router, writes } = this;
    writes.length = 0;
    router.isRelayed = true;
    const delivered = router.deliverLocal(run);
    router.isRelayed = false;
    this.#noteFanOuts();
    const { interest } = run.topic;
    return interest === 0 ? delivered : delivered + this.#forward(run, interest);
  }

  /** The same for a run that one member of a shared subscription gets, from `give`. */
  giveRelayed(run: Run, give: (run: Run) => void): void {
    const { fanOuts } = this.router;
    this.writes.length = 0;
    fanOuts?.begin();
    give(run);
    fanOuts?.end(run);
    this.#noteFanOuts();
  }

  /** What is published is written to disk as well, where somebody wants that: declared topics, retained messages, persistent sessions on other reactors. */
  writeTo(declared: DeclaredTopics, retainer: Retainer, joint: JointUnits): void {
    this.#declared = declared;
    this.#retainer = retainer;
    this.#joint = joint;
  }

  /** What is retained is shared with other nodes. */
  shareRetained(shared: SharedRetainer): void {
    this.#shared = shared;
  }

  get sharesRetained(): boolean {
    return this.#shared !== null;
  }

  /** To the retained store of a reactor, behind all that has been published before. */
  sendRetained(thread: number, kind: number, record: Uint8Array, start: number, end: number): void {
    this.#send(thread, WELL_KNOWN.retained, kind, record, start, end);
  }

  /** The same, not for what is being published: no publisher meets pressure for it. */
  tellRetained(thread: number, kind: number, record: Uint8Array): void {
    this.#trySend(thread, WELL_KNOWN.retained, kind, record, 0, record.length);
  }

  /** What is retained at all, and for how long. */
  boundRetained(bounds: RetainedMessageBounds): void {
    this.#retainedBounds = bounds;
  }

  /** Returns how many declared topics take the run. */
  #noteWrites(declared: DeclaredTopics, run: Run): number {
    const { writes } = this;
    const taken = declared.any ? declared.append(run, writes) : 0;
    this.#noteFanOuts();
    return taken;
  }

  #noteFanOuts(): void {
    for (const write of this.router.fanOuts?.writes ?? NONE) this.writes.push(write);
  }

  /** Sends a record to the router of another reactor, behind all that has been published before. */
  send(thread: number, kind: number, record: Uint8Array): void {
    this.#send(thread, WELL_KNOWN.router, kind, record, 0, record.length);
  }

  /** What is sent to that reactor may lead to something durable there: it is to be awaited, see `sendAwaited`. */
  isAwaited(thread: number): boolean {
    return this.#joint?.isDurable(thread) === true;
  }

  /** Sends a run of QoS 1 or 2 that the present unit has a part in: the record begins with room for the number of the unit. */
  sendAwaited(thread: number, kind: number, record: Uint8Array): void {
    const joint = this.#joint!;
    const { passing } = this;
    const unit = passing.from === 0 ? joint.expect(thread, record.length) : passing.unit;
    new DataView(record.buffer, record.byteOffset).setUint32(0, unit, true);
    if (passing.from !== 0) joint.passOn(passing.from, unit, thread);
    else if (!this.writes.includes(joint.write)) this.writes.push(joint.write);
    this.send(thread, kind, record);
  }

  /** The same, and no publisher meets pressure for it: what other publishers wait for must not wait for this one. */
  sendAnyway(thread: number, kind: number, record: Uint8Array): void {
    this.#trySend(thread, WELL_KNOWN.router, kind, record, 0, record.length);
  }

  /** Memory of that size for a record to `send`, until the next call. */
  scratch(size: number): Uint8Array {
    return this.#record(size).subarray(0, size);
  }

  #forward(run: Run, interest: number): number {
    const joint = this.#joint;
    // In front of the run there is room for the number of a unit.
    const size = UNIT_BYTES + encodedRunSize(run);
    const record = this.#record(size);
    encodeRun(run, this.#system.thread, record, UNIT_BYTES);
    let reactors = 0;
    let isJoint = false;
    for (let mask = interest; mask !== 0; mask &= mask - 1) {
      const thread = 32 - Math.clz32(mask & -mask);
      if (run.qos > 0 && joint?.isDurable(thread)) {
        isJoint = true;
        new DataView(record.buffer, record.byteOffset).setUint32(0, joint.expect(thread, size), true);
        this.#send(thread, WELL_KNOWN.router, ROUTER_BYTES.awaitedRun, record, 0, size);
      } else {
        this.#send(thread, WELL_KNOWN.router, ROUTER_BYTES.publishRun, record, UNIT_BYTES, size);
      }
      reactors++;
    }
    if (isJoint && !this.writes.includes(joint!.write)) this.writes.push(joint!.write);
    return reactors;
  }

  /** The last packet of the run is the one to keep [MQTT-3.3.1-5]. */
  #retain(run: Run): void {
    let start = run.start;
    for (let end = packetEnd(run.buffer, start); end < run.end; end = packetEnd(run.buffer, start)) start = end;
    const { bytesMax, expiryMs } = this.#retainedBounds;
    if (bytesMax !== 0 && run.end - start > bytesMax) {
      this.#system.slots[RETAINED_PROBE.slot.tooLarge]!++;
      return;
    }
    const size = RETAINED_STORE_HEADER_BYTES + run.end - start;
    const expiresAt = run.expiresAt === 0 && expiryMs !== 0 ? this.#system.wallClock() + expiryMs : run.expiresAt;
    if (this.#shared !== null && !isOfNode(run.topic.name)) {
      const ahead = this.#record(AHEAD_HEADER_BYTES + size);
      writeRetainedStore(ahead, AHEAD_HEADER_BYTES, expiresAt, run.dialect, run.buffer, start, run.end);
      const write = this.#shared.keep(run, ahead, AHEAD_HEADER_BYTES + size);
      if (write !== undefined) this.writes.push(write);
      return;
    }
    const record = this.#record(size);
    writeRetainedStore(record, 0, expiresAt, run.dialect, run.buffer, start, run.end);
    const thread = placeKey(run.topic.name, this.#system.reactors);
    this.#send(thread, WELL_KNOWN.retained, RETAINED_BYTES.store, record, 0, size);
    // What the server says of itself is told anew after every start.
    const write = run.topic.name.startsWith('$SYS/') ? undefined : this.#retainer?.keep(run, record, size);
    if (write !== undefined) this.writes.push(write);
  }

  #send(thread: number, slot: number, kind: number, record: Uint8Array, start: number, end: number): void {
    const link = this.#trySend(thread, slot, kind, record, start, end);
    if (link !== undefined) this.#gauge.meet(link.pressure);
  }

  /** Undefined: it is on its way. */
  #trySend(thread: number, slot: number, kind: number, record: Uint8Array, start: number, end: number): Link | undefined {
    const target = wellKnownRef(this.#system.node, thread, slot);
    const link = this.#links[thread];
    const behind = link !== undefined && link.waiting.length > 0;
    if (!behind && this.#system.tellBytes(target, kind, record, start, end)) return undefined;
    return this.#wait(thread, { target, kind, record: cloneBytes(record, start, end) });
  }

  #wait(thread: number, waiting: Link['waiting'][number]): Link {
    const link = (this.#links[thread] ??= { thread, pressure: new PressureSource(), waiting: [] });
    link.waiting.push(waiting);
    if (link.waiting.length === 1) this.#system.whenWritable(thread, () => this.#retry(link));
    return link;
  }

  #retry(link: Link): void {
    let sent = 0;
    for (const { target, kind, record } of link.waiting) {
      if (!this.#system.tellBytes(target, kind, record, 0, record.length)) break;
      sent++;
    }
    link.waiting.splice(0, sent);
    if (link.waiting.length > 0) this.#system.whenWritable(link.thread, () => this.#retry(link));
    else link.pressure.relieve();
  }

  #record(size: number): Uint8Array {
    if (this.#scratch.length < size) this.#scratch = new Uint8Array(size);
    return this.#scratch;
  }
}
