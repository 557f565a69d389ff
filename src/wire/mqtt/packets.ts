/**
 * Control packets as the session sees them, decoded and validated. Nothing in them points into the read buffer: strings and byte
 * arrays are copies, because the buffer is reused for the next read. Their size is bounded by the size of the packet.
 */
import type { Dialect, PacketType, ProtocolLevel, Qos } from './constants.ts';

/** In the order received; a name may come more than once. */
export interface UserProperty {
  readonly name: string;
  readonly value: string;
}

export interface ConnectProperties {
  /** Seconds; SESSION_EXPIRY_NEVER means what it says. A 3.x client with clean session 0 has that, with clean session 1 it has 0. */
  readonly sessionExpiry: number;
  /** QoS 1 and 2 messages that the client takes unacknowledged, 1 to 65,535. */
  readonly receiveMaximum: number;
  /** Largest packet that the client takes, bytes; MQTT_PACKET_BYTES_MAX when it states none. */
  readonly maximumPacketSize: number;
  /** Highest topic alias that the client takes, 0 for none. */
  readonly topicAliasMaximum: number;
  readonly requestResponseInformation: boolean;
  /** False: no reason string or user property in anything but PUBLISH, CONNACK and DISCONNECT [MQTT-3.1.2-29]. */
  readonly requestProblemInformation: boolean;
  readonly userProperties: readonly UserProperty[];
  readonly authenticationMethod?: string | undefined;
  readonly authenticationData?: Uint8Array | undefined;
}

export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Valid 5.0 PUBLISH property bytes without their length, to pass through. The will delay is not among them. Empty for 3.x. */
  readonly properties: Uint8Array;
  readonly delaySeconds: number;
}

export interface ConnectPacket {
  readonly type: typeof PacketType.CONNECT;
  readonly dialect: Dialect;
  readonly level: ProtocolLevel;
  readonly protocolName: 'MQTT' | 'MQIsdp';
  /** It says that it is a bridge, which 3.x has no other way to say. */
  readonly isBridge?: boolean;
  /** Empty: the server is asked to choose one. */
  readonly clientId: string;
  /** Clean session in 3.x. */
  readonly cleanStart: boolean;
  /** 0 turns it off. */
  readonly keepAliveSeconds: number;
  readonly username?: string | undefined;
  readonly password?: Uint8Array | undefined;
  readonly will?: Will | undefined;
  readonly properties: ConnectProperties;
}

export interface SubscribeEntry {
  /** A valid string; whether it is a valid filter is `parseFilter`'s to say, since SUBACK can refuse a single entry. */
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0 send retained messages, 1 only for a new subscription, 2 never. */
  readonly retainHandling: 0 | 1 | 2;
}

export interface SubscribePacket {
  readonly type: typeof PacketType.SUBSCRIBE;
  readonly packetId: number;
  readonly subscriptionId?: number | undefined;
  readonly userProperties: readonly UserProperty[];
  /** At least one. */
  readonly entries: readonly SubscribeEntry[];
}

export interface UnsubscribePacket {
  readonly type: typeof PacketType.UNSUBSCRIBE;
  readonly packetId: number;
  readonly userProperties: readonly UserProperty[];
  /** At least one; valid strings. */
  readonly filters: readonly string[];
}

export interface DisconnectPacket {
  readonly type: typeof PacketType.DISCONNECT;
  /** 0x00 drops the will, anything else publishes it. Always 0x00 in 3.x. */
  readonly reason: number;
  /** Seconds, replaces that of CONNECT. */
  readonly sessionExpiry?: number | undefined;
  readonly reasonString?: string | undefined;
  readonly userProperties: readonly UserProperty[];
}

export interface AuthPacket {
  readonly type: typeof PacketType.AUTH;
  /** 0x18 continue authentication or 0x19 re-authenticate. */
  readonly reason: number;
  readonly authenticationMethod: string;
  readonly authenticationData?: Uint8Array | undefined;
  readonly reasonString?: string | undefined;
  readonly userProperties: readonly UserProperty[];
}

export interface PingreqPacket {
  readonly type: typeof PacketType.PINGREQ;
}

/** Everything that a client sends beside PUBLISH and its acknowledgements. */
export type ControlPacket = ConnectPacket | SubscribePacket | UnsubscribePacket | DisconnectPacket | AuthPacket | PingreqPacket;
