/**
 * What a CONNECT leads to. Pure: the packet and the limits in, a verdict out.
 */
import { MQTT_PACKET_BYTES_MAX } from '../../base/limits.ts';
import type { Connack } from '../../wire/mqtt/control-encoder.ts';
import type { ConnectPacket } from '../../wire/mqtt/packets.ts';
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
  /** Largest packet for the client, bytes. */
  readonly packetBytesMax: number;
}

export type Verdict = { readonly accepted: Terms } | { readonly refused: number; readonly why: string };

/** `assignedId` is used when the client brings none. */
export function judgeConnect(connect: ConnectPacket, limits: SessionLimits, assignedId: string): Verdict {
  const assigned = connect.clientId === '';
  if (assigned && connect.dialect === 0 && !connect.cleanStart) {
    return { refused: Reason.CLIENT_IDENTIFIER_NOT_VALID, why: 'a client without id asks for a session' }; // 3.1.1 [MQTT-3.1.3-8]
  }
  if (connect.properties.authenticationMethod !== undefined) {
    return { refused: Reason.BAD_AUTHENTICATION_METHOD, why: 'enhanced authentication is not offered' }; // [MQTT-4.12.0-1]
  }
  const keepAliveSeconds = cappedKeepAlive(connect.keepAliveSeconds, limits.keepAliveSecondsMax);
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
      packetBytesMax: Math.min(connect.properties.maximumPacketSize, MQTT_PACKET_BYTES_MAX),
    },
  };
}

/** What the CONNACK of a client that is let in says. */
export function acceptance(connect: ConnectPacket, terms: Terms, limits: SessionLimits, sessionPresent: boolean): Connack {
  return {
    sessionPresent: sessionPresent && connect.level > 3, // 3.1 has no such flag
    reason: Reason.SUCCESS,
    sessionExpiry: terms.sessionExpiryOverruled ? terms.sessionExpirySeconds : undefined,
    receiveMaximum: limits.inFlightMax,
    maximumPacketSize: limits.packetBytesMax,
    assignedClientId: terms.assigned ? terms.clientId : undefined,
    topicAliasMaximum: TOPIC_ALIAS_MAX,
    serverKeepAliveSeconds: terms.keepAliveOverruled ? terms.keepAliveSeconds : undefined,
  };
}

/** 0 is no keep-alive for the client and no cap for the operator: with a cap, a client that wants none gets the cap. */
function cappedKeepAlive(seconds: number, max: number): number {
  if (max === 0) return seconds;
  return seconds === 0 ? max : Math.min(seconds, max);
}
