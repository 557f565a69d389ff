/**
 * A publisher with a session, that outlives the broker: it keeps what it has not heard of and sends it again as the standard has it, with the same packet ids.
 */
import type { Prng } from '../../src/base/prng.ts';
import { encodePublish } from '../../src/wire/mqtt/client-encoder.ts';
import { DIALECT_5, type Dialect, PacketType, type ProtocolLevel } from '../../src/wire/mqtt/constants.ts';
import type { TopicLedger } from './ledger.ts';
import { dialectOf, PacketStream, shortAck } from './packet-stream.ts';
import { payloadOf } from './payload.ts';

export interface CrashClientOptions {
  readonly id: string;
  readonly level: ProtocolLevel;
  /** The topics that it takes turns in, all of one QoS. */
  readonly ledgers: readonly TopicLedger[];
  readonly prng: Prng;
  readonly payloadBytesMax: number;
  /** CONNACKs that say "not now"; default: none. */
  readonly isTransient?: (code: number) => boolean;
  /** Whether a node may refuse a message with that reason: it is then as if it had never been sent; default: none. */
  readonly mayRefuse?: (code: number) => boolean;
  /** Asked before each message; default: as many as the window takes. */
  readonly maySend?: () => boolean;
  /** Something that no broker may do. */
  readonly onFault: (fault: string) => void;
}

interface InFlight {
  readonly packetId: number;
  readonly ledger: TopicLedger;
  readonly number: number;
  readonly payload: Buffer;
  /** QoS 2: PUBREC has come. */
  isReceived: boolean;
}

const PACKET_IDS = 65_535;
const PUBREL = 0x62;
/** Messages of one write. */
const BURST_MAX = 32;

export class CrashClient {
  readonly #options: CrashClientOptions;
  readonly #dialect: Dialect;
  readonly #qos: 1 | 2;
  /** By packet id, in order of sending. */
  #inFlight = new Map<number, InFlight>();
  #packetId = 0;
  #stream: PacketStream | null = null;
  #window = 1;
  #isOver = false;
  #isConnected = false;
  #hadSession = false;

  constructor(options: CrashClientOptions) {
    this.#options = options;
    this.#dialect = dialectOf(options.level);
    this.#qos = options.ledgers[0]!.qos as 1 | 2;
  }

  /** Connects, sends what is left, and publishes from then on with `window` messages in flight. */
  start(port: number, window: number): void {
    this.#window = window;
    this.#isOver = false;
    this.#isConnected = false;
    const { id, level } = this.#options;
    this.#stream = new PacketStream(
      port,
      id,
      level,
      (packet) => this.#packet(packet),
      () => this.fill(),
    );
  }

  /** The broker is dying, or is to be left alone: sends nothing new. */
  pause(): void {
    this.#isOver = true;
  }

  /** Nothing is on its way. */
  get isQuiet(): boolean {
    return this.#inFlight.size === 0;
  }

  /** Its connection is gone, or was refused. */
  get isClosed(): boolean {
    return this.#stream?.isClosed !== false;
  }

  /** Without a word. */
  leave(): void {
    this.#stream?.destroy();
    this.#stream = null;
  }

  /** Hears what the broker has sent before its end. */
  async over(): Promise<void> {
    this.pause();
    await this.#stream?.over();
    this.#stream = null;
  }

  #packet(packet: Buffer): void {
    const type = packet[0]! >> 4;
    if (type === PacketType.CONNACK) return this.#connected(packet);
    if (type === PacketType.DISCONNECT) return;
    const packetId = packet.readUInt16BE(2);
    const reason = packet.length > 4 && this.#dialect === DIALECT_5 ? packet[4]! : 0;
    const entry = this.#inFlight.get(packetId);
    if (type === PacketType.PUBCOMP) {
      this.#inFlight.delete(packetId);
      return;
    }
    if (reason >= 0x80 && this.#options.mayRefuse?.(reason) === true) return void this.#inFlight.delete(packetId);
    // Not of PUBCOMP: 0x92 says that the release had been done before the crash.
    if (reason >= 0x80)
      return this.#options.onFault(`${this.#options.id}: packet type ${type} refuses with 0x${reason.toString(16)}`);
    if (entry === undefined)
      return this.#options.onFault(`${this.#options.id}: an acknowledgement for packet ${packetId}, which is not in flight`);
    entry.ledger.ack(entry.number);
    if (type === PacketType.PUBACK) this.#inFlight.delete(packetId);
    else if (type === PacketType.PUBREC) {
      entry.isReceived = true;
      this.#stream?.write(shortAck(PUBREL, packetId));
    }
  }

  #connected(connack: Buffer): void {
    const { id, isTransient, onFault } = this.#options;
    if (isTransient?.(connack[3]!) === true) return this.leave();
    if (connack[3] !== 0) return onFault(`${id}: CONNECT was refused with ${connack[3]}`);
    this.#isConnected = true;
    const hasSession = (connack[2]! & 1) === 1;
    const left = [...this.#inFlight.values()];
    if (this.#hadSession && !hasSession) onFault(`${id}: the broker has lost the session`);
    this.#hadSession = true;
    const packets: Uint8Array[] = [];
    for (const entry of left) {
      if (entry.isReceived) packets.push(shortAck(PUBREL, entry.packetId));
      else {
        entry.ledger.sentAgain(entry.number);
        packets.push(this.#encode(entry, true));
      }
    }
    if (packets.length > 0) this.#stream?.write(Buffer.concat(packets));
  }

  /** Sends what may be sent by now. */
  fill(): void {
    const stream = this.#stream;
    if (stream === null || this.#isOver || !this.#isConnected) return;
    const { prng, ledgers, payloadBytesMax, maySend = () => true } = this.#options;
    const hasRoom = (): boolean => this.#inFlight.size < this.#window && maySend();
    while (hasRoom()) {
      const burst: Uint8Array[] = [];
      for (let i = 1 + prng.below(BURST_MAX); i > 0 && (burst.length === 0 || hasRoom()); i--) {
        const ledger = ledgers[prng.below(ledgers.length)]!;
        const number = ledger.next();
        const bytes = prng.chance(0.01) ? payloadBytesMax : prng.below(Math.min(400, payloadBytesMax));
        const entry: InFlight = {
          packetId: this.#nextId(),
          ledger,
          number,
          payload: payloadOf(number, bytes),
          isReceived: false,
        };
        this.#inFlight.set(entry.packetId, entry);
        burst.push(this.#encode(entry, false));
      }
      stream.write(Buffer.concat(burst));
    }
  }

  #encode({ ledger, payload, packetId }: InFlight, dup: boolean): Uint8Array {
    return encodePublish(this.#dialect, { topic: ledger.topic, payload, qos: this.#qos, dup, packetId });
  }

  #nextId(): number {
    do this.#packetId = (this.#packetId % PACKET_IDS) + 1;
    while (this.#inFlight.has(this.#packetId));
    return this.#packetId;
  }
}
