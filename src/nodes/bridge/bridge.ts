/**
 * A bridge, on the thread of the bridges: between a persistent session of this node and a connection to another broker, which MQTT.js keeps.
 *
 *   out  the session sends ─▶ topic map, hops ─▶ MQTT.js ─▶ acknowledged there ─▶ the session is acknowledged, and forgets the message
 *   in   MQTT.js ─▶ topic map, hops ─▶ published by the session's client ─▶ acknowledged here ─▶ acknowledged there
 *
 * So what has not reached the other side stays in the session's inbox, as long as it takes, and within the bounds of `mqtt.queue`. The connection is made again after
 * a pause that doubles up to a bound. Messages of QoS 0 are dropped while the other side is away. At most BRIDGE_WINDOW_MAX messages are under way each way.
 */
import type { MessagePort } from 'node:worker_threads';
import { connect, type IClientOptions, type IClientPublishOptions, type MqttClient, Store } from 'mqtt';
import type { IConnackPacket, IPublishPacket, Packet } from 'mqtt-packet';
import { BRIDGE_PROPERTY } from '../../actors/session/bridge-clients.ts';
import { OWN_CLIENTS } from '../../actors/session/services.ts';
import { BRIDGE_BUFFER_BYTES_MAX, BRIDGE_WINDOW_MAX } from '../../base/limits.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { Log } from '../log.ts';
import { type BridgeCounts, NO_COUNTS } from './bridge-counts.ts';
import type { BridgeSpec } from './bridge-spec.ts';
import { hop, type UserProperties } from './hops.ts';
import { holdAcks } from './late-acks.ts';
import { LocalClient, type LocalHost } from './local-client.ts';
import { TopicMap } from './topic-map.ts';

/** Before the node is asked for a session again, milliseconds. */
const LOCAL_RETRY_MS = 500;
const CONNECT_TIMEOUT_MS = 10_000;
/** Messages under way to a broker of 3.1.1, which cannot say how many it takes. */
const LEGACY_WINDOW_MAX = 20;
const UNACCEPTABLE_PROTOCOL = 1;
const TOPIC_BYTES_MAX = 65_535;

export interface BridgeView extends Readonly<BridgeCounts> {
  readonly name: string;
  readonly urls: readonly string[];
  readonly isConnected: boolean;
  /** Milliseconds since the epoch, of the connection or of its loss. */
  readonly since: number;
  /** Why it is not connected; '' when it is. */
  readonly error: string;
}

export interface BridgeTools {
  /** What this node is called in the way of a message. */
  readonly self: string;
  readonly log: Log;
  /** Asks for a connection to the node's session; `Bridge.dialled` has the answer. */
  dial(): void;
  /** The bridge has been connected, or is not any more. */
  changed(): void;
}

/** A message that the session waits to hear of. */
interface Outgoing {
  isDone: boolean;
  acknowledge: () => void;
}

export class Bridge implements LocalHost {
  readonly #spec: BridgeSpec;
  readonly #tools: BridgeTools;
  readonly #map: TopicMap;
  readonly #local: LocalClient;
  /** Messages of the session that MQTT.js has, by the session's id: one that the session sends again is not sent twice. */
  readonly #outgoing = new Map<number, Outgoing>();
  /** Behind the window of the other side, in order. */
  #held: (() => void)[] = [];
  #underWay = 0;
  #windowMax = BRIDGE_WINDOW_MAX;
  #remote: MqttClient | null = null;
  readonly #stores = { incomingStore: new Store({ clean: false }), outgoingStore: new Store({ clean: false }) };
  #marksBridge: boolean;
  /** The other side is there. */
  #isConnected = false;
  /** Filters that it has not answered yet. */
  #subscribing = 0;
  /** Counts connections: an answer of an earlier one is none of this one. */
  #attempt = 0;
  #isUp = false;
  /** What the other side is called in the way of a message; '' when it has not said so. */
  #remoteName = '';
  /** Messages of the session's present connection have found nobody to take them. */
  #hasSkipped = false;
  #isDialling = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  #localTimer: NodeJS.Timeout | undefined;
  #pauseMs: number;
  #since = Date.now();
  #error = 'not connected yet';
  readonly #counts: BridgeCounts;

  /** `counts`: of the bridge that it takes the place of. */
  constructor(spec: BridgeSpec, tools: BridgeTools, counts: BridgeCounts = NO_COUNTS) {
    const { out, in: into, looped, dropped, failures } = counts;
    this.#counts = { out, in: into, looped, dropped, failures };
    this.#spec = spec;
    this.#tools = tools;
    this.#map = new TopicMap(spec.topics);
    this.#pauseMs = spec.reconnectMsMin;
    this.#marksBridge = spec.protocol === 4;
    this.#local = new LocalClient(OWN_CLIENTS + spec.name, this.#map.localFilters(), this);
  }

  start(): void {
    this.#dial();
    this.#connect();
  }

  /** Leaves both sides in order. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#localTimer);
    this.#local.disconnect();
    await this.#remote?.endAsync(!this.#isConnected);
  }

  view(): BridgeView {
    const { name, urls } = this.#spec;
    const error = this.#isUp ? '' : this.#error || 'subscriptions are not in place yet';
    return { name, urls, isConnected: this.#isUp, since: this.#since, error, ...this.#counts };
  }

  /** What is to cross from now on crosses: both sides are there, with their subscriptions. */
  #judge(): void {
    const isUp = this.#isConnected && this.#subscribing === 0 && this.#local.isReady;
    if (isUp === this.#isUp) return;
    this.#isUp = isUp;
    this.#since = Date.now();
    this.#tools.changed();
  }

  // ── This side ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #dial(): void {
    if (this.#isDialling || this.#isStopped || this.#local.isConnected) return;
    this.#isDialling = true;
    this.#tools.dial();
  }

  /** Null: the session's thread is not there at present. */
  dialled(port: MessagePort | null): void {
    // One that the bridge before this one has asked for comes besides.
    const isStrange = !this.#isDialling;
    this.#isDialling = false;
    if (this.#isStopped || isStrange) return void port?.close();
    this.#hasSkipped = false;
    if (port === null) this.#dialLater();
    else this.#local.connect(port);
  }

  #dialLater(): void {
    clearTimeout(this.#localTimer);
    this.#localTimer = setTimeout(() => this.#dial(), LOCAL_RETRY_MS);
  }

  localReady(): void {
    if (!this.#isConnected) this.#local.disconnect(); // there is a session now, and it keeps what comes
    this.#judge();
  }

  localForgot(): void {
    this.#outgoing.clear();
  }

  localEnded(why: string): void {
    this.#tools.log.warn({ bridge: this.#spec.name, why }, 'a bridge has lost its session and connects again');
    this.#held = [];
    this.#dialLater();
    this.#judge();
  }

  localReleased(messageId: number): void {
    this.#outgoing.delete(messageId);
  }

  localMessage(packet: IPublishPacket, acknowledge: () => void): void {
    const { qos, messageId, topic } = packet;
    const known = qos === 0 ? undefined : this.#outgoing.get(messageId!);
    if (known !== undefined) {
      known.acknowledge = acknowledge;
      if (known.isDone) this.#settle(messageId!, qos, known);
      return;
    }
    const crossing = this.#map.out(topic);
    if (crossing === undefined) return acknowledge();
    if (isTooLong(crossing.topic)) {
      this.#refused(`a topic of more than ${TOPIC_BYTES_MAX} bytes`);
      return acknowledge();
    }
    const path = hop(packet.properties?.userProperties as UserProperties | undefined, this.#tools.self, this.#remoteName);
    if (path === undefined) {
      this.#counts.looped++;
      return acknowledge();
    }
    const options = { ...publishOptions(packet, this.#spec.protocol, path), qos: lesser(qos, crossing.qos) };
    if (options.qos === 0) {
      this.#sendLoose(crossing.topic, packet.payload, options);
      return acknowledge();
    }
    if (!this.#isConnected) {
      this.#hasSkipped = true; // the session sends it again, on its next connection
      return;
    }
    const send = (): void => this.#send(crossing.topic, packet, options, acknowledge);
    if (this.#underWay < this.#windowMax) send();
    else this.#held.push(send);
  }

  #sendLoose(topic: string, payload: string | Buffer, options: IClientPublishOptions): void {
    const remote = this.#remote;
    if (!this.#isConnected || remote === null || remote.stream.writableLength > BRIDGE_BUFFER_BYTES_MAX) {
      this.#counts.dropped++;
      return;
    }
    remote.publish(topic, payload, options);
    this.#counts.out++;
  }

  #send(
    topic: string,
    { qos, messageId, payload }: IPublishPacket,
    options: IClientPublishOptions,
    acknowledge: () => void,
  ): void {
    const outgoing: Outgoing = { isDone: false, acknowledge };
    this.#outgoing.set(messageId!, outgoing);
    this.#underWay++;
    this.#remote!.publish(topic, payload, options, (error) => {
      this.#underWay--;
      if (this.#isStopped) return;
      if (error) this.#refused(`${topic}: ${error.message}`);
      else this.#counts.out++;
      outgoing.isDone = true;
      if (this.#outgoing.get(messageId!) === outgoing && this.#local.isReady) this.#settle(messageId!, qos, outgoing);
      if (this.#underWay < this.#windowMax) this.#held.shift()?.();
    });
  }

  /** A message of QoS 2 may come again until the session has released it. */
  #settle(messageId: number, qos: number, outgoing: Outgoing): void {
    if (qos === 1) this.#outgoing.delete(messageId);
    outgoing.acknowledge();
  }

  #refused(what: string): void {
    this.#counts.dropped++;
    this.#tools.log.warn({ bridge: this.#spec.name, what }, 'a message could not cross a bridge');
  }

  // ── The other side ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #connect(): void {
    const remote = connect(this.#spec.urls[0]!, { ...remoteOptions(this.#spec, this.#tools.self), ...this.#stores });
    this.#remote = remote;
    remote.on('packetsend', (packet) => {
      if (this.#marksBridge) markBridge(packet);
    });
    remote.on('connect', (connack) => this.#connected(remote, connack));
    remote.on('error', (error) => {
      this.#error = error.message;
      // A broker that does not know of bridges refuses the mark.
      if ((error as { code?: unknown }).code === UNACCEPTABLE_PROTOCOL) this.#marksBridge = false;
    });
    remote.on('close', () => this.#closed(remote));
    // A message of the other side; at QoS 2 when it is released.
    const acks = holdAcks(remote);
    remote.handleMessage = (packet, then) => this.#fromRemote(packet as IPublishPacket, acks, () => then());
    remote.connect();
  }

  #connected(remote: MqttClient, { properties }: IConnackPacket): void {
    this.#isConnected = true;
    this.#error = '';
    this.#pauseMs = this.#spec.reconnectMsMin;
    this.#windowMax =
      this.#spec.protocol === 5 ? Math.min(BRIDGE_WINDOW_MAX, properties?.receiveMaximum ?? 65_535) : LEGACY_WINDOW_MAX;
    const name = properties?.userProperties?.[BRIDGE_PROPERTY];
    this.#remoteName = typeof name === 'string' ? name : '';
    this.#tools.log.info({ bridge: this.#spec.name }, 'a bridge is connected');
    this.#subscribe(remote);
    if (this.#hasSkipped) this.#local.disconnect();
    this.#dial();
    this.#judge();
  }

  #subscribe(remote: MqttClient): void {
    const { name, protocol } = this.#spec;
    const filters = [...this.#map.remoteFilters()];
    this.#subscribing = filters.length;
    const attempt = ++this.#attempt;
    for (const [filter, qos] of filters) {
      // Brokers that know bridges do not send them their own messages back; in 5.0 every one can be asked not to.
      const options = protocol === 5 ? { qos, nl: true, rap: true, rh: 1 } : { qos };
      remote.subscribe(filter, options, (error) => {
        if (attempt === this.#attempt) this.#subscribing--;
        this.#judge();
        if (error && !this.#isStopped && this.#isConnected)
          this.#tools.log.warn({ bridge: name, filter, error: error.message }, 'the other side refuses a subscription');
      });
    }
  }

  #closed(remote: MqttClient): void {
    if (this.#isStopped) return;
    this.#counts.failures++;
    this.#error ||= 'the other side has ended the connection';
    if (this.#isConnected) {
      this.#isConnected = false;
      this.#tools.log.warn({ bridge: this.#spec.name, why: this.#error }, 'a bridge has lost its other side');
      this.#held = [];
      this.#local.disconnect();
      this.#judge();
    }
    // Half of the pause is left to chance, so that all bridges of a broker that was away do not come at once.
    const pauseMs = (this.#pauseMs / 2) * (1 + Math.random());
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#spec.reconnectMsMax);
    clearTimeout(this.#timer);
    // With its stores, or it would forget what is under way.
    this.#timer = setTimeout(() => remote.reconnect(this.#stores), pauseMs);
  }

  #fromRemote(packet: IPublishPacket, acks: ReturnType<typeof holdAcks>, then: () => void): void {
    const crossing = this.#map.in(String(packet.topic));
    if (crossing === undefined) return then();
    if (isTooLong(crossing.topic)) {
      this.#refused(`a topic of more than ${TOPIC_BYTES_MAX} bytes`);
      return then();
    }
    const path = hop(packet.properties?.userProperties as UserProperties | undefined, this.#remoteName, this.#tools.self);
    if (path === undefined) {
      this.#counts.looped++;
      return then();
    }
    const { retain, payload } = packet;
    const qos = lesser(packet.qos, crossing.qos);
    const properties = { ...passedOn(packet.properties), ...withUserProperties(path) };
    const release = packet.qos === 0 ? () => {} : acks.hold(packet.messageId!);
    // The next message is not read before there is room for this one.
    this.#local.whenRoom(() => {
      this.#local.publish({ topic: crossing.topic, payload, qos, retain, properties }, (refusal) => {
        if (refusal !== undefined) this.#refused(`${crossing.topic}: refused here, reason ${refusal}`);
        else this.#counts.in++;
        release();
      });
      then();
    });
  }
}

function remoteOptions(spec: BridgeSpec, self: string): IClientOptions {
  const { protocol, clientId, cleanStart, username, password, keepAliveSeconds, tls, urls } = spec;
  const servers = urls.map((text) => {
    const { hostname, port, protocol: scheme } = new URL(text);
    const kind = scheme.slice(0, -1) as 'mqtt' | 'mqtts' | 'ws' | 'wss';
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || PORTS[kind]), protocol: kind };
  });
  return {
    protocolVersion: protocol,
    clientId,
    clean: cleanStart,
    keepalive: keepAliveSeconds,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    manualConnect: true,
    reconnectOnConnackError: true,
    queueQoSZero: false,
    resubscribe: false,
    ...(servers.length > 1 ? { servers } : {}),
    ...(protocol === 5
      ? {
          properties: {
            receiveMaximum: BRIDGE_WINDOW_MAX,
            ...(cleanStart ? {} : { sessionExpiryInterval: 0xffff_ffff }),
            userProperties: { [BRIDGE_PROPERTY]: self },
          },
        }
      : {}),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert, key: tls.key! }),
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
    rejectUnauthorized: tls.verify,
  };
}

/** With a prefix that it did not have before. */
function isTooLong(topic: string): boolean {
  return topic.length * 3 > TOPIC_BYTES_MAX && Buffer.byteLength(topic) > TOPIC_BYTES_MAX;
}

function lesser(a: Qos, b: Qos): Qos {
  return a < b ? a : b;
}

const PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;

function publishOptions({ retain, properties }: IPublishPacket, protocol: number, path: UserProperties): IClientPublishOptions {
  if (protocol !== 5) return { retain };
  return { retain, properties: { ...passedOn(properties), ...withUserProperties(path) } };
}

/** `mqtt-packet` writes nothing at all for a packet whose user properties are there and empty. */
function withUserProperties(path: UserProperties): IClientPublishOptions['properties'] {
  return Object.keys(path).length === 0 ? {} : { userProperties: path as Record<string, string | string[]> };
}

/** A bit of the protocol level, which MQTT.js has no option for. */
function markBridge(packet: Packet): void {
  if (packet.cmd === 'connect') Object.assign(packet, { bridgeMode: true });
}

/** What a message brings along that means something on the other side. */
function passedOn(properties: IPublishPacket['properties']): NonNullable<IClientPublishOptions['properties']> {
  const { payloadFormatIndicator, messageExpiryInterval, responseTopic, correlationData, contentType } = properties ?? {};
  return {
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpiryInterval }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(contentType === undefined ? {} : { contentType }),
  };
}
