/**
 * An MQTT message as a record: key = topic name, value = payload, 5.0 properties = headers. Names of headers for properties of the standard begin with `mqtt.`;
 * user properties keep their own. Alias and subscription identifiers mean nothing to others and are left out.
 */

import type { RecordHeaders } from '../../storage/record-headers.ts';
import { Property } from '../../wire/mqtt/constants.ts';
import { isTopicName } from '../../wire/mqtt/topics.ts';
import { isMqttUtf8 } from '../../wire/mqtt/utf8.ts';
import { readVarint, varintSize } from '../../wire/mqtt/varint.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('latin1');
const DOT = 0x2e;
/** Bytes of `mqtt.`. */
const PREFIX_BYTES = 5;

/** Value as bytes on the wire, for properties that are worth a header. */
const IDS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    'mqtt.payload-format': Property.PAYLOAD_FORMAT_INDICATOR,
    'mqtt.expiry-seconds': Property.MESSAGE_EXPIRY_INTERVAL,
    'mqtt.content-type': Property.CONTENT_TYPE,
    'mqtt.response-topic': Property.RESPONSE_TOPIC,
    'mqtt.correlation-data': Property.CORRELATION_DATA,
  }),
);
const NAMES: ReadonlyMap<number, Uint8Array> = new Map(Array.from(IDS, ([name, id]) => [id, encoder.encode(name)]));

/** Puts the properties in `buf[start, end)`, which have been checked, into `headers`. */
export function propertiesToHeaders(buf: Uint8Array, start: number, end: number, headers: RecordHeaders): void {
  headers.clear();
  for (let at = start; at < end; ) {
    const id = buf[at++]!;
    if (id === Property.USER_PROPERTY) {
      const name = at + 2;
      const nameEnd = name + u16(buf, at);
      const value = nameEnd + 2;
      at = value + u16(buf, nameEnd);
      headers.add(buf, buf, name, nameEnd, value, at);
      continue;
    }
    const width = widthOf(buf, id, at, end);
    const prefix = isPrefixed(id) ? 2 : 0;
    const name = NAMES.get(id);
    if (name !== undefined) headers.add(name, buf, 0, name.length, at + prefix, at + width);
    at += width;
  }
}

/**
 * The way back: the property that the header `name` of a record stands for, if its value can be one; 0: a user property. The value is without a length in front.
 */
export function propertyOfHeader(bytes: Uint8Array, nameStart: number, nameEnd: number, start: number, end: number): number {
  if (nameEnd - nameStart <= PREFIX_BYTES || bytes[nameStart + PREFIX_BYTES - 1] !== DOT) return 0;
  const id = IDS.get(decoder.decode(bytes.subarray(nameStart, nameEnd))) ?? 0;
  const length = end - start;
  switch (id) {
    case Property.PAYLOAD_FORMAT_INDICATOR:
      return length === 1 && bytes[start]! <= 1 ? id : 0;
    case Property.MESSAGE_EXPIRY_INTERVAL:
      return length === 4 ? id : 0;
    case Property.CONTENT_TYPE:
      return length <= 0xffff && isMqttUtf8(bytes, start, end) ? id : 0;
    case Property.RESPONSE_TOPIC:
      return length <= 0xffff && isTopicName(bytes, start, end) ? id : 0;
    case Property.CORRELATION_DATA:
      return length <= 0xffff ? id : 0;
    default:
      return 0;
  }
}

function widthOf(buf: Uint8Array, id: number, at: number, end: number): number {
  switch (id) {
    case Property.PAYLOAD_FORMAT_INDICATOR:
      return 1;
    case Property.MESSAGE_EXPIRY_INTERVAL:
      return 4;
    case Property.TOPIC_ALIAS:
      return 2;
    case Property.SUBSCRIPTION_IDENTIFIER:
      return varintSize(readVarint(buf, at, end));
    default:
      return 2 + u16(buf, at);
  }
}

function isPrefixed(id: number): boolean {
  return id === Property.CONTENT_TYPE || id === Property.RESPONSE_TOPIC || id === Property.CORRELATION_DATA;
}

function u16(buf: Uint8Array, at: number): number {
  return (buf[at]! << 8) | buf[at + 1]!;
}
