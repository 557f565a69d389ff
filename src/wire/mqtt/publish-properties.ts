/**
 * Validates the properties of a PUBLISH from a client in place. They travel on to subscribers as they are, so only what the broker
 * itself acts on is read out: topic alias, message expiry and payload format.
 *
 *   properties: ( id: 1 byte, value )*      the length in front of them is the caller's
 *
 *   01 payload format  byte      08 response topic    string    23 topic alias    u16
 *   02 message expiry  u32       09 correlation data  binary    26 user property  string string, any number of times
 *   03 content type    string    0b subscription id   varint, from a server only
 *
 * Hot: every 5.0 PUBLISH with properties passes here. A free function over numbers and a reused result, no allocation unless it throws.
 */
import { Property } from './constants.ts';
import { MqttError } from './mqtt-error.ts';
import { Reason } from './reason-codes.ts';
import { topicNameFault } from './topics.ts';
import { isMqttUtf8 } from './utf8.ts';

const ONCE =
  (1 << Property.PAYLOAD_FORMAT_INDICATOR) |
  (1 << Property.MESSAGE_EXPIRY_INTERVAL) |
  (1 << Property.CONTENT_TYPE) |
  (1 << Property.RESPONSE_TOPIC) |
  (1 << Property.CORRELATION_DATA);

export interface PublishProperties {
  /** Offset of the topic alias property's id byte, -1 when absent. The property is 3 bytes long. */
  aliasOffset: number;
  /** 0 when absent, else 1 to 65,535. */
  alias: number;
  /** Offset of the message expiry interval's 4 value bytes, -1 when absent. */
  expiryOffset: number;
  /** Seconds; meaningless when absent. */
  expirySeconds: number;
  /** 0 bytes (also when absent), 1 UTF-8 text. */
  payloadFormat: number;
}

export function emptyPublishProperties(): PublishProperties {
  return { aliasOffset: -1, alias: 0, expiryOffset: -1, expirySeconds: 0, payloadFormat: 0 };
}

/**
 * Validates buf[start, end) and fills `into`. Throws MqttError: 0x81 for what cannot be read or is no PUBLISH property (section 2.2.2.2),
 * 0x82 for a repeated property, a value out of range, a subscription identifier from a client [MQTT-3.3.4-6] or a response topic that
 * is no topic name [MQTT-3.3.2-14], 0x94 for the topic alias 0 [MQTT-3.3.2-8]. Reads nothing outside [start, end).
 */
export function readPublishProperties(buf: Uint8Array, start: number, end: number, into: PublishProperties): void {
  into.aliasOffset = -1;
  into.alias = 0;
  into.expiryOffset = -1;
  into.expirySeconds = 0;
  into.payloadFormat = 0;
  let seen = 0;
  let pos = start;
  while (pos < end) {
    const id = buf[pos]!;
    const value = pos + 1;
    if (id === Property.USER_PROPERTY) {
      const name = checkedString(buf, value, end);
      pos = checkedString(buf, name, end);
      continue;
    }
    // The other identifiers that come once fit the bits of a small integer; 0x23 takes bit 0, which no property has.
    const bit = id === Property.TOPIC_ALIAS ? 1 : id < 32 ? (1 << id) & ONCE : 0;
    if ((seen & bit) !== 0) throw new MqttError(Reason.PROTOCOL_ERROR, `property 0x${id.toString(16)} is repeated`);
    seen |= bit;
    switch (id) {
      case Property.PAYLOAD_FORMAT_INDICATOR: {
        pos = within(value + 1, end);
        const format = buf[value]!;
        if (format > 1) throw new MqttError(Reason.PROTOCOL_ERROR, 'payload format indicator is neither 0 nor 1');
        into.payloadFormat = format;
        break;
      }
      case Property.MESSAGE_EXPIRY_INTERVAL:
        pos = within(value + 4, end);
        into.expiryOffset = value;
        into.expirySeconds = ((buf[value]! << 24) | (buf[value + 1]! << 16) | (buf[value + 2]! << 8) | buf[value + 3]!) >>> 0;
        break;
      case Property.TOPIC_ALIAS: {
        pos = within(value + 2, end);
        const alias = (buf[value]! << 8) | buf[value + 1]!;
        if (alias === 0) throw new MqttError(Reason.TOPIC_ALIAS_INVALID, 'topic alias 0');
        into.aliasOffset = value - 1;
        into.alias = alias;
        break;
      }
      case Property.CONTENT_TYPE:
        pos = checkedString(buf, value, end);
        break;
      case Property.RESPONSE_TOPIC:
        pos = checkedString(buf, value, end);
        if (topicNameFault(buf, value + 2, pos) !== 0)
          throw new MqttError(Reason.PROTOCOL_ERROR, 'response topic is no topic name');
        break;
      case Property.CORRELATION_DATA:
        pos = prefixed(buf, value, end);
        break;
      case Property.SUBSCRIPTION_IDENTIFIER:
        throw new MqttError(Reason.PROTOCOL_ERROR, 'subscription identifier from a client');
      default:
        throw new MqttError(Reason.MALFORMED_PACKET, `property 0x${id.toString(16)} in PUBLISH`);
    }
  }
}

function within(next: number, end: number): number {
  if (next > end) throw new MqttError(Reason.MALFORMED_PACKET, 'property value reaches past the properties');
  return next;
}

/** End of the two-byte length and the bytes that it announces. */
function prefixed(buf: Uint8Array, pos: number, end: number): number {
  const data = within(pos + 2, end);
  return within(data + ((buf[pos]! << 8) | buf[pos + 1]!), end);
}

function checkedString(buf: Uint8Array, pos: number, end: number): number {
  const next = prefixed(buf, pos, end);
  if (!isMqttUtf8(buf, pos + 2, next)) throw new MqttError(Reason.MALFORMED_PACKET, 'property is not a valid UTF-8 string');
  return next;
}
