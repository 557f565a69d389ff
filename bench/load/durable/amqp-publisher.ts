/**
 * The durable load over AMQP 0-9-1 (https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf): persistent messages to a durable queue through the default exchange, with
 * publisher confirms. The handshake is the least that a broker takes; messages are three frames that are built once.
 *
 *   frame: type u8 · channel u16 · size u32 · payload · 0xCE          method payload: class u16 · method u16 · arguments
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { BenchError } from '../bench-error.ts';
import type { AckPublisher, AckPublisherOptions } from './ack-publisher.ts';
import { WindowClock } from './window-clock.ts';

const FRAME_END = 0xce;
const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const HEARTBEAT = 8;
const PERSISTENT = 2;
const FRAME_MAX = 131_072;
const READ_BYTES = 256 * 1024;

/** class << 16 | method */
const M = {
  start: 0x000a000a,
  tune: 0x000a001e,
  openOk: 0x000a0029,
  close: 0x000a0032,
  channelOpenOk: 0x0014000b,
  channelClose: 0x00140028,
  declareOk: 0x0032000b,
  ack: 0x003c0050,
  nack: 0x003c0078,
  selectOk: 0x0055000b,
} as const;

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const u32 = (value: number): Buffer => Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
const shortText = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const longText = (text: string): Buffer => Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);

function frame(type: number, channel: number, ...payload: Buffer[]): Buffer {
  const body = Buffer.concat(payload);
  return Buffer.concat([Buffer.from([type]), u16(channel), u32(body.length), body, Buffer.from([FRAME_END])]);
}

function method(channel: number, id: number, methodId: number, ...args: Buffer[]): Buffer {
  return frame(METHOD, channel, u16(id), u16(methodId), ...args);
}

class AmqpConnection {
  readonly socket: Socket;
  #left: Buffer = Buffer.alloc(0);
  #wanted: { readonly method: number; readonly resolve: (args: Buffer) => void } | null = null;
  /** Confirms up to this tag, or this tag alone. */
  onAck: (tag: number, multiple: boolean) => void = () => {};
  onRead: () => void = () => {};

  constructor(host: string, port: number, fail: (error: Error) => void) {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (length: number, bytes: Uint8Array): boolean => {
        try {
          this.#take((bytes as Buffer).subarray(0, length));
          this.onRead();
        } catch (error) {
          fail(error as Error);
        }
        return true;
      },
    };
    this.socket = connect({ host, port, noDelay: true, onread });
    this.socket.on('error', (error) => fail(new BenchError('protocol', `connection over AMQP broke: ${error.message}`)));
  }

  /** Sends `bytes` and waits for the answer. */
  ask(bytes: Buffer, answer: number): Promise<Buffer> {
    this.socket.write(bytes);
    return new Promise((resolve) => {
      this.#wanted = { method: answer, resolve };
    });
  }

  #take(chunk: Buffer): void {
    const bytes = this.#left.length === 0 ? chunk : Buffer.concat([this.#left, chunk]);
    let at = 0;
    while (bytes.length - at >= 8) {
      const size = bytes.readUInt32BE(at + 3);
      if (bytes.length - at < 8 + size) break;
      if (bytes[at] === METHOD) this.#method(bytes.readUInt32BE(at + 7), bytes.subarray(at + 11, at + 7 + size));
      else if (bytes[at] !== HEARTBEAT) throw new BenchError('protocol', `an AMQP frame of type ${bytes[at]}`);
      at += 8 + size;
    }
    this.#left = Buffer.from(bytes.subarray(at));
  }

  #method(id: number, args: Buffer): void {
    if (id === M.ack) return this.onAck(args.readUInt32BE(4), args[8] === 1);
    if (id === this.#wanted?.method) {
      const { resolve } = this.#wanted;
      this.#wanted = null;
      return resolve(Buffer.from(args));
    }
    const why =
      id === M.close || id === M.channelClose ? args.toString('latin1', 3, 3 + args[2]!) : `method 0x${id.toString(16)}`;
    throw new BenchError('protocol', `the broker over AMQP says ${id === M.nack ? 'nack' : why}`);
  }
}

async function openChannel(connection: AmqpConnection, queue: string): Promise<void> {
  await once(connection.socket, 'connect');
  await connection.ask(Buffer.from('AMQP\0\0\u0009\u0001', 'latin1'), M.start);
  const noTable = u32(0);
  await connection.ask(method(0, 10, 11, noTable, shortText('PLAIN'), longText('\0guest\0guest'), shortText('en_US')), M.tune);
  connection.socket.write(method(0, 10, 31, u16(2047), u32(FRAME_MAX), u16(0)));
  await connection.ask(method(0, 10, 40, shortText('/'), shortText(''), Buffer.from([0])), M.openOk);
  await connection.ask(method(1, 20, 10, shortText('')), M.channelOpenOk);
  const durable = Buffer.from([0b00010]);
  await connection.ask(method(1, 50, 10, u16(0), shortText(queue), durable, noTable), M.declareOk);
  await connection.ask(method(1, 85, 10, Buffer.from([0])), M.selectOk);
}

function messageTo(queue: string, payloadBytes: number): Buffer {
  const size = Buffer.concat([u32(0), u32(payloadBytes)]);
  return Buffer.concat([
    method(1, 60, 40, u16(0), shortText(''), shortText(queue), Buffer.from([0])),
    // Properties: of all flags the one for the delivery mode.
    frame(HEADER, 1, u16(60), u16(0), size, u16(0x1000), Buffer.from([PERSISTENT])),
    frame(BODY, 1, Buffer.alloc(payloadBytes, 'Z')),
  ]);
}

/** `queues`: how many the publishers share. */
export async function amqpPublisher(options: AckPublisherOptions, queues: number): Promise<AckPublisher> {
  const { endpoint, index, payloadBytes, window, now, span, ackLatency, fail } = options;
  const connection = new AmqpConnection(endpoint.host, endpoint.port, fail);
  const queue = `bench-${index % queues}`;
  await openChannel(connection, queue);
  const message = messageTo(queue, payloadBytes);
  const block = Buffer.concat(Array.from({ length: window }, () => message));
  const clock = new WindowClock(window, now, span, ackLatency);
  const confirms = new Confirms();
  let running = false;
  const fill = (): void => {
    const count = clock.credit;
    if (!running || count === 0) return;
    clock.send(count);
    connection.socket.write(block.subarray(0, count * message.length));
  };
  connection.onAck = (tag, multiple) => confirms.add(tag, multiple);
  connection.onRead = () => {
    const acked = confirms.upTo - clock.acked;
    if (acked > 0) clock.ack(acked);
    fill();
  };
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

/** Confirms may come out of order: counts those below which all have come. */
export class Confirms {
  upTo = 0;
  readonly #early = new Set<number>();

  add(tag: number, multiple: boolean): void {
    if (multiple) {
      for (const early of this.#early) if (early <= tag) this.#early.delete(early);
      this.upTo = Math.max(this.upTo, tag);
    } else if (tag > this.upTo) this.#early.add(tag);
    while (this.#early.delete(this.upTo + 1)) this.upTo++;
  }
}
