/**
 * The requests of one engine between two commits: who sent how many, and what each is to be answered. Answers are records of f64 built while staging, so a
 * commit of thousands of requests answers each sender once.
 */
import type { ReplyTo } from '../../runtime/actor.ts';
import { type ActorRef, threadOf } from '../../runtime/ref.ts';
import type { Engine } from '../../storage/engine.ts';
import type { ShardNumbers } from './engines.ts';
import { Followers } from './followers.ts';
import { STORE_BYTES, STORE_COMMITTED_BYTES, STORE_MORE, STORE_SYNC, STORE_SYNC_SOON } from './messages.ts';

/** What one sender is to hear about one commit. */
export class Answer {
  readonly to: ActorRef<never>;
  readonly #engine: number;
  #bytes: Uint8Array = new Uint8Array(STORE_COMMITTED_BYTES + 64 * 8);
  #view: DataView = new DataView(this.#bytes.buffer);
  #end = STORE_COMMITTED_BYTES;
  requests = 0;

  constructor(to: ActorRef<never>, engine: number) {
    this.to = to;
    this.#engine = engine;
  }

  add(result: number): void {
    if (this.#end + 8 > this.#bytes.length) this.#grow();
    this.#view.setFloat64(this.#end, result, true);
    this.#end += 8;
  }

  /** The record `committed`. */
  seal(status: number): { kind: number; bytes: Uint8Array; end: number } {
    this.#bytes[0] = this.#engine;
    this.#bytes[1] = status;
    this.#view.setUint16(2, 0, true);
    this.#view.setUint32(4, this.requests, true);
    return { kind: STORE_BYTES.committed, bytes: this.#bytes, end: this.#end };
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** An ask that is answered when its effect is committed. */
export interface Awaiting {
  readonly to: ReplyTo;
  readonly reply: unknown;
  /** Takes its effect back when the commit has failed. */
  readonly undo: () => void;
}

export class Lane {
  readonly engine: Engine;
  readonly numbers: ShardNumbers;
  readonly followers: Followers = new Followers();
  readonly #code: number;
  /** Senders that are in the middle of a unit. */
  readonly #openUnits = new Set<ActorRef<never>>();
  #answers = new Map<ActorRef<never>, Answer>();
  #awaiting: Awaiting[] = [];
  stagedBytes = 0;
  /** Something is staged, be it only a fact. */
  isDirty = false;
  /** Somebody waits for the disk, not just for the write. */
  needsSync = false;
  /** Something has been written since the last sync that is to be durable before long. */
  needsSyncSoon = false;

  constructor(engine: Engine, numbers: ShardNumbers, code: number) {
    this.engine = engine;
    this.numbers = numbers;
    this.#code = code;
  }

  /** Counts a request of `sender` and returns where its results go. */
  request(sender: ActorRef<never>, bytes: number, flags: number): Answer {
    if ((flags & STORE_MORE) !== 0) this.#openUnits.add(sender);
    else this.#openUnits.delete(sender);
    let answer = this.#answers.get(sender);
    if (answer === undefined) {
      answer = new Answer(sender, this.#code);
      this.#answers.set(sender, answer);
    }
    answer.requests++;
    this.touched(bytes, (flags & STORE_SYNC) !== 0);
    if ((flags & STORE_SYNC_SOON) !== 0) this.needsSyncSoon = true;
    return answer;
  }

  /** Everything that is staged may be committed: no unit is half there. */
  get isWhole(): boolean {
    return this.#openUnits.size === 0;
  }

  /** A thread has died: what it had begun stays as it is. */
  closeUnits(thread: number): void {
    for (const sender of this.#openUnits) if (threadOf(sender) === thread) this.#openUnits.delete(sender);
  }

  await(awaiting: Awaiting): void {
    this.#awaiting.push(awaiting);
    this.touched(0, true);
  }

  touched(bytes: number, sync: boolean): void {
    this.isDirty = true;
    this.stagedBytes += bytes;
    if (sync) this.needsSync = true;
  }

  /** What the commit that begins now is to answer; further requests belong to the next. */
  take(): { answers: Iterable<Answer>; awaiting: readonly Awaiting[]; sync: boolean } {
    const taken = { answers: this.#answers.values(), awaiting: this.#awaiting, sync: this.needsSync };
    this.#answers = new Map();
    this.#awaiting = [];
    this.stagedBytes = 0;
    this.isDirty = false;
    if (this.needsSync) this.needsSyncSoon = false;
    this.needsSync = false;
    return taken;
  }
}
