/**
 * PUBACK, PUBREC, PUBREL and PUBCOMP.
 *
 *   [type · flags][remaining length][packet id: u16]                                      3.x, and 5.0 when all is well
 *   [type · flags][remaining length][packet id: u16][reason][property length][properties]  5.0; the last two may be left out
 *
 * Flags are 0010 for PUBREL and 0000 for the others.
 */
import { DIALECT_3, DIALECT_5, type Dialect, PacketType, Property } from './constants.ts';
import { bodyOffset } from './frame.ts';
import { MqttError } from './mqtt-error.ts';
import { Reason } from './reason-codes.ts';
import { isMqttUtf8 } from './utf8.ts';
import { readVarint, varintSize } from './varint.ts';

export interface AckView {
  packetId: number;
  /** 0x00 when the packet carries none. */
  reason: number;
}

/** Bytes of the short form. */
export const ACK_BYTES = 4;
/** Most bytes that `writeAckReason` writes. */
export const ACK_REASON_BYTES_MAX = 5;

function firstByte(type: number): number {
  return type === PacketType.PUBREL ? 0x62 : type << 4;
}

/** Writes the 4-byte form, which in 5.0 means success, and returns the position after it. */
export function writeAck(out: Uint8Array, pos: number, type: number, packetId: number): number {
  out[pos] = firstByte(type);
  out[pos + 1] = 2;
  out[pos + 2] = packetId >>> 8;
  out[pos + 3] = packetId & 0xff;
  return pos + 4;
}

/** Writes the ack with its reason in 5 bytes, or in 4 where the reason is success or the dialect has none. */
export function writeAckReason(
  out: Uint8Array,
  pos: number,
  dialect: Dialect,
  type: number,
  packetId: number,
  reason: number,
): number {
  const next = writeAck(out, pos, type, packetId);
  if (dialect === DIALECT_3 || reason === Reason.SUCCESS) return next;
  out[pos + 1] = 3;
  out[next] = reason;
  return next + 1;
}

/** A 5.0 acknowledgement that refuses, with words if there are any and `packetMax` leaves room for them [MQTT-3.4.2-2] [MQTT-3.5.2-2]. */
export function encodeAckRefusal(
  type: number,
  packetId: number,
  reason: number,
  text: string | undefined,
  packetMax: number,
): Uint8Array {
  const words = Buffer.from(text ?? '');
  // Reason, property length, property and its two-byte length; short enough for lengths of one byte.
  const size = ACK_REASON_BYTES_MAX + 4 + words.length;
  const isExplained = words.length > 0 && words.length < 100 && size <= packetMax;
  const out = new Uint8Array(isExplained ? size : ACK_REASON_BYTES_MAX);
  const end = writeAckReason(out, 0, DIALECT_5, type, packetId, reason);
  if (!isExplained) return out;
  out[1] = size - 2;
  out.set([3 + words.length, Property.REASON_STRING, 0, words.length], end);
  out.set(words, end + 4);
  return out;
}

/** Reads the ack in buf[pos, frameEnd), a whole frame, strictly. Throws MqttError; allocates nothing otherwise. */
export function readAck(buf: Uint8Array, pos: number, frameEnd: number, dialect: Dialect, into: AckView): void {
  const type = buf[pos]! >> 4;
  // [MQTT-3.6.1-1] for PUBREL, [MQTT-2.1.3-1] for the others.
  if (buf[pos]! !== firstByte(type)) throw new MqttError(Reason.MALFORMED_PACKET, 'reserved flags of an acknowledgement');
  const body = bodyOffset(buf, pos);
  const size = frameEnd - body;
  if (size < 2 || (dialect === DIALECT_3 && size !== 2)) {
    throw new MqttError(Reason.MALFORMED_PACKET, `acknowledgement of ${size} bytes`);
  }
  const packetId = (buf[body]! << 8) | buf[body + 1]!;
  if (packetId === 0) throw new MqttError(Reason.PROTOCOL_ERROR, 'acknowledgement of packet id 0');
  let reason: number = Reason.SUCCESS;
  if (size > 2) {
    reason = buf[body + 2]!;
    if (!isAckReason(type, reason))
      throw new MqttError(Reason.PROTOCOL_ERROR, `reason 0x${reason.toString(16)} in an acknowledgement`);
    if (size > 3) checkAckProperties(buf, body + 3, frameEnd);
  }
  into.packetId = packetId;
  into.reason = reason;
}

/** [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1]: each kind has its list of reasons. */
function isAckReason(type: number, reason: number): boolean {
  if (type === PacketType.PUBREL || type === PacketType.PUBCOMP) {
    return reason === Reason.SUCCESS || reason === Reason.PACKET_IDENTIFIER_NOT_FOUND;
  }
  switch (reason) {
    case Reason.SUCCESS:
    case Reason.NO_MATCHING_SUBSCRIBERS:
    case Reason.UNSPECIFIED_ERROR:
    case Reason.IMPLEMENTATION_SPECIFIC_ERROR:
    case Reason.NOT_AUTHORIZED:
    case Reason.TOPIC_NAME_INVALID:
    case Reason.PACKET_IDENTIFIER_IN_USE:
    case Reason.QUOTA_EXCEEDED:
    case Reason.PAYLOAD_FORMAT_INVALID:
      return true;
    default:
      return false;
  }
}

/** A reason string at most once and user properties; nothing after them. */
function checkAckProperties(buf: Uint8Array, pos: number, frameEnd: number): void {
  const length = readVarint(buf, pos, frameEnd);
  let at = pos + varintSize(length);
  if (length < 0 || at + length !== frameEnd)
    throw new MqttError(Reason.MALFORMED_PACKET, 'property length of an acknowledgement');
  let reasonStrings = 0;
  while (at < frameEnd) {
    const id = buf[at]!;
    if (id === Property.REASON_STRING) {
      if (++reasonStrings > 1) throw new MqttError(Reason.PROTOCOL_ERROR, 'reason string is repeated');
      at = checkedString(buf, at + 1, frameEnd);
    } else if (id === Property.USER_PROPERTY) {
      at = checkedString(buf, checkedString(buf, at + 1, frameEnd), frameEnd);
    } else {
      throw new MqttError(Reason.MALFORMED_PACKET, `property 0x${id.toString(16)} in an acknowledgement`);
    }
  }
}

function checkedString(buf: Uint8Array, pos: number, end: number): number {
  const data = pos + 2;
  const next = data <= end ? data + ((buf[pos]! << 8) | buf[pos + 1]!) : end + 1;
  if (next > end || !isMqttUtf8(buf, data, next))
    throw new MqttError(Reason.MALFORMED_PACKET, 'property is not a valid UTF-8 string');
  return next;
}
