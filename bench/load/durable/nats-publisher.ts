/**
 * The durable load over NATS' own protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol) to a JetStream stream with file storage. Each message
 * asks for a publish ack on one inbox of the connection; JetStream answers in the order of the messages.
 *
 *   PUB bench.0 I.0 128\r\n…payload…\r\n       ──▶
 *   MSG I.0 1 27\r\n{"stream":"bench","seq":1}\r\n   ◀──
 */
import { connect, type Socket } from 'node:net';
import { BenchError } from '../bench-error.ts';
import type { AckPublisher, AckPublisherOptions } from './ack-publisher.ts';
import { WindowClock } from './window-clock.ts';

const READ_BYTES = 256 * 1024;
const CR = 13;
const STREAM = 'bench';

/** A connection that has said CONNECT and handed over whole lines; the payload of a MSG is the line after it. */
export class NatsConnection {
  readonly socket: Socket;
  #left: Buffer = Buffer.alloc(0);
  /** Bytes of payload, with their line end, that come next. */
  #payload = 0;
  onMessage: (payload: Buffer) => void = () => {};

  constructor(host: string, port: number, fail: (error: Error) => void) {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (length: number, bytes: Uint8Array): boolean => {
        try {
          this.#take((bytes as Buffer).subarray(0, length));
        } catch (error) {
          fail(error as Error);
        }
        return true;
      },
    };
    this.socket = connect({ host, port, noDelay: true, onread });
    this.socket.on('error', (error) => fail(new BenchError('protocol', `connection to NATS broke: ${error.message}`)));
    this.socket.write('CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1"}\r\n');
  }

  #take(chunk: Buffer): void {
    let bytes = this.#left.length === 0 ? chunk : Buffer.concat([this.#left, chunk]);
    let at = 0;
    for (;;) {
      if (this.#payload > 0) {
        if (bytes.length - at < this.#payload) break;
        const payload = bytes.subarray(at, at + this.#payload - 2);
        at += this.#payload;
        this.#payload = 0;
        this.onMessage(payload);
        continue;
      }
      const end = bytes.indexOf(CR, at);
      if (end < 0 || end + 1 >= bytes.length) break;
      this.#line(bytes, at, end);
      at = end + 2;
    }
    bytes = bytes.subarray(at);
    this.#left = bytes.length === 0 ? bytes : Buffer.from(bytes);
  }

  #line(bytes: Buffer, from: number, to: number): void {
    const first = bytes[from];
    if (first === 77 /* MSG */) {
      let size = 0;
      let scale = 1;
      for (let i = to - 1; bytes[i] !== 32; i--, scale *= 10) size += (bytes[i]! - 48) * scale;
      this.#payload = size + 2;
    } else if (first === 80 /* PING, PONG */ && bytes[from + 1] === 73) this.socket.write('PONG\r\n');
    else if (first === 45 /* -ERR */) throw new BenchError('protocol', `NATS says ${bytes.toString('latin1', from, to)}`);
  }
}

/** Makes the stream that takes all subjects of the load. */
export async function createStream(host: string, port: number): Promise<void> {
  const request = JSON.stringify({
    name: STREAM,
    subjects: [`${STREAM}.*`],
    storage: 'file',
    retention: 'limits',
    num_replicas: 1,
  });
  await new Promise<void>((resolve, reject) => {
    const connection = new NatsConnection(host, port, reject);
    connection.onMessage = (payload) => {
      const answer = JSON.parse(payload.toString()) as { error?: { description: string } };
      connection.socket.destroy();
      if (answer.error === undefined) resolve();
      else reject(new BenchError('target', `JetStream makes no stream: ${answer.error.description}`));
    };
    connection.socket.write(`SUB I.s 1\r\nPUB $JS.API.STREAM.CREATE.${STREAM} I.s ${request.length}\r\n${request}\r\n`);
  });
}

export async function natsPublisher(options: AckPublisherOptions): Promise<AckPublisher> {
  const { endpoint, index, payloadBytes, window, now, span, ackLatency, fail } = options;
  const connection = new NatsConnection(endpoint.host, endpoint.port, fail);
  const message = Buffer.concat([
    Buffer.from(`PUB ${STREAM}.${index} I.${index} ${payloadBytes}\r\n`),
    Buffer.alloc(payloadBytes, 'Z'),
    Buffer.from('\r\n'),
  ]);
  const block = Buffer.concat(Array.from({ length: window }, () => message));
  const clock = new WindowClock(window, now, span, ackLatency);
  let running = false;
  let acks = 0;
  const fill = (): void => {
    const count = clock.credit;
    if (!running || count === 0) return;
    clock.send(count);
    connection.socket.write(block.subarray(0, count * message.length));
  };
  connection.onMessage = (payload) => {
    if (payload[2] === 101 /* {"error":… */) throw new BenchError('protocol', `JetStream refuses: ${payload.toString()}`);
    acks++;
    // Once per read: what the other acks of this read free goes with it.
    if (acks === 1) queueMicrotask(settle);
  };
  const settle = (): void => {
    clock.ack(acks);
    acks = 0;
    fill();
  };
  connection.socket.write(`SUB I.${index} 1\r\n`);
  return {
    get sent() {
      return clock.sent;
    },
    get acked() {
      return clock.acked;
    },
    start: () => {
      running = true;
      fill();
    },
    stop: () => {
      running = false;
    },
  };
}
