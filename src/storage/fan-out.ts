/**
 * A block of messages for several shards at once: the bytes are stored once, and each shard's index points to them. The body of a fan-out frame:
 *
 *   recipients u32 · block u32 (where it begins in the body) · recipient* · block …
 *   recipient: shard u32 · attributes u16 (bytes) · 0 u16 · base offset u64 · attributes … · 0 … (to a multiple of 4)
 *
 * Attributes and block belong to the shards' owners. All messages of the block count in each shard, in its order.
 */
import { assert } from '../base/assert.ts';
import { getU64, setU64 } from './frame.ts';

const PREFIX_BYTES = 8;
const RECIPIENT_BYTES = 16;

/** In the place of a base offset: the recipient was gone when the block came. */
export const GONE: number = 2 ** 48;

export interface Recipient {
  shard: number;
  baseOffset: number;
  /** Where the attributes lie in the frame's bytes. */
  attributes: number;
  attributesEnd: number;
}

export function recipientBytes(attributeBytes: number): number {
  return (RECIPIENT_BYTES + attributeBytes + 3) & ~3;
}

/** Begins a body at `at` with room for its prefix; recipients follow at the position returned. */
export function beginFanOut(view: DataView, at: number, recipients: number): number {
  view.setUint32(at, recipients, true);
  view.setUint32(at + 4, 0, true);
  return at + PREFIX_BYTES;
}

/** Writes a recipient without its attributes, which the caller puts at `at + 16`; returns where the next one begins. */
export function writeRecipient(view: DataView, at: number, shard: number, attributeBytes: number): number {
  view.setUint32(at, shard, true);
  view.setUint16(at + 4, attributeBytes, true);
  view.setUint16(at + 6, 0, true);
  setU64(view, at + 8, 0);
  return at + recipientBytes(attributeBytes);
}

/** All recipients are written: the block begins at `block`. */
export function endRecipients(view: DataView, body: number, block: number): void {
  view.setUint32(body + 4, block - body, true);
}

export function setRecipientBase(view: DataView, recipient: number, baseOffset: number): void {
  setU64(view, recipient + 8, baseOffset);
}

/**
 * Visits the recipients of `[body, bodyEnd)`, each with its position. False when the body is not well formed; recipients before the fault have been
 * visited then.
 */
export function forEachRecipient(
  view: DataView,
  body: number,
  bodyEnd: number,
  visit: (recipient: Recipient, at: number) => void,
): boolean {
  if (bodyEnd - body < PREFIX_BYTES) return false;
  const recipients = view.getUint32(body, true);
  let at = body + PREFIX_BYTES;
  const recipient: Recipient = { shard: 0, baseOffset: 0, attributes: 0, attributesEnd: 0 };
  for (let i = 0; i < recipients; i++) {
    if (bodyEnd - at < RECIPIENT_BYTES) return false;
    const attributeBytes = view.getUint16(at + 4, true);
    const next = at + recipientBytes(attributeBytes);
    if (next > bodyEnd) return false;
    recipient.shard = view.getUint32(at, true);
    recipient.baseOffset = getU64(view, at + 8);
    recipient.attributes = at + RECIPIENT_BYTES;
    recipient.attributesEnd = at + RECIPIENT_BYTES + attributeBytes;
    visit(recipient, at);
    at = next;
  }
  const block = body + view.getUint32(body + 4, true);
  return block >= at && block <= bodyEnd;
}

/** Where the block begins. */
export function fanOutBlock(view: DataView, body: number): number {
  const block = body + view.getUint32(body + 4, true);
  assert(block >= body + PREFIX_BYTES, 'a fan-out body has a block');
  return block;
}
