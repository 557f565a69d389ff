/**
 * A session's connection over a bare handle: TCP, a Unix socket, or TLS over one of them, which has the same methods. All connections of a reactor read into one buffer: one that has nothing to say costs none.
 *
 *   open ──▶ reading ⇄ paused ──end──▶ (pending bytes leave) ──▶ shut down ──peer's end, or SOCKET_LINGER_MS──▶ closed
 *
 * Shutting down before closing matters: closing with unread input would make the kernel reset the connection and lose the last packet for the client.
 */
import type net from 'node:net';
import { assert } from '../../base/assert.ts';
import type { TlsIdentity } from '../session/connection.ts';
import { IO_CLOSED, IO_DATA, IO_DRAINED, type IoTarget, type Transport } from '../session/transport.ts';
import { NO_ORIGIN, type Origin } from './origin.ts';
import type { SharedReads } from './shared-reads.ts';
import {
  isHandle,
  type PeerName,
  type ShutdownRequest,
  type StreamHandle,
  type StreamInternals,
  streamInternals,
  takeHandle,
  type WriteRequest,
} from './stream-internals.ts';

const internals = streamInternals as StreamInternals;
const { streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = internals ?? {};

/** Serves every write that the kernel takes at once; one that it does not take keeps its request. */
let spareRequest: WriteRequest = internals && new internals.WriteWrap();

/** A handle knows its transport, so that its callbacks are the same functions for all connections. */
interface OwnHandle extends StreamHandle {
  transport: HandleTransport;
}

export class HandleTransport implements Transport {
  #target: IoTarget | null = null;
  #state: 'open' | 'ending' | 'shut' | 'closed' = 'open';
  /** Bytes of the write that the kernel has not taken whole; nothing else is written meanwhile. */
  #inFlightBytes = 0;
  readonly #handle: OwnHandle;
  readonly #reads: SharedReads;
  readonly #origin: Origin;
  readonly #linger: (transport: HandleTransport) => void;
  /** What has to wait for that, oldest first. */
  #waiting: Uint8Array[] | null = null;
  #waitingBytes = 0;
  /** The peer has ended its side, or the connection is broken. */
  #peerEnded = false;

  /** `linger` is called when it has been ended, and closes it if it has not closed by itself SOCKET_LINGER_MS later. */
  constructor(
    accepted: net.Socket | StreamHandle,
    reads: SharedReads,
    linger: (transport: HandleTransport) => void,
    origin: Origin = NO_ORIGIN,
  ) {
    const handle = isHandle(accepted) ? accepted : takeHandle(accepted, this);
    assert(handle !== undefined, 'an accepted connection has a handle');
    this.#handle = Object.assign(handle, { transport: this });
    this.#reads = reads;
    this.#origin = origin;
    this.#linger = linger;
    handle.onerror = onTlsError;
  }

  open(target: IoTarget): void {
    this.#target = target;
    this.#handle.useUserBuffer(this.#reads.buffer);
    this.#handle.onread = onRead;
    this.#handle.readStart();
    const { early } = this.#origin;
    // Not from within the target's own turn, which would be put off until the read buffer has other contents.
    if (early !== null) queueMicrotask(() => this.#reads.replay(early, (view) => this.#target?.io(IO_DATA, view)));
  }

  /** Asked of the kernel each time, unless a proxy has told: few are ever looked at. */
  get remoteAddress(): string {
    if (this.#origin.address !== '') return this.#origin.address;
    const name: PeerName = {};
    return this.#handle.getpeername?.(name) === 0 ? formatPeer(name) : '';
  }

  get tls(): TlsIdentity | undefined {
    return this.#origin.tls;
  }

  get pendingBytes(): number {
    return this.#inFlightBytes + this.#waitingBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state === 'closed') return true;
    if (this.#inFlightBytes > 0) {
      this.#waiting ??= [];
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
      return false;
    }
    const failed = this.#handle.writeBuffer(spareRequest, bytes) !== 0;
    if (failed) {
      this.#broken();
      return true;
    }
    if (streamBaseState[kLastWriteWasAsync] === 0) return true;
    this.#inFlight(bytes, bytes.length);
    return false;
  }

  pause(): void {
    if (this.#state === 'open') this.#handle.readStop();
  }

  resume(): void {
    if (this.#state === 'open') this.#handle.readStart();
  }

  end(): void {
    this.#target = null;
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    if (this.#inFlightBytes > 0) this.#handle.readStart();
    else this.#shutDown();
    this.#linger(this);
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Closes now, whatever is pending. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#waiting = null;
    this.#handle.close();
    this.#closed();
  }

  /** The handle has read `length` bytes into the shared buffer; a negative length is the end of the peer's side or an error. */
  received(length: number): void {
    if (length > 0) this.#target?.io(IO_DATA, this.#reads.viewOf(length));
    else if (length < 0) this.#peerGone();
  }

  /** The write in flight is done. */
  written(status: number): void {
    this.#inFlightBytes = 0;
    if (this.#state === 'closed') return;
    if (status !== 0) this.#broken();
    else if (this.#waiting !== null) this.#writeWaiting();
    else if (this.#state === 'ending') this.#shutDown();
    else this.#target?.io(IO_DRAINED, undefined);
  }

  /** The connection cannot be decrypted any more. */
  failed(): void {
    this.#broken();
  }

  shutDownDone(): void {
    if (this.#peerEnded) this.close();
  }

  #inFlight(bytes: unknown, length: number): void {
    const request = spareRequest;
    request.handle = this.#handle;
    request.buffer = bytes;
    request.oncomplete = onWritten;
    spareRequest = new internals.WriteWrap();
    this.#inFlightBytes = length;
  }

  #writeWaiting(): void {
    const chunks = this.#waiting!;
    const length = this.#waitingBytes;
    this.#waiting = null;
    this.#waitingBytes = 0;
    if (this.#handle.writev(spareRequest, chunks, true) !== 0) this.#broken();
    else if (streamBaseState[kLastWriteWasAsync] !== 0) this.#inFlight(chunks, length);
    else this.written(0);
  }

  /** What was not sent cannot be sent any more. */
  #broken(): void {
    this.#waiting = null;
    this.#waitingBytes = 0;
    this.#peerGone();
  }

  /** Nothing more comes from the peer. The session is told and ends the transport; after that only what is under way is waited for. */
  #peerGone(): void {
    if (this.#state === 'closed') return;
    this.#peerEnded = true;
    this.#handle.readStop();
    if (this.#state === 'shut') this.close();
    else if (this.#target !== null) queueMicrotask(() => this.#closed()); // not in the middle of the session's own write
  }

  #closed(): void {
    const target = this.#target;
    this.#target = null;
    target?.io(IO_CLOSED, undefined);
  }

  #shutDown(): void {
    if (this.#peerEnded) return this.close();
    this.#state = 'shut';
    this.#handle.readStart();
    const request = new internals.ShutdownWrap();
    request.handle = this.#handle;
    request.oncomplete = onShutDown;
    if (this.#handle.shutdown(request) !== 0) this.close();
  }
}

function onRead(this: StreamHandle): void {
  (this as OwnHandle).transport.received(streamBaseState[kReadBytesOrError]!);
}

function onTlsError(this: StreamHandle): void {
  (this as OwnHandle).transport.failed();
}

function formatPeer({ address, port }: PeerName): string {
  return address?.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function onWritten(this: WriteRequest, status: number): void {
  (this.handle as OwnHandle).transport.written(status);
}

function onShutDown(this: ShutdownRequest): void {
  (this.handle as OwnHandle).transport.shutDownDone();
}
