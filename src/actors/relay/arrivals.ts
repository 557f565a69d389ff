/**
 * What comes from other nodes: each batch once, its runs to the clients of this node. It is acknowledged, in order, when those who could not take more have taken it and what lasts is on disk; so a node that is slow
 * lets the queues of others fill up, within their windows.
 */
import type { PressureSource } from '../router/pressure.ts';
import type { StagedWrite } from '../shard/staged.ts';
import { forEachRun, readBatchHeader } from './batch-codec.ts';

export interface ArrivalPorts {
  /** Delivers the run in `bytes[start, end)`, with a key to one member of that shared subscription; what it leads to on disk goes to `writes`. Returns where it met pressure. */
  readonly deliver: (
    bytes: Uint8Array,
    start: number,
    end: number,
    key: string | undefined,
    writes: Set<StagedWrite>,
  ) => PressureSource | null;
  /** What comes from the node from here on is behind that fence. */
  readonly passed: (name: string, node: number) => void;
  readonly acknowledge: (node: number, life: number, seq: number) => void;
  /** What could not be written is lost with this life of the node: it is for the next one to acknowledge. */
  readonly hasFailed: () => boolean;
  /** Runs that have been delivered. */
  readonly count: (runs: number) => void;
}

interface Pending {
  readonly seq: number;
  left: number;
}

interface Origin {
  life: number;
  /** The last one that was taken, and the last one that all is done of. */
  taken: number;
  done: number;
  /** The last one whose acknowledgement was said again. */
  repeated: number;
  pending: Pending[];
}

export class Arrivals {
  readonly #ports: ArrivalPorts;
  readonly #origins = new Map<number, Origin>();

  constructor(ports: ArrivalPorts) {
    this.#ports = ports;
  }

  /** False: no batch. */
  receive(node: number, bytes: Uint8Array, start: number, end: number): boolean {
    const header = readBatchHeader(bytes, start, end);
    if (header === undefined) return false;
    const { life, seq, first } = header;
    const origin = this.#origin(node, life);
    // Taken before: the acknowledgement is lost, or still to come.
    if (seq <= origin.taken) {
      if (origin.done > 0) this.#ports.acknowledge(node, life, origin.done);
      return true;
    }
    // What is in between was sent to one who is no more, and is sent again.
    if (seq !== (origin.taken === 0 ? first : origin.taken + 1)) return true;
    origin.taken = seq;
    const pending: Pending = { seq, left: 1 };
    origin.pending.push(pending);
    this.#deliver(node, origin, pending, bytes, start, end);
    this.#settle(node, origin, pending);
    return true;
  }

  /** Acknowledgements may be lost with a link: each is said twice, some time apart, and again when the way to `node` is new. */
  repeat(node: number, isNewWay: boolean): void {
    const origin = this.#origins.get(node);
    if (origin === undefined || origin.done === 0 || (origin.repeated === origin.done && !isNewWay)) return;
    origin.repeated = origin.done;
    this.#ports.acknowledge(node, origin.life, origin.done);
  }

  #deliver(node: number, origin: Origin, pending: Pending, bytes: Uint8Array, start: number, end: number): void {
    const { count, deliver, passed, hasFailed } = this.#ports;
    const writes = new Set<StagedWrite>();
    const settle = (): void => this.#settle(node, origin, pending);
    const visit = (runStart: number, runEnd: number, key: string | undefined): void => {
      count(1);
      const pressure = deliver(bytes, runStart, runEnd, key, writes);
      if (pressure === null) return;
      pending.left++;
      pressure.wait({ relieved: settle });
    };
    forEachRun(bytes, start, end, visit, (name) => passed(name, node));
    for (const write of writes) {
      pending.left++;
      write.await({ written: (code) => (code === undefined || !hasFailed() ? settle() : undefined) });
    }
  }

  #origin(node: number, life: number): Origin {
    let origin = this.#origins.get(node);
    if (origin === undefined || origin.life !== life) {
      origin = { life, taken: 0, done: 0, repeated: 0, pending: [] };
      this.#origins.set(node, origin);
    }
    return origin;
  }

  #settle(node: number, origin: Origin, pending: Pending): void {
    pending.left--;
    let done = 0;
    while (origin.pending[done]?.left === 0) done++;
    if (done === 0) return;
    origin.done = origin.pending[done - 1]!.seq;
    origin.pending.splice(0, done);
    // One who began a new life does not wait for what it sent in the one before.
    if (this.#origins.get(node) === origin) this.#ports.acknowledge(node, origin.life, origin.done);
  }
}
