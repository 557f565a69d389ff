/**
 * Puts what is still wanted of the oldest segments of a log into one, so that a few old records do not keep many segments: an inbox that nobody empties, a topic that is kept for long. Offsets stay,
 * order stays, and the log is written to meanwhile as if nothing happened: only sealed segments before both checkpoints are touched, always from the first one on.
 *
 *   7.seg  8.seg  9.seg  10.seg …            survey: the longest front that is worth it, and its live frames
 *   ▒░░░   ░▒░░   ░░░▒   ▓▓▓▓                copy: into rewrite-9, a piece at a time; sync
 *   └────── 9.seg ─────┘ 10.seg …            swap: renamed over 9.seg; 7 and 8 go
 *
 * The frames are sealed anew, with lsns that end where the next segment begins, so the result is a segment like any other: with a footer, or to be walked without. The flag in its header tells recovery that segments
 * before it are remains. Of a fan-out, recipients that do not want it any more are marked as gone.
 *
 * Driven by its owner, a step at a time (`step`), which never blocks for more than a look at REWRITE_STEP_ENTRIES entries or the copy of REWRITE_STEP_BYTES; reads and syncs of the disk do not block at all.
 */
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import {
  REWRITE_ENTRIES_MAX,
  REWRITE_GAIN_MIN,
  REWRITE_SEGMENTS_LIVE_MAX,
  REWRITE_STEP_BYTES,
  REWRITE_STEP_ENTRIES,
} from '../base/limits.ts';
import { forEachRecipient, GONE, setRecipientBase } from './fan-out.ts';
import { emptyFrameHeader, FRAME, FRAME_HEADER_BYTES, readFrame, sealFrame, viewOf } from './frame.ts';
import type { Journal } from './journal.ts';
import { LiveEntries, type LiveFrame } from './live-entries.ts';
import { encodeSegmentEnd } from './seal.ts';
import { type IndexEntry, SealedSegment } from './sealed-segment.ts';
import { encodeSegmentHeader, rewriteName, SEGMENT_HEADER_BYTES } from './segment-file.ts';

/** A row of frames that becomes one commit. */
interface Piece {
  readonly frames: readonly LiveFrame[];
  readonly bytes: number;
}

type State = 'survey' | 'copy' | 'waiting' | 'swap' | 'done';

export class FrontRewrite {
  readonly #journal: Journal;
  /** What is surveyed, and then rewritten. */
  readonly #segments: SealedSegment[] = [];
  readonly #live = new LiveEntries();
  #state: State = 'survey';
  #next = 0;
  #pieces: Piece[] = [];
  #path = '';
  #file = -1;
  #generation = 0;
  #createdAt = 0;
  #startLsn = 0;
  #nextLsn = 0;
  #lsn = 0;
  #position = SEGMENT_HEADER_BYTES;
  /** The sync that makes durable what the plan goes by (`Journal.isSettled`). */
  #settledBy = 0;
  /** What it has freed, bytes; 0 until it is done, and if there was nothing to be done. */
  freedBytes = 0;
  /** Why it has been given up; the log is as it was. */
  failure: Error | null = null;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  step(): void {
    try {
      if (this.#state === 'survey') this.#survey();
      else if (this.#state === 'copy') this.#copy();
      else if (this.#state === 'swap') this.#swap();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** Leaves everything as it is; what is under way comes to nothing. */
  cancel(): void {
    if (this.#state !== 'done') this.#giveUp(null);
  }

  // ── Survey ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #survey(): void {
    const { sealed } = this.#journal;
    const at = this.#segments.length;
    const segment = sealed[at];
    if (segment === undefined || at >= this.#journal.front.length) return this.#plan(at);
    const entry: IndexEntry = { shard: 0, position: 0, length: 0, span: 0, timestamp: 0, offset: 0 };
    for (let i = 0; i < REWRITE_STEP_ENTRIES; i++) {
      if (!segment.entry(this.#next, entry)) {
        this.#segments.push(segment);
        this.#live.endSegment();
        this.#next = 0;
        return;
      }
      this.#next++;
      if (!this.#journal.front.isWanted(entry, segment.info.number)) continue;
      this.#live.add(entry);
      if (this.#live.size > REWRITE_ENTRIES_MAX || this.#live.bytes > this.#bytesMax) return this.#plan(at);
    }
  }

  get #bytesMax(): number {
    return REWRITE_SEGMENTS_LIVE_MAX * this.#journal.options.segmentBytes;
  }

  /** The first `count` segments are surveyed: rewrites as many of them as are worth it. */
  #plan(count: number): void {
    const { sealed, pins, options } = this.#journal;
    this.#live.cutTo(count);
    // Looked at one after the other, but all as they are at this moment: or a shard trimmed in between would get a hole.
    this.#live.keep((entry, at) => this.#journal.front.isWanted(entry, this.#segments[at]!.info.number));
    this.#settledBy = this.#journal.settledBy();
    let worthwhile = 0;
    let before = 0;
    for (let i = 0; i < count; i++) {
      before += this.#segments[i]!.info.footerAt - SEGMENT_HEADER_BYTES;
      const live = this.#live.bytesUpTo(i + 1);
      const gain = before - live;
      if (gain >= REWRITE_GAIN_MIN * live && gain >= options.segmentBytes / 2) worthwhile = i + 1;
    }
    // What has nothing at all is given up by itself.
    const isSame = this.#segments.every((segment, i) => sealed[i] === segment);
    if (worthwhile === 0 || !isSame || this.#live.bytesUpTo(worthwhile) === 0) return this.#end();
    this.#segments.length = worthwhile;
    this.#live.cutTo(worthwhile);
    for (const { info } of this.#segments) pins.add(info.number);
    this.#state = 'copy';
    this.#pieces = piecesOf(this.#live.frames());
    this.#begin();
  }

  // ── Copy ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #begin(): void {
    const { disk, directory, random, wallClock } = this.#journal.options;
    const { number, nextLsn } = this.#segments.at(-1)!.info;
    const frames = this.#pieces.reduce((sum, piece) => sum + 1 + piece.frames.length, 0);
    this.#nextLsn = nextLsn;
    this.#startLsn = nextLsn - frames;
    this.#lsn = this.#startLsn;
    assert(this.#startLsn >= this.#segments[0]!.info.startLsn, 'fewer frames need fewer numbers');
    this.#generation = Math.floor(random() * 2 ** 32);
    this.#createdAt = wallClock();
    this.#next = 0;
    const path = join(directory, rewriteName(number));
    this.#file = disk.open(path, 'create');
    this.#path = path;
    const header = { log: this.#journal.log, number, startLsn: this.#startLsn, createdAt: this.#createdAt };
    const page = encodeSegmentHeader({ ...header, generation: this.#generation, isRewritten: true });
    disk.write(this.#file, page, 0, page.length, 0);
  }

  #copy(): void {
    const piece = this.#pieces[this.#next];
    if (piece === undefined) return this.#seal();
    this.#state = 'waiting';
    const bytes = new Uint8Array(piece.bytes);
    const { path } = this.#segments[piece.frames[0]!.segment]!.info;
    const { files } = this.#journal;
    let at = FRAME_HEADER_BYTES;
    const { disk } = this.#journal.options;
    const readFrom = (index: number): void => {
      const frame = piece.frames[index];
      if (frame === undefined) return this.#whenRead(() => this.#writePiece(piece, bytes));
      // Neighbours come in one read.
      let end = index + 1;
      let length = frame.length;
      while (piece.frames[end]?.position === frame.position + length) length += piece.frames[end++]!.length;
      disk.readLater(files.hold(path), bytes, at, length, frame.position, (error, read) => {
        files.release(path);
        if (this.#state !== 'waiting') return; // given up meanwhile
        if (error !== undefined || read < length) {
          return this.#giveUp(error ?? new Error(`${path} ends before byte ${frame.position + length}`));
        }
        at += length;
        readFrom(end);
      });
    };
    readFrom(0);
  }

  #whenRead(then: () => void): void {
    try {
      then();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** The frames of the piece are in `bytes`, behind room for the frame of their commit. */
  #writePiece({ frames }: Piece, bytes: Uint8Array): void {
    const { disk } = this.#journal.options;
    const view = viewOf(bytes);
    const header = emptyFrameHeader();
    const lsn = this.#lsn;
    let at = FRAME_HEADER_BYTES;
    for (const [i, frame] of frames.entries()) {
      if (!readFrame(bytes, view, at, bytes.length, header) || header.length !== frame.length) {
        const { path } = this.#segments[frame.segment]!.info;
        throw new Error(`${path}: the frame at byte ${frame.position} is damaged`);
      }
      const body = at + FRAME_HEADER_BYTES;
      if (header.type === FRAME.fanOut) {
        forEachRecipient(view, body, at + header.length, ({ shard }, place) => {
          if (!this.#live.wants(frame, shard)) setRecipientBase(view, place, GONE);
        });
      }
      // The padding is taken for body: it is zeros, as it was.
      const bodyBytes = header.length - FRAME_HEADER_BYTES;
      sealFrame(bytes, view, at, bodyBytes, { ...header, generation: this.#generation, lsn: lsn + 1 + i });
      this.#live.place(frame, this.#position + at);
      at += header.length;
    }
    sealFrame(bytes, view, 0, 0, {
      ...emptyFrameHeader(),
      type: FRAME.commit,
      shard: bytes.length,
      baseOffset: lsn,
      recordCount: frames.length,
      generation: this.#generation,
      lsn,
    });
    disk.write(this.#file, bytes, 0, bytes.length, this.#position);
    this.#position += bytes.length;
    this.#lsn = lsn + 1 + frames.length;
    this.#next++;
    this.#state = 'copy';
  }

  #seal(): void {
    assert(this.#lsn === this.#nextLsn, 'it ends where the next segment begins');
    const { disk } = this.#journal.options;
    const end = encodeSegmentEnd(
      this.#live,
      this.#live.order(),
      { generation: this.#generation, position: this.#position },
      this.#nextLsn,
    );
    disk.write(this.#file, end, 0, end.length, this.#position);
    this.#state = 'waiting';
    disk.syncLater(this.#file, (error) => {
      if (this.#state !== 'waiting') return;
      if (error !== undefined) return this.#giveUp(error);
      this.#state = 'swap';
    });
  }

  // ── Swap ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #swap(): void {
    const { disk, directory } = this.#journal.options;
    const { pins, files } = this.#journal;
    // What has not been copied must have ended on disk too: a crash must not bring back a shard that begins with it.
    if (!this.#journal.isSettled(this.#settledBy)) {
      if (this.#journal.poisoned !== null) this.#giveUp(this.#journal.poisoned);
      return;
    }
    for (const { info } of this.#segments) pins.remove(info.number);
    // Whoever reads them has been told where.
    if (this.#segments.some(({ info }) => pins.has(info.number))) {
      for (const { info } of this.#segments) pins.add(info.number);
      return;
    }
    const size = disk.size(this.#file);
    const { number, path, nextLsn } = this.#segments.at(-1)!.info;
    for (const { info } of this.#segments) files.close(info.path);
    disk.close(this.#file);
    this.#file = -1;
    disk.rename(this.#path, path);
    this.#path = '';
    disk.syncDir(directory);
    const info = {
      number,
      path,
      generation: this.#generation,
      createdAt: this.#createdAt,
      startLsn: this.#startLsn,
      nextLsn,
      entries: this.#live.size,
      footerAt: this.#position,
      maxTimestamp: this.#live.maxTimestamp,
      size,
    };
    this.freedBytes = this.#segments.reduce((sum, segment) => sum + segment.info.size, 0) - size;
    this.#journal.front.replace(this.#segments.length, new SealedSegment(info, files, disk));
    this.#segments.length = 0;
    this.#end();
  }

  #giveUp(error: unknown): void {
    const { disk } = this.#journal.options;
    if (error !== null) this.failure = error instanceof Error ? error : new Error(String(error));
    if (this.#state !== 'survey') for (const { info } of this.#segments) this.#journal.pins.remove(info.number);
    this.#end();
    try {
      if (this.#file >= 0) disk.close(this.#file);
      this.#file = -1;
      if (this.#path !== '') disk.remove(this.#path);
    } catch {
      // The next start removes it.
    }
  }

  #end(): void {
    this.#state = 'done';
    this.#pieces = [];
    this.#live.clear();
  }
}

/** Frames of one segment each, of about REWRITE_STEP_BYTES. */
function piecesOf(frames: readonly LiveFrame[]): Piece[] {
  const pieces: Piece[] = [];
  let gathered: LiveFrame[] = [];
  let bytes = FRAME_HEADER_BYTES;
  const close = (): void => {
    if (gathered.length > 0) pieces.push({ frames: gathered, bytes });
    gathered = [];
    bytes = FRAME_HEADER_BYTES;
  };
  for (const frame of frames) {
    if (gathered.length > 0 && (gathered[0]!.segment !== frame.segment || bytes + frame.length > REWRITE_STEP_BYTES)) close();
    gathered.push(frame);
    bytes += frame.length;
  }
  close();
  return pieces;
}
