/** The actor that stands between the groups' storage and the store: sends its records, and hears what became of them. */
import type { Actor, ActorContext, TerminationReason } from '../../../runtime/actor.ts';
import { type ActorRef, threadOf } from '../../../runtime/ref.ts';
import type { ActorSystem } from '../../../runtime/system.ts';
import { type RestateLogs, STORE_BYTES, STORE_COMMITTED_BYTES, STORE_ERRORS, storeRef } from '../../store/messages.ts';
import type { GroupLog } from './group-log.ts';
import { JournalStorage, type StorePort } from './journal-storage.ts';

const F64_BYTES = 8;

/** Storage over what was recovered, with an actor of its own on this thread. */
export function startJournalStorage(
  system: ActorSystem,
  groups: Map<number, GroupLog>,
  onFailed: (error: Error) => void,
): JournalStorage {
  const link = new StoreLink(system, onFailed);
  const storage = new JournalStorage(link, groups);
  link.storage = storage;
  system.spawn<RestateLogs>(() => link, { name: 'raft-storage' });
  return storage;
}

class StoreLink implements Actor<RestateLogs>, StorePort {
  storage!: JournalStorage;
  readonly #system: ActorSystem;
  readonly #store: ActorRef<never>;
  readonly #onFailed: (error: Error) => void;
  #ctx: ActorContext<RestateLogs> | undefined;
  readonly #timers = new Map<number, () => void>();
  #nextTimer = 0;
  /** Before the actor has started nothing can be sent. */
  #waiting: (() => void)[] = [];

  constructor(system: ActorSystem, onFailed: (error: Error) => void) {
    this.#system = system;
    this.#onFailed = onFailed;
    this.#store = storeRef(system) as ActorRef<never>;
  }

  started(ctx: ActorContext<RestateLogs>): void {
    this.#ctx = ctx;
    for (const then of this.#waiting.splice(0)) then();
  }

  receive(message: RestateLogs): void {
    this.storage.restate(message);
  }

  /** `committed`, see store/messages.ts. */
  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (kind !== STORE_BYTES.committed) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
    const status = view.getUint8(1);
    const results: number[] = [];
    for (let at = STORE_COMMITTED_BYTES, left = view.getUint32(4, true); left > 0; left--, at += F64_BYTES) {
      results.push(view.getFloat64(at, true));
    }
    this.storage.answered(status === 0 ? undefined : STORE_ERRORS[status - 1]!, results);
  }

  onTimer(key: number): void {
    const then = this.#timers.get(key);
    this.#timers.delete(key);
    then?.();
  }

  stopping(reason: TerminationReason): void {
    if (reason !== 'stopped') this.#onFailed(new Error('the storage of the groups failed'));
  }

  inspect(): unknown {
    return this.storage.inspect();
  }

  send(record: Uint8Array): boolean {
    return this.#ctx?.tellBytes(this.#store, STORE_BYTES.logs, record, 0, record.length) ?? false;
  }

  whenWritable(then: () => void): void {
    if (this.#ctx === undefined) this.#waiting.push(then);
    else this.#system.whenWritable(threadOf(this.#store), then);
  }

  later(afterMs: number, then: () => void): void {
    const key = this.#nextTimer++;
    this.#timers.set(key, then);
    this.#ctx!.startTimer(afterMs, key);
  }
}
