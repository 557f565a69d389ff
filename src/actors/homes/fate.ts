/** What is to become of a session that has no client and whose home is dead, and when: first its will, then its end, whichever is earlier, and the will at the latest with the end [MQTT-3.1.2-8]. Pure. */
import { SESSION_EXPIRY_NEVER } from '../../wire/mqtt/constants.ts';
import type { SessionRecord } from '../session/record.ts';

export type Fate =
  /** Its time is over; its will, if it is still to be published, comes with that. */
  | { readonly what: 'over' }
  | { readonly what: 'will' }
  /** Nothing before then; Infinity: never. */
  | { readonly what: 'wait'; readonly untilMs: number };

/** `isMourned`: the will has been published. `aloneSinceMs`: when the home died; what an entry says itself counts more. Milliseconds since the epoch. */
export function fateOf(
  { expirySeconds, offlineSince, will }: Pick<SessionRecord, 'expirySeconds' | 'offlineSince' | 'will'>,
  isMourned: boolean,
  aloneSinceMs: number,
  nowMs: number,
): Fate {
  const since = offlineSince > 0 ? offlineSince : aloneSinceMs;
  const endsAt = expirySeconds === SESSION_EXPIRY_NEVER ? Number.POSITIVE_INFINITY : since + expirySeconds * 1000;
  const willAt = will === null || isMourned ? Number.POSITIVE_INFINITY : since + will.delaySeconds * 1000;
  if (nowMs >= endsAt) return { what: 'over' };
  if (nowMs >= willAt) return { what: 'will' };
  return { what: 'wait', untilMs: Math.min(endsAt, willAt) };
}
