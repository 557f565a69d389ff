/**
 * A segment: one file of a log, from its header to, once sealed, its footer and trailer.
 *
 *   0                       4096                                                    footer            size - 64
 *   +-----------------------+---------+---------+---------+-------------------------+-----------------+---------+
 *   | header page           | commit  | frames… | commit… |  (zeros, stale bytes)   | footer frame    | trailer |
 *   +-----------------------+---------+---------+---------+-------------------------+-----------------+---------+
 *
 *   header:  magic "SLSG" · version u32 · generation u32 · log u32 · number u64 · startLsn u64 · createdAt u64 (ms) · rewritten u32 · 0 … · crc32c u32 at 60, over [0, 60)
 *   footer:  a frame of type 5, its body the entries of the index in order of (shard, offset), 32 bytes each:
 *            shard u32 · position u32 · length u32 · offsets u32 · maxTimestamp u64 · baseOffset u64
 *   trailer: magic "SLST" · version u32 · generation u32 · entries u32 · footer position u64 · nextLsn u64 · maxTimestamp u64 · shards u32 · 0 … · crc32c at 60
 *
 * A file is named by its number, so its order in the log is the order of the names. The footer is derived: without a sound one the frames are walked.
 */
import { crc32c } from '../base/crc32c.ts';
import { getU64, setU64, viewOf } from './frame.ts';

export const SEGMENT_HEADER_BYTES = 4096;
export const SEGMENT_TRAILER_BYTES = 64;
export const INDEX_ENTRY_BYTES = 32;
const HEADER_MAGIC = 0x47534c53; // "SLSG"
const TRAILER_MAGIC = 0x54534c53; // "SLST"
const VERSION = 1;
const CHECKED_BYTES = 60;
const REWRITTEN = { asItWas: 1, byKey: 2 } as const;

export interface SegmentHeader {
  /** Random number of the log: the segment of another one is a foreign file. */
  readonly log: number;
  readonly generation: number;
  readonly number: number;
  readonly startLsn: number;
  /** Wall clock, milliseconds. */
  readonly createdAt: number;
  /** Holds what was left of the log up to its end: segments before it are remains. See front-rewrite.ts. */
  readonly isRewritten: boolean;
  /** By key as well: its offsets have holes. */
  readonly isCompacted?: boolean;
}

export interface SegmentTrailer {
  readonly generation: number;
  readonly entries: number;
  readonly footerAt: number;
  readonly nextLsn: number;
  readonly maxTimestamp: number;
  readonly shards: number;
}

const NAME = /^(\d{16})\.seg$/;

export function segmentName(number: number): string {
  return `${String(number).padStart(16, '0')}.seg`;
}

/** Undefined: not the name of a segment. */
export function segmentNumber(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const page = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = viewOf(page);
  view.setUint32(0, HEADER_MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, header.generation, true);
  view.setUint32(12, header.log, true);
  setU64(view, 16, header.number);
  setU64(view, 24, header.startLsn);
  setU64(view, 32, header.createdAt);
  view.setUint32(40, header.isCompacted ? REWRITTEN.byKey : header.isRewritten ? REWRITTEN.asItWas : 0, true);
  view.setUint32(CHECKED_BYTES, crc32c(page, 0, CHECKED_BYTES), true);
  return page;
}

/** Undefined: no sound header. */
export function decodeSegmentHeader(page: Uint8Array): SegmentHeader | undefined {
  const view = viewOf(page);
  if (!isSound(page, view, HEADER_MAGIC)) return undefined;
  return {
    generation: view.getUint32(8, true),
    log: view.getUint32(12, true),
    number: getU64(view, 16),
    startLsn: getU64(view, 24),
    createdAt: getU64(view, 32),
    isRewritten: view.getUint32(40, true) !== 0,
    isCompacted: view.getUint32(40, true) === REWRITTEN.byKey,
  };
}

export function encodeSegmentTrailer(trailer: SegmentTrailer): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_TRAILER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, TRAILER_MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, trailer.generation, true);
  view.setUint32(12, trailer.entries, true);
  setU64(view, 16, trailer.footerAt);
  setU64(view, 24, trailer.nextLsn);
  setU64(view, 32, trailer.maxTimestamp);
  view.setUint32(40, trailer.shards, true);
  view.setUint32(CHECKED_BYTES, crc32c(bytes, 0, CHECKED_BYTES), true);
  return bytes;
}

/** Undefined: the segment has not been sealed, or its trailer is damaged. */
export function decodeSegmentTrailer(bytes: Uint8Array): SegmentTrailer | undefined {
  const view = viewOf(bytes);
  if (!isSound(bytes, view, TRAILER_MAGIC)) return undefined;
  return {
    generation: view.getUint32(8, true),
    entries: view.getUint32(12, true),
    footerAt: getU64(view, 16),
    nextLsn: getU64(view, 24),
    maxTimestamp: getU64(view, 32),
    shards: view.getUint32(40, true),
  };
}

/** What a retired segment is called until it is written again. */
export function spareName(number: number): string {
  return `spare-${String(number).padStart(16, '0')}`;
}

/** What a segment that is being rewritten is called until it is whole. */
export function rewriteName(number: number): string {
  return `rewrite-${String(number).padStart(16, '0')}`;
}

export function isRewriteName(name: string): boolean {
  return /^rewrite-\d{16}$/.test(name);
}

/** How many of the first segments are remains: a later one has what was left of them. */
export function remainsAmong(headers: readonly (SegmentHeader | undefined)[]): number {
  return Math.max(
    0,
    headers.findLastIndex((header) => header?.isRewritten === true),
  );
}

export function isSpareName(name: string): boolean {
  return /^spare-\d{16}$/.test(name);
}

function isSound(bytes: Uint8Array, view: DataView, magic: number): boolean {
  return (
    bytes.length >= CHECKED_BYTES + 4 &&
    view.getUint32(0, true) === magic &&
    view.getUint32(4, true) === VERSION &&
    view.getUint32(CHECKED_BYTES, true) === crc32c(bytes, 0, CHECKED_BYTES)
  );
}
