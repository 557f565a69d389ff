/**
 * What the wire needs from a way of carrying bytes between two nodes. A link between two nodes is made of lanes, each an
 * ordered pipe of bytes in both directions that carries some of the classes: so bulk in one lane does not hold up another.
 */
import type { WireClass } from './classes.ts';

export interface PipeEvents {
  /** `bytes[start, end)` is valid during the call only. */
  onBytes(bytes: Uint8Array, start: number, end: number): void;
  /** What was written has left, `pendingBytes` is 0 again. */
  onDrained(): void;
  /** Once, at the end; also when the pipe never came to stand. Nothing comes after it. */
  onClosed(reason: string): void;
}

/** One lane of a link. */
export interface Pipe {
  /** Bytes that were written and have not left. */
  readonly pendingBytes: number;
  /** The other side, for logs. */
  readonly remoteAddress: string;
  /** Events may begin as soon as this returns. */
  open(events: PipeEvents): void;
  /** `sent` is called once the bytes may be reused, also when the pipe breaks. */
  write(bytes: Uint8Array, sent: () => void): void;
  /** Writes up to `uncork` leave together. */
  cork(): void;
  uncork(): void;
  /** Sends what is pending, then closes. */
  end(): void;
  /** Closes now. */
  destroy(): void;
}

export interface WireListener {
  /** The port that was bound. */
  readonly port: number;
  /** Resolves when the port is free again. */
  close(): Promise<void>;
}

/** How to listen: an address, or a socket that somebody else has bound. */
export type ListenAt = { readonly host: string; readonly port: number } | { readonly fd: number };

export interface Transport {
  /** The classes of each lane. */
  readonly lanes: readonly (readonly WireClass[])[];
  /** One pipe for each lane, on their way. */
  dial(host: string, port: number): readonly Pipe[];
  listen(at: ListenAt, onPipe: (pipe: Pipe) => void): Promise<WireListener>;
}

/** Certificate, key and authority of a node, PEM. Both sides of a connection must show a certificate of the authority. */
export interface TlsKeys {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}
