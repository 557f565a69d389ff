/** Kinds of marks on an inbox (storage/marks.ts). Those below OFFSET_KINDS are about offsets and go when the inbox is trimmed beyond them. */
export const MARK = {
  /** PUBREC has come for the message at this offset. */
  received: 1,
  /** Messages before this offset have been sent; the largest counts. */
  sent: 2,
  /** The message at this offset came by a shared subscription and has gone to another member. */
  moved: 3,
  /** A packet id of a QoS 2 message from the client that has not been released. */
  inbound: 128,
  /** The session is over, and what lies here of shared subscriptions is being given to other members, by the reactor with that number (emptying.ts). */
  ended: 130,
  /**
   * On the shard of a dedicated log, in one commit with the message: the session with that inbox has taken a QoS 2 message with that packet id, and its client has not released
   * it; see `takenValue`. The inbox says so as well, but in another log.
   */
  taken: 129,
} as const;

const PACKET_IDS = 65_536;

/** Value of a mark `taken`. */
export function takenValue(inbox: number, packetId: number): number {
  return inbox * PACKET_IDS + packetId;
}

export function takenBy(value: number): { readonly inbox: number; readonly packetId: number } {
  return { inbox: Math.floor(value / PACKET_IDS), packetId: value % PACKET_IDS };
}
