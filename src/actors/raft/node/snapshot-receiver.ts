/** Snapshots that arrive: one per group, in order; what comes twice or too early is answered with how far we are. */
import { RAFT_SNAPSHOT_RECEIVES_MAX } from '../../../base/limits.ts';
import type { ReplicaId } from '../replica.ts';
import type { SnapshotStore, SnapshotWriter } from '../state-machine.ts';
import type { SnapshotMeta } from '../storage.ts';
import type { SnapshotChunk, SnapshotReply } from './snapshot-message.ts';

export interface SnapshotReceiverPorts {
  readonly self: ReplicaId;
  readonly store: SnapshotStore;
  reply(reply: SnapshotReply): void;
  /** It is durable. */
  received(group: number, meta: SnapshotMeta, from: ReplicaId): void;
}

interface Arrival {
  readonly from: ReplicaId;
  readonly term: number;
  readonly meta: SnapshotMeta;
  readonly writer: SnapshotWriter;
  offset: number;
  state: 'open' | 'committing' | 'done';
}

export class SnapshotReceiver {
  readonly #ports: SnapshotReceiverPorts;
  readonly #arrivals = new Map<number, Arrival>();

  constructor(ports: SnapshotReceiverPorts) {
    this.#ports = ports;
  }

  /** Under way. Those that are done stay until the next one, to answer for a last reply that was lost. */
  get size(): number {
    let open = 0;
    for (const { state } of this.#arrivals.values()) if (state !== 'done') open++;
    return open;
  }

  /** From the leader that the group follows. */
  onChunk(chunk: SnapshotChunk): void {
    let arrival = this.#arrivals.get(chunk.group);
    if (arrival === undefined || !isSame(arrival, chunk)) {
      // A transfer begins at its beginning; what is left of an older one is not its continuation.
      if (chunk.offset !== 0 || arrival?.state === 'committing') return;
      if (this.size >= RAFT_SNAPSHOT_RECEIVES_MAX) return;
      if (arrival?.state === 'open') arrival.writer.abort();
      arrival = {
        from: chunk.from,
        term: chunk.term,
        meta: chunk.meta,
        writer: this.#ports.store.receive(chunk.group, chunk.meta),
        offset: 0,
        state: 'open',
      };
      this.#arrivals.set(chunk.group, arrival);
    }
    if (arrival.state === 'open' && chunk.offset === arrival.offset) this.#take(arrival, chunk);
    this.#answer(chunk.group, arrival);
  }

  /** The group follows somebody else now, or needs it no more. */
  drop(group: number): void {
    const arrival = this.#arrivals.get(group);
    if (arrival === undefined || arrival.state === 'committing') return;
    if (arrival.state === 'open') arrival.writer.abort();
    this.#arrivals.delete(group);
  }

  #take(arrival: Arrival, { group, data, isLast }: SnapshotChunk): void {
    // Not taken is as good as lost: it comes again.
    if (!arrival.writer.write(data)) return;
    arrival.offset += data.length;
    if (!isLast) return;
    arrival.state = 'committing';
    arrival.writer.commit((isOk) => {
      if (!isOk) {
        this.#arrivals.delete(group);
        return;
      }
      arrival.state = 'done';
      this.#ports.received(group, arrival.meta, arrival.from);
      this.#answer(group, arrival);
    });
  }

  #answer(group: number, { from, term, meta, offset, state }: Arrival): void {
    const { self } = this.#ports;
    this.#ports.reply({
      type: 'snapshotReply',
      group,
      from: self,
      to: from,
      term,
      index: meta.index,
      offset,
      isDone: state === 'done',
    });
  }
}

function isSame({ from, term, meta }: Arrival, chunk: SnapshotChunk): boolean {
  return from === chunk.from && term === chunk.term && meta.index === chunk.meta.index && meta.term === chunk.meta.term;
}
