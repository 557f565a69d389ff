/**
 * An MQTT client over a bare socket: it sends any bytes, answers nothing by itself, and hands out what comes packet by packet. What the broker sends is
 * read by mqtt-packet, so the broker's codec does not judge itself; `raw` has the bytes.
 */
import { once } from 'node:events';
import net from 'node:net';
import { type Packet as DecodedPacket, type IConnackPacket, type IPublishPacket, parser } from 'mqtt-packet';
import {
  type ConnectOptions,
  encodeConnect,
  encodePublish,
  encodeSubscribe,
  PINGREQ,
} from '../../src/wire/mqtt/client-encoder.ts';
import type { Dialect, Qos } from '../../src/wire/mqtt/constants.ts';
import { frameLength } from '../../src/wire/mqtt/frame.ts';
import type { SubscribeEntry } from '../../src/wire/mqtt/packets.ts';
import { within } from './until.ts';

export type ConnectSettings = ConnectOptions;
export type Received = DecodedPacket & { readonly raw: Buffer };
export type ReceivedPublish = IPublishPacket & { readonly raw: Buffer };

export interface PublishSettings {
  readonly qos?: Qos;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly packetId?: number;
  readonly properties?: Uint8Array;
}

/** Acknowledgements in their short form. */
export const puback = (id: number): Uint8Array => Uint8Array.of(0x40, 2, id >> 8, id & 255);
export const pubrec = (id: number): Uint8Array => Uint8Array.of(0x50, 2, id >> 8, id & 255);
export const pubrel = (id: number): Uint8Array => Uint8Array.of(0x62, 2, id >> 8, id & 255);
export const pubcomp = (id: number): Uint8Array => Uint8Array.of(0x70, 2, id >> 8, id & 255);
export const DISCONNECT: Uint8Array = Uint8Array.of(0xe0, 0);

export class RawClient {
  readonly #socket: net.Socket;
  #level: 3 | 4 | 5 = 5;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #arrived: Received[] = [];
  #wake: () => void = () => {};
  #isClosed = false;
  readonly closed: Promise<void>;
  connack!: IConnackPacket;
  clientId = '';

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('end', () => {});
    const client = new RawClient(socket);
    await within('the connection', once(socket, 'connect'));
    socket.on('end', () => client.#ended());
    return client;
  }

  /** Over a connection that is up already: TLS, a Unix socket. */
  static over(socket: net.Socket): RawClient {
    const client = new RawClient(socket);
    socket.on('end', () => client.#ended());
    return client;
  }

  static async connect(port: number, settings: Partial<ConnectSettings> & { clientId: string }): Promise<RawClient> {
    const client = await RawClient.open(port);
    await client.connect(settings);
    return client;
  }

  /** The broker has closed its side; so do we, unless the spec is about a client that does not. */
  closesWhenTold = true;

  #ended(): void {
    if (this.closesWhenTold) this.#socket.end();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Our address and port, as the broker sees them. */
  get address(): string {
    return `127.0.0.1:${this.#socket.localPort}`;
  }

  get dialect(): Dialect {
    return this.#level === 5 ? 1 : 0;
  }

  /** Sends CONNECT and waits for CONNACK, which is left in `connack`. */
  async connect(settings: Partial<ConnectSettings> & { clientId: string }): Promise<IConnackPacket> {
    const options: ConnectSettings = { level: 5, cleanStart: true, keepAliveSeconds: 0, ...settings };
    this.speak(options.level);
    this.clientId = options.clientId;
    this.send(encodeConnect(options));
    this.connack = (await this.next('connack')) as IConnackPacket & Received;
    return this.connack;
  }

  /** Which version to read packets in; for specs that send a CONNECT of their own. */
  speak(level: 3 | 4 | 5): void {
    this.#level = level;
  }

  send(...packets: Uint8Array[]): void {
    this.#socket.write(Buffer.concat(packets));
  }

  /** One write for each byte. */
  async sendInPieces(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) await new Promise<void>((resolve) => this.#socket.write(Uint8Array.of(byte), () => resolve()));
  }

  publish(topic: string, payload: string | Uint8Array, settings: PublishSettings = {}): void {
    this.send(this.encodePublish(topic, payload, settings));
  }

  encodePublish(topic: string, payload: string | Uint8Array, settings: PublishSettings = {}): Uint8Array {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    return encodePublish(this.dialect, { topic, payload: bytes, ...settings });
  }

  /** Subscribes and waits for SUBACK; returns its reason codes. Messages that come first are kept for `next`. */
  async subscribe(filter: string, options: Partial<SubscribeEntry> = {}, subscriptionId?: number): Promise<number[]> {
    const entry = { filter, qos: 0 as const, noLocal: false, retainAsPublished: false, retainHandling: 0 as const, ...options };
    this.send(encodeSubscribe(this.dialect, 1, [entry], subscriptionId));
    const suback = await this.#pick((packet) => packet.cmd === 'suback');
    return (suback as unknown as { granted: number[] }).granted;
  }

  /** The next packet, which must be of kind `cmd` if that is given. */
  async next(cmd?: DecodedPacket['cmd']): Promise<Received> {
    const packet = await this.#pick(() => true);
    if (cmd !== undefined && packet.cmd !== cmd) throw new Error(`expected ${cmd}, got ${JSON.stringify(packet)}`);
    return packet;
  }

  async nextPublish(): Promise<ReceivedPublish> {
    return (await this.next('publish')) as ReceivedPublish;
  }

  /** Payload of the next packet, a PUBLISH. */
  async nextPayload(): Promise<string> {
    return String((await this.nextPublish()).payload);
  }

  /** The reason code of the DISCONNECT that comes next, after which the connection has to close. */
  async reasonOfEnd(): Promise<number> {
    const packet = await this.next('disconnect');
    await within('the end of the connection', this.closed);
    if (this.#arrived.length > 0) throw new Error(`packets after DISCONNECT: ${JSON.stringify(this.#arrived)}`);
    return (packet as { reasonCode?: number }).reasonCode ?? 0;
  }

  /** Waits until the broker has dealt with everything sent, and returns what has come meanwhile. */
  async settled(): Promise<Received[]> {
    this.send(PINGREQ);
    const before: Received[] = [];
    for (;;) {
      const packet = await this.next();
      if (packet.cmd === 'pingresp') return before;
      before.push(packet);
    }
  }

  /** All that has come and was not asked for. */
  takeAll(): Received[] {
    return this.#arrived.splice(0);
  }

  /** For specs that say too much nonsense to care for the answers. */
  ignoreWhatComes(): void {
    this.#socket.removeAllListeners('data');
    this.#socket.resume();
  }

  /** Stops (goes on) reading from the socket. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Writes `block` over and over, as fast as it is taken, until `bytes` are written or the connection is gone. */
  async pump(block: Uint8Array, bytes: number): Promise<void> {
    while (this.bytesPumped < bytes && !this.#isClosed) {
      this.isStuck = !this.#socket.write(block, () => {});
      if (this.isStuck) await Promise.race([once(this.#socket, 'drain').catch(() => {}), this.closed]);
      this.bytesPumped += block.length;
    }
  }

  bytesPumped = 0;
  /** The last block has not been taken whole. */
  isStuck = false;

  /** Goes without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** The same by RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** DISCONNECT, and waits until the connection is closed. */
  async disconnect(packet: Uint8Array = DISCONNECT): Promise<void> {
    this.send(packet);
    await within('the end of the connection', this.closed);
  }

  async #pick(wanted: (packet: Received) => boolean): Promise<Received> {
    for (;;) {
      const index = this.#arrived.findIndex(wanted);
      if (index >= 0) return this.#arrived.splice(index, 1)[0]!;
      if (this.#isClosed) throw new Error(`the connection of ${this.clientId} is closed; left: ${JSON.stringify(this.#arrived)}`);
      await within(
        `a packet for ${this.clientId}`,
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
      );
    }
  }

  #take(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    let at = 0;
    while (at < this.#bytes.length) {
      const length = frameLength(this.#bytes, at, this.#bytes.length);
      if (length <= 0 || at + length > this.#bytes.length) break;
      this.#arrived.push(decode(this.#bytes.subarray(at, at + length), this.#level));
      at += length;
    }
    this.#bytes = this.#bytes.subarray(at);
    if (at > 0) this.#wake();
  }
}

function decode(raw: Buffer, level: 3 | 4 | 5): Received {
  let decoded: DecodedPacket | undefined;
  const reading = parser({ protocolVersion: level });
  reading.on('packet', (packet) => {
    decoded = packet;
  });
  reading.on('error', (error) => {
    throw error;
  });
  reading.parse(raw);
  if (decoded === undefined) throw new Error(`not a packet: ${raw.toString('hex')}`);
  return Object.assign(decoded, { raw });
}
