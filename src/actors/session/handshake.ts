/**
 * What a CONNECT leads to. Pure: the packet and the limits in, a verdict out.
 */
import { isUtf8 } from 'node:buffer';
import { MQTT_PACKET_BYTES_MAX } from '../../base/limits.ts';
import { DIALECT_5 } from '../../wire/mqtt/constants.ts';
import type { Connack } from '../../wire/mqtt/control-encoder.ts';
import type { ConnectPacket } from '../../wire/mqtt/packets.ts';
import { emptyPublishProperties, readPublishProperties } from '../../wire/mqtt/publish-properties.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import { TOPIC_ALIAS_MAX } from './inbound.ts';
import type { SessionLimits } from './limits.ts';

/** What client and server have settled on. */
export interface Terms {
  readonly clientId: string;
  /** The server chose the client id and tells it [MQTT-3.1.3-6]. */
  readonly assigned: boolean;
  /** Seconds; 0 is off. */
  readonly keepAliveSeconds: number;
  /** The server overrules the client's keep-alive and, in 5.0, says so. */
  readonly keepAliveOverruled: boolean;
  /** Seconds that the session outlives its connection; 0 not at all, SESSION_EXPIRY_NEVER forever. */
  readonly sessionExpirySeconds: number;
  readonly sessionExpiryOverruled: boolean;
  /** QoS 1 and 2 messages in flight to the client. */
  readonly inFlightMax: number;
  /** Topic aliases towards the client; 0 for none [MQTT-3.1.2-27]. */
  readonly topicAliasOutMax: number;
  /** Largest packet for the client, bytes. */
  readonly packetBytesMax: number;
}

/** With the server to go to instead, where the reason is that there is one. */
export type Refusal = { readonly refused: number; readonly why: string; readonly serverReference?: string };

export type Verdict = { readonly accepted: Terms } | Refusal;

/** `assignedId` is used when the client brings none. */
export function judgeConnect(connect: ConnectPacket, limits: SessionLimits, assignedId: string): Verdict {
  const refusal = refusalOf(connect, limits);
  if (refusal !== undefined) return refusal;
  const assigned = connect.clientId === '';
  // An older client cannot be told, and one that keeps to what it said must survive.
  const cap = connect.dialect === DIALECT_5 ? limits.keepAliveSecondsMax : 0;
  const keepAliveSeconds = cappedKeepAlive(connect.keepAliveSeconds, cap);
  const asked = connect.properties.sessionExpiry;
  const sessionExpirySeconds = Math.min(asked, limits.sessionExpirySecondsMax);
  return {
    accepted: {
      clientId: assigned ? assignedId : connect.clientId,
      assigned,
      keepAliveSeconds,
      keepAliveOverruled: keepAliveSeconds !== connect.keepAliveSeconds,
      sessionExpirySeconds,
      sessionExpiryOverruled: sessionExpirySeconds !== asked,
      inFlightMax: Math.min(connect.properties.receiveMaximum, limits.inFlightMax),
      topicAliasOutMax: Math.min(connect.properties.topicAliasMaximum, limits.offer.topicAliasOutMax),
      packetBytesMax: Math.min(connect.properties.maximumPacketSize, MQTT_PACKET_BYTES_MAX),
    },
  };
}

/** What is not on offer, whatever else the client asks for. */
function refusalOf(
  { clientId, dialect, cleanStart, will }: ConnectPacket,
  { offer, topicLevelsMax }: SessionLimits,
): Refusal | undefined {
  const { redirect } = offer;
  if (redirect !== null) {
    return { refused: redirect.reason, why: 'another server serves this client', serverReference: redirect.reference };
  }
  const idNotValid = (why: string): Refusal => ({ refused: Reason.CLIENT_IDENTIFIER_NOT_VALID, why });
  if (clientId === '') {
    if (!offer.emptyClientIds) return idNotValid('a client needs an id here');
    if (dialect !== DIALECT_5 && !cleanStart) return idNotValid('a client without id asks for a session'); // 3.1.1 [MQTT-3.1.3-8]
  } else if (Buffer.byteLength(clientId) > offer.clientIdBytesMax) {
    return idNotValid(`a client id has at most ${offer.clientIdBytesMax} bytes here`);
  }
  if (will === undefined) return undefined;
  if (will.qos > offer.qosMax) return { refused: Reason.QOS_NOT_SUPPORTED, why: `will QoS ${will.qos}` }; // [MQTT-3.2.2-12]
  if (will.retain && !offer.retain) return { refused: Reason.RETAIN_NOT_SUPPORTED, why: 'retained will' }; // [MQTT-3.2.2-13]
  if (will.topic.split('/', topicLevelsMax + 1).length > topicLevelsMax) {
    return { refused: Reason.TOPIC_NAME_INVALID, why: 'will topic of too many levels' };
  }
  if (offer.payloadFormatCheck && claimsText(will.properties) && !isUtf8(will.payload)) {
    return { refused: Reason.PAYLOAD_FORMAT_INVALID, why: 'will payload is no text' };
  }
  return undefined;
}

function claimsText(properties: Uint8Array): boolean {
  const read = emptyPublishProperties();
  readPublishProperties(properties, 0, properties.length, read);
  return read.payloadFormat === 1;
}

/** What the CONNACK of a client that is let in says. */
export function acceptance(
  connect: ConnectPacket,
  terms: Terms,
  limits: SessionLimits,
  sessionPresent: boolean,
  authenticationData?: Uint8Array,
): Connack {
  const { offer } = limits;
  const wanted = connect.properties.requestResponseInformation && offer.responseInformation !== ''; // [MQTT-3.1.2-28]
  return {
    sessionPresent: sessionPresent && connect.level > 3, // 3.1 has no such flag
    reason: Reason.SUCCESS,
    sessionExpiry: terms.sessionExpiryOverruled ? terms.sessionExpirySeconds : undefined,
    receiveMaximum: limits.inFlightMax,
    maximumPacketSize: limits.packetBytesMax,
    assignedClientId: terms.assigned ? terms.clientId : undefined,
    topicAliasMaximum: TOPIC_ALIAS_MAX,
    authenticationMethod: connect.properties.authenticationMethod, // [MQTT-4.12.0-5]
    authenticationData,
    maximumQos: offer.qosMax < 2 ? (offer.qosMax as 0 | 1) : undefined, // [MQTT-3.2.2-9]
    retainAvailable: offer.retain ? undefined : false,
    wildcardSubscriptionAvailable: offer.wildcards ? undefined : false,
    subscriptionIdentifiersAvailable: offer.subscriptionIds ? undefined : false,
    sharedSubscriptionAvailable: offer.shared ? undefined : false,
    responseInformation: wanted ? offer.responseInformation.replaceAll('%c', terms.clientId) : undefined,
    serverKeepAliveSeconds: terms.keepAliveOverruled ? terms.keepAliveSeconds : undefined,
  };
}

/** 0 is no keep-alive for the client and no cap for the operator: with a cap, a client that wants none gets the cap. */
function cappedKeepAlive(seconds: number, max: number): number {
  if (max === 0) return seconds;
  return seconds === 0 ? max : Math.min(seconds, max);
}
