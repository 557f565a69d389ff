/**
 * A session's connection over any Node.js stream: QUIC, and all others where Node.js does not let us at their handle. It copies what is read once more than
 * `HandleTransport` does, and a stream's own machinery is under it.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TlsIdentity } from '../session/connection.ts';
import { IO_CLOSED, IO_DATA, IO_DRAINED, type IoTarget, type Transport } from '../session/transport.ts';
import type { Origin } from './origin.ts';
import type { SharedReads } from './shared-reads.ts';

export class DuplexTransport implements Transport {
  readonly #stream: Duplex;
  readonly #reads: SharedReads;
  readonly #linger: (transport: DuplexTransport) => void;
  readonly #origin: Origin;
  #target: IoTarget | null = null;
  #pendingBytes = 0;

  /** `linger` is called when it has been ended, and closes it if it has not closed by itself SOCKET_LINGER_MS later. */
  constructor(stream: Duplex, reads: SharedReads, linger: (transport: DuplexTransport) => void, origin: Origin) {
    this.#stream = stream;
    this.#reads = reads;
    this.#linger = linger;
    this.#origin = origin;
    stream.allowHalfOpen = true; // who has ended its side still gets an answer
    stream.on('error', () => this.#closed());
    stream.on('close', () => this.#closed());
    stream.on('end', () => this.#closed());
  }

  open(target: IoTarget): void {
    this.#target = target;
    const take = (chunk: Uint8Array): void => this.#reads.replay(chunk, (view) => this.#target?.io(IO_DATA, view));
    const { early } = this.#origin;
    // Not from within the target's own turn, which would be put off until the read buffer has other contents.
    queueMicrotask(() => {
      if (early !== null) take(early);
      if (this.#stream.destroyed) this.#closed();
      else this.#stream.on('data', take).resume();
    });
  }

  get remoteAddress(): string {
    if (this.#origin.address !== '') return this.#origin.address;
    const { remoteAddress, remotePort } = this.#stream as Partial<Socket>;
    return remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort}`;
  }

  get tls(): TlsIdentity | undefined {
    return this.#origin.tls;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#stream.destroyed || this.#stream.writableEnded) return true;
    this.#pendingBytes += bytes.length;
    this.#stream.write(bytes, () => {
      this.#pendingBytes -= bytes.length;
      if (this.#pendingBytes === 0) this.#target?.io(IO_DRAINED, undefined);
    });
    return false;
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    this.#target = null;
    this.#stream.resume();
    this.#stream.end();
    this.#linger(this);
  }

  get isClosed(): boolean {
    return this.#stream.destroyed;
  }

  close(): void {
    this.#stream.destroy();
  }

  #closed(): void {
    const target = this.#target;
    this.#target = null;
    target?.io(IO_CLOSED, undefined);
  }
}
