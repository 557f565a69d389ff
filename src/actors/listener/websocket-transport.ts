/**
 * MQTT over WebSocket: a transport between a session and the transport of the bytes below. What is read is unmasked in place, in the reactor's read
 * buffer; what one turn writes leaves as one frame.
 */

import { closeFrame, frameHeaderBytes, pongFrame, writeFrameHeader } from '../../wire/websocket/frame-header.ts';
import { CLOSE, FrameError, type FrameEvents, FrameReader, OPCODE } from '../../wire/websocket/frame-reader.ts';
import type { TlsIdentity } from '../session/connection.ts';
import { IO_CLOSED, IO_DATA, IO_DRAINED, type IoTarget, type ReadView, type Transport } from '../session/transport.ts';

/** Where frames are put together, for all connections of a thread; one that the transport below keeps is replaced. */
let scratch: Uint8Array = new Uint8Array(64 * 1024 + 16);
/** Pongs that may be pending; a client that asks for more without reading them is not answered. */
const PONG_BACKLOG_BYTES = 4096;

export class WebSocketTransport implements Transport, IoTarget, FrameEvents {
  readonly #below: Transport;
  readonly #reader: FrameReader;
  #target: IoTarget | null = null;
  #closeSent = false;

  constructor(below: Transport) {
    this.#below = below;
    this.#reader = new FrameReader(this);
  }

  open(target: IoTarget): void {
    this.#target = target;
    this.#below.open(this);
  }

  get remoteAddress(): string {
    return this.#below.remoteAddress;
  }

  get tls(): TlsIdentity | undefined {
    return this.#below.tls;
  }

  get pendingBytes(): number {
    return this.#below.pendingBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closeSent) return true; // nothing may follow a close frame
    const size = frameHeaderBytes(bytes.length) + bytes.length;
    const frame = scratch.length >= size ? scratch : new Uint8Array(size);
    const at = writeFrameHeader(frame, 0, OPCODE.binary, bytes.length);
    frame.set(bytes, at);
    const left = this.#below.write(frame.subarray(0, size));
    if (!left && frame === scratch) scratch = new Uint8Array(scratch.length);
    return left;
  }

  pause(): void {
    this.#below.pause();
  }

  resume(): void {
    this.#below.resume();
  }

  end(): void {
    this.#target = null;
    this.#sendClose(CLOSE.normal);
    this.#below.end();
  }

  /** From the transport below. */
  io(event: number, argument: unknown): void {
    if (event === IO_DATA) this.#read(argument as ReadView);
    else if (event === IO_DRAINED) this.#target?.io(IO_DRAINED, undefined);
    else if (event === IO_CLOSED) this.#closed();
  }

  #read(view: ReadView): void {
    try {
      this.#reader.read(view);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#sendClose(error.closeCode);
      this.#closed();
      return;
    }
    if (view.start < view.end) this.#target?.io(IO_DATA, view);
    if (this.#closeSent) this.#closed();
  }

  ping(payload: Uint8Array): void {
    if (!this.#closeSent && this.#below.pendingBytes <= PONG_BACKLOG_BYTES) this.#below.write(pongFrame(payload));
  }

  /** Answered in kind; what the frames before it brought still goes to the session. */
  close(): void {
    this.#sendClose(CLOSE.normal);
  }

  #sendClose(code: number): void {
    if (this.#closeSent) return;
    this.#closeSent = true;
    this.#below.write(closeFrame(code));
  }

  /** The session ends the transport then. */
  #closed(): void {
    const target = this.#target;
    this.#target = null;
    target?.io(IO_CLOSED, undefined);
  }
}
