/**
 * The storage seam on the simulated disk: one log file for all groups of a node. Writes that come while a sync is under way go into the next frame together: one frame is
 * one sync, so at most the last frame can be torn. A long file is written anew from what is live, beside the old one, and takes its name.
 */

import { DurableGroup } from '../../../src/actors/raft/durable-group.ts';
import type { GroupWrite, RaftStorage, StorageListener } from '../../../src/actors/raft/storage.ts';
import type { SimDisk } from './disk.ts';
import { encodeFrame, scan } from './wal-codec.ts';

const FILE = 'wal';
const NEXT_FILE = 'wal.tmp';
const FILE_BYTES_MAX = 12 * 1024;

export interface WalPorts {
  readonly disk: SimDisk;
  /** Runs `then` on the disk's thread after `afterMs`, unless the process has died. */
  later(afterMs: number, then: () => void): void;
}

export class Wal implements RaftStorage {
  readonly groups: Map<number, DurableGroup> = new Map();
  readonly #ports: WalPorts;
  #listener: StorageListener | undefined;
  #queue: { readonly batch: number; readonly writes: readonly GroupWrite[] }[] = [];
  #isSyncing = false;

  /** Reads what is there: `CorruptWal` when that is damaged. */
  constructor(ports: WalPorts) {
    this.#ports = ports;
    const { disk } = ports;
    if (disk.list().includes(NEXT_FILE)) disk.remove(NEXT_FILE);
    const bytes = disk.read(FILE);
    if (bytes === undefined) {
      disk.create(FILE);
    } else {
      const { frames, end } = scan(bytes);
      for (const { writes } of frames) for (const write of writes) this.#group(write.group).apply(write);
      if (end < bytes.length) this.#rewrite();
    }
    disk.syncNames();
  }

  listen(listener: StorageListener): void {
    this.#listener = listener;
  }

  isFull(): boolean {
    return this.#ports.disk.faults.isFull;
  }

  write(batch: number, writes: readonly GroupWrite[]): void {
    this.#queue.push({ batch, writes });
    if (!this.#isSyncing) this.#writeQueue();
  }

  #writeQueue(): void {
    const { disk } = this.#ports;
    const queue = this.#queue;
    this.#queue = [];
    this.#isSyncing = true;
    const writes = queue.flatMap((batch) => batch.writes);
    const frame = encodeFrame(writes);
    disk.point('wal before write');
    const half = frame.length >> 1;
    disk.append(FILE, frame.subarray(0, half));
    disk.point('wal in write');
    disk.append(FILE, frame.subarray(half));
    disk.point('wal before sync');
    this.#ports.later(disk.syncMs(), () => this.#sync(queue[queue.length - 1]!.batch, writes));
  }

  #sync(batch: number, writes: readonly GroupWrite[]): void {
    const { disk } = this.#ports;
    try {
      disk.sync(FILE);
    } catch (error) {
      // Nobody knows what is on the platter now, and to ask again would only hide it.
      this.#listener!.failed(error);
      return;
    }
    disk.point('wal after sync');
    for (const write of writes) this.#group(write.group).apply(write);
    if (disk.read(FILE)!.length > FILE_BYTES_MAX) this.#rewrite();
    this.#isSyncing = false;
    this.#listener!.durable(batch);
    if (this.#queue.length > 0 && !this.#isSyncing) this.#writeQueue();
  }

  /** The live part, in a file that replaces the old one when it is whole. */
  #rewrite(): void {
    const { disk } = this.#ports;
    disk.create(NEXT_FILE);
    const writes = [...this.groups].flatMap(([id, group]) => group.asWrite(id));
    if (writes.length > 0) disk.append(NEXT_FILE, encodeFrame(writes));
    disk.point('wal rewrite before sync');
    disk.sync(NEXT_FILE);
    disk.point('wal rewrite before rename');
    disk.rename(NEXT_FILE, FILE);
    disk.point('wal rewrite after rename');
    disk.syncNames();
    disk.point('wal rewrite after directory sync');
  }

  #group(id: number): DurableGroup {
    let group = this.groups.get(id);
    if (group === undefined) {
      group = new DurableGroup();
      this.groups.set(id, group);
    }
    return group;
  }
}
