/**
 * Node to node over TCP, or over TLS where both sides show a certificate. Two connections make a link: urgent and control
 * messages never queue behind data and snapshots in a kernel buffer.
 *
 * All plain connections of a thread read into one buffer; what does not fit into a frame yet is copied by the frame reader.
 */
import net from 'node:net';
import tls from 'node:tls';
import { SOCKET_LINGER_MS } from '../base/limits.ts';
import { CLASS, type WireClass } from './classes.ts';
import type { ListenAt, Pipe, PipeEvents, TlsKeys, Transport, WireListener } from './transport.ts';

const READ_BYTES = 256 * 1024;
const LANES: readonly (readonly WireClass[])[] = [
  [CLASS.urgent, CLASS.control],
  [CLASS.data, CLASS.snapshot],
];

export class TcpTransport implements Transport {
  readonly lanes: readonly (readonly WireClass[])[] = LANES;
  readonly #tls: TlsKeys | undefined;
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

  constructor(keys?: TlsKeys) {
    this.#tls = keys;
  }

  dial(host: string, port: number): Pipe[] {
    return LANES.map(() => {
      const pipe = new SocketPipe(`${host}:${port}`);
      if (this.#tls === undefined) pipe.attach(net.connect({ host, port, noDelay: true, onread: this.#onRead(pipe) }));
      else pipe.attach(connectTls(host, port, this.#tls, pipe));
      return pipe;
    });
  }

  listen(at: ListenAt, onPipe: (pipe: Pipe) => void): Promise<WireListener> {
    const server = this.#tls === undefined ? this.#plainServer(onPipe) : tlsServer(this.#tls, onPipe);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen('fd' in at ? at : { ...at, exclusive: true }, () => {
        server.off('error', reject);
        // A connection that could not be accepted is the kernel's to report again.
        server.on('error', () => {});
        resolve({ port: (server.address() as net.AddressInfo).port, close: async () => void server.close() });
      });
    });
  }

  #plainServer(onPipe: (pipe: Pipe) => void): net.Server {
    return net.createServer({ pauseOnConnect: true, noDelay: true }, (accepted) => {
      const pipe = new SocketPipe(`${accepted.remoteAddress}:${accepted.remotePort}`);
      const holder = accepted as unknown as { _handle: unknown };
      const handle = holder._handle;
      holder._handle = null;
      // Reading into a buffer of one's own can be asked for only when a socket is made.
      const options = { handle, onread: this.#onRead(pipe) } as unknown as net.SocketConstructorOpts;
      const socket = new net.Socket(options);
      pipe.attach(socket);
      onPipe(pipe);
      socket.resume();
    });
  }

  #onRead(pipe: SocketPipe): net.OnReadOpts {
    return {
      buffer: this.#readBuffer,
      callback: (length, buffer) => {
        pipe.received(buffer, length);
        return true;
      },
    };
  }
}

function connectTls(host: string, port: number, { cert, key, ca }: TlsKeys, pipe: SocketPipe): tls.TLSSocket {
  // The certificate says that the peer belongs to the cluster; which node it is, the handshake says.
  const socket = tls.connect({ host, port, cert, key, ca, checkServerIdentity: () => undefined, minVersion: 'TLSv1.3' });
  socket.setNoDelay(true);
  socket.on('data', (bytes: Buffer) => pipe.received(bytes, bytes.length));
  return socket;
}

function tlsServer({ cert, key, ca }: TlsKeys, onPipe: (pipe: Pipe) => void): tls.Server {
  const options = { cert, key, ca, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' } as const;
  const server = tls.createServer(options, (socket) => {
    socket.setNoDelay(true);
    const pipe = new SocketPipe(`${socket.remoteAddress}:${socket.remotePort}`);
    socket.on('data', (bytes: Buffer) => pipe.received(bytes, bytes.length));
    pipe.attach(socket);
    onPipe(pipe);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

class SocketPipe implements Pipe {
  readonly remoteAddress: string;
  #socket: net.Socket | undefined;
  #events: PipeEvents | undefined;
  #reason = 'the peer closed the connection';
  #isClosed = false;

  constructor(remoteAddress: string) {
    this.remoteAddress = remoteAddress;
  }

  attach(socket: net.Socket): void {
    this.#socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason = error.code ?? error.message;
    });
    socket.on('drain', () => this.#events?.onDrained());
    // A peer that only half-closes has nothing to say any more: both directions belong together.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#closed());
  }

  received(bytes: Uint8Array, length: number): void {
    this.#events?.onBytes(bytes, 0, length);
  }

  open(events: PipeEvents): void {
    if (this.#isClosed) queueMicrotask(() => events.onClosed(this.#reason));
    else this.#events = events;
  }

  get pendingBytes(): number {
    return this.#socket!.writableLength;
  }

  write(bytes: Uint8Array, sent: () => void): void {
    this.#socket!.write(bytes, sent);
  }

  cork(): void {
    this.#socket!.cork();
  }

  uncork(): void {
    this.#socket!.uncork();
  }

  end(): void {
    const socket = this.#socket!;
    socket.end();
    // The other side closes when it has read the last bytes; one that does not is not waited for.
    setTimeout(() => socket.destroy(), SOCKET_LINGER_MS).unref();
  }

  destroy(): void {
    this.#socket!.destroy();
  }

  #closed(): void {
    this.#isClosed = true;
    const events = this.#events;
    this.#events = undefined;
    events?.onClosed(this.#reason);
  }
}
