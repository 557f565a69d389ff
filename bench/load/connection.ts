/**
 * One MQTT connection of the load: a raw socket whose reads all land in one shared 256 KiB buffer (a read is consumed before the next
 * one starts), the handshake, and after it a bare byte consumer.
 */
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { BenchError } from './bench-error.ts';
import { connectPacket, DISCONNECT, type Level, type Login, type Qos, subscribePacket } from './packets.ts';

const READ_BYTES = 256 * 1024;
const HANDSHAKE_MS_MAX = 10_000;
const sharedRead = Buffer.allocUnsafeSlow(READ_BYTES);

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Over TLS; the broker's certificate was made for the run and is not looked at. */
  readonly tls?: boolean;
}

export type ByteConsumer = (bytes: Buffer, length: number) => void;

/** Length of the MQTT frame at the start of `bytes`, 0 while it is not complete. */
function completeFrame(bytes: Buffer): number {
  let length = 0;
  for (let i = 1; i < Math.min(bytes.length, 5); i++) {
    const byte = bytes[i] as number;
    length |= (byte & 127) << (7 * (i - 1));
    if (byte < 128) return bytes.length >= i + 1 + length ? i + 1 + length : 0;
  }
  return 0;
}

export class Connection {
  readonly socket: Socket;
  readonly clientId: string;
  onBytes: ByteConsumer;
  #pending: Buffer = Buffer.alloc(0);
  #waiting: { resolve: (frame: Buffer) => void; reject: (error: Error) => void } | undefined;
  #onFailure: (error: Error) => void;
  #closing = false;

  constructor(endpoint: Endpoint, clientId: string, onFailure: (error: Error) => void) {
    this.clientId = clientId;
    this.onBytes = (bytes, length) => this.#collect(bytes, length);
    this.#onFailure = onFailure;
    this.socket = open(endpoint, {
      buffer: sharedRead,
      callback: (length, bytes) => {
        try {
          this.onBytes(bytes as Buffer, length);
        } catch (error) {
          this.#fail(error as Error);
        }
        return true;
      },
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(refusal(error, endpoint)));
    this.socket.on('close', () => this.#fail(new BenchError('protocol', `${clientId}: the peer closed the connection`)));
  }

  /** CONNECT and its CONNACK. */
  async handshake(level: Level, login?: Login, lasts = false): Promise<void> {
    this.socket.write(connectPacket(this.clientId, level, login, lasts));
    const connack = await this.#frame('CONNACK');
    if (connack[0] !== 0x20 || connack[3] !== 0) {
      throw new BenchError('protocol', `${this.clientId}: CONNECT was answered by ${connack.toString('hex')}`);
    }
  }

  async subscribe(filter: string, qos: Qos, level: Level): Promise<void> {
    this.socket.write(subscribePacket(filter, qos, level));
    const suback = await this.#frame('SUBACK');
    if (suback[0] !== 0x90 || suback.at(-1) !== qos) {
      throw new BenchError('protocol', `${this.clientId}: SUBSCRIBE ${filter} was answered by ${suback.toString('hex')}`);
    }
  }

  /** What comes from now on, and what has come behind the last answer, goes there. */
  consume(consumer: ByteConsumer): void {
    this.onBytes = consumer;
    const pending = this.#pending;
    this.#pending = Buffer.alloc(0);
    if (pending.length > 0) consumer(pending, pending.length);
  }

  /** Says goodbye; a close by the peer is no failure from here on. */
  close(): void {
    this.#closing = true;
    this.socket.end(DISCONNECT);
    this.socket.resume();
  }

  destroy(): void {
    this.#closing = true;
    this.socket.destroy();
  }

  #frame(what: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => this.#fail(new BenchError('protocol', `${this.clientId}: no ${what} within ${HANDSHAKE_MS_MAX} ms`)),
        HANDSHAKE_MS_MAX,
      );
      this.#waiting = {
        resolve: (frame) => {
          clearTimeout(late);
          resolve(frame);
        },
        reject: (error) => {
          clearTimeout(late);
          reject(error);
        },
      };
    });
  }

  #collect(bytes: Buffer, length: number): void {
    this.#pending = Buffer.concat([this.#pending, bytes.subarray(0, length)]);
    const frame = completeFrame(this.#pending);
    if (frame === 0) return;
    const whole = this.#pending.subarray(0, frame);
    this.#pending = this.#pending.subarray(frame);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(whole);
  }

  #fail(error: Error): void {
    if (this.#closing) return;
    this.#closing = true;
    this.socket.destroy();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#onFailure(error);
    else waiting.reject(error);
  }
}

function open({ host, port, tls }: Endpoint, onread: OnReadOpts): Socket {
  const where = { host, port, noDelay: true, onread };
  return tls === true ? connectTls({ ...where, rejectUnauthorized: false } as ConnectionOptions) : connect(where);
}

function refusal(error: NodeJS.ErrnoException, { host, port }: Endpoint): Error {
  if (error.code === 'ECONNREFUSED' || error.code === 'ENOTFOUND' || error.code === 'EHOSTUNREACH') {
    return new BenchError('unreachable', `cannot reach ${host}:${port} (${error.code})`);
  }
  return new BenchError('protocol', `connection to ${host}:${port} broke: ${error.message}`);
}
