/**
 * Walks the commits of a segment file from its first byte on, and judges the place where they end.
 *
 *   clean    zeros, what a recycled file held before, the footer, or the end of the file
 *   torn     bytes that are no whole commit, and nothing after them proves that they ever were: a write that power or a crash cut off. It has not been
 *            acknowledged, so it is left out and written over
 *   corrupt  a later commit says that what is broken here had been made durable before it was written: the disk has lost or changed it. Nothing is cut
 *
 * A commit that was torn may have kept any of its pages, so a sound frame after a bad one proves nothing by itself; the commit frame's word on what was
 * durable does. Only commit frames of the file's own generation count, and that is a random number: nothing that a client sent can pass for one.
 */
import type { Disk } from './disk.ts';
import { FILE_WINDOW_BYTES, FileWindow } from './file-window.ts';
import {
  emptyFrameHeader,
  FRAME,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  findFrameMagic,
  readFrame,
  readFrameHeader,
} from './frame.ts';
import { SEGMENT_HEADER_BYTES } from './segment-file.ts';

export interface CommitVisitor {
  /** A frame of a whole commit; `bytes[body, bodyEnd)` (padding included) is valid during the call. */
  frame(header: FrameHeader, bytes: Uint8Array, view: DataView, body: number, bodyEnd: number, position: number): void;
}

export type WalkVerdict = 'clean' | 'torn' | 'corrupt';

export interface WalkEnd {
  readonly verdict: WalkVerdict;
  /** End of the last whole commit. */
  readonly position: number;
  readonly nextLsn: number;
  /** For `corrupt`: the next commit that can be read. */
  readonly resumeAt: number;
  /** For `corrupt`: the lsn of that commit. */
  readonly resumeLsn: number;
}

export interface WalkRange {
  readonly generation: number;
  readonly from: number;
  /** Lsn of the first commit. */
  readonly lsn: number;
  readonly size: number;
}

export function walkCommits(disk: Disk, file: number, range: WalkRange, visitor: CommitVisitor): WalkEnd {
  const window = new FileWindow(disk, file, range.size);
  const header = emptyFrameHeader();
  let position = Math.max(range.from, SEGMENT_HEADER_BYTES);
  let lsn = range.lsn;
  for (;;) {
    const bytes = wholeCommit(window, position, range, lsn, header);
    if (bytes === 0) break;
    lsn = visit(window, position, bytes, header, visitor);
    position += bytes;
  }
  return judge(window, position, range, lsn, header);
}

/** Bytes of the commit at `position` if all of it is there; 0 otherwise. */
function wholeCommit(window: FileWindow, position: number, range: WalkRange, lsn: number, header: FrameHeader): number {
  let at = window.show(position, FRAME_HEADER_BYTES);
  if (!isCommit(window, at, range.generation, header) || header.lsn !== lsn) return 0;
  const bytes = header.shard;
  const frames = header.recordCount;
  if (bytes < FRAME_HEADER_BYTES || bytes > range.size - position) return 0;
  at = window.show(position, bytes);
  const end = at + bytes;
  at += FRAME_HEADER_BYTES;
  for (let i = 1; i <= frames; i++) {
    if (!readFrame(window.bytes, window.view, at, end, header)) return 0;
    if (header.generation !== range.generation || header.lsn !== lsn + i) return 0;
    at += header.length;
  }
  return at === end ? bytes : 0;
}

function visit(window: FileWindow, position: number, bytes: number, header: FrameHeader, visitor: CommitVisitor): number {
  let at = window.show(position, bytes);
  const end = at + bytes;
  let next = 0;
  while (at < end) {
    readFrameHeader(window.view, at, end, header);
    next = header.lsn + 1;
    const length = header.length;
    visitor.frame(header, window.bytes, window.view, at + FRAME_HEADER_BYTES, at + length, window.base + at);
    at += length;
  }
  return next;
}

function isCommit(window: FileWindow, at: number, generation: number, header: FrameHeader): boolean {
  return (
    readFrame(window.bytes, window.view, at, window.length, header) &&
    header.type === FRAME.commit &&
    header.generation === generation
  );
}

/** What follows the last whole commit. */
function judge(window: FileWindow, position: number, range: WalkRange, lsn: number, header: FrameHeader): WalkEnd {
  let resumeAt = -1;
  let resumeLsn = -1;
  let isProven = false;
  let sawRemains = false;
  for (let from = position; from + FRAME_HEADER_BYTES <= range.size && !isProven; ) {
    let at = window.show(from, Math.min(FILE_WINDOW_BYTES, range.size - from));
    const limit = window.length;
    for (at = findFrameMagic(window.view, at, limit); at < limit && !isProven; at = findFrameMagic(window.view, at + 8, limit)) {
      if (!readFrameHeader(window.view, at, limit, header) || header.generation !== range.generation) continue;
      sawRemains = true;
      if (!isCommit(window, at, range.generation, header) || header.lsn <= lsn) continue;
      if (resumeAt < 0) {
        resumeAt = window.base + at;
        resumeLsn = header.lsn;
      }
      isProven = header.baseOffset > lsn;
    }
    // A header that straddles the window's end is looked at again.
    from = window.base + limit - (FRAME_HEADER_BYTES - 8);
  }
  const verdict = isProven ? 'corrupt' : sawRemains ? 'torn' : 'clean';
  return { verdict, position, nextLsn: lsn, resumeAt, resumeLsn };
}
