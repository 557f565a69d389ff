import type { TlsIdentity } from './connection.ts';

/**
 * What a session needs of its connection. The listener makes one over a socket, the simulator one over memory.
 */
export interface Transport {
  /** Begins to report I/O events to `target`; nothing is read before. */
  open(target: IoTarget): void;
  /** True when all of it left at once and `bytes` may be reused; otherwise the transport keeps `bytes` until it reports `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Bytes given to `write` that have not left. */
  readonly pendingBytes: number;
  /** Stops reading, so that the peer is pushed back; may be called twice. */
  pause(): void;
  resume(): void;
  /** Sends what is pending as long as the peer takes it, then closes. No event is reported any more. */
  end(): void;
  /** `address:port` of the peer. */
  readonly remoteAddress: string;
  /** Whom the TLS handshake has shown; undefined without TLS. */
  readonly tls?: TlsIdentity | undefined;
}

export interface IoTarget {
  io(event: number, argument: unknown): void;
}

/** I/O events of a connection, as given to `ctx.io`. */
export const IO_DATA = 1;
export const IO_DRAINED = 2;
export const IO_CLOSED = 3;

/** Argument of IO_DATA: what was read lies in `bytes[start, end)`, and `bytes[0, start)` is free for what the session kept of the last read. */
export interface ReadView {
  bytes: Uint8Array;
  start: number;
  end: number;
}
/** Something happened to this session in another's turn; the argument is a function that deals with it in the session's own. */
export const IO_CONTINUE = 4;
