/**
 * The store: the one actor of its thread, which owns the engines and so all disk files. Everything that the reactors send in one turn is staged as it comes
 * and committed at the end of the turn: one write and one sync per log, whatever the number of shards and senders. While a sync blocks, the next
 * turn's requests gather in the rings; load makes the batches.
 *
 * Bounds: what is staged by STORE_COMMIT_BYTES, then it is committed within the turn; what is on its way by the rings; answers that find a ring full
 * by the requests that may be under way.
 */
import { STORE_COLLECT_MS, STORE_COMMIT_BYTES, STORE_READ_BYTES_MAX, STORE_SYNC_INTERVAL_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo, TerminationReason } from '../../runtime/actor.ts';
import { type ActorRef, threadOf } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { CONTROL } from '../../storage/control.ts';
import type { ReadResult, ShardId } from '../../storage/engine.ts';
import { viewOf } from '../../storage/frame.ts';
import { readFrames } from '../../storage/journal-reader.ts';
import { MARK, takenBy } from '../inbox/marks.ts';
import { Compactions, type Compactor } from './compactions.ts';
import { type EngineSet, ShardNumbers } from './engines.ts';
import { type Answer, type Awaiting, Lane } from './lane.ts';
import {
  type CreatedShards,
  type CreateShards,
  type DescribedShards,
  ENGINE,
  ENGINE_NAMES,
  type EngineName,
  type FollowShard,
  type FoundOffset,
  type MarkedShards,
  type ReadShard,
  type RestateLogs,
  type ShardBytes,
  type ShardFacts,
  STORE_BYTES,
  STORE_ERRORS,
  STORE_REQUEST_BYTES,
  type StoreErrorCode,
  type StoreMessage,
  type StoreRefusal,
} from './messages.ts';
import { STORE_PROBE } from './probe.ts';
import { ReplicatedLogs } from './replicated-logs.ts';
import { RetentionPolicies } from './retention.ts';
import { Space } from './space.ts';

const { slot } = STORE_PROBE;
const TIMER = { sync: 1, collect: 2, space: 3 } as const;
const IO_DONE = 1;

export interface StoreOptions {
  readonly system: ActorSystem;
  readonly engines: EngineSet;
  /** Microseconds on a monotonic clock. */
  readonly clock: () => number;
  /** Compacts logs by key; absent: none are. */
  readonly compactor?: Compactor;
  /** A log cannot be written any more: the node has to leave. */
  readonly onFailed: (error: Error) => void;
}

interface Unsent {
  readonly to: ActorRef<never>;
  readonly kind: number;
  readonly bytes: Uint8Array;
  readonly end: number;
}

export class StoreActor implements Actor<StoreMessage> {
  readonly #options: StoreOptions;
  readonly #slots: Float64Array;
  readonly #lanes: (Lane | undefined)[];
  readonly #retention: RetentionPolicies;
  readonly #compactions: Compactions;
  readonly #logs: ReplicatedLogs;
  /** Who writes them. */
  #logsWriter: ActorRef<RestateLogs> | undefined;
  readonly #space: Space;
  /** Answers that found the ring of their thread full, in order. */
  readonly #unsent = new Map<number, Unsent[]>();
  #ctx!: ActorContext<StoreMessage>;
  #isSyncDue = false;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#slots = options.system.slots;
    const { engines } = options.engines;
    this.#lanes = ENGINE_NAMES.map((name, code) => {
      const engine = engines[name];
      return engine === undefined ? undefined : new Lane(engine, new ShardNumbers(engine), code);
    });
    this.#retention = new RetentionPolicies(engines);
    this.#compactions = new Compactions(options.engines, this.#slots, options.compactor);
    this.#logs = new ReplicatedLogs(options.engines.shared, this.#lanes[ENGINE.shared]!.numbers);
    this.#space = new Space(options.engines, this.#slots);
    options.system.onThreadChange((thread, state) => {
      if (state === 'down') for (const lane of this.#lanes) lane?.closeUnits(thread);
    });
    this.#reportRecovery();
  }

  started(ctx: ActorContext<StoreMessage>): void {
    this.#ctx = ctx;
    ctx.startTimer(STORE_COLLECT_MS, TIMER.collect);
  }

  /** Also commits what came since the last turn; the thread's last hook. */
  endTurn(): void {
    for (const lane of this.#lanes) if (lane?.isDirty && lane.isWhole) this.#commit(lane);
  }

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number, ctx: ActorContext<StoreMessage>): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, STORE_REQUEST_BYTES);
    const lane = this.#lanes[bytes[start + 4]!];
    if (lane === undefined) throw new Error(`no engine ${bytes[start + 4]}`);
    const answer = lane.request(ctx.sender, end - start, bytes[start + 5]!);
    const body = start + STORE_REQUEST_BYTES;
    switch (kind) {
      case STORE_BYTES.append:
        this.#append(lane, answer, view.getUint32(0, true), view.getFloat64(8, true), bytes, body, end);
        break;
      case STORE_BYTES.fanOut:
        this.#fanOut(answer, view.getUint32(0, true), view.getFloat64(8, true), bytes, body, end);
        break;
      case STORE_BYTES.control:
        this.#control(lane, view.getUint32(0, true), bytes[start + 6]!, bytes[start + 7]!, view.getFloat64(8, true));
        break;
      case STORE_BYTES.logs:
        this.#logsWriter = ctx.sender as ActorRef<RestateLogs>;
        answer.add(this.#logs.stage(view.getFloat64(8, true), bytes, viewOf(bytes), body, end));
        break;
      default:
        throw new Error(`unknown kind ${kind}`);
    }
    if (lane.stagedBytes >= STORE_COMMIT_BYTES && lane.isWhole) this.#commit(lane);
  }

  receive(message: StoreMessage, ctx: ActorContext<StoreMessage>): void {
    const to = ctx.replyTo();
    const lane = this.#lane(message.engine);
    if (message.type === 'retain') {
      this.#retention.set(message);
      if (message.engine === 'dedicated') this.#compactions.set(message.shard, message.isCompacted);
      return;
    }
    if (message.type === 'keep') {
      if (lane !== undefined) this.#keepOnly(lane, new Set(message.shards));
      return;
    }
    if (message.type === 'drop') {
      if (lane?.engine.has(message.shard)) this.#drop(lane, message.shard);
      return;
    }
    if (to === undefined) return;
    if (message.type === 'logs') return ctx.respond(to, this.#logs.list());
    if (lane === undefined) return this.#refuse(to, 'SLUICE_STORAGE_UNKNOWN_SHARD', `this node has no engine ${message.engine}`);
    if ('shard' in message && !lane.engine.has(message.shard)) {
      return this.#refuse(
        to,
        'SLUICE_STORAGE_UNKNOWN_SHARD',
        `there is no shard ${message.shard} in the ${message.engine} engine`,
      );
    }
    switch (message.type) {
      case 'create':
        this.#create(lane, message, to);
        break;
      case 'read':
        this.#read(lane, message, to);
        break;
      case 'describe':
        ctx.respond(to, { facts: message.shards.map((shard) => this.#describe(lane, shard)) } satisfies DescribedShards);
        break;
      case 'marked':
        ctx.respond(to, { marked: this.#marked(message.kind) } satisfies MarkedShards);
        break;
      case 'time':
        lane.engine.offsetForTime(message.shard, message.timestampMs, (error, offset) =>
          this.#later(to, error, () => ({ offset }) satisfies FoundOffset),
        );
        break;
      case 'follow':
        this.#follow(lane, message, to);
        break;
    }
  }

  /** The store does not fail and go on: its clients count on their requests being answered in order. */
  stopping(reason: TerminationReason): void {
    if (reason !== 'stopped') this.#options.onFailed(new Error('the store failed'));
  }

  onTimer(key: number, ctx: ActorContext<StoreMessage>): void {
    if (key === TIMER.sync) {
      this.#isSyncDue = false;
      for (const lane of this.#lanes) if (lane?.needsSyncSoon) lane.touched(0, true);
      return;
    }
    if (key === TIMER.space) return this.#goOn(this.#space.step(ctx.now()), ctx);
    for (const lane of this.#lanes) lane?.followers.expire(ctx.now(), (shard, to) => this.#tellEnd(lane, shard, to));
    this.#retention.apply(ctx.wallClock(), (engine) => this.#lane(engine)?.touched(0, false));
    this.#compactions.begin(ctx.wallClock());
    this.#askToRestate();
    this.#goOn(this.#space.collect(ctx.now()), ctx);
    ctx.startTimer(STORE_COLLECT_MS, TIMER.collect);
  }

  #goOn(afterMs: number | undefined, ctx: ActorContext<StoreMessage>): void {
    if (afterMs !== undefined) ctx.startTimer(afterMs, TIMER.space);
  }

  onIo(_event: number, argument: unknown): void {
    (argument as () => void)();
  }

  inspect(): unknown {
    const { engines, shared } = this.#options.engines;
    const perEngine = Object.entries(engines).map(([name, engine]) => [name, [...engine.shards()].length]);
    return { shards: Object.fromEntries(perEngine), segments: shared.sealed.length + 1, recovery: shared.recovery };
  }

  // ── Writing ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #append(lane: Lane, answer: Answer, shard: ShardId, expected: number, bytes: Uint8Array, from: number, to: number): void {
    try {
      answer.add(lane.engine.append(shard, expected, bytes, from, to));
      lane.followers.appended(shard);
      this.#slots[slot.appends]!++;
      this.#slots[slot.bytesAppended]! += to - from;
    } catch (error) {
      answer.add(-2 - errorIndex(error));
      this.#slots[slot.refused]!++;
    }
  }

  #fanOut(answer: Answer, messages: number, maxTimestamp: number, bytes: Uint8Array, from: number, to: number): void {
    const { shared } = this.#options.engines;
    // A poisoned log has no lane to say so by itself: its commit fails and answers all.
    if (shared.poisoned !== null) return;
    shared.appendFanOut(bytes, from, to, messages, maxTimestamp, (_shard, base) => answer.add(base));
    this.#slots[slot.appends]!++;
    this.#slots[slot.bytesAppended]! += to - from;
  }

  #control(lane: Lane, shard: ShardId, op: number, kind: number, value: number): void {
    if (!lane.engine.has(shard)) return;
    const { shared, dedicated } = this.#options.engines;
    const marked = lane === this.#lanes[ENGINE.dedicated] ? dedicated : shared;
    if (op === CONTROL.trim) lane.engine.trim(shard, value);
    else if (op === CONTROL.mark) marked.mark(shard, kind, value);
    else if (op === CONTROL.unmark) marked.unmark(shard, kind, value);
    else if (op === CONTROL.drop) this.#drop(lane, shard);
  }

  #keepOnly(lane: Lane, known: ReadonlySet<ShardId>): void {
    const isShared = lane === this.#lanes[ENGINE.shared];
    const own = new Set(isShared ? this.#marked(MARK.ended).map(([shard]) => shard) : []);
    const isLog = (shard: ShardId): boolean => isShared && this.#logs.has(shard);
    for (const shard of [...lane.engine.shards()]) {
      if (!known.has(shard) && !own.has(shard) && !isLog(shard)) this.#drop(lane, shard);
    }
  }

  #marked(kind: number): [ShardId, number][] {
    return [...this.#options.engines.shared.marks.all()].flatMap(([shard, mark]) =>
      mark.kind === kind ? [[shard, mark.value]] : [],
    );
  }

  #askToRestate(): void {
    const kept = this.#logsWriter && this.#logs.keptFront();
    if (kept !== undefined) this.#ctx.tell(this.#logsWriter!, { type: 'restate', ...kept });
  }

  #drop(lane: Lane, shard: ShardId): void {
    lane.engine.drop(shard);
    lane.numbers.giveBack(shard);
    if (lane === this.#lanes[ENGINE.shared]) this.#forgetTaken(shard);
    for (const to of lane.followers.take(shard)) this.#refuse(to, 'SLUICE_STORAGE_UNKNOWN_SHARD', `shard ${shard} is gone`);
    lane.touched(0, false);
  }

  /** The inbox is gone: what its session had taken says nothing about the next one with its number. */
  #forgetTaken(inbox: ShardId): void {
    const { dedicated } = this.#options.engines;
    for (const shard of [...dedicated.marked()]) {
      for (const { kind, value } of dedicated.marksOf(shard)) {
        if (kind !== MARK.taken || takenBy(value).inbox !== inbox) continue;
        dedicated.unmark(shard, kind, value);
        this.#lanes[ENGINE.dedicated]!.touched(0, true);
      }
    }
  }

  #create(lane: Lane, { count }: CreateShards, to: ReplyTo): void {
    const shards: ShardId[] = [];
    for (let i = 0; i < count; i++) {
      const shard = lane.numbers.take();
      lane.engine.create(shard);
      shards.push(shard);
    }
    const undo = (): void => {
      for (const shard of shards) lane.engine.drop(shard);
    };
    lane.await({ to, reply: { shards } satisfies CreatedShards, undo });
  }

  /**
   * The shared log goes last: it has the marks of messages that have been taken, and a mark must not be there without its message in another log. (Without the mark the
   * client sends the message again; without the message nobody does.)
   */
  #commit(lane: Lane): void {
    if (lane === this.#lanes[ENGINE.shared]) {
      for (const other of this.#lanes) if (other !== lane && other?.isDirty && other.isWhole) this.#commit(other);
    }
    const { answers, awaiting, sync } = lane.take();
    const grown = lane.followers.takeGrown();
    const beganAt = this.#options.clock();
    let isImmediate = true;
    lane.engine.commit(sync, (error) => {
      if (lane === this.#lanes[ENGINE.shared]) this.#logs.settled(error === undefined);
      this.#slots[slot.commits]!++;
      if (sync) this.#slots[slot.syncs]!++;
      this.#slots[slot.commitMicroseconds]! += this.#options.clock() - beganAt;
      const settle = (): void => {
        if (error !== undefined) this.#failed(error);
        for (const answer of answers) this.#answer(answer, error);
        for (const waiting of awaiting) this.#settle(waiting, error);
        if (error === undefined) this.#tellGrown(lane, grown);
      };
      // Some engines are done outside of any turn.
      if (isImmediate) settle();
      else this.#ctx.io(IO_DONE, settle);
    });
    isImmediate = false;
    if (lane.needsSyncSoon && !this.#isSyncDue) {
      this.#isSyncDue = true;
      this.#ctx.startTimer(STORE_SYNC_INTERVAL_MS, TIMER.sync);
    }
  }

  #failed(error: Error): void {
    this.#slots[slot.failed]!++;
    if (codeOf(error) !== 'SLUICE_STORAGE_FULL') this.#options.onFailed(error);
  }

  #answer(answer: Answer, error: Error | undefined): void {
    const { kind, bytes, end } = answer.seal(error === undefined ? 0 : 1 + errorIndex(error));
    if (answer.requests > 0) this.#send({ to: answer.to, kind, bytes, end });
  }

  #settle({ to, reply, undo }: Awaiting, error: Error | undefined): void {
    if (error === undefined) return this.#ctx.respond(to, reply);
    undo();
    this.#refuse(to, codeOf(error), error.message);
  }

  #send(unsent: Unsent): void {
    const thread = threadOf(unsent.to);
    const waiting = this.#unsent.get(thread);
    if (waiting !== undefined) {
      waiting.push(unsent);
      return;
    }
    if (this.#ctx.tellBytes(unsent.to, unsent.kind, unsent.bytes, 0, unsent.end)) return;
    this.#unsent.set(thread, [unsent]);
    this.#options.system.whenWritable(thread, () => this.#sendOn(thread));
  }

  #sendOn(thread: number): void {
    const waiting = this.#unsent.get(thread) ?? [];
    this.#unsent.delete(thread);
    for (const unsent of waiting) this.#send(unsent);
  }

  // ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #read(lane: Lane, message: ReadShard, to: ReplyTo): void {
    const { shard, offset, raw } = message;
    const bytesMax = Math.min(message.bytesMax, STORE_READ_BYTES_MAX);
    if (!raw) {
      lane.engine.read(shard, offset, bytesMax, (error, result) =>
        this.#later(to, error, () => this.#bytesRead({ ...(result as ReadResult), bytes: (result as ReadResult).batches })),
      );
      return;
    }
    const { shared } = this.#options.engines;
    readFrames(shared, shard, offset, bytesMax, (error, bytes) =>
      this.#later(to, error, () => this.#bytesRead({ bytes, start: shared.table.start(shard), end: shared.table.end(shard) })),
    );
  }

  #follow(lane: Lane, { shard, offset, waitMs }: FollowShard, to: ReplyTo): void {
    // What is staged is there in a moment: who reads too early asks again.
    if (lane.engine.stat(shard).next > offset) this.#tellEnd(lane, shard, to);
    else lane.followers.wait(shard, to, this.#ctx.now() + waitMs);
  }

  #tellGrown(lane: Lane, grown: readonly ShardId[]): void {
    for (const shard of grown) for (const to of lane.followers.take(shard)) this.#tellEnd(lane, shard, to);
  }

  #tellEnd(lane: Lane, shard: ShardId, to: ReplyTo): void {
    this.#ctx.respond(to, { offset: lane.engine.stat(shard).next } satisfies FoundOffset);
  }

  #describe(lane: Lane, shard: ShardId): ShardFacts | null {
    if (!lane.engine.has(shard)) return null;
    const { shared, dedicated } = this.#options.engines;
    const isShared = lane === this.#lane('shared');
    const isDedicated = lane === this.#lane('dedicated');
    const marks = isShared ? shared.marksOf(shard) : isDedicated ? dedicated.marksOf(shard) : [];
    return { ...lane.engine.stat(shard), marks };
  }

  #bytesRead({ bytes, start, end }: ShardBytes): ShardBytes {
    this.#slots[slot.reads]!++;
    this.#slots[slot.bytesRead]! += bytes.length;
    return { bytes, start, end };
  }

  /** Answers from a continuation, which may come from the disk and so from outside of a turn. */
  #later(to: ReplyTo, error: Error | undefined, reply: () => unknown): void {
    this.#ctx.io(IO_DONE, () => {
      if (error === undefined) this.#ctx.respond(to, reply());
      else this.#refuse(to, codeOf(error), error.message);
    });
  }

  #refuse(to: ReplyTo, code: string, message: string): void {
    this.#ctx.respond(to, { code, message } satisfies StoreRefusal);
  }

  #lane(engine: EngineName): Lane | undefined {
    return this.#lanes[ENGINE_NAMES.indexOf(engine)];
  }

  #reportRecovery(): void {
    const slots = this.#slots;
    for (const key of ['recoveredFrames', 'tornBytes', 'damages'] as const) slots[slot[key]] = 0;
    for (const { recovery } of this.#options.engines.journals()) {
      slots[slot.recoveredFrames]! += recovery.frames;
      slots[slot.tornBytes]! += recovery.tornBytes;
      slots[slot.damages]! += recovery.damages.length;
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'SLUICE_STORAGE_FAILED';
}

function errorIndex(error: unknown): number {
  const index = STORE_ERRORS.indexOf(codeOf(error) as StoreErrorCode);
  return index < 0 ? STORE_ERRORS.indexOf('SLUICE_STORAGE_FAILED') : index;
}
