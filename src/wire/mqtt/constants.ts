/**
 * The numbers of MQTT 3.1, 3.1.1 and 5.0 that the codec and the session share. Citations like [MQTT-3.1.2-3] mean the numbered
 * statements of the 5.0 standard; those of 3.1.1 say so, because the two number some rules differently.
 */

/** High nibble of a packet's first byte. */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
  AUTH: 15,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/**
 * What the hot path has to know about the version: packets either carry properties and reason codes or they do not.
 * 3.1 and 3.1.1 differ in CONNECT alone.
 */
export type Dialect = 0 | 1;
export const DIALECT_3: Dialect = 0;
export const DIALECT_5: Dialect = 1;

/** Protocol level byte of CONNECT: 3 with the name MQIsdp, 4 and 5 with MQTT. */
export type ProtocolLevel = 3 | 4 | 5;

export type Qos = 0 | 1 | 2;

/** PUBLISH flags in the first byte. */
export const PUBLISH_RETAIN = 0x01;
export const PUBLISH_QOS_SHIFT = 1;
export const PUBLISH_DUP = 0x08;

/** Property identifiers of 5.0, table 2-4. */
export const Property = {
  PAYLOAD_FORMAT_INDICATOR: 0x01,
  MESSAGE_EXPIRY_INTERVAL: 0x02,
  CONTENT_TYPE: 0x03,
  RESPONSE_TOPIC: 0x08,
  CORRELATION_DATA: 0x09,
  SUBSCRIPTION_IDENTIFIER: 0x0b,
  SESSION_EXPIRY_INTERVAL: 0x11,
  ASSIGNED_CLIENT_IDENTIFIER: 0x12,
  SERVER_KEEP_ALIVE: 0x13,
  AUTHENTICATION_METHOD: 0x15,
  AUTHENTICATION_DATA: 0x16,
  REQUEST_PROBLEM_INFORMATION: 0x17,
  WILL_DELAY_INTERVAL: 0x18,
  REQUEST_RESPONSE_INFORMATION: 0x19,
  RESPONSE_INFORMATION: 0x1a,
  SERVER_REFERENCE: 0x1c,
  REASON_STRING: 0x1f,
  RECEIVE_MAXIMUM: 0x21,
  TOPIC_ALIAS_MAXIMUM: 0x22,
  TOPIC_ALIAS: 0x23,
  MAXIMUM_QOS: 0x24,
  RETAIN_AVAILABLE: 0x25,
  USER_PROPERTY: 0x26,
  MAXIMUM_PACKET_SIZE: 0x27,
  WILDCARD_SUBSCRIPTION_AVAILABLE: 0x28,
  SUBSCRIPTION_IDENTIFIER_AVAILABLE: 0x29,
  SHARED_SUBSCRIPTION_AVAILABLE: 0x2a,
} as const;
export type Property = (typeof Property)[keyof typeof Property];

/** Largest value of a Variable Byte Integer: four bytes of seven bits. */
export const VARINT_MAX = 268_435_455;
/** Session Expiry Interval that means "never". */
export const SESSION_EXPIRY_NEVER = 0xffff_ffff;
/** Receive Maximum of a client that states none (section 3.1.2.11.3). */
export const RECEIVE_MAXIMUM_DEFAULT = 65_535;
