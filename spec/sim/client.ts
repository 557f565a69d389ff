/**
 * A simulated MQTT client, 3.1.1 or 5.0: keeps the protocol's rules itself, does what its world tells it to, and books everything in the ledger. It has
 * its own decoder (mqtt-packet), so the broker's codec does not judge itself.
 */
import { type Packet, parser } from 'mqtt-packet';
import { writeAck } from '../../src/wire/mqtt/acks.ts';
import { encodeConnect, encodePublish, encodeSubscribe, encodeUnsubscribe, PINGREQ } from '../../src/wire/mqtt/client-encoder.ts';
import { DIALECT_3, DIALECT_5, type Dialect, PacketType, type Qos } from '../../src/wire/mqtt/constants.ts';
import type { Connection, Peer } from './fabric.ts';
import type { Life, Message, Subscribed } from './ledger.ts';
import type { World } from './world.ts';

export interface ClientOptions {
  readonly name: string;
  readonly level: 4 | 5;
  readonly persistent: boolean;
  /** 5.0: messages that the client takes unacknowledged. */
  readonly receiveMaximum: number | undefined;
}

/** So long may a CONNECT be on its way. */
const ABANDONED_MS = 1000;
const DISCONNECT = Uint8Array.of(0xe0, 0);

interface Unacknowledged {
  readonly message: Message;
  /** PUBREC has come: PUBREL is what is sent again. */
  released: boolean;
}

type State = 'off' | 'connecting' | 'on';

export class SimClient {
  readonly options: ClientOptions;
  readonly dialect: Dialect;
  readonly #world: World;
  state: State = 'off';
  life: Life | undefined;
  /** Reactors that may hold the session, with the time until which they may. */
  readonly homes: Map<number, number> = new Map();
  /** The next CONNECT ends the session that there is. */
  wiping = false;
  /** The next session is to end with its connection. */
  leaving = false;
  reactor = 0;
  connection: Connection | undefined;
  #epoch = 0;
  /** This connection began with a clean start, so there was no session before. */
  #isClean = false;
  /** The session ends with this connection. */
  #isTransient = false;
  #abandonedCleanMs = Number.NEGATIVE_INFINITY;
  #parser = parser();
  #packetId = 0;
  #published = 0;
  readonly #unacknowledged = new Map<number, Unacknowledged>();
  /** QoS 2 messages of the server that are not released. */
  readonly #received = new Map<number, string>();
  readonly #subscribing = new Map<number, Subscribed[]>();
  readonly #unsubscribing = new Map<number, Subscribed[]>();
  #acksDue = 0;

  constructor(world: World, options: ClientOptions) {
    this.#world = world;
    this.options = options;
    this.dialect = options.level === 5 ? DIALECT_5 : DIALECT_3;
  }

  get name(): string {
    return this.options.name;
  }

  /** Nothing is left to do: all is acknowledged in both directions. */
  get isQuiet(): boolean {
    return (
      this.state === 'on' &&
      this.#unacknowledged.size === 0 &&
      (this.#received.size === 0 || this.life!.isOver) &&
      this.#subscribing.size === 0 &&
      this.#unsubscribing.size === 0 &&
      this.#acksDue === 0
    );
  }

  /** What it waits for, for a report. */
  describe(): string {
    const unacknowledged = [...this.#unacknowledged.values()].map(
      ({ message, released }) => message.payload + (released ? '!' : ''),
    );
    return `${this.state}, unacknowledged ${unacknowledged.join(' ') || '-'}, unreleased ${[...this.#received.values()].join(' ') || '-'}, ${this.#subscribing.size} SUBSCRIBE, ${this.#unsubscribing.size} UNSUBSCRIBE`;
  }

  get unacknowledged(): number {
    return this.#unacknowledged.size;
  }

  // ── What the world tells it to do ──────────────────────────────────────────────────────────────────────────────────────────

  /** Opens a connection; an old one is left as it is, and the server finds out by itself. */
  connect(reactor: number): void {
    const world = this.#world;
    this.drop(world.prng.chance(0.5) ? world.prng.next() * 3 : world.prng.next() * 200, world.prng.chance(0.5));
    const epoch = ++this.#epoch;
    this.state = 'connecting';
    this.reactor = reactor;
    this.#parser = parser({ protocolVersion: this.options.level });
    this.#parser.on('packet', (packet) => this.#onPacket(packet));
    this.#parser.on('error', (error) => world.violated(this.name, `undecodable bytes from the server: ${error}`));
    const modern = this.options.level === 5;
    const persistent = this.options.persistent && !this.leaving;
    const clean = this.wiping || this.leaving || !persistent;
    this.#isClean = clean;
    this.#isTransient = !persistent || (clean && !modern);
    if (clean) this.#endLife();
    world.log(this.name, `connect to ${reactor}${clean ? ' clean' : ''}`);
    const mine: Omit<Peer, 'onFirstWrite'> = {
      onBytes: (bytes) => {
        if (epoch === this.#epoch) this.#parser.parse(Buffer.from(bytes));
      },
      onClosed: () => {
        if (epoch !== this.#epoch) return;
        world.log(this.name, 'connection closed by the server');
        this.#connectionOver();
      },
    };
    const connection = world.open(this, reactor, mine);
    if (connection === undefined) {
      this.#connectionOver();
      return;
    }
    this.connection = connection;
    this.homes.set(reactor, Number.POSITIVE_INFINITY);
    connection.send(
      encodeConnect({
        level: this.options.level,
        clientId: this.name,
        cleanStart: clean,
        keepAliveSeconds: 0,
        sessionExpiry: modern && persistent ? 3600 : undefined,
        receiveMaximum: modern ? this.options.receiveMaximum : undefined,
      }),
    );
  }

  /** Sends DISCONNECT and closes. */
  disconnect(): void {
    if (this.state !== 'on') return;
    this.#world.log(this.name, 'disconnect');
    this.connection!.send(DISCONNECT);
    this.#leaveConnection(0, false);
  }

  /** The connection is gone, as far as this end knows. */
  drop(noticeMs: number, reset: boolean): void {
    if (this.state === 'off') return;
    if (this.state === 'connecting' && this.#isClean) this.#abandonedCleanMs = this.#world.nowMs;
    this.#world.log(this.name, `connection lost (server notices after ${noticeMs.toFixed(1)} ms${reset ? ', reset' : ''})`);
    this.#leaveConnection(noticeMs, reset);
  }

  publish(topic: string, qos: Qos, retain: boolean, payloadBytes: number): Message {
    const message = this.#world.ledger.publish(this.name, topic, qos, retain, this.#world.nowMs, ++this.#published);
    const packetId = qos === 0 ? 0 : this.#nextPacketId();
    if (qos > 0) this.#unacknowledged.set(packetId, { message, released: false });
    this.#sendPublish(message, packetId, false, payloadBytes);
    return message;
  }

  /** Forgets the retained message of a topic. */
  clear(topic: string): void {
    this.connection!.send(encodePublish(this.dialect, { topic, payload: new Uint8Array(0), retain: true }));
  }

  subscribe(filters: readonly string[], qos: Qos): void {
    const { nowMs } = this.#world;
    const packetId = this.#nextPacketId();
    const never = Number.POSITIVE_INFINITY;
    const subscribed = filters.map(
      (filter): Subscribed => ({
        filter,
        qos,
        requestedMs: nowMs,
        grantedMs: never,
        endRequestedMs: never,
        endedMs: never,
      }),
    );
    for (const sub of this.#current(filters)) sub.endRequestedMs = Math.min(sub.endRequestedMs, nowMs);
    this.life!.subscriptions.push(...subscribed);
    this.#subscribing.set(packetId, subscribed);
    this.#world.log(this.name, `subscribe ${filters.join(' ')} at QoS ${qos}`);
    this.connection!.send(
      encodeSubscribe(
        this.dialect,
        packetId,
        filters.map((filter) => ({ filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 })),
      ),
    );
  }

  unsubscribe(filters: readonly string[]): void {
    const packetId = this.#nextPacketId();
    const ending = this.#current(filters);
    for (const sub of ending) sub.endRequestedMs = Math.min(sub.endRequestedMs, this.#world.nowMs);
    this.#unsubscribing.set(packetId, ending);
    this.#world.log(this.name, `unsubscribe ${filters.join(' ')}`);
    this.connection!.send(encodeUnsubscribe(this.dialect, packetId, filters));
  }

  ping(): void {
    this.connection!.send(PINGREQ);
  }

  // ── Connections ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #leaveConnection(noticeMs: number, reset: boolean): void {
    this.connection?.drop(noticeMs, reset);
    this.#epoch++;
    this.#connectionOver();
  }

  #connectionOver(): void {
    this.state = 'off';
    this.connection = undefined;
    this.#subscribing.clear();
    this.#unsubscribing.clear();
    this.#acksDue = 0;
    if (this.#isTransient) this.#endLife();
  }

  /** The session may be lost with its reactor: it is begun anew as soon as possible. */
  lose(): void {
    this.wiping = this.options.persistent;
    if (this.life === undefined) return;
    this.life.isOver = true;
    this.life.isVague = true;
  }

  #endLife(): void {
    if (this.life !== undefined) this.life.isOver = true;
    this.life = undefined;
    this.#received.clear();
    this.#unacknowledged.clear();
  }

  // ── What the server says ───────────────────────────────────────────────────────────────────────────────────────────────────

  #onPacket(packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        this.#connected(packet.sessionPresent, packet.returnCode ?? packet.reasonCode ?? 0);
        break;
      case 'publish':
        this.#onPublish(
          packet.topic,
          String(packet.payload).split(' ')[0]!,
          packet.qos,
          packet.dup,
          packet.retain,
          packet.messageId ?? 0,
        );
        break;
      case 'puback':
      case 'pubrec':
        this.#onAcknowledged(packet.cmd, packet.messageId!, packet.reasonCode ?? 0);
        break;
      case 'pubrel':
        this.#world.log(this.name, `gets PUBREL ${packet.messageId}`);
        this.#received.delete(packet.messageId!);
        this.#acknowledge(PacketType.PUBCOMP, packet.messageId!);
        break;
      case 'pubcomp':
        if (!this.#unacknowledged.get(packet.messageId!)?.released) {
          this.#world.violated(this.name, `PUBCOMP ${packet.messageId} out of turn`);
        }
        this.#unacknowledged.delete(packet.messageId!);
        break;
      case 'suback':
        this.#onSuback(packet.messageId!, packet.granted as readonly number[]);
        break;
      case 'unsuback':
        for (const sub of this.#unsubscribing.get(packet.messageId!) ?? []) sub.endedMs = this.#world.nowMs;
        this.#unsubscribing.delete(packet.messageId!);
        this.#world.log(this.name, 'unsubscribed');
        break;
      case 'disconnect':
        this.#world.log(this.name, `DISCONNECT from the server, reason 0x${(packet.reasonCode ?? 0).toString(16)}`);
        this.#world.disconnected(this.name, packet.reasonCode ?? 0);
        break;
      case 'pingresp':
        break;
      default:
        this.#world.violated(this.name, `unexpected ${packet.cmd} from the server`);
    }
  }

  #connected(sessionPresent: boolean, reason: number): void {
    const world = this.#world;
    if (reason !== 0) {
      world.log(this.name, `refused, reason ${reason}`);
      world.refused(this, reason);
      return;
    }
    world.log(this.name, `connected to ${this.reactor}${sessionPresent ? ', session present' : ''}`);
    this.state = 'on';
    if (sessionPresent && this.#isClean) world.violated(this.name, 'a session is present after a clean start');
    if (this.life !== undefined && !sessionPresent) {
      if (!this.life.isOver) world.violated(this.name, 'the session is gone');
      this.#endLife();
    }
    world.settled(this);
    if (this.#isClean) this.wiping = false;
    this.life ??= world.ledger.begin(this.name, world.nowMs);
    // A clean start that was given up may still be on its way and end this session in its turn.
    if (world.nowMs - this.#abandonedCleanMs < ABANDONED_MS) this.life.isOver = true;
    if (this.connection!.isServerDead) this.lose();
    if (!sessionPresent) this.#unacknowledged.clear();
    for (const [packetId, { message, released }] of this.#unacknowledged) {
      if (released) this.#send(PacketType.PUBREL, packetId);
      else this.#sendPublish(message, packetId, true, 0);
    }
  }

  #onPublish(topic: string, payload: string, qos: number, dup: boolean, retain: boolean, packetId: number): void {
    const world = this.#world;
    if (payload === '') return; // a retained message is taken back
    world.log(this.name, `gets ${payload} on ${topic} QoS ${qos}${dup ? ' DUP' : ''}${retain ? ' RETAIN' : ''} id ${packetId}`);
    if (this.life === undefined) {
      world.violated(this.name, `${payload} arrives without a session`);
      return;
    }
    if (qos === 2 && this.#received.has(packetId)) {
      if (this.#received.get(packetId) !== payload && !this.life.isOver) {
        world.violated(this.name, `${payload} has packet id ${packetId}, which ${this.#received.get(packetId)} still holds`);
      }
    } else {
      const fault = world.ledger.arrive(this.life, payload, topic, qos, dup, retain);
      if (fault !== undefined) world.violated(this.name, fault, payload);
      if (qos === 2) this.#received.set(packetId, payload);
    }
    if (qos > 0) this.#acknowledge(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetId);
  }

  /** Sooner or later, and not always in turn. */
  #acknowledge(type: number, packetId: number): void {
    const { weather, prng } = this.#world;
    if (!prng.chance(weather.lateAck)) {
      this.#send(type, packetId);
      return;
    }
    const epoch = this.#epoch;
    this.#acksDue++;
    this.#world.after(prng.next() * weather.lateAckMsMax, () => {
      if (epoch !== this.#epoch || this.state !== 'on') return;
      this.#acksDue--;
      this.#send(type, packetId);
    });
  }

  #onAcknowledged(cmd: 'puback' | 'pubrec', packetId: number, reason: number): void {
    const waiting = this.#unacknowledged.get(packetId);
    if (waiting === undefined || (waiting.message.qos === 1) !== (cmd === 'puback')) {
      this.#world.violated(this.name, `${cmd} ${packetId} out of turn`);
      return;
    }
    const { message } = waiting;
    if (message.ackedMs === Number.POSITIVE_INFINITY) message.ackedMs = this.#world.nowMs;
    this.#world.log(this.name, `${message.payload} acknowledged${reason === 0 ? '' : `, reason 0x${reason.toString(16)}`}`);
    if (cmd === 'puback') {
      this.#unacknowledged.delete(packetId);
    } else {
      waiting.released = true;
      this.#send(PacketType.PUBREL, packetId);
    }
  }

  #onSuback(packetId: number, granted: readonly number[]): void {
    const subscribed = this.#subscribing.get(packetId);
    this.#subscribing.delete(packetId);
    if (subscribed === undefined || subscribed.length !== granted.length) {
      this.#world.violated(this.name, `SUBACK ${packetId} out of turn`);
      return;
    }
    for (const [i, sub] of subscribed.entries()) {
      if (granted[i] !== sub.qos) this.#world.violated(this.name, `'${sub.filter}' was granted ${granted[i]}, not ${sub.qos}`);
      sub.grantedMs = this.#world.nowMs;
      for (const other of this.life!.subscriptions) {
        if (
          other !== sub &&
          other.filter === sub.filter &&
          other.requestedMs < sub.requestedMs &&
          other.endedMs > sub.grantedMs
        ) {
          other.endedMs = sub.grantedMs;
        }
      }
    }
    this.#world.log(this.name, `granted ${subscribed.map((sub) => sub.filter).join(' ')}`);
  }

  // ── Sending ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #sendPublish(message: Message, packetId: number, dup: boolean, payloadBytes: number): void {
    message.sends++;
    // A session that may have been lost may not know of it any more.
    if (message.qos === 1 || message.sends === 1 || this.life?.isOver) message.routings++;
    message.homes.add(this.reactor);
    this.#world.log(
      this.name,
      `publish ${message.payload} on ${message.topic} QoS ${message.qos}${message.retain ? ' RETAIN' : ''}${dup ? ' DUP' : ''} id ${packetId}`,
    );
    const padding = payloadBytes > 0 ? ` ${'.'.repeat(payloadBytes)}` : '';
    this.connection!.send(
      encodePublish(this.dialect, {
        topic: message.topic,
        payload: Buffer.from(message.payload + padding),
        qos: message.qos,
        retain: message.retain,
        dup,
        packetId,
      }),
    );
  }

  #send(type: number, packetId: number): void {
    const out = new Uint8Array(4);
    writeAck(out, 0, type, packetId);
    this.connection?.send(out);
  }

  #current(filters: readonly string[]): Subscribed[] {
    return this.life!.subscriptions.filter((sub) => filters.includes(sub.filter) && sub.endedMs === Number.POSITIVE_INFINITY);
  }

  #nextPacketId(): number {
    do this.#packetId = (this.#packetId % 65_535) + 1;
    while (
      this.#unacknowledged.has(this.#packetId) ||
      this.#subscribing.has(this.#packetId) ||
      this.#unsubscribing.has(this.#packetId)
    );
    return this.#packetId;
  }
}
