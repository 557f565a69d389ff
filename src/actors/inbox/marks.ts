/** Kinds of marks on an inbox (storage/marks.ts). Those below OFFSET_KINDS are about offsets and go when the inbox is trimmed beyond them. */
export const MARK = {
  /** PUBREC has come for the message at this offset. */
  received: 1,
  /** Messages before this offset have been sent; the largest counts. */
  sent: 2,
  /** A packet id of a QoS 2 message from the client that has not been released. */
  inbound: 128,
} as const;
