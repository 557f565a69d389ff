/**
 * The retained store's protocol. Each reactor keeps the retained messages of the topics that `placeKey(topicName, reactors)` gives it; a lookup
 * asks `retainedHomes(filter, reactors)`.
 */
import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/bytes.ts';
import { placeKey } from '../../runtime/placement.ts';
import type { Dialect } from '../../wire/mqtt/constants.ts';

/**
 * Kinds of raw messages to the retained store. `restore`: as `store`, from disk, and so older than what has come since the reactor began; `restored`, empty: that was all.
 * `ahead`, `settled`: of a node that shares its retained messages with others, see shared/ahead-codec.ts.
 */
export const RETAINED_BYTES = { store: 1, restore: 2, restored: 3, ahead: 4, settled: 5 } as const;

/**
 * A `store` record: keep this PUBLISH, or with an empty payload forget its topic [MQTT-3.3.1-6].
 *
 *    0                 8         9     12
 *   +-----------------+---------+-----+------------------------------------------------------------+
 *   | expiresAt (f64, | dialect | pad | PUBLISH packet as received, with its topic name written out |
 *   | wall ms, 0 never|  (u8)   |     | (an alias is no name)                                       |
 *   +-----------------+---------+-----+------------------------------------------------------------+
 */
export const RETAINED_STORE_HEADER_BYTES = 12;

/** Writes a `store` record for `packet[start, end)` to `out` at `at`; returns its end. */
export function writeRetainedStore(
  out: Uint8Array,
  at: number,
  expiresAt: number,
  dialect: Dialect,
  packet: Uint8Array,
  start: number,
  end: number,
): number {
  const recordEnd = at + RETAINED_STORE_HEADER_BYTES + end - start;
  assert(recordEnd <= out.length, 'the record fits');
  new DataView(out.buffer, out.byteOffset + at, RETAINED_STORE_HEADER_BYTES).setFloat64(0, expiresAt, true);
  out[at + 8] = dialect;
  out.fill(0, at + 9, at + 12);
  copyBytes(out, at + RETAINED_STORE_HEADER_BYTES, packet, start, end);
  return recordEnd;
}

/** One step of a lookup; go on with the answer's cursor until there is none. Answered with a `RetainedAnswer`. */
export interface RetainedMatch {
  readonly type: 'match';
  /** Well formed, without `$share`. */
  readonly filter: string;
  /** From the answer before; absent at the first step. */
  readonly cursor?: string;
  /** Bytes of packets after which the answer ends; at least one packet goes. */
  readonly bytesMax: number;
}

export interface RetainedPacket {
  readonly dialect: Dialect;
  /** Wall clock, milliseconds; 0 for never. */
  readonly expiresAt: number;
  /** A PUBLISH packet as it was received. */
  readonly packet: Uint8Array;
}

/** May hold no packets and yet a cursor: a step looks at a bounded number of topics. */
export interface RetainedAnswer {
  readonly packets: readonly RetainedPacket[];
  readonly cursor?: string;
}

/** Answered by `true` when what the cluster has retained is there; at once when the node shares nothing. */
export interface WhenRetainedLoaded {
  readonly type: 'whenLoaded';
}

/** `loaded`: from itself. */
export type RetainedMessage = RetainedMatch | WhenRetainedLoaded | { readonly type: 'loaded' };

/** What a server says of itself is of that server alone. */
export function isOfNode(topic: string): boolean {
  return topic.startsWith('$SYS/') || topic.startsWith('$events/');
}

/** The reactors that may hold retained messages for a filter: one for a plain name, else all. */
export function retainedHomes(filter: string, reactors: number): number[] {
  if (!filter.includes('+') && !filter.includes('#')) return [placeKey(filter, reactors)];
  return Array.from({ length: reactors }, (_, i) => i + 1);
}
