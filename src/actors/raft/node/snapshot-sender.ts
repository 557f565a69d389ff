/**
 * Snapshots to replicas that are too far behind. Few at a time, each a small window of chunks ahead of its acknowledgements, all under one rate: catching up must not
 * cost those who are up to date. What is not acknowledged is sent again; a transfer without progress is given up and the leader probes anew.
 */
import {
  RAFT_SNAPSHOT_CHUNK_BYTES,
  RAFT_SNAPSHOT_GIVE_UP_MS,
  RAFT_SNAPSHOT_RETRY_MS,
  RAFT_SNAPSHOT_SENDS_MAX,
  RAFT_SNAPSHOT_WINDOW,
} from '../../../base/limits.ts';
import type { ReplicaId } from '../replica.ts';
import type { OpenSnapshot, SnapshotStore } from '../state-machine.ts';
import type { SnapshotChunk, SnapshotReply } from './snapshot-message.ts';

export interface SnapshotSenderPorts {
  readonly self: ReplicaId;
  readonly store: SnapshotStore;
  send(chunk: SnapshotChunk): void;
  /** The transfer has ended. */
  report(group: number, to: ReplicaId, isOk: boolean): void;
  /** Where the group's log begins: an older snapshot is of no use. Undefined: there is no such group any more. */
  logStart(group: number): number | undefined;
  /** Is to have a snapshot that is new enough. */
  make(group: number): void;
  /** Bytes that came from a reader later than asked for: the node has something to send. */
  wake(): void;
}

interface Transfer {
  readonly group: number;
  readonly to: ReplicaId;
  readonly term: number;
  readonly source: OpenSnapshot;
  /** Sent and not acknowledged, in order. */
  unacked: SnapshotChunk[];
  nextOffset: number;
  isReading: boolean;
  hasRead: boolean;
  progressMs: number;
  sentMs: number;
}

interface Wanted {
  readonly group: number;
  readonly to: ReplicaId;
  readonly term: number;
}

export class SnapshotSender {
  readonly #ports: SnapshotSenderPorts;
  readonly #bytesPerSecond: number;
  readonly #chunkBytes: number;
  #transfers: Transfer[] = [];
  #wanted: Wanted[] = [];
  #budgetBytes: number;
  #budgetMs = 0;

  constructor(ports: SnapshotSenderPorts, bytesPerSecond: number, chunkBytes: number = RAFT_SNAPSHOT_CHUNK_BYTES) {
    this.#ports = ports;
    this.#bytesPerSecond = bytesPerSecond;
    this.#chunkBytes = chunkBytes;
    this.#budgetBytes = chunkBytes;
  }

  get size(): number {
    return this.#transfers.length + this.#wanted.length;
  }

  want(group: number, to: ReplicaId, term: number): void {
    this.#cancel(group, to);
    this.#wanted.push({ group, to, term });
  }

  /** The group does not lead any more. */
  drop(group: number): void {
    for (const { to } of [...this.#transfers, ...this.#wanted].filter((transfer) => transfer.group === group))
      this.#cancel(group, to);
  }

  onReply(reply: SnapshotReply, nowMs: number): void {
    const transfer = this.#transfers.find(
      ({ group, to, term }) => group === reply.group && to === reply.from && term === reply.term,
    );
    if (transfer === undefined || transfer.source.meta.index !== reply.index) return;
    if (reply.isDone) return this.#end(transfer, true);
    const before = transfer.unacked.length;
    transfer.unacked = transfer.unacked.filter(({ offset, data, isLast }) => isLast || offset + data.length > reply.offset);
    if (transfer.unacked.length < before) transfer.progressMs = nowMs;
  }

  tick(nowMs: number): void {
    this.#refill(nowMs);
    for (const transfer of [...this.#transfers]) {
      if (nowMs - transfer.progressMs > RAFT_SNAPSHOT_GIVE_UP_MS) this.#end(transfer, false);
    }
    const wanted = this.#wanted;
    this.#wanted = [];
    for (const each of wanted) {
      if (this.#transfers.length < RAFT_SNAPSHOT_SENDS_MAX) this.#begin(each, nowMs);
      else this.#wanted.push(each);
    }
    for (const transfer of this.#transfers) this.#resend(transfer, nowMs);
    this.pump(nowMs);
  }

  /** Sends as much as windows and rate allow. */
  pump(nowMs: number): void {
    for (const transfer of this.#transfers) this.#fill(transfer, nowMs);
  }

  #begin(wanted: Wanted, nowMs: number): void {
    const { group, to, term } = wanted;
    const logStart = this.#ports.logStart(group);
    if (logStart === undefined) return this.#ports.report(group, to, false);
    const source = this.#ports.store.open(group);
    if (source === undefined || source.meta.index < logStart) {
      source?.reader.close();
      this.#ports.make(group);
      this.#wanted.push(wanted);
      return;
    }
    this.#transfers.push({
      group,
      to,
      term,
      source,
      unacked: [],
      nextOffset: 0,
      isReading: false,
      hasRead: false,
      progressMs: nowMs,
      sentMs: nowMs,
    });
  }

  #fill(transfer: Transfer, nowMs: number): void {
    while (
      !transfer.isReading &&
      !transfer.hasRead &&
      transfer.unacked.length < RAFT_SNAPSHOT_WINDOW &&
      this.#budgetBytes > 0 &&
      this.#transfers.includes(transfer)
    ) {
      transfer.isReading = true;
      let isLate = false;
      transfer.source.reader.read(this.#chunkBytes, (bytes, isLast) => {
        transfer.isReading = false;
        this.#onBytes(transfer, bytes, isLast, nowMs);
        if (isLate) this.#ports.wake();
      });
      isLate = true;
    }
  }

  #onBytes(transfer: Transfer, data: Uint8Array, isLast: boolean, nowMs: number): void {
    if (!this.#transfers.includes(transfer)) return;
    const { group, to, term, source } = transfer;
    const offset = transfer.nextOffset;
    const chunk: SnapshotChunk = {
      type: 'snapshotChunk',
      group,
      from: this.#ports.self,
      to,
      term,
      meta: source.meta,
      offset,
      isLast,
      data,
    };
    transfer.nextOffset += data.length;
    transfer.hasRead = isLast;
    transfer.unacked.push(chunk);
    this.#transmit(transfer, chunk, nowMs);
  }

  #resend(transfer: Transfer, nowMs: number): void {
    if (transfer.unacked.length === 0 || nowMs - transfer.sentMs < RAFT_SNAPSHOT_RETRY_MS) return;
    for (const chunk of transfer.unacked) this.#transmit(transfer, chunk, nowMs);
  }

  #transmit(transfer: Transfer, chunk: SnapshotChunk, nowMs: number): void {
    transfer.sentMs = nowMs;
    this.#budgetBytes -= chunk.data.length;
    this.#ports.send(chunk);
  }

  #refill(nowMs: number): void {
    const bytes = ((nowMs - this.#budgetMs) / 1000) * this.#bytesPerSecond;
    this.#budgetMs = nowMs;
    this.#budgetBytes = Math.min(this.#budgetBytes + bytes, Math.max(this.#bytesPerSecond / 10, this.#chunkBytes));
  }

  #end(transfer: Transfer, isOk: boolean): void {
    this.#remove(transfer);
    this.#ports.report(transfer.group, transfer.to, isOk);
  }

  #cancel(group: number, to: ReplicaId): void {
    this.#wanted = this.#wanted.filter((wanted) => wanted.group !== group || wanted.to !== to);
    const transfer = this.#transfers.find((running) => running.group === group && running.to === to);
    if (transfer !== undefined) this.#remove(transfer);
  }

  #remove(transfer: Transfer): void {
    this.#transfers = this.#transfers.filter((running) => running !== transfer);
    transfer.source.reader.close();
  }
}
