/**
 * A session's connection over a `net.Socket`: what `HandleTransport` does, where Node.js does not let us at the handle. The socket which `net.Server` made is
 * replaced by one over the same handle that reads into the shared buffer.
 */
import net from 'node:net';
import { SOCKET_LINGER_MS } from '../../base/limits.ts';
import { IO_CLOSED, IO_DATA, IO_DRAINED, type IoTarget, type ReadView, type Transport } from '../session/transport.ts';
import type { SharedReads } from './shared-reads.ts';

/** The part of `net.Socket` that is not in its types: the handle, which moves from the accepted socket to ours. */
interface WithHandle {
  _handle: unknown;
}

/** The encoding of what is bytes already, which the types of `net.Socket` do not know. */
const BUFFER = 'buffer' as BufferEncoding;

/** Our socket knows its transport, so that its handlers are the same functions for all connections. */
class TransportSocket extends net.Socket {
  transport: SocketTransport | null = null;
}

/** The same for all connections of a reactor. */
export function readOptions(reads: SharedReads): net.OnReadOpts {
  return {
    buffer: reads.buffer,
    callback(this: unknown, length: number): boolean {
      (this as TransportSocket).transport?.received(reads.viewOf(length));
      return true;
    },
  };
}

export class SocketTransport implements Transport {
  readonly remoteAddress: string;
  readonly #socket: TransportSocket;
  #target: IoTarget | null = null;
  /** Bytes of the write that the kernel has not taken whole; nothing else is written meanwhile. */
  #inFlightBytes = 0;
  /** What has to wait for that, oldest first. */
  #waiting: Uint8Array[] | null = null;
  #waitingBytes = 0;
  #ending = false;
  /** In `write`: what calls back now need not be reported. */
  #writing = false;
  readonly #onWritten = (error?: Error | null): void => this.#written(error);

  constructor(accepted: net.Socket, onread: net.OnReadOpts) {
    this.remoteAddress = `${accepted.remoteAddress}:${accepted.remotePort}`;
    const handle = (accepted as unknown as WithHandle)._handle;
    (accepted as unknown as WithHandle)._handle = null;
    // `pauseOnCreate` keeps it from reading before `open`.
    const options = { handle, onread, pauseOnCreate: true };
    this.#socket = new TransportSocket(options as net.SocketConstructorOpts);
    this.#socket.transport = this;
    this.#socket.on('error', ignore);
    this.#socket.on('close', onClose);
  }

  open(target: IoTarget): void {
    this.#target = target;
    if (this.#socket.destroyed) target.io(IO_CLOSED, undefined);
    else this.#socket.resume();
  }

  get pendingBytes(): number {
    return this.#inFlightBytes + this.#waitingBytes;
  }

  /** Goes past `Writable.write` to the socket's `_write`: outputs are batched already, and the stream's own queue would cost more than it gives. */
  write(bytes: Uint8Array): boolean {
    if (this.#inFlightBytes > 0) {
      this.#waiting ??= [];
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
      return false;
    }
    this.#inFlightBytes = bytes.length;
    this.#writing = true;
    this.#socket._write(bytes, BUFFER, this.#onWritten); // calls back at once if the kernel takes it
    this.#writing = false;
    return this.#inFlightBytes === 0;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#target = null;
    this.#ending = true;
    this.#socket.setTimeout(SOCKET_LINGER_MS, destroyThis);
    this.#socket.resume();
    if (this.#inFlightBytes === 0) this.#socket.end();
  }

  /** Called by the socket's handlers. */
  received(view: ReadView): void {
    this.#target?.io(IO_DATA, view);
  }

  closed(): void {
    this.#target?.io(IO_CLOSED, undefined);
    this.#target = null;
  }

  #written(error: Error | null | undefined): void {
    const waited = this.#waiting !== null;
    this.#inFlightBytes = 0;
    if (error != null) {
      this.#socket.destroy();
    } else if (this.#writing) {
      // The caller sees it.
    } else if (waited) {
      this.#writeWaiting();
    } else if (this.#ending) {
      this.#socket.end();
    } else {
      this.#target?.io(IO_DRAINED, undefined);
    }
  }

  #writeWaiting(): void {
    const chunks = Object.assign(
      this.#waiting!.map((chunk) => ({ chunk, encoding: BUFFER })),
      { allBuffers: true },
    );
    this.#inFlightBytes = this.#waitingBytes;
    this.#waiting = null;
    this.#waitingBytes = 0;
    this.#socket._writev!(chunks, this.#onWritten);
  }
}

function onClose(this: net.Socket): void {
  (this as TransportSocket).transport?.closed();
}

function destroyThis(this: net.Socket): void {
  this.destroy();
}

/** 'close' follows and says all that matters. */
function ignore(): void {}
