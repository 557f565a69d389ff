/**
 * Reads a segment file for people: believes nothing, stops at nothing, changes nothing. What can be read of it comes out in the order of the file, with
 * what is wrong beside it. Recovery is stricter (commit-walk.ts): it asks what counts, this asks what is there.
 */
import type { Disk } from '../disk.ts';
import { FileWindow } from '../file-window.ts';
import {
  emptyFrameHeader,
  FRAME,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  findFrameMagic,
  readFrame,
  readFrameHeader,
} from '../frame.ts';
import type { SegmentEnds } from '../segment-ends.ts';
import { SEGMENT_HEADER_BYTES, SEGMENT_TRAILER_BYTES } from '../segment-file.ts';

export interface ScannedFrame {
  readonly kind: 'frame';
  readonly position: number;
  readonly header: FrameHeader;
  readonly isSound: boolean;
  /** What does not fit the frames before it; empty when all is well. */
  readonly remarks: readonly string[];
  /** The frame is `bytes[at, at + header.length)` until the scan goes on. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly at: number;
}

export interface ScannedGap {
  readonly kind: 'gap';
  readonly position: number;
  readonly end: number;
  /** zeros: never written. remains: frames of a file that this one was before it was recycled. unreadable: anything else. */
  readonly what: 'zeros' | 'remains' | 'unreadable';
}

/** Frames and what lies between them, from the first frame at or after `from` on. */
export function* scanSegment(disk: Disk, file: number, ends: SegmentEnds, from = 0): Generator<ScannedFrame | ScannedGap> {
  const end = ends.trailer === undefined ? ends.size : ends.size - SEGMENT_TRAILER_BYTES;
  const window = new FileWindow(disk, file, end);
  const generation = ends.header?.generation ?? ends.trailer?.generation ?? firstGeneration(window, end);
  const expected = new Expectations();
  let position = Math.max(SEGMENT_HEADER_BYTES, from + (-from & 7));
  while (position < end) {
    const header = emptyFrameHeader();
    let at = window.show(position, FRAME_HEADER_BYTES);
    const fits = readFrameHeader(window.view, at, window.length, header) && header.length <= end - position;
    if (fits && header.generation === generation) {
      at = window.show(position, header.length);
      const { bytes, view } = window;
      const isSound = readFrame(bytes, view, at, at + header.length, emptyFrameHeader());
      const remarks = isSound ? expected.check(header) : expected.lost();
      yield { kind: 'frame', position, header, isSound, remarks, bytes, view, at };
      // The length of a damaged one may be what is damaged.
      position = isSound ? position + header.length : nextFrame(window, position + 8, end, generation);
    } else {
      const next = nextFrame(window, position + 8, end, generation);
      yield { kind: 'gap', position, end: next, what: describe(window, position, next) };
      expected.lost();
      position = next;
    }
  }
}

/** What the next frame has to be, going by those before it. */
class Expectations {
  #lsn = -1;
  /** Frames that the commit still lacks. */
  #open = 0;

  check(header: FrameHeader): string[] {
    const remarks: string[] = [];
    if (header.type === FRAME.footer) {
      if (this.#open > 0) remarks.push(`the commit before lacks ${this.#open} frames`);
      this.#open = 0;
      return remarks;
    }
    if (this.#lsn >= 0 && header.lsn !== this.#lsn) remarks.push(`lsn ${this.#lsn} was due`);
    if (header.type === FRAME.commit) {
      if (this.#open > 0) remarks.push(`the commit before lacks ${this.#open} frames`);
      this.#open = header.recordCount;
    } else if (this.#open === 0 && this.#lsn >= 0) remarks.push('belongs to no commit');
    else this.#open--;
    this.#lsn = header.lsn + 1;
    return remarks;
  }

  /** Something cannot be read: nothing is expected of what follows. */
  lost(): string[] {
    this.#lsn = -1;
    this.#open = 0;
    return [];
  }
}

/** Where the next frame header of this generation is, at a multiple of 8; `end` when there is none. */
function nextFrame(window: FileWindow, from: number, end: number, generation: number): number {
  const header = emptyFrameHeader();
  for (let position = from; position + FRAME_HEADER_BYTES <= end; ) {
    const start = window.show(position, Math.min(window.bytes.length, end - position));
    const limit = window.length;
    for (let at = findFrameMagic(window.view, start, limit); at < limit; at = findFrameMagic(window.view, at + 8, limit)) {
      if (readFrameHeader(window.view, at, limit, header) && header.generation === generation) return window.base + at;
    }
    position = window.base + limit - (FRAME_HEADER_BYTES - 8);
  }
  return end;
}

/** That of the first sound frame, for a file that has lost its header. */
function firstGeneration(window: FileWindow, end: number): number {
  const header = emptyFrameHeader();
  for (let position = SEGMENT_HEADER_BYTES; position + FRAME_HEADER_BYTES <= end; position += 8) {
    let at = window.show(position, FRAME_HEADER_BYTES);
    if (!readFrameHeader(window.view, at, window.length, header) || header.length > end - position) continue;
    at = window.show(position, header.length);
    if (readFrame(window.bytes, window.view, at, at + header.length, header)) return header.generation;
  }
  return -1;
}

function describe(window: FileWindow, from: number, to: number): ScannedGap['what'] {
  const header = emptyFrameHeader();
  let what: ScannedGap['what'] = 'zeros';
  for (let position = from; position < to; ) {
    const at = window.show(position, Math.min(window.bytes.length, to - position));
    const limit = at + Math.min(window.length - at, to - position);
    if (limit === at) break;
    const magic = findFrameMagic(window.view, at, limit);
    if (magic < limit && readFrameHeader(window.view, magic, limit, header)) return 'remains';
    for (let i = at; i < limit && what === 'zeros'; i++) if (window.bytes[i] !== 0) what = 'unreadable';
    position += limit - at;
  }
  return what;
}
