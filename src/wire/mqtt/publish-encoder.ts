/**
 * Writes PUBLISH packets into memory that the caller has sized.
 *
 *   [0011 dup qos retain][remaining length][topic length: u16][topic][packet id: u16 if QoS > 0]
 *   5.0: [property length][properties passed through][topic alias][subscription identifiers]      [payload]
 *
 * Hot: every delivery that cannot be copied as it came is written here. The parts may lie in different buffers and are given by
 * offsets, because a subarray per part would cost more than writing the packet.
 */
import { copyBytes } from '../../base/bytes.ts';
import {
  DIALECT_3,
  type Dialect,
  PacketType,
  Property,
  PUBLISH_DUP,
  PUBLISH_QOS_SHIFT,
  PUBLISH_RETAIN,
  type Qos,
} from './constants.ts';
import { varintSize, writeVarint } from './varint.ts';

/** What a PUBLISH is made of. Fill one and use it again. */
export interface PublishParts {
  topic: Uint8Array;
  topicStart: number;
  topicEnd: number;
  /** Valid 5.0 properties without their length; dropped for 3.x. */
  properties: Uint8Array;
  propertiesStart: number;
  propertiesEnd: number;
  /** Where a topic alias stands in `properties`, to be left out: it is valid on its own connection only. -1 for none. */
  aliasOffset: number;
  /** Where the 4 bytes of the message expiry stand in `properties`, to be replaced. -1 for leaving them as they are. */
  expiryOffset: number;
  /** What is left of the message expiry, seconds [MQTT-3.3.2-6]. Used with `expiryOffset`. */
  expirySeconds: number;
  /** Topic alias to set or to use on this connection; 0 for none. */
  alias: number;
  payload: Uint8Array;
  payloadStart: number;
  payloadEnd: number;
}

const NOTHING = new Uint8Array(0);
/** Id byte and two value bytes. */
const ALIAS_BYTES = 3;

export function emptyPublishParts(): PublishParts {
  return {
    topic: NOTHING,
    topicStart: 0,
    topicEnd: 0,
    properties: NOTHING,
    propertiesStart: 0,
    propertiesEnd: 0,
    aliasOffset: -1,
    expiryOffset: -1,
    expirySeconds: 0,
    alias: 0,
    payload: NOTHING,
    payloadStart: 0,
    payloadEnd: 0,
  };
}

/** First byte of a PUBLISH. */
export function publishHeader(qos: Qos, retain: boolean, dup: boolean): number {
  return (PacketType.PUBLISH << 4) | (qos << PUBLISH_QOS_SHIFT) | (retain ? PUBLISH_RETAIN : 0) | (dup ? PUBLISH_DUP : 0);
}

/** Bytes that `writePublish` will write. */
export function publishSize(dialect: Dialect, qos: Qos, parts: PublishParts, subscriptionIds: readonly number[] | null): number {
  const remaining = remainingLength(dialect, qos, parts, subscriptionIds);
  return 1 + varintSize(remaining) + remaining;
}

/**
 * Writes one packet at out[pos] and returns the position after it. `header` is the first byte (`publishHeader`); `packetId` counts at
 * QoS 1 and 2 only. 3.x drops properties and subscription identifiers.
 */
export function writePublish(
  out: Uint8Array,
  pos: number,
  dialect: Dialect,
  header: number,
  packetId: number,
  parts: PublishParts,
  subscriptionIds: readonly number[] | null,
): number {
  const qos = ((header >> PUBLISH_QOS_SHIFT) & 3) as Qos;
  out[pos] = header;
  let at = writeVarint(out, pos + 1, remainingLength(dialect, qos, parts, subscriptionIds));
  const topicBytes = parts.topicEnd - parts.topicStart;
  out[at] = topicBytes >>> 8;
  out[at + 1] = topicBytes & 0xff;
  at = copyBytes(out, at + 2, parts.topic, parts.topicStart, parts.topicEnd);
  if (qos !== 0) {
    out[at] = packetId >>> 8;
    out[at + 1] = packetId & 0xff;
    at += 2;
  }
  if (dialect !== DIALECT_3) at = writeProperties(out, at, parts, subscriptionIds);
  return copyBytes(out, at, parts.payload, parts.payloadStart, parts.payloadEnd);
}

function remainingLength(dialect: Dialect, qos: Qos, parts: PublishParts, subscriptionIds: readonly number[] | null): number {
  const plain = 2 + (parts.topicEnd - parts.topicStart) + (qos === 0 ? 0 : 2) + (parts.payloadEnd - parts.payloadStart);
  if (dialect === DIALECT_3) return plain;
  const properties = propertyLength(parts, subscriptionIds);
  return plain + varintSize(properties) + properties;
}

function propertyLength(parts: PublishParts, subscriptionIds: readonly number[] | null): number {
  let length = parts.propertiesEnd - parts.propertiesStart;
  if (parts.aliasOffset >= 0) length -= ALIAS_BYTES;
  if (parts.alias !== 0) length += ALIAS_BYTES;
  if (subscriptionIds !== null) for (const id of subscriptionIds) length += 1 + varintSize(id);
  return length;
}

function writeProperties(out: Uint8Array, pos: number, parts: PublishParts, subscriptionIds: readonly number[] | null): number {
  let at = writeVarint(out, pos, propertyLength(parts, subscriptionIds));
  const { properties, propertiesStart, propertiesEnd, aliasOffset, expiryOffset, expirySeconds } = parts;
  const first = at;
  if (aliasOffset < 0) {
    at = copyBytes(out, at, properties, propertiesStart, propertiesEnd);
  } else {
    at = copyBytes(out, at, properties, propertiesStart, aliasOffset);
    at = copyBytes(out, at, properties, aliasOffset + ALIAS_BYTES, propertiesEnd);
  }
  if (expiryOffset >= 0) {
    const moved = aliasOffset >= 0 && aliasOffset < expiryOffset ? ALIAS_BYTES : 0;
    const expiry = first + (expiryOffset - propertiesStart) - moved;
    out[expiry] = expirySeconds >>> 24;
    out[expiry + 1] = (expirySeconds >>> 16) & 0xff;
    out[expiry + 2] = (expirySeconds >>> 8) & 0xff;
    out[expiry + 3] = expirySeconds & 0xff;
  }
  if (parts.alias !== 0) {
    out[at] = Property.TOPIC_ALIAS;
    out[at + 1] = parts.alias >>> 8;
    out[at + 2] = parts.alias & 0xff;
    at += ALIAS_BYTES;
  }
  if (subscriptionIds === null) return at;
  for (const id of subscriptionIds) {
    out[at] = Property.SUBSCRIPTION_IDENTIFIER;
    at = writeVarint(out, at + 1, id);
  }
  return at;
}
