/**
 * mqtt-packet as the writer of rare packets, with the guards that it lacks: lengths that a field cannot hold and properties that are
 * named but absent are the caller's mistakes here, not wrong bytes there.
 */
import mqttPacket, { type Packet } from 'mqtt-packet';
import { assert } from '../../base/assert.ts';
import { DIALECT_3, type Dialect } from './constants.ts';

// Otherwise a thread's first packet fills a table of all 65,536 two-byte numbers, a buffer each.
mqttPacket.writeToStream.cacheNumbers = false;

/** Longest UTF-8 Encoded String or Binary Data, bytes. */
export const FIELD_BYTES_MAX = 65_535;

/** Without the absent ones, which mqtt-packet would count or write. */
export function present<T extends Record<string, unknown>>(properties: T): T {
  for (const name of Object.keys(properties)) {
    const value = properties[name];
    if (value === undefined) delete properties[name];
    else if (typeof value === 'string')
      assert(Buffer.byteLength(value) <= FIELD_BYTES_MAX, `${name} is at most 65,535 bytes long`);
  }
  return properties;
}

export function asBuffer(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function assertPacketId(packetId: number): void {
  assert(packetId > 0 && packetId <= 0xffff, 'a packet id is 1 to 65,535');
}

export function encode(dialect: Dialect, packet: object): Uint8Array {
  return mqttPacket.generate(packet as Packet, { protocolVersion: dialect === DIALECT_3 ? 4 : 5 });
}
