/**
 * Node to node over QUIC (`@matrixai/quic`, which is quiche): one connection for a link, one stream for each class, so that
 * a lost packet holds up its own class alone. For links that lose packets; on good ones TCP is far faster, because here
 * every datagram passes through JavaScript.
 *
 * The package is optional and loaded by `loadQuic`. A peer that dies without a word is noticed by its silence: there is
 * no kernel that resets its connections.
 */
import { createHmac, randomBytes, randomFillSync, timingSafeEqual } from 'node:crypto';
import { realClock } from '../base/clock.ts';
import { SluiceError } from '../base/errors.ts';
import { SOCKET_LINGER_MS, WIRE_HANDSHAKE_MS_MAX } from '../base/limits.ts';
import { isSignedBy } from './certificate-chain.ts';
import { CLASSES, type WireClass } from './classes.ts';
import type { ListenAt, Pipe, PipeEvents, TlsKeys, Transport, WireListener } from './transport.ts';

type Quic = typeof import('@matrixai/quic');
type QuicStream = InstanceType<Quic['QUICStream']>;
type QuicConnection = InstanceType<Quic['QUICConnection']>;

const LANES: readonly (readonly WireClass[])[] = CLASSES.map((cls) => [cls]);
const PROTOCOL_NAME = 'sluice-wire';
/** TLS alert 42 as a QUIC error: the peer's certificate is not good. */
const BAD_CERTIFICATE = 298;
const READ_BYTES = 64 * 1024;
const STREAM_WINDOW_BYTES = 4 << 20;
const IDLE_MS_MAX = 10_000;

/** Throws where the package or its native part is not installed. */
export async function loadQuic(keys: TlsKeys): Promise<Transport> {
  try {
    return new QuicTransport(await import('@matrixai/quic'), keys);
  } catch (error) {
    throw new SluiceError('SLUICE_WIRE_TRANSPORT', `QUIC cannot be used here: ${String(error)}`, { cause: error });
  }
}

/** The library writes to stderr by itself unless it is given somebody else to tell. */
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing, getChild: (): unknown => SILENT };

function nothing(): void {}

class QuicTransport implements Transport {
  readonly lanes: readonly (readonly WireClass[])[] = LANES;
  readonly #quic: Quic;
  readonly #keys: TlsKeys;

  constructor(quic: Quic, keys: TlsKeys) {
    this.#quic = quic;
    this.#keys = keys;
  }

  dial(host: string, port: number): Pipe[] {
    const shared = new SharedConnection();
    const pipes = LANES.map(() => new StreamPipe(`${host}:${port}`, shared));
    this.#connect(host, port, shared, pipes).catch((error: unknown) => shared.close(describe(error)));
    return pipes;
  }

  async #connect(host: string, port: number, shared: SharedConnection, pipes: readonly StreamPipe[]): Promise<void> {
    const client = await this.#quic.QUICClient.createQUICClient(
      {
        host,
        port,
        localHost: host.includes(':') ? '::' : '0.0.0.0',
        crypto: { ops: { randomBytes: async (into) => void randomFillSync(new Uint8Array(into)) } },
        config: this.#config(),
        logger: SILENT as never,
      },
      { timer: WIRE_HANDSHAKE_MS_MAX },
    );
    const { connection } = client;
    shared.attach((code) => void client.destroy({ errorCode: code, force: true }).catch(() => {}));
    this.#watch(connection, shared);
    client.addEventListener(this.#quic.events.EventQUICClientError.name, () => {});
    for (const pipe of pipes) pipe.attach(connection.newStream('bidi'));
  }

  async listen(at: ListenAt, onPipe: (pipe: Pipe) => void): Promise<WireListener> {
    if ('fd' in at)
      throw new SluiceError('SLUICE_WIRE_TRANSPORT', 'QUIC listens on an address, not on a socket of somebody else');
    const { events } = this.#quic;
    const key = randomBytes(32);
    const server = new this.#quic.QUICServer({
      crypto: {
        key: key.buffer.slice(key.byteOffset, key.byteOffset + key.length),
        ops: {
          sign: async (secret, data) => sign(secret, data),
          verify: async (secret, data, signature) => isSame(sign(secret, data), signature),
        },
      },
      config: this.#config(),
      logger: SILENT as never,
    });
    server.addEventListener(events.EventQUICServerConnection.name, (event: unknown) => {
      const connection = (event as { detail: QuicConnection }).detail;
      const shared = new SharedConnection();
      shared.attach((code) => void connection.stop({ errorCode: code, force: true }).catch(() => {}));
      this.#watch(connection, shared);
      connection.addEventListener(events.EventQUICConnectionStream.name, (each: unknown) => {
        const pipe = new StreamPipe(`${connection.remoteHost}:${connection.remotePort}`, shared);
        pipe.attach((each as { detail: QuicStream }).detail);
        onPipe(pipe);
      });
    });
    server.addEventListener(events.EventQUICServerError.name, () => {});
    await server.start({ host: at.host, port: at.port });
    return { port: server.port, close: () => server.stop({ force: true }).catch(() => {}) };
  }

  #watch(connection: QuicConnection, shared: SharedConnection): void {
    const { events } = this.#quic;
    connection.addEventListener(events.EventQUICConnectionClose.name, (event: unknown) => {
      shared.close(describe((event as { detail: unknown }).detail));
    });
    connection.addEventListener(events.EventQUICConnectionError.name, () => {});
  }

  #config(): { cert: string; key: string } & Record<string, unknown> {
    const { cert, key, ca } = this.#keys;
    return {
      cert,
      key,
      ca,
      verifyPeer: true,
      verifyCallback: async (chain: Uint8Array[]) => (isSignedBy(chain, ca, realClock.wallClock()) ? undefined : BAD_CERTIFICATE),
      applicationProtos: [PROTOCOL_NAME],
      maxIdleTimeout: IDLE_MS_MAX,
      minIdleTimeout: WIRE_HANDSHAKE_MS_MAX,
      initialMaxData: STREAM_WINDOW_BYTES * LANES.length,
      initialMaxStreamDataBidiLocal: STREAM_WINDOW_BYTES,
      initialMaxStreamDataBidiRemote: STREAM_WINDOW_BYTES,
      initialMaxStreamsBidi: LANES.length,
      initialMaxStreamsUni: 0,
      enableEarlyData: false,
      readableChunkSize: READ_BYTES,
    };
  }
}

function sign(secret: ArrayBuffer, data: ArrayBuffer): ArrayBuffer {
  const digest = createHmac('sha256', new Uint8Array(secret)).update(new Uint8Array(data)).digest();
  return digest.buffer.slice(digest.byteOffset, digest.byteOffset + digest.length) as ArrayBuffer;
}

function isSame(a: ArrayBuffer, b: ArrayBuffer): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(new Uint8Array(a), new Uint8Array(b));
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

/** The connection under the streams of a link: it ends with the first of them. */
class SharedConnection {
  readonly #pipes = new Set<StreamPipe>();
  #end: ((code: number) => void) | undefined;
  #reason: string | undefined;

  get reason(): string | undefined {
    return this.#reason;
  }

  attach(end: (code: number) => void): void {
    this.#end = end;
    if (this.#reason !== undefined) end(0);
  }

  add(pipe: StreamPipe): void {
    this.#pipes.add(pipe);
  }

  close(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#end?.(0);
    for (const pipe of this.#pipes) pipe.closed(reason);
  }
}

class StreamPipe implements Pipe {
  readonly remoteAddress: string;
  readonly #shared: SharedConnection;
  /** Written before there was a stream. */
  #early: { readonly bytes: Uint8Array; readonly sent: () => void }[] = [];
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #events: PipeEvents | undefined;
  #stream: QuicStream | undefined;
  #pending = 0;
  #isClosed = false;

  constructor(remoteAddress: string, shared: SharedConnection) {
    this.remoteAddress = remoteAddress;
    this.#shared = shared;
    shared.add(this);
  }

  attach(stream: QuicStream): void {
    this.#stream = stream;
    this.#writer = stream.writable.getWriter() as WritableStreamDefaultWriter<Uint8Array>;
    this.#writer.closed.catch(() => {});
    const early = this.#early;
    this.#early = [];
    for (const { bytes, sent } of early) this.#send(bytes, sent);
    if (this.#events !== undefined) void this.#read(stream);
  }

  open(events: PipeEvents): void {
    if (this.#shared.reason !== undefined) {
      const { reason } = this.#shared;
      queueMicrotask(() => events.onClosed(reason));
      return;
    }
    this.#events = events;
    if (this.#stream !== undefined) void this.#read(this.#stream);
  }

  async #read(stream: QuicStream): Promise<void> {
    const reader = stream.readable.getReader();
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        this.#events?.onBytes(next.value, 0, next.value.length);
      }
      this.#shared.close('the peer closed the connection');
    } catch (error) {
      this.#shared.close(describe(error));
    }
  }

  get pendingBytes(): number {
    return this.#pending;
  }

  write(bytes: Uint8Array, sent: () => void): void {
    if (this.#isClosed) {
      sent();
      return;
    }
    this.#pending += bytes.length;
    if (this.#writer === undefined) this.#early.push({ bytes, sent });
    else this.#send(bytes, sent);
  }

  #send(bytes: Uint8Array, sent: () => void): void {
    const done = (): void => {
      this.#pending -= bytes.length;
      sent();
      if (this.#pending === 0) this.#events?.onDrained();
    };
    this.#writer!.write(bytes).then(done, done);
  }

  cork(): void {}

  uncork(): void {}

  end(): void {
    this.#writer?.close().catch(() => {});
    // The other side closes when it has read the last bytes; one that does not is not waited for.
    setTimeout(() => this.destroy(), SOCKET_LINGER_MS).unref();
  }

  destroy(): void {
    this.#shared.close('the connection was closed here');
  }

  closed(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { sent } of this.#early.splice(0)) sent();
    const events = this.#events;
    this.#events = undefined;
    queueMicrotask(() => events?.onClosed(reason));
  }
}
