/**
 * Units of this reactor's publishers with parts on other reactors: what a message leads to is in the log as a whole or not at all, wherever the sessions live that get it.
 * So it is acknowledged when all of it is safe, and one of QoS 2 is never there without the mark that it has been taken, nor the other way round.
 *
 *   publisher's reactor ── awaitedRun ──▶ reactor with persistent sessions       gathers what its inboxes get of it (parts.ts)
 *                       ◀── part ────────                                        … which goes into the publisher's unit
 *                       ── written ─────▶                                        the unit is committed
 *
 * A run for a member of a shared subscription that has just left is passed on to the reactor of another one, which does its part instead (`passedOn`).
 *
 * A reactor says whether it has persistent sessions; one that has not said so yet is taken to have some. What is under way is bounded by what the store client has in flight.
 */
import type { ActorSystem } from '../../runtime/system.ts';
import { ROUTER_BYTES } from '../router/messages.ts';
import { StagedWrite } from '../shard/staged.ts';
import type { StoreClient, StoreUnit } from '../store/client.ts';
import type { StoreErrorCode } from '../store/messages.ts';
import { encodeDurable, encodePassedOn, encodeWritten, PART_BYTES, PART_FRAME_BYTES } from './joint-records.ts';

/** Takes a record to another reactor's router, in order, whatever waits there; its size is bounded by what is under way. */
export interface RecordSender {
  sendAnyway(thread: number, kind: number, record: Uint8Array): void;
}

class Joint {
  readonly number: number;
  readonly write = new StagedWrite();
  /** By reactor: runs that it has not done its part for. */
  readonly missing: number[] = [];
  /** How often reactors had died when it began. */
  readonly deaths: readonly number[];
  /** Bytes of the runs. */
  bytes = 0;
  code: StoreErrorCode | undefined;
  readonly unit: StoreUnit;
  /** Nothing more of this reactor will be in it. */
  hasEnded = false;

  constructor(number: number, unit: StoreUnit, deaths: readonly number[]) {
    this.number = number;
    this.unit = unit;
    this.deaths = deaths;
  }

  /** Nothing is missing. What was passed on may come before the word that it was (below 0): then who passed it on has not done its own part. */
  get isDone(): boolean {
    return this.hasEnded && this.missing.every((runs) => runs <= 0);
  }
}

export class JointUnits {
  readonly #system: ActorSystem;
  readonly #sender: RecordSender;
  readonly #store: StoreClient;
  /** By reactor: whether it has persistent sessions; absent: it has not said. */
  readonly #durable = new Map<number, boolean>();
  /** How often a reactor has died: what its former life asked for is of no interest to the next. */
  readonly #deaths: number[] = [];
  readonly #joints = new Map<number, Joint>();
  #current: Joint | null = null;
  #last = 0;
  #isDurable = false;

  constructor(system: ActorSystem, sender: RecordSender, store: StoreClient) {
    this.#system = system;
    this.#sender = sender;
    this.#store = store;
    store.mayBeJoint = () => this.#isAnyDurable();
    system.onThreadChange((thread, state) => (state === 'down' ? this.#lost(thread) : this.#announce(thread)));
  }

  /** This reactor has a persistent session from now on. */
  becomeDurable(): void {
    if (this.#isDurable) return;
    this.#isDurable = true;
    for (const thread of this.#others()) this.#announce(thread);
  }

  /** Runs forwarded to `thread` may have a part in the unit. */
  isDurable(thread: number): boolean {
    return this.#durable.get(thread) ?? true;
  }

  /** A run of `bytes` goes to `thread` as well. Returns the number of its unit. */
  expect(thread: number, bytes: number): number {
    const joint = (this.#current ??= this.#begin());
    joint.missing[thread] = (joint.missing[thread] ?? 0) + 1;
    joint.bytes += bytes;
    this.#store.reserve(bytes);
    return joint.number;
  }

  /** Done when the unit of the run expected last is committed. */
  get write(): StagedWrite {
    return this.#current!.write;
  }

  /** The same for what this turn has led to; null: other reactors have no part in it. */
  get currentWrite(): StagedWrite | null {
    return this.#current?.write ?? null;
  }

  /** A run of that unit of `origin` is passed on to `thread`, which does its part for it as well. */
  passOn(origin: number, unit: number, thread: number): void {
    this.#sender.sendAnyway(origin, ROUTER_BYTES.passedOn, encodePassedOn(unit, thread));
  }

  /** Ends the unit of this turn. False: it is not a joint one. `facts` hears when it is committed. */
  endUnit(facts: StagedWrite | null): boolean {
    const joint = this.#current;
    if (joint === null) return false;
    this.#current = null;
    joint.hasEnded = true;
    this.#store.endJointUnit({
      committed: (code) => {
        this.#store.release(joint.bytes);
        facts?.committed(code, []);
        joint.write.committed(joint.code ?? code, []);
      },
    });
    if (joint.isDone) this.#complete(joint);
    return true;
  }

  /** A record `durable`. */
  onDurable(bytes: Uint8Array, start: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start);
    this.#durable.set(view.getUint32(0, true), view.getUint32(4, true) === 1);
  }

  /** A record `part`. */
  onPart(bytes: Uint8Array, start: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const from = view.getUint32(start, true);
    const unit = view.getUint32(start + 4, true);
    const joint = this.#joints.get(unit);
    let at = start + PART_BYTES;
    const deaths = this.#deaths[from];
    const committed = (code: StoreErrorCode | undefined, bases: readonly number[]): void => {
      if (this.#deaths[from] !== deaths) return;
      this.#sender.sendAnyway(from, ROUTER_BYTES.written, encodeWritten(this.#system.thread, unit, code, bases));
    };
    for (let frames = view.getUint32(start + 12, true); frames > 0; frames--) {
      const body = at + PART_FRAME_BYTES;
      const end = body + view.getUint32(at + 8, true);
      // Who passed it on has died, and the unit was ended without it.
      if (joint === undefined) committed('SLUICE_STORAGE_FAILED', []);
      else
        this.#store.addPart(joint.unit, view.getUint32(at, true), view.getUint32(at + 4, true), bytes, body, end, { committed });
      at = end;
    }
    if (joint !== undefined) this.#done(joint, from, view.getUint32(start + 8, true));
  }

  /** A record `passedOn`. It comes before the part of the reactor that says so. */
  onPassedOn(bytes: Uint8Array, start: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start);
    const joint = this.#joints.get(view.getUint32(0, true));
    if (joint === undefined) return;
    const to = view.getUint32(4, true);
    if (this.#deaths[to] === joint.deaths[to]) joint.missing[to] = (joint.missing[to] ?? 0) + 1;
    else joint.code = 'SLUICE_STORAGE_FAILED'; // it may have died with it
  }

  inspect(): unknown {
    return { waiting: [...this.#joints.values()].map(({ number, missing }) => ({ unit: number, missing })) };
  }

  #begin(): Joint {
    this.#last = (this.#last + 1) >>> 0;
    const joint = new Joint(this.#last, this.#store.jointUnit(), [...this.#deaths]);
    this.#joints.set(joint.number, joint);
    return joint;
  }

  #done(joint: Joint, thread: number, runs: number): void {
    joint.missing[thread] = (joint.missing[thread] ?? 0) - runs;
    if (joint.isDone) this.#complete(joint);
  }

  #complete(joint: Joint): void {
    this.#joints.delete(joint.number);
    this.#store.complete(joint.unit);
  }

  #others(): number[] {
    const { thread, reactors } = this.#system;
    return Array.from({ length: reactors }, (_, i) => i + 1).filter((other) => other !== thread);
  }

  #isAnyDurable(): boolean {
    const { thread, reactors } = this.#system;
    for (let other = 1; other <= reactors; other++) if (other !== thread && this.isDurable(other)) return true;
    return false;
  }

  #announce(thread: number): void {
    if (thread === 0 || thread > this.#system.reactors) return;
    this.#sender.sendAnyway(thread, ROUTER_BYTES.durable, encodeDurable(this.#system.thread, this.#isDurable));
  }

  /** Its part may be lost with it: the publishers are not told that it is safe, and send it again. */
  #lost(thread: number): void {
    this.#durable.delete(thread);
    this.#deaths[thread] = (this.#deaths[thread] ?? 0) + 1;
    for (const joint of [...this.#joints.values()]) {
      const missing = joint.missing[thread] ?? 0;
      if (missing <= 0) continue;
      joint.code = 'SLUICE_STORAGE_FAILED';
      this.#done(joint, thread, missing);
    }
  }
}
