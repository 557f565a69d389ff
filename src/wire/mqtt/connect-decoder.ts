/**
 * CONNECT (section 3.1), 3.1, 3.1.1 and 5.0:
 *
 *   "MQTT" | "MQIsdp"   level   flags   keep alive: u16   5.0: properties
 *   client id   [will: 5.0: properties · topic · payload: binary]   [username]   [password: binary]
 *
 *   flags: | username | password | will retain | will QoS: 2 | will | clean start | 0 |
 */
import { MQTT_PACKET_BYTES_MAX } from '../../base/limits.ts';
import {
  DIALECT_3,
  DIALECT_5,
  PacketType,
  Property,
  type ProtocolLevel,
  type Qos,
  RECEIVE_MAXIMUM_DEFAULT,
  SESSION_EXPIRY_NEVER,
} from './constants.ts';
import { MqttError } from './mqtt-error.ts';
import type { ConnectPacket, ConnectProperties, Will } from './packets.ts';
import { type ControlProperties, readProperties, skipProperty } from './property-reader.ts';
import { emptyPublishProperties, readPublishProperties } from './publish-properties.ts';
import { malformed, type PacketReader, protocolError } from './reader.ts';
import { Reason } from './reason-codes.ts';
import { topicNameFault } from './topics.ts';

const FLAG_RESERVED = 0x01;
const FLAG_CLEAN_START = 0x02;
const FLAG_WILL = 0x04;
const FLAG_WILL_QOS = 0x18;
const FLAG_WILL_RETAIN = 0x20;
const FLAG_PASSWORD = 0x40;
const FLAG_USERNAME = 0x80;

const CONNECT_PROPERTIES: ReadonlySet<number> = new Set([
  Property.SESSION_EXPIRY_INTERVAL,
  Property.RECEIVE_MAXIMUM,
  Property.MAXIMUM_PACKET_SIZE,
  Property.TOPIC_ALIAS_MAXIMUM,
  Property.REQUEST_RESPONSE_INFORMATION,
  Property.REQUEST_PROBLEM_INFORMATION,
  Property.AUTHENTICATION_METHOD,
  Property.AUTHENTICATION_DATA,
]);

const WILL_PROPERTIES: ReadonlySet<number> = new Set([
  Property.WILL_DELAY_INTERVAL,
  Property.PAYLOAD_FORMAT_INDICATOR,
  Property.MESSAGE_EXPIRY_INTERVAL,
  Property.CONTENT_TYPE,
  Property.RESPONSE_TOPIC,
  Property.CORRELATION_DATA,
  Property.USER_PROPERTY,
]);

/** A bridge of mosquitto and its kin sets it in the level of 3.1 and 3.1.1 (`try_private`); there is none of it in the standard. */
const BRIDGE_BIT = 0x80;

const NO_BYTES = new Uint8Array(0);

/** Reads the body of a CONNECT. Errors carry the protocol level as soon as it is known. */
export function decodeConnect(reader: PacketReader): ConnectPacket {
  const protocolName = reader.string('protocol name');
  // [MQTT-3.1.2-1]. What does not even say MQTT gets no answer, hence no level on the error.
  if (protocolName !== 'MQTT' && protocolName !== 'MQIsdp') {
    throw new MqttError(Reason.UNSUPPORTED_PROTOCOL_VERSION, 'protocol name is not MQTT');
  }
  const byte = reader.byte('protocol level');
  const isBridge = byte === (BRIDGE_BIT | 3) || byte === (BRIDGE_BIT | 4);
  const level = isBridge ? byte ^ BRIDGE_BIT : byte;
  try {
    const connect = decodeLevel(reader, protocolName, level);
    return isBridge ? { ...connect, isBridge } : connect;
  } catch (error) {
    if (error instanceof MqttError) error.level = level;
    throw error;
  }
}

function decodeLevel(reader: PacketReader, protocolName: 'MQTT' | 'MQIsdp', level: number): ConnectPacket {
  if (!isLevelOf(protocolName, level)) {
    // [MQTT-3.1.2-2]
    throw new MqttError(Reason.UNSUPPORTED_PROTOCOL_VERSION, `${protocolName} level ${level} is not supported`);
  }
  const flags = reader.byte('connect flags');
  checkFlags(flags, level);
  const cleanStart = (flags & FLAG_CLEAN_START) !== 0;
  const keepAliveSeconds = reader.u16('keep alive');
  const properties =
    level === 5 ? connectProperties(readProperties(reader, CONNECT_PROPERTIES, 'CONNECT')) : legacyProperties(cleanStart);
  const clientId = reader.string('client id');
  const will = flags & FLAG_WILL ? readWill(reader, flags, level) : undefined;
  const username = flags & FLAG_USERNAME && !endsEarly(reader, level) ? reader.string('username') : undefined;
  const password = flags & FLAG_PASSWORD && !endsEarly(reader, level) ? reader.binary('password') : undefined;
  reader.expectEnd('CONNECT');
  checkClientId(clientId, level, cleanStart);
  return {
    type: PacketType.CONNECT,
    dialect: level === 5 ? DIALECT_5 : DIALECT_3,
    level,
    protocolName,
    clientId,
    cleanStart,
    keepAliveSeconds,
    username,
    password,
    will,
    properties,
  };
}

function isLevelOf(protocolName: string, level: number): level is ProtocolLevel {
  return protocolName === 'MQTT' ? level === 4 || level === 5 : level === 3;
}

function checkFlags(flags: number, level: ProtocolLevel): void {
  if (flags & FLAG_RESERVED) throw malformed('reserved connect flag is set'); // [MQTT-3.1.2-3]
  if (flags & FLAG_WILL) {
    if ((flags & FLAG_WILL_QOS) === FLAG_WILL_QOS) throw malformed('will QoS 3'); // [MQTT-3.1.2-12]
  } else if (flags & (FLAG_WILL_QOS | FLAG_WILL_RETAIN)) {
    throw malformed('will QoS or will retain without a will'); // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
  }
  if (level !== 5 && (flags & (FLAG_USERNAME | FLAG_PASSWORD)) === FLAG_PASSWORD) {
    throw malformed('password without a username'); // 3.1.1 [MQTT-3.1.2-22]; 5.0 allows it
  }
}

/** 3.1 lets a packet end before a username or password that its flags announce: the remaining length takes precedence. */
function endsEarly(reader: PacketReader, level: ProtocolLevel): boolean {
  return level === 3 && reader.remaining === 0;
}

function checkClientId(clientId: string, level: ProtocolLevel, cleanStart: boolean): void {
  if (clientId.length > 0 || level === 5) return; // [MQTT-3.1.3-6]
  // 3.1.1 [MQTT-3.1.3-8]; 3.1 knows no empty client id at all. Its limit of 23 characters nobody keeps, neither do we.
  if (level === 4 && cleanStart) return;
  throw new MqttError(Reason.CLIENT_IDENTIFIER_NOT_VALID, 'empty client id');
}

function connectProperties(read: ControlProperties): ConnectProperties {
  if (read.has(Property.AUTHENTICATION_DATA) && !read.has(Property.AUTHENTICATION_METHOD)) {
    throw protocolError('authentication data without a method'); // section 3.1.2.11.10
  }
  return {
    sessionExpiry: read.number(Property.SESSION_EXPIRY_INTERVAL) ?? 0,
    receiveMaximum: read.number(Property.RECEIVE_MAXIMUM) ?? RECEIVE_MAXIMUM_DEFAULT,
    maximumPacketSize: read.number(Property.MAXIMUM_PACKET_SIZE) ?? MQTT_PACKET_BYTES_MAX,
    topicAliasMaximum: read.number(Property.TOPIC_ALIAS_MAXIMUM) ?? 0,
    requestResponseInformation: read.number(Property.REQUEST_RESPONSE_INFORMATION) === 1,
    requestProblemInformation: read.number(Property.REQUEST_PROBLEM_INFORMATION) !== 0,
    userProperties: read.userProperties,
    authenticationMethod: read.string(Property.AUTHENTICATION_METHOD),
    authenticationData: read.binary(Property.AUTHENTICATION_DATA),
  };
}

/** What a 3.x CONNECT means in the terms of 5.0 (section 3.1.2.11.2): clean session also ends the session with the connection. */
function legacyProperties(cleanSession: boolean): ConnectProperties {
  return {
    sessionExpiry: cleanSession ? 0 : SESSION_EXPIRY_NEVER,
    receiveMaximum: RECEIVE_MAXIMUM_DEFAULT,
    maximumPacketSize: MQTT_PACKET_BYTES_MAX,
    topicAliasMaximum: 0,
    requestResponseInformation: false,
    requestProblemInformation: true,
    userProperties: [],
    authenticationMethod: undefined,
    authenticationData: undefined,
  };
}

function readWill(reader: PacketReader, flags: number, level: ProtocolLevel): Will {
  const { properties, delaySeconds } = level === 5 ? readWillProperties(reader) : { properties: NO_BYTES, delaySeconds: 0 };
  const topicAt = reader.pos + 2;
  const topic = reader.string('will topic'); // [MQTT-3.1.3-11]
  const fault = topicNameFault(reader.buf, topicAt, reader.pos);
  if (fault !== 0) throw new MqttError(fault, 'will topic is not a valid topic name'); // [MQTT-4.7.0-1] [MQTT-4.7.3-1]
  return {
    topic,
    payload: reader.binary('will payload'),
    qos: ((flags & FLAG_WILL_QOS) >> 3) as Qos,
    retain: (flags & FLAG_WILL_RETAIN) !== 0,
    properties,
    delaySeconds,
  };
}

/** Will properties are those of a PUBLISH and the will delay, which is taken out. */
function readWillProperties(reader: PacketReader): { properties: Uint8Array; delaySeconds: number } {
  const part = reader.part(reader.varint('property length of the will'), 'properties of the will');
  const properties = new Uint8Array(part.remaining);
  let length = 0;
  let delaySeconds: number | undefined;
  while (part.remaining > 0) {
    const start = part.pos;
    const id = part.varint('property identifier');
    if (!WILL_PROPERTIES.has(id)) throw malformed(`0x${id.toString(16)} is no property of a will`);
    if (id === Property.WILL_DELAY_INTERVAL) {
      if (delaySeconds !== undefined) throw protocolError('will delay is repeated');
      delaySeconds = part.u32('will delay');
      continue;
    }
    skipProperty(part, id);
    properties.set(part.buf.subarray(start, part.pos), length);
    length += part.pos - start;
  }
  const rest = delaySeconds === undefined ? properties : properties.slice(0, length);
  readPublishProperties(rest, 0, length, emptyPublishProperties());
  return { properties: rest, delaySeconds: delaySeconds ?? 0 };
}
