/**
 * The part of Node.js below `net.Socket`: a TCP handle and the objects that its writes need. A connection that is driven through its handle touches
 * a third of the memory per message and costs 2 KiB less than one through a socket (measured: docs/internals/mqtt.md). These names have been the same
 * from Node 20 to 26, but they are Node's own business: where one is missing, connections fall back to sockets.
 */
import type net from 'node:net';

export interface WriteRequest {
  handle: TcpHandle;
  /** Keeps the bytes alive while the kernel has not taken them. */
  buffer: unknown;
  oncomplete: (this: WriteRequest, status: number) => void;
}

export interface ShutdownRequest {
  handle: TcpHandle;
  oncomplete: (this: ShutdownRequest, status: number) => void;
}

export interface TcpHandle {
  /** Called for each read; how many bytes came, or a negative error, is in the stream state. It returns nothing, so the same buffer is used again. */
  onread: (this: TcpHandle) => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  writev(request: WriteRequest, chunks: readonly Uint8Array[], allBuffers: true): number;
  shutdown(request: ShutdownRequest): number;
  getpeername(into: PeerName): number;
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

const HANDLE_METHODS = [
  'useUserBuffer',
  'readStart',
  'readStop',
  'writeBuffer',
  'writev',
  'shutdown',
  'getpeername',
  'close',
] as const;

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

/** Takes the handle out of a socket that has just been accepted, which is of no use any more. Undefined when it is not the handle that we know. */
export function takeHandle(accepted: net.Socket, owner: object): TcpHandle | undefined {
  const holder = accepted as unknown as { _handle: (TcpHandle & Record<string | symbol, unknown>) | null };
  const handle = holder._handle;
  if (handle === null || !HANDLE_METHODS.every((name) => typeof handle[name] === 'function')) return undefined;
  holder._handle = null;
  // The handle knows its owner under a symbol of Node's; left as it is, that would keep the socket alive.
  for (const key of Object.getOwnPropertySymbols(handle)) if (handle[key] === accepted) handle[key] = owner;
  return handle;
}
