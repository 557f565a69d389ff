/**
 * Encodes what a server sends beside PUBLISH and its acknowledgements: rare packets, so mqtt-packet writes the bytes and this file decides
 * what goes in: which dialect has which field, 3.x return codes, what is left out when the receiver's maximum packet size is too small.
 */
import { assert } from '../../base/assert.ts';
import { MQTT_PACKET_BYTES_MAX } from '../../base/limits.ts';
import { DIALECT_3, DIALECT_5, type Dialect, PacketType } from './constants.ts';
import type { MqttError } from './mqtt-error.ts';
import { asBuffer, assertPacketId, encode, present } from './packet-writer.ts';
import type { UserProperty } from './packets.ts';
import { Reason } from './reason-codes.ts';

export const PINGRESP: Uint8Array = Uint8Array.of(0xd0, 0x00);

const NO_PACKET = new Uint8Array(0);

/** What helps a human to understand; left out, user properties last, where it would exceed the receiver's maximum packet size. */
export interface Diagnostics {
  readonly reasonString?: string | undefined;
  readonly userProperties?: readonly UserProperty[] | undefined;
}

export interface Connack extends Diagnostics {
  /** False where `reason` is an error [MQTT-3.2.2-6], and for 3.1, which has no such flag. */
  readonly sessionPresent: boolean;
  /** 5.0 reason code. */
  readonly reason: number;
  /** The rest is for 5.0 alone; what is absent is not sent and has the default of section 3.2.2.3. Seconds. */
  readonly sessionExpiry?: number | undefined;
  readonly receiveMaximum?: number | undefined;
  readonly maximumQos?: 0 | 1 | undefined;
  readonly retainAvailable?: boolean | undefined;
  /** Bytes. */
  readonly maximumPacketSize?: number | undefined;
  readonly assignedClientId?: string | undefined;
  readonly topicAliasMaximum?: number | undefined;
  readonly wildcardSubscriptionAvailable?: boolean | undefined;
  readonly subscriptionIdentifiersAvailable?: boolean | undefined;
  readonly sharedSubscriptionAvailable?: boolean | undefined;
  readonly serverKeepAliveSeconds?: number | undefined;
  readonly responseInformation?: string | undefined;
  readonly serverReference?: string | undefined;
  readonly authenticationMethod?: string | undefined;
  readonly authenticationData?: Uint8Array | undefined;
}

export interface Disconnect extends Diagnostics {
  readonly reason: number;
  readonly serverReference?: string | undefined;
}

export interface Auth extends Diagnostics {
  readonly reason: number;
  readonly authenticationMethod: string;
  readonly authenticationData?: Uint8Array | undefined;
}

/**
 * Return code of a 3.x CONNACK for a 5.0 reason (3.1.1 table 3.1), or -1 when none fits: then the connection is closed without
 * a CONNACK (3.1.1 [MQTT-3.2.2-6]).
 */
export function connackReturnCode(reason: number): number {
  switch (reason) {
    case Reason.SUCCESS:
      return 0;
    case Reason.UNSUPPORTED_PROTOCOL_VERSION:
      return 1;
    case Reason.CLIENT_IDENTIFIER_NOT_VALID:
      return 2;
    case Reason.SERVER_UNAVAILABLE:
    case Reason.SERVER_BUSY:
    case Reason.QUOTA_EXCEEDED:
    case Reason.USE_ANOTHER_SERVER:
    case Reason.SERVER_MOVED:
    case Reason.CONNECTION_RATE_EXCEEDED:
      return 3;
    case Reason.BAD_USER_NAME_OR_PASSWORD:
      return 4;
    case Reason.NOT_AUTHORIZED:
    case Reason.BANNED:
    case Reason.BAD_AUTHENTICATION_METHOD:
      return 5;
    default:
      return -1;
  }
}

/** CONNACK; empty when a 3.x client gets none for this reason, or when it does not fit `packetMax`. */
export function encodeConnack(dialect: Dialect, connack: Connack, packetMax: number = MQTT_PACKET_BYTES_MAX): Uint8Array {
  assert(!connack.sessionPresent || connack.reason === Reason.SUCCESS, 'a refused CONNECT has no session [MQTT-3.2.2-6]');
  const { sessionPresent, reason } = connack;
  if (dialect === DIALECT_3) {
    const returnCode = connackReturnCode(reason);
    // Four bytes, of which every client gets some: a twentieth of what a connection costs, if the library writes them.
    return returnCode < 0 ? NO_PACKET : Uint8Array.of(PacketType.CONNACK << 4, 2, sessionPresent ? 1 : 0, returnCode);
  }
  return encodeWithin(packetMax, connack, (diagnostics) =>
    encode(dialect, {
      cmd: 'connack',
      sessionPresent,
      reasonCode: reason,
      properties: present({
        sessionExpiryInterval: connack.sessionExpiry,
        receiveMaximum: connack.receiveMaximum,
        maximumQoS: connack.maximumQos,
        retainAvailable: connack.retainAvailable,
        maximumPacketSize: connack.maximumPacketSize,
        assignedClientIdentifier: connack.assignedClientId,
        topicAliasMaximum: connack.topicAliasMaximum,
        ...diagnostics,
        wildcardSubscriptionAvailable: connack.wildcardSubscriptionAvailable,
        subscriptionIdentifiersAvailable: connack.subscriptionIdentifiersAvailable,
        sharedSubscriptionAvailable: connack.sharedSubscriptionAvailable,
        serverKeepAlive: connack.serverKeepAliveSeconds,
        responseInformation: connack.responseInformation,
        serverReference: connack.serverReference,
        authenticationMethod: connack.authenticationMethod,
        authenticationData: asBuffer(connack.authenticationData),
      }),
    }),
  );
}

/**
 * The answer to a CONNECT that could not be decoded, in the form that its level asks for: 5.0 from level 5 up, 3.x below
 * (3.1.1 [MQTT-3.1.2-2]). Empty when there is none to give: the packet was not MQTT or 3.x has no return code for the fault.
 */
export function encodeConnectRefusal(error: MqttError): Uint8Array {
  if (error.level === 0) return NO_PACKET;
  const connack: Connack = { sessionPresent: false, reason: error.reason };
  return encodeConnack((error.level & 0x7f) >= 5 ? DIALECT_5 : DIALECT_3, connack);
}

/** `reasons` in the order of the SUBSCRIBE's filters [MQTT-3.9.3-1]; any error is 0x80 in 3.x. */
export function encodeSuback(
  dialect: Dialect,
  packetId: number,
  reasons: readonly number[],
  diagnostics: Diagnostics = {},
  packetMax: number = MQTT_PACKET_BYTES_MAX,
): Uint8Array {
  assertPacketId(packetId);
  assert(reasons.length > 0, 'SUBACK has a reason for each filter');
  if (dialect === DIALECT_3) {
    const granted = reasons.map((reason) => (reason < 0x80 ? reason : Reason.UNSPECIFIED_ERROR));
    return encode(dialect, { cmd: 'suback', messageId: packetId, granted });
  }
  return encodeWithin(packetMax, diagnostics, (properties) =>
    encode(dialect, { cmd: 'suback', messageId: packetId, granted: [...reasons], properties: present(properties) }),
  );
}

/** `reasons` in the order of the UNSUBSCRIBE's filters [MQTT-3.11.3-1]; 3.x has none. */
export function encodeUnsuback(
  dialect: Dialect,
  packetId: number,
  reasons: readonly number[],
  diagnostics: Diagnostics = {},
  packetMax: number = MQTT_PACKET_BYTES_MAX,
): Uint8Array {
  assertPacketId(packetId);
  assert(reasons.length > 0, 'UNSUBACK has a reason for each filter');
  if (dialect === DIALECT_3) return encode(dialect, { cmd: 'unsuback', messageId: packetId, granted: [] });
  return encodeWithin(packetMax, diagnostics, (properties) =>
    encode(dialect, { cmd: 'unsuback', messageId: packetId, granted: [...reasons], properties: present(properties) }),
  );
}

/** DISCONNECT from a server; empty in 3.x, where only clients send it. */
export function encodeDisconnect(
  dialect: Dialect,
  disconnect: Disconnect,
  packetMax: number = MQTT_PACKET_BYTES_MAX,
): Uint8Array {
  if (dialect === DIALECT_3) return NO_PACKET;
  const { reason, serverReference } = disconnect;
  return encodeWithin(packetMax, disconnect, (diagnostics) =>
    encode(dialect, { cmd: 'disconnect', reasonCode: reason, properties: present({ ...diagnostics, serverReference }) }),
  );
}

/** AUTH, which exists in 5.0 only. */
export function encodeAuth(auth: Auth, packetMax: number = MQTT_PACKET_BYTES_MAX): Uint8Array {
  const { reason, authenticationMethod } = auth;
  const authenticationData = asBuffer(auth.authenticationData);
  return encodeWithin(packetMax, auth, (diagnostics) =>
    encode(DIALECT_5, {
      cmd: 'auth',
      reasonCode: reason,
      properties: present({ authenticationMethod, authenticationData, ...diagnostics }),
    }),
  );
}

type DiagnosticProperties = { reasonString?: string; userProperties?: Record<string, string>[] };

/**
 * Encodes with the diagnostics, without the user properties, without any, whichever fits `packetMax` first: the receiver's limit
 * takes neither [MQTT-3.2.2-19] [MQTT-3.2.2-20] nor any larger packet [MQTT-3.1.2-24]. Empty when nothing fits.
 */
function encodeWithin(
  packetMax: number,
  wanted: Diagnostics,
  build: (diagnostics: DiagnosticProperties) => Uint8Array,
): Uint8Array {
  const reasonString = wanted.reasonString === undefined ? {} : { reasonString: wanted.reasonString };
  if (wanted.userProperties && wanted.userProperties.length > 0) {
    // One object per pair: their order is kept and a name may repeat.
    const userProperties = wanted.userProperties.map(({ name, value }) => ({ [name]: value }));
    const full = build({ ...reasonString, userProperties });
    if (full.length <= packetMax) return full;
  }
  if (wanted.reasonString !== undefined) {
    const explained = build(reasonString);
    if (explained.length <= packetMax) return explained;
  }
  const bare = build({});
  return bare.length <= packetMax ? bare : NO_PACKET;
}
