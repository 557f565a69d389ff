/**
 * The part of Node.js below `net.Socket`: a TCP handle and the objects that its writes need. A connection that is driven through its handle touches
 * a third of the memory per message and costs 2 KiB less than one through a socket (measured: docs/internals/mqtt.md). These names have been the same
 * from Node 20 to 26, but they are Node's own business: where one is missing, connections fall back to sockets.
 */
import type net from 'node:net';

export interface WriteRequest {
  handle: StreamHandle;
  /** Keeps the bytes alive while the kernel has not taken them. */
  buffer: unknown;
  oncomplete: (this: WriteRequest, status: number) => void;
}

export interface ShutdownRequest {
  handle: StreamHandle;
  oncomplete: (this: ShutdownRequest, status: number) => void;
}

/** A TCP connection, a Unix one, or TLS over either. */
export interface StreamHandle {
  /** Called for each read; how many bytes came, or a negative error, is in the stream state. It returns nothing, so the same buffer is used again. */
  onread: (this: StreamHandle) => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  writev(request: WriteRequest, chunks: readonly Uint8Array[], allBuffers: true): number;
  shutdown(request: ShutdownRequest): number;
  /** Missing for Unix sockets. */
  getpeername?(into: PeerName): number;
  /** TLS alone: the connection cannot be decrypted any more. Nothing else is reported then. */
  onerror?: (this: StreamHandle) => void;
  close(): void;
}

export interface PeerName {
  address?: string;
  port?: number;
}

export interface StreamInternals {
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => ShutdownRequest;
  /** State of the last operation of any stream of this thread. */
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

const HANDLE_METHODS = ['useUserBuffer', 'readStart', 'readStop', 'writeBuffer', 'writev', 'shutdown', 'close'] as const;

/** Undefined where this Node.js does not have them as we know them. */
export const streamInternals: StreamInternals | undefined = load();

function load(): StreamInternals | undefined {
  try {
    const binding = (process as unknown as { binding(name: string): Partial<StreamInternals> }).binding('stream_wrap');
    const complete =
      typeof binding.WriteWrap === 'function' &&
      typeof binding.ShutdownWrap === 'function' &&
      binding.streamBaseState instanceof Int32Array &&
      typeof binding.kReadBytesOrError === 'number' &&
      typeof binding.kLastWriteWasAsync === 'number';
    return complete ? (binding as StreamInternals) : undefined;
  } catch {
    return undefined;
  }
}

interface Holder {
  _handle: (StreamHandle & Record<string | symbol, unknown>) | null;
  ssl?: unknown;
}

/**
 * Takes the handle out of a socket, plain or TLS, which is of no use any more. Undefined when it has none, because it is closed already, or not one that
 * we know. What lies below TLS is taken out of its socket as well, so that neither socket stays in memory.
 */
export function takeHandle(accepted: net.Socket, owner: object): StreamHandle | undefined {
  if (!hasHandle(accepted)) return undefined;
  const holder = accepted as unknown as Holder;
  const handle = holder._handle!;
  const below = handle._parentWrap as Holder | undefined;
  if (below === undefined) {
    release(holder, accepted, owner);
    return handle;
  }
  // To close, Node's TLS handle goes to the socket below, or without one to the handle below, and then frees what OpenSSL has of its owner's `ssl`.
  handle._parentWrap = undefined;
  handle.onhandshakestart = ignore;
  handle.onhandshakedone = ignore;
  holder.ssl = null;
  release(holder, accepted, { ssl: handle });
  if (below._handle !== null) release(below, below, owner);
  return handle;
}

/** Whether it is a bare handle, not a socket around one. */
export function isHandle(accepted: net.Socket | StreamHandle): accepted is StreamHandle {
  return !('_handle' in accepted);
}

/** Whether `takeHandle` will find one that we know. */
export function hasHandle(socket: object): boolean {
  const handle = (socket as Partial<Holder>)._handle;
  return streamInternals !== undefined && handle != null && HANDLE_METHODS.every((name) => typeof handle[name] === 'function');
}

/** What a server listens with. `_handle` is there while it listens. */
interface ListeningHandle {
  onconnection: (error: number, accepted: StreamHandle | undefined) => void;
  setNoDelay?(on: boolean): number;
  setKeepAlive?(on: boolean, seconds: number): number;
}

/**
 * From now on what `server` accepts goes to `accepted` as a bare handle, and no socket is made for it. With no delay, and keep-alive if `keepAliveSeconds` is not 0: on Linux a connection has
 * both from the socket that it came by, which saves five system calls for each. False, and nothing is done, where this Node.js or system is another.
 */
export function acceptHandles(server: net.Server, keepAliveSeconds: number, accepted: (handle: StreamHandle) => void): boolean {
  const handle = (server as unknown as { _handle: ListeningHandle | null })._handle;
  if (process.platform !== 'linux' || streamInternals === undefined || typeof handle?.onconnection !== 'function') return false;
  handle.setNoDelay?.(true);
  handle.setKeepAlive?.(keepAliveSeconds > 0, keepAliveSeconds);
  handle.onconnection = (_error, connection): void => {
    if (connection !== undefined) accepted(connection);
  };
  return true;
}

/** The handle knows its owner under a symbol of Node's; left as it is, that would keep the socket alive. */
function release(holder: Holder, from: object, owner: object): void {
  const handle = holder._handle!;
  holder._handle = null;
  for (const key of Object.getOwnPropertySymbols(handle)) if (handle[key] === from) handle[key] = owner;
}

function ignore(): void {}
