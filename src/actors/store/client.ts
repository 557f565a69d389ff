/**
 * The store as the actors of a reactor see it: they hand over what is to be written and are told when it is. Requests go out in order; what finds the ring full
 * waits here in order, and publishers meet pressure meanwhile, as they do when too much is under way.
 */
import { STORE_INFLIGHT_BYTES_MAX, STORE_RETRY_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { type ActorRef, threadOf } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { type MetadataMessage, metadataRef } from '../metadata/messages.ts';
import { type PressureGauge, PressureSource } from '../router/pressure.ts';
import { WELL_KNOWN } from '../well-known.ts';
import {
  ENGINE,
  ENGINE_NAMES,
  type EngineName,
  STORE_BYTES,
  STORE_COMMITTED_BYTES,
  STORE_ERRORS,
  STORE_MORE,
  STORE_REQUEST_BYTES,
  STORE_SYNC,
  type StoreErrorCode,
  type StoreMessage,
  type StoreRefusal,
  storeRef,
} from './messages.ts';

/** Waits for a request to be committed. Called outside of any actor's turn; must not throw. */
export interface Committed {
  /**
   * `code` is undefined when it is written, and durable if that was asked for. `results`: the base offset of an append; of a fan-out one per recipient, -1 for
   * those that are gone; empty for a control and after an error. Valid during the call.
   */
  committed(code: StoreErrorCode | undefined, results: readonly number[]): void;
}

interface Pending {
  readonly results: number;
  readonly bytes: number;
  readonly then: Committed | null;
}

/** A request that is not on its way yet. */
interface Request {
  readonly kind: number;
  readonly record: Uint8Array;
  readonly pending: Pending;
}

/**
 * What belongs together in the shared log and goes out as a whole: with `parts` of other reactors, when these are there. Units keep their order, so those behind one
 * that waits wait as well.
 */
export class StoreUnit {
  readonly requests: Request[] = [];
  /** Ends the unit; undefined: it is still growing. */
  last: Request | undefined;
  isComplete = false;
}

interface Waiting {
  readonly kind: number;
  readonly record: Uint8Array;
}

export class StoreClient {
  readonly #system: ActorSystem;
  readonly #gauge: PressureGauge;
  readonly #store: ActorRef<never>;
  readonly #pressure = new PressureSource();
  /** By engine, in order; an engine answers in the order of its requests. */
  readonly #pending: { queue: Pending[]; first: number }[] = ENGINE_NAMES.map(() => ({ queue: [], first: 0 }));
  /** A unit of the shared log has been begun. */
  #inUnit = false;
  /** The shared log can be written no more: the node is about to end. */
  hasFailed = false;
  /** The unit of this turn, if units are gathered. */
  #unit: StoreUnit | null = null;
  /** Whole but for the parts of other reactors, or behind one that is; oldest first. */
  #units: StoreUnit[] = [];
  /** Whether the unit that begins now may have parts on other reactors, and so has to be gathered before any of it goes out. */
  mayBeJoint: () => boolean = () => false;
  #waiting: Waiting[] = [];
  #inFlightBytes = 0;
  #scratch: Uint8Array = new Uint8Array(64 * 1024);
  #scratchView: DataView = new DataView(this.#scratch.buffer);
  #ctx: ActorContext<StoreMessage> | null = null;
  #later: (() => void)[] = [];

  constructor(system: ActorSystem, gauge: PressureGauge) {
    this.#system = system;
    this.#gauge = gauge;
    this.#store = storeRef(system) as ActorRef<never>;
  }

  /** Bytes handed over and not yet answered. */
  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  append(
    engine: EngineName,
    shard: number,
    flags: number,
    expected: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    then: Committed,
  ): void {
    this.#request(STORE_BYTES.append, ENGINE[engine], shard, flags, 0, 0, expected, bytes, start, end, 1, then);
  }

  /** `bytes[start, end)`: the body of a fan-out frame. */
  fanOut(
    messages: number,
    recipients: number,
    flags: number,
    maxTimestamp: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    then: Committed,
  ): void {
    this.#request(STORE_BYTES.fanOut, ENGINE.shared, messages, flags, 0, 0, maxTimestamp, bytes, start, end, recipients, then);
  }

  /** `op`: trim, drop, mark or unmark of storage/control.ts; marks only in the engines of logs. */
  control(
    engine: EngineName,
    shard: number,
    flags: number,
    op: number,
    kind: number,
    value: number,
    then: Committed | null,
  ): void {
    this.#request(STORE_BYTES.control, ENGINE[engine], shard, flags, op, kind, value, NOTHING, 0, 0, 0, then);
  }

  /** What has been handed over with STORE_MORE since the last call is whole now: `then` hears when all of it is committed. */
  endUnit(then: Committed | null): void {
    if (!this.#inUnit) return;
    this.#end(then);
    const unit = this.#unit;
    this.#unit = null;
    if (unit !== null) this.complete(unit);
  }

  /** Everything that has been said about the shared log is durable, or was not to be. */
  get isQuiet(): boolean {
    const { queue, first } = this.#pending[ENGINE.shared]!;
    return queue.length === first && !this.#inUnit && this.#units.length === 0;
  }

  /** The unit of this turn has parts on other reactors, `addPart`. */
  jointUnit(): StoreUnit {
    this.#inUnit = true;
    return (this.#unit ??= new StoreUnit());
  }

  /** Ends that unit; it goes out when it is `complete`. */
  endJointUnit(then: Committed): void {
    this.#end(then);
    this.#units.push(this.#unit!);
    this.#unit = null;
  }

  /** `bytes[start, end)`: the body of a fan-out frame of another reactor. */
  addPart(
    unit: StoreUnit,
    messages: number,
    recipients: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    then: Committed,
  ): void {
    const flags = STORE_SYNC | STORE_MORE;
    const size = this.#encode(ENGINE.shared, messages, flags, 0, 0, 0, bytes, start, end);
    this.#inFlightBytes += size;
    const record = this.#scratch.slice(0, size);
    unit.requests.push({ kind: STORE_BYTES.fanOut, record, pending: { results: recipients, bytes: size, then } });
  }

  /** Bytes that will be handed over and take their room already. */
  reserve(bytes: number): void {
    this.#inFlightBytes += bytes;
    if (!this.#isBelow(STORE_INFLIGHT_BYTES_MAX)) this.#gauge.meet(this.#pressure);
  }

  release(bytes: number): void {
    this.#inFlightBytes -= bytes;
  }

  /** All parts of the unit are there. */
  complete(unit: StoreUnit): void {
    unit.isComplete = true;
    if (!this.#units.includes(unit)) this.#units.push(unit);
    let sent = 0;
    for (; this.#units[sent]?.isComplete === true; sent++) {
      const { requests, last } = this.#units[sent]!;
      for (const { kind, record, pending } of requests) this.#send(ENGINE.shared, kind, record, pending);
      this.#send(ENGINE.shared, last!.kind, last!.record, last!.pending);
    }
    this.#units.splice(0, sent);
  }

  /** Asks the store. `then` gets its answer, a `StoreRefusal` if it has none, in a turn of the reactor's store client. */
  ask<R extends object>(message: StoreMessage, deadlineMs: number, then: (answer: R | StoreRefusal) => void): void {
    this.#ctx!.ask<StoreMessage, R | StoreRefusal>(storeRef(this.#system), message, deadlineMs, (answer, failure) =>
      then(answer ?? { code: 'SLUICE_STORAGE_FAILED', message: `the store does not answer: ${failure}` }),
    );
  }

  /** Asks the metadata, beside the store; `then` gets undefined when it does not answer. */
  askMetadata<R>(message: MetadataMessage, deadlineMs: number, then: (answer: R | undefined) => void): void {
    this.#ctx!.ask<MetadataMessage, R>(metadataRef(this.#system), message, deadlineMs, then);
  }

  /** Calls `then` in a while, in a turn of the reactor's store client: the store could not, or has not answered, and nobody can go on without. */
  inAWhile(then: () => void): void {
    this.#later.push(then);
    if (this.#later.length === 1) this.#ctx!.startTimer(STORE_RETRY_MS, 0);
  }

  /** For its actor, as what follows. */
  started(ctx: ActorContext<StoreMessage>): void {
    this.#ctx = ctx;
  }

  /** The while is over. */
  onTimer(): void {
    const later = this.#later;
    this.#later = [];
    for (const then of later) then();
  }

  /** A record `committed`. */
  receive(bytes: Uint8Array, start: number, end: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
    const status = view.getUint8(1);
    const code = status === 0 ? undefined : STORE_ERRORS[status - 1]!;
    const engine = view.getUint8(0);
    if (code === 'SLUICE_STORAGE_FAILED' && engine === ENGINE.shared) this.hasFailed = true;
    const pending = this.#pending[engine]!;
    let at = STORE_COMMITTED_BYTES;
    for (let i = view.getUint32(4, true); i > 0; i--) {
      const request = pending.queue[pending.first++]!;
      this.#inFlightBytes -= request.bytes;
      const results: number[] = [];
      for (let r = 0; r < request.results && at < end - start; r++, at += 8) results.push(view.getFloat64(at, true));
      if (request.then !== null) settle(request.then, code, results);
    }
    if (pending.first * 2 >= pending.queue.length) {
      pending.queue.splice(0, pending.first);
      pending.first = 0;
    }
    if (this.#pressure.pressing && this.#isAtEase()) this.#pressure.relieve();
  }

  inspect(): unknown {
    return { inFlightBytes: this.#inFlightBytes, waiting: this.#waiting.length };
  }

  #request(
    recordKind: number,
    engine: number,
    first: number,
    flags: number,
    op: number,
    kind: number,
    value: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    results: number,
    then: Committed | null,
  ): void {
    const isMore = (flags & STORE_MORE) !== 0;
    if (isMore && !this.#inUnit) {
      this.#inUnit = true;
      if (this.#units.length > 0 || this.mayBeJoint()) this.#unit = new StoreUnit();
    }
    const size = this.#encode(engine, first, flags, op, kind, value, bytes, start, end);
    this.#inFlightBytes += size;
    const unit = engine === ENGINE.shared ? this.#unit : null;
    const pending = { results, bytes: size, then };
    if (unit === null) this.#send(engine, recordKind, this.#scratch, pending);
    else {
      const request = { kind: recordKind, record: this.#scratch.slice(0, size), pending };
      if (isMore) unit.requests.push(request);
      else unit.last = request;
    }
    if (!this.#isBelow(STORE_INFLIGHT_BYTES_MAX) || this.#waiting.length > 0) this.#gauge.meet(this.#pressure);
  }

  #end(then: Committed | null): void {
    this.#inUnit = false;
    const flags = then === null ? 0 : STORE_SYNC;
    this.#request(STORE_BYTES.control, ENGINE.shared, 0, flags, 0, 0, 0, NOTHING, 0, 0, 0, then);
  }

  /** Into the scratch buffer; returns the size. */
  #encode(
    engine: number,
    first: number,
    flags: number,
    op: number,
    kind: number,
    value: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const size = STORE_REQUEST_BYTES + end - start;
    if (size > this.#scratch.length) {
      this.#scratch = new Uint8Array(size * 2);
      this.#scratchView = new DataView(this.#scratch.buffer);
    }
    const record = this.#scratch;
    const view = this.#scratchView;
    view.setUint32(0, first, true);
    record[4] = engine;
    record[5] = flags;
    record[6] = op;
    record[7] = kind;
    view.setFloat64(8, value, true);
    if (end > start) record.set(bytes.subarray(start, end), STORE_REQUEST_BYTES);
    return size;
  }

  /** `record`: the request's, or longer. */
  #send(engine: number, kind: number, record: Uint8Array, pending: Pending): void {
    this.#pending[engine]!.queue.push(pending);
    if (this.#waiting.length > 0 || !this.#ctx!.tellBytes(this.#store, kind, record, 0, pending.bytes)) {
      this.#wait({ kind, record: record.slice(0, pending.bytes) });
    }
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#waiting.length === 1) this.#system.whenWritable(threadOf(this.#store), () => this.#sendOn());
  }

  #sendOn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [i, { kind, record }] of waiting.entries()) {
      if (this.#ctx!.tellBytes(this.#store, kind, record, 0, record.length)) continue;
      this.#waiting = waiting.slice(i);
      this.#system.whenWritable(threadOf(this.#store), () => this.#sendOn());
      return;
    }
    if (this.#pressure.pressing && this.#isAtEase()) this.#pressure.relieve();
  }

  #isAtEase(): boolean {
    return this.#waiting.length === 0 && this.#isBelow(STORE_INFLIGHT_BYTES_MAX / 2);
  }

  #isBelow(bytes: number): boolean {
    return this.#inFlightBytes < bytes;
  }
}

const NOTHING = new Uint8Array(0);

/** A request that failed by itself has one result, a negative one (messages.ts); fan-outs have -1 for recipients that are gone and do not fail so. */
function settle(then: Committed, code: StoreErrorCode | undefined, results: readonly number[]): void {
  const only = results.length === 1 ? results[0]! : 0;
  if (code === undefined && only < -1) then.committed(STORE_ERRORS[-2 - only]!, NO_RESULTS);
  else then.committed(code, results);
}

const NO_RESULTS: readonly number[] = [];

/** Receives for the client. */
class StoreClientActor implements Actor<never> {
  readonly #client: StoreClient;

  constructor(client: StoreClient) {
    this.#client = client;
  }

  started(ctx: ActorContext<never>): void {
    this.#client.started(ctx as ActorContext<StoreMessage>);
  }

  receive(): void {}

  receiveBytes(_kind: number, bytes: Uint8Array, start: number, end: number): void {
    this.#client.receive(bytes, start, end);
  }

  onTimer(): void {
    this.#client.onTimer();
  }

  inspect(): unknown {
    return this.#client.inspect();
  }
}

export function spawnStoreClient(system: ActorSystem, client: StoreClient): void {
  system.spawn<never>(() => new StoreClientActor(client), { name: 'store-client', wellKnown: WELL_KNOWN.storeClient });
}
