/** PUBLISH packets for the specs of the session: made and read by mqtt-packet. */
import mqttPacket, { type IPublishPacket } from 'mqtt-packet';
import type { Outgoing } from '../../../src/actors/session/outgoing.ts';
import type { Dialect, Qos } from '../../../src/wire/mqtt/constants.ts';
import { oracleEncode } from '../../wire/mqtt/arbitraries.ts';

/** A packet of any kind, as far as clients of the specs look at it. */
export interface AnyPacket {
  readonly cmd: string;
  readonly messageId: number;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly returnCode?: number;
  readonly sessionPresent?: boolean;
}

export interface PublishOptions {
  readonly topic?: string;
  readonly qos?: Qos;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly messageId?: number;
  readonly properties?: Record<string, unknown>;
}

export function publish(dialect: Dialect, payload: string | Uint8Array, options: PublishOptions = {}): Uint8Array {
  const { topic = 't', qos = 0, retain = false, dup = false, messageId = 1, properties } = options;
  const packet = { cmd: 'publish', topic, qos, retain, dup, messageId, payload: Buffer.from(payload as string), properties };
  return Uint8Array.from(oracleEncode(dialect === 1 ? 5 : 4, packet));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** A run of packets with these payloads, somewhere in a buffer. */
export function outgoing(
  payloads: readonly string[],
  options: PublishOptions & { dialect?: Dialect; expiresAt?: number } = {},
): Outgoing {
  const { dialect = 0, qos = 1, retain = false, expiresAt = 0 } = options;
  const packets = payloads.map((payload, i) => publish(dialect, payload, { ...options, qos, messageId: 100 + i }));
  const buffer = concat(Uint8Array.of(1, 2, 3), ...packets, Uint8Array.of(4));
  return {
    dialect,
    qos,
    retain,
    subscriptionIds: null,
    buffer,
    start: 3,
    end: buffer.length - 1,
    count: packets.length,
    expiresAt,
    share: null,
  };
}

export type Decoded = IPublishPacket & { readonly cmd: string; readonly messageId?: number; readonly reasonCode?: number };

/** All packets of a stream; throws when it does not end with one. */
export function decode(dialect: Dialect, bytes: Uint8Array): Decoded[] {
  const parser = mqttPacket.parser({ protocolVersion: dialect === 1 ? 5 : 4 });
  const packets: Decoded[] = [];
  parser.on('packet', (packet) => packets.push(packet as unknown as Decoded));
  parser.on('error', (error: Error) => {
    throw error;
  });
  const left = parser.parse(Buffer.from(bytes));
  if (left > 0) throw new Error(`${left} bytes after the last packet`);
  return packets;
}

export function payloads(packets: readonly Decoded[]): string[] {
  return packets.map(({ payload }) => payload.toString());
}
