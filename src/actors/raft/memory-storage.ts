/** Storage without a disk: for groups that may be lost with their process, and for specs. It keeps the order and the lateness of a real one: durable is said later, and in bulk. */

import { DurableGroup } from './durable-group.ts';
import type { OpenSnapshot, SnapshotReader, SnapshotStore, SnapshotWriter } from './state-machine.ts';
import type { GroupWrite, NodeStorage, SnapshotMeta, StorageListener } from './storage.ts';

export class MemoryStorage implements NodeStorage {
  readonly groups: Map<number, DurableGroup> = new Map();
  /** Runs what it is given later, in order. */
  readonly #later: (run: () => void) => void;
  #listener: StorageListener | undefined;
  #waiting: { readonly batch: number; readonly writes: readonly GroupWrite[] }[] = [];

  constructor(later: (run: () => void) => void) {
    this.#later = later;
  }

  listen(listener: StorageListener): void {
    this.#listener = listener;
    this.#waiting = [];
  }

  write(batch: number, writes: readonly GroupWrite[]): void {
    this.#waiting.push({ batch, writes });
    if (this.#waiting.length === 1) this.#later(() => this.#complete());
  }

  isFull(): boolean {
    return false;
  }

  #complete(): void {
    const done = this.#waiting;
    const last = done.at(-1);
    if (last === undefined) return;
    this.#waiting = [];
    for (const { writes } of done) {
      for (const write of writes) {
        let group = this.groups.get(write.group);
        if (group === undefined) this.groups.set(write.group, (group = new DurableGroup()));
        group.apply(write);
      }
    }
    this.#listener?.durable(last.batch);
  }
}

interface Kept {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

export class MemorySnapshots implements SnapshotStore {
  readonly #kept = new Map<number, Kept[]>();

  save(group: number, meta: SnapshotMeta, reader: SnapshotReader, done: (isOk: boolean) => void): void {
    reader.read(Number.MAX_SAFE_INTEGER, (bytes) => {
      reader.close();
      this.#keep(group, { meta, bytes });
      done(true);
    });
  }

  open(group: number): OpenSnapshot | undefined {
    return opened(this.#kept.get(group)?.at(-1));
  }

  openAt(group: number, index: number): OpenSnapshot | undefined {
    return opened(this.#kept.get(group)?.find(({ meta }) => meta.index === index));
  }

  discardBefore(group: number, index: number): void {
    const kept = this.#kept.get(group) ?? [];
    this.#kept.set(
      group,
      kept.filter(({ meta }) => meta.index >= index),
    );
  }

  receive(group: number, meta: SnapshotMeta): SnapshotWriter {
    const parts: Uint8Array[] = [];
    return {
      write: (bytes) => parts.push(bytes.slice()) > 0,
      abort: () => {},
      commit: (done) => {
        this.#keep(group, { meta, bytes: Buffer.concat(parts) });
        done(true);
      },
    };
  }

  #keep(group: number, snapshot: Kept): void {
    const kept = [...(this.#kept.get(group) ?? []), snapshot];
    this.#kept.set(
      group,
      kept.sort((a, b) => a.meta.index - b.meta.index),
    );
  }
}

function opened(kept: Kept | undefined): OpenSnapshot | undefined {
  if (kept === undefined) return undefined;
  let at = 0;
  const read: SnapshotReader['read'] = (bytesMax, done) => {
    const part = kept.bytes.subarray(at, at + bytesMax);
    at += part.length;
    done(part, at === kept.bytes.length);
  };
  return { meta: kept.meta, reader: { read, close: () => {} } };
}
