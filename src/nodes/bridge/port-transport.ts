/**
 * A session's connection over a message port, whose other end a guest of the process has: on a thread of its own it plays the client.
 *
 *   a Uint8Array   bytes of the connection
 *   a number       so many bytes have been taken, and there is room for them again
 *   a string       a question beside the connection
 *
 * Neither side has more than GUEST_BYTES_MAX under way. When a thread goes its port closes, and with it the connection.
 */
import type { MessagePort } from 'node:worker_threads';
import { IO_CLOSED, IO_DATA, IO_DRAINED, type IoTarget, type Transport } from '../../actors/session/transport.ts';

export class PortTransport implements Transport {
  readonly remoteAddress = '';
  readonly #port: MessagePort;
  readonly #onQuestion: () => void;
  #target: IoTarget | null = null;
  #pendingBytes = 0;
  #isPaused = false;
  /** What came while the session did not read. */
  #held: Uint8Array[] = [];

  constructor(port: MessagePort, onQuestion: () => void) {
    this.#port = port;
    this.#onQuestion = onQuestion;
  }

  open(target: IoTarget): void {
    this.#target = target;
    this.#port.on('message', (message: Uint8Array | number | string) => {
      if (typeof message === 'number') this.#taken(message);
      else if (typeof message === 'string') this.#onQuestion();
      else if (this.#isPaused) this.#held.push(message);
      else this.#take(message);
    });
    this.#port.on('close', () => this.#closed());
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  write(bytes: Uint8Array): boolean {
    // A copy: what lies behind a view would travel as a whole.
    const copy = Uint8Array.from(bytes);
    this.#pendingBytes += copy.length;
    this.#port.postMessage(copy, [copy.buffer]);
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    setImmediate(() => {
      while (!this.#isPaused && this.#held.length > 0) this.#take(this.#held.shift()!);
    });
  }

  /** What was written before reaches the guest before the end does. */
  end(): void {
    this.#target = null;
    this.#port.close();
  }

  #take(bytes: Uint8Array): void {
    this.#target?.io(IO_DATA, { bytes, start: 0, end: bytes.length });
    if (this.#target !== null) this.#port.postMessage(bytes.length);
  }

  #taken(bytes: number): void {
    this.#pendingBytes -= bytes;
    if (this.#pendingBytes === 0) this.#target?.io(IO_DRAINED, undefined);
  }

  #closed(): void {
    const target = this.#target;
    this.#target = null;
    target?.io(IO_CLOSED, undefined);
  }
}
