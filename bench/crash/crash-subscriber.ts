/**
 * A subscriber with a session that outlives it and the broker: now here, now away. What it gets it takes as the standard has it: a message of QoS 2 once, however often it
 * is sent before its PUBREL.
 */
import { encodeSubscribe } from '../../src/wire/mqtt/client-encoder.ts';
import { type Dialect, PacketType, type ProtocolLevel } from '../../src/wire/mqtt/constants.ts';
import { newPublishView, packetEnd, readPublish } from '../../src/wire/mqtt/publish-run.ts';
import { dialectOf, PacketStream, shortAck } from './packet-stream.ts';
import { numberIn } from './payload.ts';

const PUBACK = 0x40;
const PUBREC = 0x50;
const PUBCOMP = 0x70;

export interface CrashSubscriberOptions {
  readonly id: string;
  readonly level: ProtocolLevel;
  readonly filter: string;
  /** CONNACKs that say "not now"; default: none. */
  readonly isTransient?: (code: number) => boolean;
  readonly onFault: (fault: string) => void;
}

export class CrashSubscriber {
  readonly #options: CrashSubscriberOptions;
  readonly #dialect: Dialect;
  /** Numbers of the messages by topic, as they came. */
  readonly byTopic: Map<string, number[]> = new Map();
  /** Packet ids of QoS 2 that are not released. */
  readonly #unreleased = new Set<number>();
  readonly #view = newPublishView();
  #stream: PacketStream | null = null;
  #isSubscribed = false;
  /** Packets of the present connection. */
  heard = 0;

  constructor(options: CrashSubscriberOptions) {
    this.#options = options;
    this.#dialect = dialectOf(options.level);
  }

  /** Its subscription has been granted: what is acknowledged to publishers from then on is due. */
  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /** Its connection is gone, or was refused. */
  get isClosed(): boolean {
    return this.#stream?.isClosed !== false;
  }

  start(port: number): void {
    this.heard = 0;
    const { id, level } = this.#options;
    this.#stream = new PacketStream(
      port,
      id,
      level,
      (packet) => this.#packet(packet),
      () => {},
    );
  }

  leave(): void {
    this.#stream?.destroy();
    this.#stream = null;
  }

  async over(): Promise<void> {
    await this.#stream?.over();
    this.#stream = null;
  }

  #packet(packet: Buffer): void {
    this.heard++;
    switch (packet[0]! >> 4) {
      case PacketType.CONNACK:
        return this.#connected(packet);
      case PacketType.SUBACK:
        this.#isSubscribed = true;
        return;
      case PacketType.PUBLISH:
        return this.#publish(packet);
      case PacketType.PUBREL: {
        const packetId = packet.readUInt16BE(2);
        this.#unreleased.delete(packetId);
        return this.#stream?.write(shortAck(PUBCOMP, packetId));
      }
    }
  }

  #connected(connack: Buffer): void {
    const { id, filter, isTransient, onFault } = this.#options;
    if (isTransient?.(connack[3]!) === true) return this.leave();
    if (connack[3] !== 0) return onFault(`${id}: CONNECT was refused with ${connack[3]}`);
    const hasSession = (connack[2]! & 1) === 1;
    if (this.#isSubscribed && !hasSession) return onFault(`${id}: the broker has lost the session`);
    if (hasSession && this.#isSubscribed) return;
    const entry = { filter, qos: 2 as const, noLocal: false, retainAsPublished: false, retainHandling: 0 as const };
    this.#stream?.write(encodeSubscribe(this.#dialect, 1, [entry]));
  }

  #publish(packet: Buffer): void {
    const view = this.#view;
    if (!readPublish(packet, 0, packetEnd(packet, 0), this.#dialect, view))
      return this.#options.onFault(`${this.#options.id}: a malformed PUBLISH`);
    const qos = (view.header >> 1) & 3;
    const isNew = qos < 2 || !this.#unreleased.has(view.packetId);
    if (isNew) {
      const topic = packet.toString('utf8', view.topicStart, view.topicEnd);
      const number = numberIn(packet, view.payloadStart, view.end) ?? -1;
      const known = this.byTopic.get(topic);
      if (known === undefined) this.byTopic.set(topic, [number]);
      else known.push(number);
    }
    if (qos === 2) {
      this.#unreleased.add(view.packetId);
      this.#stream?.write(shortAck(PUBREC, view.packetId));
    } else if (qos === 1) this.#stream?.write(shortAck(PUBACK, view.packetId));
  }
}
