/** Where a group's rows are kept, as its machine sees it: a thread's store of keys and values. Continuations run later, never within the call. */
import type { LocalKv } from '../../../storage/kv/local-kv.ts';
import type { PackedOps } from '../../../storage/kv/packed-ops.ts';

export interface RowStore {
  /** Atomic, and in the order of calls. It survives the death of the process, and a loss of power too if it `isDurable`, with all before it. */
  write(ops: PackedOps, isDurable: boolean, then: () => void): void;
  read(keys: readonly Uint8Array[], then: (rows: readonly (Uint8Array | undefined)[]) => void): void;
  /** As of now: what `write` has been given and not done yet may be missing. */
  snapshot(): RowSnapshot;
}

export interface RowSnapshot {
  read(keys: readonly Uint8Array[], then: (rows: readonly (Uint8Array | undefined)[]) => void): void;
  close(): void;
}

/** `onFailed`: the store takes nothing any more; the node has to end. */
export function rowStoreOf(kv: LocalKv, onFailed: (error: Error) => void): RowStore {
  const settle = <T>(promise: Promise<T>, then: (value: T) => void): void => {
    // Out of the promise's turn, so that what the continuation throws is not swallowed as a rejection.
    promise.then(
      (value) => setImmediate(then, value),
      (error: unknown) => onFailed(error instanceof Error ? error : new Error(String(error))),
    );
  };
  return {
    write: (ops, isDurable, then) => settle(kv.batch(ops, { sync: isDurable }), then),
    read: (keys, then) => settle(kv.getMany(keys), then),
    snapshot: () => {
      const snapshot = kv.snapshot();
      return {
        read: (keys, then) => settle(snapshot.getMany(keys), then),
        close: () => settle(snapshot.close(), () => {}),
      };
    },
  };
}
