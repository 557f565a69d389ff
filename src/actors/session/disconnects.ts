/** Which counter a connection closed by the server goes to. */
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import { SESSION_PROBE } from './probe.ts';

const { slot } = SESSION_PROBE;

const COUNTER = new Map<number, number>([
  [Reason.MALFORMED_PACKET, slot.malformedPackets],
  [Reason.PROTOCOL_ERROR, slot.protocolErrors],
  [Reason.TOPIC_NAME_INVALID, slot.protocolErrors],
  [Reason.TOPIC_ALIAS_INVALID, slot.protocolErrors],
  [Reason.RECEIVE_MAXIMUM_EXCEEDED, slot.protocolErrors],
  [Reason.PACKET_TOO_LARGE, slot.packetsTooLarge],
  [Reason.QUOTA_EXCEEDED, slot.quotaExceeded],
  [Reason.KEEP_ALIVE_TIMEOUT, slot.keepAliveTimeouts],
  [Reason.SESSION_TAKEN_OVER, slot.takenOver],
  [Reason.MAXIMUM_CONNECT_TIME, slot.connectTimeouts],
  [Reason.NOT_AUTHORIZED, slot.notAuthorized],
  [Reason.ADMINISTRATIVE_ACTION, slot.administrativeAction],
]);

export function countDisconnect(slots: Float64Array, reason: number): void {
  slots[COUNTER.get(reason) ?? slot.otherDisconnects]! += 1;
}
