/** Encodes what a client sends, for benches, tools and specs. The broker itself uses none of it. */
import { assert } from '../../base/assert.ts';
import { DIALECT_3, DIALECT_5, type Dialect, type ProtocolLevel, type Qos } from './constants.ts';
import { assertPacketId, encode, FIELD_BYTES_MAX, present } from './packet-writer.ts';
import type { SubscribeEntry } from './packets.ts';
import { emptyPublishParts, publishHeader, publishSize, writePublish } from './publish-encoder.ts';

export const PINGREQ: Uint8Array = Uint8Array.of(0xc0, 0x00);

export interface ConnectOptions {
  readonly level: ProtocolLevel;
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly username?: string | undefined;
  readonly password?: Uint8Array | undefined;
  readonly will?:
    | {
        readonly topic: string;
        readonly payload: Uint8Array;
        readonly qos: Qos;
        readonly retain: boolean;
        readonly delaySeconds?: number;
      }
    | undefined;
  /** The rest is for 5.0 alone. Seconds. */
  readonly sessionExpiry?: number | undefined;
  readonly receiveMaximum?: number | undefined;
  readonly maximumPacketSize?: number | undefined;
  readonly topicAliasMaximum?: number | undefined;
}

/** A client's CONNECT. */
export function encodeConnect(options: ConnectOptions): Uint8Array {
  const { level, clientId, cleanStart, keepAliveSeconds, username, password, will } = options;
  const modern = level === 5;
  return encode(modern ? DIALECT_5 : DIALECT_3, {
    cmd: 'connect',
    protocolId: level === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: level,
    clean: cleanStart,
    clientId,
    keepalive: keepAliveSeconds,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: Buffer.from(password) }),
    ...(will && {
      will: {
        topic: will.topic,
        payload: Buffer.from(will.payload),
        qos: will.qos,
        retain: will.retain,
        properties: present({ willDelayInterval: modern ? will.delaySeconds : undefined }),
      },
    }),
    properties: present({
      sessionExpiryInterval: options.sessionExpiry,
      receiveMaximum: options.receiveMaximum,
      maximumPacketSize: options.maximumPacketSize,
      topicAliasMaximum: options.topicAliasMaximum,
    }),
  });
}

/** A client's SUBSCRIBE; 3.x sends the filter and the QoS of an entry alone. */
export function encodeSubscribe(
  dialect: Dialect,
  packetId: number,
  entries: readonly SubscribeEntry[],
  subscriptionId?: number,
): Uint8Array {
  assertPacketId(packetId);
  const subscriptions = entries.map((entry) => ({
    topic: entry.filter,
    qos: entry.qos,
    nl: entry.noLocal,
    rap: entry.retainAsPublished,
    rh: entry.retainHandling,
  }));
  const properties = present({ subscriptionIdentifier: subscriptionId });
  return encode(dialect, { cmd: 'subscribe', messageId: packetId, subscriptions, properties });
}

/** A client's UNSUBSCRIBE. */
export function encodeUnsubscribe(dialect: Dialect, packetId: number, filters: readonly string[]): Uint8Array {
  assertPacketId(packetId);
  return encode(dialect, { cmd: 'unsubscribe', messageId: packetId, unsubscriptions: [...filters] });
}

export interface PublishOptions {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos?: Qos | undefined;
  readonly retain?: boolean | undefined;
  readonly dup?: boolean | undefined;
  /** Needed at QoS 1 and 2. */
  readonly packetId?: number | undefined;
  /** 5.0 property bytes without their length. */
  readonly properties?: Uint8Array | undefined;
}

/** One PUBLISH in memory of its own, for whom speed is no matter; the broker itself uses `writePublish`. */
export function encodePublish(dialect: Dialect, options: PublishOptions): Uint8Array {
  const qos = options.qos ?? 0;
  const packetId = options.packetId ?? 0;
  if (qos > 0) assertPacketId(packetId);
  const parts = emptyPublishParts();
  parts.topic = Buffer.from(options.topic, 'utf8');
  parts.topicEnd = parts.topic.length;
  assert(parts.topicEnd <= FIELD_BYTES_MAX, 'a topic is at most 65,535 bytes long');
  parts.payload = options.payload;
  parts.payloadEnd = options.payload.length;
  if (options.properties) {
    parts.properties = options.properties;
    parts.propertiesEnd = options.properties.length;
  }
  const out = new Uint8Array(publishSize(dialect, qos, parts, null));
  const end = writePublish(
    out,
    0,
    dialect,
    publishHeader(qos, options.retain ?? false, options.dup ?? false),
    packetId,
    parts,
    null,
  );
  assert(end === out.length, 'publishSize and writePublish agree');
  return out;
}
