/**
 * Durable writes on other reactors. A reactor that has persistent sessions says so; from then on runs of QoS 1 and 2 that are forwarded to it are awaited, and it answers, in
 * the order in which they came, when what they led to is on disk. So a publisher is not acknowledged before its message is safe wherever it went.
 *
 *   publisher's reactor ── awaitedRun ──▶ reactor with persistent sessions ──▶ its inboxes
 *                       ◀── written n ───                                  ◀── committed
 */
import type { ActorSystem } from '../../runtime/system.ts';
import { StagedWrite } from '../shard/staged.ts';
import { STORE_ERRORS, type StoreErrorCode } from '../store/messages.ts';
import { ROUTER_BYTES } from './messages.ts';

/** Takes a record to another reactor's router, in order. */
export interface RecordSender {
  send(thread: number, kind: number, record: Uint8Array): void;
}

/** What a run of another reactor has led to here. */
class Outcome {
  pending: number;
  code: StoreErrorCode | undefined;
  readonly #done: () => void;

  constructor(writes: readonly StagedWrite[], done: () => void) {
    this.pending = writes.length;
    this.#done = done;
    for (const write of writes) write.await(this);
  }

  written(code: StoreErrorCode | undefined): void {
    this.code ??= code;
    if (--this.pending === 0) this.#done();
  }
}

/** Both kinds: thread of the sender u32 · runs u32 · status u32 (0, or n + 1 for the n-th of STORE_ERRORS). */
const RECORD_BYTES = 12;

export class RemoteWrites {
  readonly #system: ActorSystem;
  readonly #sender: RecordSender;
  /** Reactors whose answer is to be awaited. */
  readonly #durable = new Set<number>();
  /** By reactor: runs that it has yet to answer, oldest first. */
  readonly #awaited = new Map<number, StagedWrite[]>();
  /** By reactor: its runs that are not answered yet, oldest first. */
  readonly #outcomes = new Map<number, Outcome[]>();
  #isDurable = false;

  constructor(system: ActorSystem, sender: RecordSender) {
    this.#system = system;
    this.#sender = sender;
    system.onThreadChange((thread, state) => (state === 'down' ? this.#lost(thread) : this.#announce(thread)));
  }

  /** This reactor has a persistent session from now on. */
  becomeDurable(): void {
    if (this.#isDurable) return;
    this.#isDurable = true;
    const { thread, reactors } = this.#system;
    for (let other = 1; other <= reactors; other++) if (other !== thread) this.#announce(other);
  }

  /** Runs forwarded to `thread` are to be awaited. */
  isDurable(thread: number): boolean {
    return this.#durable.has(thread);
  }

  /** A run has been forwarded: its publisher waits for this. */
  expect(thread: number): StagedWrite {
    const write = new StagedWrite();
    const awaited = this.#awaited.get(thread);
    if (awaited === undefined) this.#awaited.set(thread, [write]);
    else awaited.push(write);
    return write;
  }

  /** An awaited run of `thread` has been delivered here and has led to these writes. */
  delivered(thread: number, writes: readonly StagedWrite[]): void {
    let outcomes = this.#outcomes.get(thread);
    if (outcomes === undefined) {
      outcomes = [];
      this.#outcomes.set(thread, outcomes);
    }
    outcomes.push(new Outcome(writes, () => this.#answer(thread)));
    if (writes.length === 0) this.#answer(thread);
  }

  /** A record of kind `durable` or `written`. */
  receive(kind: number, bytes: Uint8Array, start: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, RECORD_BYTES);
    const from = view.getUint32(0, true);
    if (kind === ROUTER_BYTES.durable) {
      this.#durable.add(from);
      return;
    }
    const status = view.getUint32(8, true);
    const code = status === 0 ? undefined : STORE_ERRORS[status - 1]!;
    const written = this.#awaited.get(from)?.splice(0, view.getUint32(4, true)) ?? [];
    for (const write of written) write.committed(code, []);
  }

  /** Tells `thread` of those of its runs that are done, up to the first that is not. */
  #answer(thread: number): void {
    const outcomes = this.#outcomes.get(thread)!;
    let done = 0;
    while (done < outcomes.length && outcomes[done]!.pending === 0 && outcomes[done]!.code === outcomes[0]!.code) done++;
    if (done === 0) return;
    const { code } = outcomes[0]!;
    outcomes.splice(0, done);
    this.#send(thread, ROUTER_BYTES.written, done, code === undefined ? 0 : 1 + STORE_ERRORS.indexOf(code));
    if (outcomes[0]?.pending === 0) this.#answer(thread);
  }

  #announce(thread: number): void {
    if (this.#isDurable) this.#send(thread, ROUTER_BYTES.durable, 0, 0);
  }

  #send(thread: number, kind: number, runs: number, status: number): void {
    const record = new Uint8Array(RECORD_BYTES);
    const view = new DataView(record.buffer);
    view.setUint32(0, this.#system.thread, true);
    view.setUint32(4, runs, true);
    view.setUint32(8, status, true);
    this.#sender.send(thread, kind, record);
  }

  /** What it had not answered may be lost with it: the publishers are not told that it is safe, and send it again. */
  #lost(thread: number): void {
    const awaited = this.#awaited.get(thread) ?? [];
    this.#awaited.delete(thread);
    this.#durable.delete(thread);
    this.#outcomes.delete(thread);
    for (const write of awaited) write.committed('SLUICE_STORAGE_FAILED', []);
  }
}
