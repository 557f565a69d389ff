/**
 * Decodes what a client sends beside PUBLISH and its acknowledgements, strictly: whatever the standard forbids throws MqttError with
 * the reason code that the standard demands, and nothing else is ever thrown. Rare packets, so clarity comes before speed.
 *
 * By hand rather than with mqtt-packet, whose parser lets pass what a server must refuse: ill-formed UTF-8, packet id 0, trailing bytes,
 * repeated and misplaced properties, an empty SUBSCRIBE. It loses the order of user properties, too. The specs hold this decoder against
 * that parser on everything both accept.
 */
import { MQTT_FILTERS_PER_PACKET_MAX } from '../../base/limits.ts';
import { decodeConnect } from './connect-decoder.ts';
import { DIALECT_3, type Dialect, PacketType, Property, type Qos } from './constants.ts';
import { bodyOffset } from './frame.ts';
import { MqttError } from './mqtt-error.ts';
import type {
  AuthPacket,
  ControlPacket,
  DisconnectPacket,
  PingreqPacket,
  SubscribeEntry,
  SubscribePacket,
  UnsubscribePacket,
  UserProperty,
} from './packets.ts';
import { readProperties } from './property-reader.ts';
import { malformed, PacketReader, protocolError } from './reader.ts';
import { Reason } from './reason-codes.ts';
import { isSharedFilter } from './topics.ts';

const NONE: ReadonlySet<number> = new Set();
const SUBSCRIBE_PROPERTIES: ReadonlySet<number> = new Set([Property.SUBSCRIPTION_IDENTIFIER]);
const DISCONNECT_PROPERTIES: ReadonlySet<number> = new Set([
  Property.SESSION_EXPIRY_INTERVAL,
  Property.REASON_STRING,
  Property.SERVER_REFERENCE,
]);
const AUTH_PROPERTIES: ReadonlySet<number> = new Set([
  Property.AUTHENTICATION_METHOD,
  Property.AUTHENTICATION_DATA,
  Property.REASON_STRING,
]);

/** Reasons that a client may give in DISCONNECT, table 3-13 [MQTT-3.14.2-1]. */
const CLIENT_DISCONNECT_REASONS: ReadonlySet<number> = new Set([
  Reason.NORMAL_DISCONNECTION,
  Reason.DISCONNECT_WITH_WILL,
  Reason.UNSPECIFIED_ERROR,
  Reason.MALFORMED_PACKET,
  Reason.PROTOCOL_ERROR,
  Reason.IMPLEMENTATION_SPECIFIC_ERROR,
  Reason.TOPIC_NAME_INVALID,
  Reason.RECEIVE_MAXIMUM_EXCEEDED,
  Reason.TOPIC_ALIAS_INVALID,
  Reason.PACKET_TOO_LARGE,
  Reason.MESSAGE_RATE_TOO_HIGH,
  Reason.QUOTA_EXCEEDED,
  Reason.ADMINISTRATIVE_ACTION,
  Reason.PAYLOAD_FORMAT_INVALID,
]);

const PINGREQ_PACKET: PingreqPacket = { type: PacketType.PINGREQ };

/**
 * Decodes the whole frame in buf[pos, frameEnd). `dialect` is that of the connection and of no account for CONNECT. Throws MqttError,
 * for a packet type that only a server sends or that is not a control packet as well.
 */
export function decodeControl(buf: Uint8Array, pos: number, frameEnd: number, dialect: Dialect): ControlPacket {
  const type = buf[pos]! >> 4;
  // [MQTT-2.1.3-1], [MQTT-3.8.1-1], [MQTT-3.10.1-1]
  const flags = type === PacketType.SUBSCRIBE || type === PacketType.UNSUBSCRIBE ? 2 : 0;
  if ((buf[pos]! & 0x0f) !== flags) throw malformed(`reserved flags of packet type ${type}`);
  const reader = new PacketReader(buf, bodyOffset(buf, pos), frameEnd);
  switch (type) {
    case PacketType.CONNECT:
      return decodeConnect(reader);
    case PacketType.SUBSCRIBE:
      return decodeSubscribe(reader, dialect);
    case PacketType.UNSUBSCRIBE:
      return decodeUnsubscribe(reader, dialect);
    case PacketType.PINGREQ:
      reader.expectEnd('PINGREQ');
      return PINGREQ_PACKET;
    case PacketType.DISCONNECT:
      return decodeDisconnect(reader, dialect);
    case PacketType.AUTH:
      return decodeAuth(reader, dialect);
    case 0:
      throw malformed('packet type 0');
    default:
      throw protocolError(`packet type ${type} is not a client's control packet`);
  }
}

/** `packet id: u16   5.0: properties   ( filter: string · options: byte )+` */
function decodeSubscribe(reader: PacketReader, dialect: Dialect): SubscribePacket {
  const packetId = readPacketId(reader);
  let subscriptionId: number | undefined;
  let userProperties: readonly UserProperty[] = [];
  if (dialect !== DIALECT_3) {
    const properties = readProperties(reader, SUBSCRIBE_PROPERTIES, 'SUBSCRIBE');
    subscriptionId = properties.number(Property.SUBSCRIPTION_IDENTIFIER);
    userProperties = properties.userProperties;
  }
  const entries: SubscribeEntry[] = [];
  while (reader.remaining > 0) {
    checkCount(entries.length);
    const filter = reader.string('topic filter'); // [MQTT-3.8.3-1]
    const options = reader.byte('subscription options');
    entries.push(dialect === DIALECT_3 ? legacyEntry(filter, options) : entryOf(filter, options));
  }
  if (entries.length === 0) throw protocolError('SUBSCRIBE without a filter'); // [MQTT-3.8.3-2]
  return { type: PacketType.SUBSCRIBE, packetId, subscriptionId, userProperties, entries };
}

/** Options: `| 0 | 0 | retain handling: 2 | retain as published | no local | QoS: 2 |` */
function entryOf(filter: string, options: number): SubscribeEntry {
  if (options & 0xc0) throw malformed('reserved subscription options are set'); // [MQTT-3.8.3-5]
  const qos = options & 0x03;
  const retainHandling = (options >> 4) & 0x03;
  if (qos === 3) throw protocolError('subscription with QoS 3');
  if (retainHandling === 3) throw protocolError('subscription with retain handling 3');
  const noLocal = (options & 0x04) !== 0;
  if (noLocal && isSharedFilter(filter)) throw protocolError('no local on a shared subscription'); // [MQTT-3.8.3-4]
  return {
    filter,
    qos: qos as Qos,
    noLocal,
    retainAsPublished: (options & 0x08) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

/** 3.x has the QoS alone. */
function legacyEntry(filter: string, qos: number): SubscribeEntry {
  if (qos > 2) throw malformed(`requested QoS byte 0x${qos.toString(16)}`); // 3.1.1 [MQTT-3-8.3-4]
  return { filter, qos: qos as Qos, noLocal: false, retainAsPublished: false, retainHandling: 0 };
}

/** `packet id: u16   5.0: properties   ( filter: string )+` */
function decodeUnsubscribe(reader: PacketReader, dialect: Dialect): UnsubscribePacket {
  const packetId = readPacketId(reader);
  const userProperties = dialect === DIALECT_3 ? [] : readProperties(reader, NONE, 'UNSUBSCRIBE').userProperties;
  const filters: string[] = [];
  while (reader.remaining > 0) {
    checkCount(filters.length);
    filters.push(reader.string('topic filter')); // [MQTT-3.10.3-1]
  }
  if (filters.length === 0) throw protocolError('UNSUBSCRIBE without a filter'); // [MQTT-3.10.3-2]
  return { type: PacketType.UNSUBSCRIBE, packetId, userProperties, filters };
}

function readPacketId(reader: PacketReader): number {
  const packetId = reader.u16('packet id');
  if (packetId === 0) throw protocolError('packet id 0'); // [MQTT-2.2.1-3], 3.1.1 [MQTT-2.3.1-1]
  return packetId;
}

function checkCount(filters: number): void {
  if (filters < MQTT_FILTERS_PER_PACKET_MAX) return;
  throw new MqttError(Reason.QUOTA_EXCEEDED, `more than ${MQTT_FILTERS_PER_PACKET_MAX} filters in one packet`);
}

/** 3.x: empty. 5.0: `[ reason [ properties ] ]`, where what is left out means success and none. */
function decodeDisconnect(reader: PacketReader, dialect: Dialect): DisconnectPacket {
  const reason = dialect === DIALECT_3 || reader.remaining === 0 ? Reason.NORMAL_DISCONNECTION : reader.byte('reason code');
  if (!CLIENT_DISCONNECT_REASONS.has(reason)) throw protocolError(`reason 0x${reason.toString(16)} in a client's DISCONNECT`);
  const properties =
    dialect === DIALECT_3 || reader.remaining === 0 ? undefined : readProperties(reader, DISCONNECT_PROPERTIES, 'DISCONNECT');
  reader.expectEnd('DISCONNECT');
  return {
    type: PacketType.DISCONNECT,
    reason,
    sessionExpiry: properties?.number(Property.SESSION_EXPIRY_INTERVAL),
    reasonString: properties?.string(Property.REASON_STRING),
    userProperties: properties?.userProperties ?? [],
  };
}

/** `reason   properties`; the short form means success, which only a server can say. */
function decodeAuth(reader: PacketReader, dialect: Dialect): AuthPacket {
  if (dialect === DIALECT_3) throw malformed('packet type 15 before 5.0');
  const reason = reader.remaining === 0 ? Reason.SUCCESS : reader.byte('reason code');
  if (reason !== Reason.CONTINUE_AUTHENTICATION && reason !== Reason.REAUTHENTICATE) {
    throw protocolError(`reason 0x${reason.toString(16)} in a client's AUTH`); // [MQTT-3.15.2-1]
  }
  const properties = readProperties(reader, AUTH_PROPERTIES, 'AUTH');
  reader.expectEnd('AUTH');
  const authenticationMethod = properties.string(Property.AUTHENTICATION_METHOD);
  if (authenticationMethod === undefined) throw protocolError('AUTH without an authentication method'); // section 3.15.2.2.2
  return {
    type: PacketType.AUTH,
    reason,
    authenticationMethod,
    authenticationData: properties.binary(Property.AUTHENTICATION_DATA),
    reasonString: properties.string(Property.REASON_STRING),
    userProperties: properties.userProperties,
  };
}
