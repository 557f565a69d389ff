/**
 * The bridge's client of its own node: a persistent session, whose inbox (on disk, where the node keeps anything there) is the bridge's buffer. It is connected while
 * the other side is there, and once at the start, so that there is a session; while the other side is away the session waits like that of any client that is away.
 *
 * Messages are acknowledged when the other side has them, in whatever order. What it publishes is kept until it is acknowledged, and sent again on the next connection.
 */
import type { MessagePort } from 'node:worker_threads';
import { generate, type IPublishPacket, type Packet, type Parser, parser } from 'mqtt-packet';
import { assert } from '../../base/assert.ts';
import { BRIDGE_WINDOW_MAX, GUEST_BYTES_MAX } from '../../base/limits.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';

/** Longer than anybody takes to repair a node; a bridge that is no more leaves its messages for so long. */
const EXPIRY_SECONDS = 7 * 24 * 3600;
const VERSION = { protocolVersion: 5 };

export type OwnPublish = Pick<IPublishPacket, 'topic' | 'payload' | 'qos' | 'retain' | 'properties'>;

export interface LocalHost {
  /** Subscriptions are in place. */
  localReady(): void;
  /** A message of the node's. `acknowledge` says that the other side has it; at QoS 0 there is no id. */
  localMessage(packet: IPublishPacket, acknowledge: () => void): void;
  /** The session will not send the message of this id again. */
  localReleased(messageId: number): void;
  /** The node's session knows nothing of earlier messages. */
  localForgot(): void;
  localEnded(why: string): void;
}

interface Pending {
  readonly packet: OwnPublish;
  /** Undefined: done, or refused with this reason. */
  readonly then: (refusal: number | undefined) => void;
  isReceived: boolean;
}

/** What is asked of the reactor beside the bytes of the connection, and its answer. */
export type SubscriptionsQuery = 'subscriptions';
export interface SubscriptionsAnswer {
  readonly subscriptions: readonly string[];
}

export class LocalClient {
  readonly #clientId: string;
  readonly #filters: ReadonlyMap<string, Qos>;
  readonly #host: LocalHost;
  /** Published and not acknowledged, by packet id. */
  readonly #pending = new Map<number, Pending>();
  #waiting: (() => void)[] = [];
  #windowMax = BRIDGE_WINDOW_MAX;
  #port: MessagePort | null = null;
  #parser: Parser | null = null;
  #underWayBytes = 0;
  #subscribeId = 0;
  #isReady = false;
  #nextId = 0;

  /** `filters`: what it subscribes to. */
  constructor(clientId: string, filters: ReadonlyMap<string, Qos>, host: LocalHost) {
    this.#clientId = clientId;
    this.#filters = filters;
    this.#host = host;
  }

  get isConnected(): boolean {
    return this.#port !== null;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** There is no room for more at present; `whenRoom` says when. */
  get isFull(): boolean {
    return !this.#isReady || this.#underWayBytes > GUEST_BYTES_MAX || this.#pending.size >= this.#windowMax;
  }

  whenRoom(then: () => void): void {
    if (this.isFull) this.#waiting.push(then);
    else then();
  }

  connect(port: MessagePort): void {
    this.#port = port;
    const packets = parser(VERSION);
    this.#parser = packets;
    packets.on('packet', (packet: Packet) => this.#receive(packet));
    packets.on('error', (error: Error) => this.#end(error.message));
    port.on('message', (message: Uint8Array | number | SubscriptionsAnswer) => {
      if (this.#port !== port) return;
      if (typeof message === 'number') this.#taken(message);
      else if (message instanceof Uint8Array) this.#read(port, packets, message);
      else this.#dropStale(message.subscriptions);
    });
    port.on('close', () => {
      if (this.#port === port) this.#end('the session has ended the connection');
    });
    this.#send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: false,
      clientId: this.#clientId,
      keepalive: 0,
      properties: { sessionExpiryInterval: EXPIRY_SECONDS, receiveMaximum: BRIDGE_WINDOW_MAX },
    });
  }

  /** The session stays, and keeps what comes. */
  disconnect(): void {
    const port = this.#port;
    if (port === null) return;
    this.#send({ cmd: 'disconnect', reasonCode: 0 } as Packet);
    this.#forgetPort();
    port.close();
  }

  /** To be called when there is room. `then` is called when the node has the message; at QoS 0 at once. */
  publish(packet: OwnPublish, then: Pending['then']): void {
    if (packet.qos === 0) {
      this.#send({ cmd: 'publish', dup: false, ...packet } as Packet);
      return then(undefined);
    }
    const messageId = this.#newId();
    this.#pending.set(messageId, { packet, then, isReceived: false });
    this.#send({ cmd: 'publish', dup: false, messageId, ...packet } as Packet);
  }

  #read(port: MessagePort, packets: Parser, bytes: Uint8Array): void {
    packets.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    if (this.#port === port) port.postMessage(bytes.length);
  }

  #receive(packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        this.#accepted(packet.reasonCode ?? 0, packet.sessionPresent, packet.properties?.receiveMaximum);
        break;
      case 'suback':
        if (packet.messageId === this.#subscribeId) this.#ready();
        break;
      case 'publish':
        this.#message(packet);
        break;
      case 'pubrel':
        this.#send({ cmd: 'pubcomp', messageId: packet.messageId! } as Packet);
        this.#host.localReleased(packet.messageId!);
        break;
      case 'pubrec':
        this.#received(packet.messageId!, packet.reasonCode ?? 0);
        break;
      case 'puback':
      case 'pubcomp':
        this.#done(packet.messageId!, packet.reasonCode ?? 0);
        break;
      case 'disconnect':
        this.#end(`the session has ended the connection, reason ${packet.reasonCode}`);
        break;
    }
  }

  #accepted(reason: number, sessionPresent: boolean, receiveMaximum = 65_535): void {
    if (reason !== 0) return this.#end(`the node refuses the bridge, reason ${reason}`);
    this.#windowMax = Math.min(BRIDGE_WINDOW_MAX, receiveMaximum);
    if (!sessionPresent) this.#host.localForgot();
    this.#subscribeId = this.#newId();
    // The bridge's own messages do not come back by these.
    const subscriptions = [...this.#filters].map(([topic, qos]) => ({ topic, qos, nl: true, rap: true, rh: 1 }));
    if (sessionPresent) this.#port!.postMessage('subscriptions' satisfies SubscriptionsQuery);
    if (subscriptions.length === 0) this.#ready();
    else this.#send({ cmd: 'subscribe', messageId: this.#subscribeId, subscriptions } as Packet);
  }

  #ready(): void {
    for (const [messageId, { packet, isReceived }] of this.#pending) {
      if (isReceived) this.#send({ cmd: 'pubrel', messageId } as Packet);
      else this.#send({ cmd: 'publish', dup: true, messageId, ...packet } as Packet);
    }
    this.#isReady = true;
    this.#host.localReady();
    this.#goOn();
  }

  /** What an earlier configuration has subscribed to. */
  #dropStale(subscriptions: readonly string[]): void {
    const stale = subscriptions.filter((filter) => !this.#filters.has(filter));
    if (stale.length > 0) this.#send({ cmd: 'unsubscribe', messageId: this.#newId(), unsubscriptions: stale });
  }

  #message(packet: IPublishPacket): void {
    const { qos, messageId } = packet;
    const port = this.#port;
    const acknowledge = (): void => {
      if (qos > 0 && this.#port === port) this.#send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: messageId! } as Packet);
    };
    this.#host.localMessage(packet, acknowledge);
  }

  #received(messageId: number, reason: number): void {
    const pending = this.#pending.get(messageId);
    if (reason >= 0x80) return this.#done(messageId, reason);
    if (pending !== undefined) pending.isReceived = true;
    this.#send({ cmd: 'pubrel', messageId } as Packet);
  }

  #done(messageId: number, reason: number): void {
    const pending = this.#pending.get(messageId);
    if (pending === undefined) return;
    this.#pending.delete(messageId);
    pending.then(reason >= 0x80 ? reason : undefined);
    this.#goOn();
  }

  #taken(bytes: number): void {
    this.#underWayBytes -= bytes;
    this.#goOn();
  }

  #goOn(): void {
    while (this.#waiting.length > 0 && !this.isFull) this.#waiting.shift()!();
  }

  #end(why: string): void {
    const port = this.#port;
    if (port === null) return;
    this.#forgetPort();
    port.close();
    this.#host.localEnded(why);
  }

  #forgetPort(): void {
    this.#port = null;
    this.#parser?.removeAllListeners();
    this.#parser = null;
    this.#isReady = false;
    this.#underWayBytes = 0;
  }

  #newId(): number {
    do this.#nextId = (this.#nextId % 65_535) + 1;
    while (this.#pending.has(this.#nextId));
    return this.#nextId;
  }

  #send(packet: Packet): void {
    const port = this.#port;
    if (port === null) return;
    const bytes = Uint8Array.from(generate(packet, VERSION));
    assert(bytes.length > 0, 'the packet can be written');
    this.#underWayBytes += bytes.length;
    port.postMessage(bytes, [bytes.buffer]);
  }
}
