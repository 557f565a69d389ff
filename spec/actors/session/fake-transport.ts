/** A connection in memory whose peer takes bytes when the spec says so. It keeps what it is lent by reference, as a socket does. */
import {
  IO_CLOSED,
  IO_DATA,
  IO_DRAINED,
  type IoTarget,
  type ReadView,
  type Transport,
} from '../../../src/actors/session/transport.ts';

export class FakeTransport implements Transport {
  readonly remoteAddress = '192.0.2.1:4711';
  /** The peer takes nothing. */
  blocked = false;
  paused = false;
  ended = false;
  /** Buffers that the peer has not taken yet. */
  readonly lent: Uint8Array[] = [];
  #pendingBytes = 0;
  #received: Buffer[] = [];
  #target: IoTarget | null = null;

  open(target: IoTarget): void {
    this.#target = target;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (!this.blocked && this.lent.length === 0) {
      this.#received.push(Buffer.from(bytes)); // a copy
      return true;
    }
    this.lent.push(bytes);
    this.#pendingBytes += bytes.length;
    return false;
  }

  /** The peer takes what is pending, and everything from now on. */
  drain(): void {
    this.blocked = false;
    this.takeLent(this.lent.length);
  }

  /** The peer takes the first `count` writes that are pending. */
  takeLent(count: number): void {
    if (this.lent.length === 0) return;
    for (const bytes of this.lent.splice(0, count)) {
      this.#received.push(Buffer.from(bytes));
      this.#pendingBytes -= bytes.length;
    }
    if (this.lent.length === 0) this.#target?.io(IO_DRAINED, undefined);
  }

  takeReceived(): Buffer {
    const received = Buffer.concat(this.#received);
    this.#received = [];
    return received;
  }

  /** The peer has sent `bytes`; `headroom` bytes in front of them are free. */
  feed(bytes: Uint8Array, headroom = 0): void {
    const memory = new Uint8Array(headroom + bytes.length);
    memory.set(bytes, headroom);
    const view: ReadView = { bytes: memory, start: headroom, end: memory.length };
    this.#target?.io(IO_DATA, view);
  }

  /** The peer is gone. */
  close(): void {
    this.#target?.io(IO_CLOSED, undefined);
    this.#target = null;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.ended = true;
    this.#target = null;
  }
}
