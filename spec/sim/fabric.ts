/**
 * The network between simulated clients and reactors: connections that cut what they carry anywhere, take writes at once or late, and break.
 *
 *   client ── send ──▶ [segments on the way] ──▶ IO_DATA (held back while the session has paused)
 *   client ◀─ onBytes ─ [segments on the way] ◀── [the kernel's buffer: `write` takes it at once or reports IO_DRAINED later]
 *
 * Both ends live in the cluster's one thread, but nothing passes between them except through its event queue. Read buffers are overwritten after each
 * read, and what a late write holds is looked at only when it leaves: who keeps or reuses memory that is not his is found out.
 */

import {
  IO_CLOSED,
  IO_DATA,
  IO_DRAINED,
  type IoTarget,
  type ReadView,
  type Transport,
} from '../../src/actors/session/transport.ts';
import { assert } from '../../src/base/assert.ts';
import { cloneBytes } from '../../src/base/bytes.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { SimCluster } from '../../src/runtime/sim/cluster.ts';

/** What may go wrong; all of it stops when the world heals. */
export interface Weather {
  /** Probability that a write is not taken at once. */
  lateWrite: number;
  /** Longest that such a write waits, milliseconds. */
  lateWriteMsMax: number;
  /** One way, milliseconds. */
  latencyMsMax: number;
  /** Probability that a segment is cut in two. */
  cut: number;
  /** Probability that a client acknowledges late, and how late at most, milliseconds. */
  lateAck: number;
  lateAckMsMax: number;
}

/** The client's end hears of bytes and of the end. */
export interface Peer {
  onBytes(bytes: Uint8Array): void;
  onClosed(): void;
  /** In the server's turn: what it says first. */
  onFirstWrite(bytes: Uint8Array): void;
}

const LATENCY_MIN_MS = 0.02;
const POISON = 0xee;

export class Connection implements Transport {
  readonly remoteAddress: string;
  readonly #cluster: SimCluster;
  readonly #prng: Prng;
  readonly #weather: Weather;
  readonly #peer: Peer;
  readonly #headroomBytes: number;
  #target: IoTarget | null = null;

  // Towards the server.
  #arrived: Uint8Array[] = [];
  #lastArrivalMs = 0;
  #isPaused = true;
  #isReadScheduled = false;
  #peerHasClosed = false;
  #isReset = false;

  // Towards the client.
  #kernel: Uint8Array[] = [];
  #isLate = false;
  #lastDeliveryMs = 0;
  #isEnding = false;

  /** The server does not hear of anything any more: it has ended the connection, or its thread is dead. */
  serverDone = false;
  /** What the client still hears comes from the dead. */
  isServerDead = false;
  /** The client does not hear of anything any more. */
  clientDone = false;
  pendingBytes = 0;
  #hasWritten = false;

  constructor(cluster: SimCluster, prng: Prng, weather: Weather, peer: Peer, name: string) {
    this.#cluster = cluster;
    this.#prng = prng;
    this.#weather = weather;
    this.#peer = peer;
    this.remoteAddress = name;
    this.#headroomBytes = prng.chance(0.5) ? 65_536 : prng.below(64);
  }

  // ── The server's end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  open(target: IoTarget): void {
    this.#target = target;
    this.#isPaused = false;
    this.#readSoon();
  }

  write(bytes: Uint8Array): boolean {
    assert(!this.#isEnding, 'a write after the end');
    if (this.serverDone) return true;
    if (!this.#hasWritten) {
      this.#hasWritten = true;
      this.#peer.onFirstWrite(bytes);
    }
    if (!this.#isLate && !this.#prng.chance(this.#weather.lateWrite)) {
      this.#deliver(bytes);
      return true;
    }
    this.#kernel.push(bytes);
    this.pendingBytes += bytes.length;
    if (!this.#isLate) {
      this.#isLate = true;
      this.#cluster.at(this.#cluster.nowMs + this.#prng.next() * this.#weather.lateWriteMsMax, () => this.#leave());
    }
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#readSoon();
  }

  end(): void {
    this.serverDone = true;
    this.#target = null;
    this.#isEnding = true;
    this.#arrived = [];
    if (!this.#isLate) this.#closeClient();
  }

  /** The thread of the server's end is dead. */
  serverDied(): void {
    this.serverDone = true;
    this.isServerDead = true;
    this.#target = null;
    this.#kernel = [];
    this.#closeClient();
  }

  // ── The client's end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  send(bytes: Uint8Array): void {
    if (this.clientDone) return;
    let from = 0;
    while (from < bytes.length) {
      const isCut = bytes.length - from > 1 && this.#prng.chance(this.#weather.cut);
      const to = isCut ? from + 1 + this.#prng.below(bytes.length - from - 1) : bytes.length;
      const segment = cloneBytes(bytes, from, to);
      this.#arriveLater(() => this.#arrived.push(segment));
      from = to;
    }
  }

  /**
   * The client is gone. The server hears of it `noticeMs` later, and until then it has a connection that swallows everything; what the client has
   * sent arrives or, with `reset`, is lost.
   */
  drop(noticeMs: number, reset: boolean): void {
    if (this.clientDone) return;
    this.clientDone = true;
    // What the server has not read yet is lost, and no gap is left in the middle.
    this.#isReset = reset;
    if (reset) this.#arrived = [];
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#cluster.nowMs + noticeMs);
    this.#cluster.at(this.#lastArrivalMs, () => {
      if (this.serverDone) return;
      this.#peerHasClosed = true;
      this.#readSoon();
    });
  }

  // ── On the way ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #latency(): number {
    return LATENCY_MIN_MS + this.#prng.next() * this.#weather.latencyMsMax;
  }

  #arriveLater(then: () => void): void {
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#cluster.nowMs + this.#latency());
    this.#cluster.at(this.#lastArrivalMs, () => {
      if (this.serverDone || this.#isReset) return;
      then();
      this.#readSoon();
    });
  }

  #readSoon(): void {
    if (this.#isReadScheduled) return;
    this.#isReadScheduled = true;
    this.#cluster.at(this.#cluster.nowMs + 0.001, () => {
      this.#isReadScheduled = false;
      this.#read();
    });
  }

  #read(): void {
    if (this.#target === null || this.#isPaused) return;
    if (this.#arrived.length > 0) {
      const bytes = Buffer.concat(this.#arrived.splice(0, 1 + this.#prng.below(this.#arrived.length)));
      const buffer = new Uint8Array(this.#headroomBytes + bytes.length);
      buffer.set(bytes, this.#headroomBytes);
      const view: ReadView = { bytes: buffer, start: this.#headroomBytes, end: buffer.length };
      this.#target.io(IO_DATA, view);
      buffer.fill(POISON);
      this.#readSoon();
    } else if (this.#peerHasClosed) {
      const target = this.#target;
      this.#target = null;
      this.serverDone = true;
      target.io(IO_CLOSED, undefined);
    }
  }

  /** The kernel has room again. */
  #leave(): void {
    this.#isLate = false;
    const chunks = this.#kernel;
    this.#kernel = [];
    this.pendingBytes = 0;
    for (const chunk of chunks) this.#deliver(chunk);
    if (this.#isEnding) this.#closeClient();
    else this.#target?.io(IO_DRAINED, undefined);
  }

  #deliver(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const isCut = bytes.length - from > 1 && this.#prng.chance(this.#weather.cut);
      const to = isCut ? from + 1 + this.#prng.below(bytes.length - from - 1) : bytes.length;
      const segment = cloneBytes(bytes, from, to);
      this.#reachClient(() => this.#peer.onBytes(segment));
      from = to;
    }
  }

  #closeClient(): void {
    this.#reachClient(() => {
      this.clientDone = true;
      this.#peer.onClosed();
    });
  }

  #reachClient(then: () => void): void {
    this.#lastDeliveryMs = Math.max(this.#lastDeliveryMs, this.#cluster.nowMs + this.#latency());
    this.#cluster.at(this.#lastDeliveryMs, () => {
      if (!this.clientDone) then();
    });
  }
}
