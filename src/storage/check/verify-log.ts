/**
 * Checks one log, without changing it: that every frame is as it was written, that commits are whole and follow one another, that footers and
 * checkpoints say what the frames say, and that the offsets of every shard go on without a hole. Finds what recovery would, and more; says where and what is affected.
 *
 * What cannot be told: the last commit of a log may have been damaged after it was acknowledged, or cut off before; both look like a torn write.
 */
import { join } from 'node:path';
import { CHECKPOINT_NAMES, type CheckpointPlace, loadCheckpoint } from '../checkpoint.ts';
import { type CommitVisitor, type WalkEnd, walkCommits } from '../commit-walk.ts';
import type { Disk } from '../disk.ts';
import { FRAME, type FrameHeader } from '../frame.ts';
import { Marks } from '../marks.ts';
import { baseOffsetOf, batchBytes } from '../record-batch.ts';
import { FIRST_LSN } from '../recovery.ts';
import { readSegmentEnds, type SegmentEnds } from '../segment-ends.ts';
import { isRewriteName, isSpareName, remainsAmong, segmentNumber } from '../segment-file.ts';
import { ShardTable } from '../shard-table.ts';
import { type Finding, Findings } from './findings.ts';
import { FooterCheck, type Unindexed } from './footer-check.ts';
import { ShardLedger } from './shard-ledger.ts';

export interface LogReport {
  readonly directory: string;
  readonly segments: number;
  readonly commits: number;
  readonly frames: number;
  readonly records: number;
  readonly shards: number;
  /** Bytes of the segment files. */
  readonly bytes: number;
  readonly firstLsn: number;
  readonly nextLsn: number;
  readonly damages: number;
  readonly findings: readonly Finding[];
  readonly findingsOmitted: number;
}

interface Segment {
  readonly number: number;
  readonly path: string;
  readonly ends: SegmentEnds;
}

export function verifyLog(disk: Disk, directory: string): LogReport {
  return new LogCheck(disk, directory).run();
}

class LogCheck implements CommitVisitor {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #findings = new Findings();
  readonly #ledger: ShardLedger;
  #footer = new FooterCheck();
  readonly #unindexed: { readonly place: string; readonly frame: Unindexed }[] = [];
  #path = '';
  #commits = 0;
  #frames = 0;
  #records = 0;
  #bytes = 0;
  #firstLsn = 0;
  #nextLsn = 0;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#ledger = new ShardLedger(this.#findings);
  }

  run(): LogReport {
    const names = this.#disk.list(this.#directory);
    const segments = this.#segments(names);
    this.#firstLsn = segments.find(({ ends }) => ends.header !== undefined)?.ends.header?.startLsn ?? FIRST_LSN;
    this.#nextLsn = this.#firstLsn;
    const checkpoints = this.#checkpoints(names, segments);
    for (const [i, segment] of segments.entries()) {
      for (const { place, table } of checkpoints) if (place.segment === segment.number) this.#compare(place, table);
      this.#segment(segment, segments[i + 1]);
    }
    for (const { place, frame } of this.#unindexed) this.#judge(place, frame);
    this.#ledger.finish(this.#directory);
    const { list, damages, omitted } = this.#findings;
    return {
      directory: this.#directory,
      segments: segments.length,
      commits: this.#commits,
      frames: this.#frames,
      records: this.#records,
      shards: this.#ledger.table.size,
      bytes: this.#bytes,
      firstLsn: this.#firstLsn,
      nextLsn: this.#nextLsn,
      damages,
      findings: list,
      findingsOmitted: omitted,
    };
  }

  #segments(names: readonly string[]): Segment[] {
    const segments: Segment[] = [];
    for (const name of [...names].sort()) {
      const number = segmentNumber(name);
      const path = join(this.#directory, name);
      if (number !== undefined) segments.push({ number, path, ends: readSegmentEnds(this.#disk, path) });
      else if (!isSpareName(name) && !isRewriteName(name) && !CHECKPOINT_NAMES.includes(name)) {
        this.#findings.note(path, 'is no file of a log', 'nothing; it is left alone');
      }
    }
    const remains = segments.splice(0, remainsAmong(segments.map(({ ends }) => ends.header)));
    for (const { path } of remains)
      this.#findings.note(path, 'has been put into a later segment', 'nothing; the next start removes it');
    return segments;
  }

  // ── Segments ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #segment({ number, path, ends }: Segment, next: Segment | undefined): void {
    const { header, trailer, size } = ends;
    this.#bytes += size;
    this.#path = path;
    if (header === undefined) {
      this.#findings.damage(
        path,
        'has no sound header, so nothing of it is read',
        `lsn ${this.#nextLsn} to ${dueAfter(next)}; a node does not start`,
      );
      this.#nextLsn = next?.ends.header?.startLsn ?? this.#nextLsn;
      return;
    }
    if (header.number !== number) {
      this.#findings.damage(
        path,
        `is segment ${header.number} by its header`,
        'it has been renamed or belongs elsewhere; a node does not start',
      );
      return;
    }
    if (header.startLsn !== this.#nextLsn) {
      this.#findings.damage(
        path,
        `begins at lsn ${header.startLsn}, where ${this.#nextLsn} was due`,
        `lsn ${this.#nextLsn} to ${header.startLsn - 1} are lost: a segment is gone`,
      );
    }
    this.#footer = new FooterCheck();
    const file = this.#disk.open(path, 'read');
    try {
      this.#walk(file, ends, next);
      if (trailer !== undefined) this.#checkFooter(file, ends);
      else if (next !== undefined)
        this.#findings.damage(path, 'has no sound footer', 'no records; the next start makes it anew from the frames');
    } finally {
      this.#disk.close(file);
    }
  }

  #walk(file: number, { header, trailer, size }: SegmentEnds, next: Segment | undefined): void {
    const { generation, startLsn, isCompacted } = header!;
    this.#ledger.hasHoles = isCompacted === true;
    const range = { generation, size: trailer?.footerAt ?? size };
    let end = walkCommits(this.#disk, file, { ...range, from: 0, lsn: startLsn }, this);
    for (
      ;
      end.verdict === 'corrupt';
      end = walkCommits(this.#disk, file, { ...range, from: end.resumeAt, lsn: end.resumeLsn }, this)
    ) {
      const place = `${this.#path} at bytes ${end.position} to ${end.resumeAt - 1}`;
      this.#findings.damage(place, 'commits that were durable are damaged', `lsn ${end.nextLsn} to ${end.resumeLsn - 1}`);
    }
    this.#nextLsn = end.nextLsn;
    this.#end(end, size, trailer?.nextLsn ?? next?.ends.header?.startLsn);
  }

  /** `due`: the lsn after the segment, if it is complete. */
  #end({ verdict, position, nextLsn }: WalkEnd, size: number, due: number | undefined): void {
    const place = `${this.#path} at byte ${position}`;
    if (due === undefined) {
      if (verdict === 'torn')
        this.#findings.note(
          place,
          `${size - position} bytes of a commit that is not whole`,
          'nothing that was acknowledged; the next start cuts it',
        );
      return;
    }
    if (nextLsn !== due) {
      this.#findings.damage(place, 'commits are damaged from here to the end of the segment', `lsn ${nextLsn} to ${due - 1}`);
      this.#nextLsn = due;
    }
  }

  #checkFooter(file: number, ends: SegmentEnds): void {
    const unindexed: Unindexed[] = [];
    const fault = this.#footer.fault(this.#disk, file, ends, unindexed);
    const place = `${this.#path} at byte ${ends.trailer!.footerAt}`;
    if (fault !== undefined)
      this.#findings.damage(place, `the footer is damaged: ${fault}`, 'no records; the next start makes it anew from the frames');
    else for (const frame of unindexed) this.#unindexed.push({ place, frame });
  }

  #judge(place: string, { shard, offset, lsn, position }: Unindexed): void {
    if (this.#ledger.wasDropped(shard, lsn)) return;
    this.#findings.damage(
      place,
      `the footer lacks the frame at byte ${position}`,
      `shard ${shard} from offset ${offset} on is not found in this segment`,
    );
  }

  frame(header: FrameHeader, bytes: Uint8Array, view: DataView, body: number, bodyEnd: number, position: number): void {
    this.#frames++;
    if (header.type === FRAME.commit) this.#commits++;
    if (header.type === FRAME.data || header.type === FRAME.fanOut) this.#records += header.recordCount;
    const place = (): string => `${this.#path} at byte ${position}`;
    if (header.type === FRAME.data && !holdsBatch(header, bytes, body, bodyEnd)) {
      this.#findings.damage(
        place(),
        'a frame holds no record batch of its offset',
        `shard ${header.shard}, offset ${header.baseOffset}`,
      );
    }
    this.#ledger.take(header, view, body, bodyEnd, place);
    this.#footer.add(header, view, body, bodyEnd, position);
  }

  // ── Checkpoints ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #checkpoints(names: readonly string[], segments: readonly Segment[]): { place: CheckpointPlace; table: ShardTable }[] {
    const found: { place: CheckpointPlace; table: ShardTable }[] = [];
    for (const name of ['checkpoint', 'checkpoint.old']) {
      if (!names.includes(name)) continue;
      const path = join(this.#directory, name);
      const table = new ShardTable(1);
      const place = loadCheckpoint(this.#disk, path, table, new Marks(), () => true);
      if (place === undefined) {
        this.#findings.damage(path, 'is damaged', 'no records; the next start reads further back');
        continue;
      }
      const segment = segments.find(({ number }) => number === place.segment)?.ends.header;
      if (segment?.startLsn === place.lsn && segment.log === place.log) found.push({ place, table });
      else this.#findings.note(path, `belongs to segment ${place.segment}, which is not here`, 'nothing; it is not used');
    }
    if (found.length === 0 && segments.length > 0 && this.#firstLsn !== FIRST_LSN) {
      const what = `has no sound checkpoint, and the log no longer begins at its beginning but at lsn ${this.#firstLsn}`;
      this.#findings.damage(this.#directory, what, 'shards of which the segments left say nothing are lost');
    }
    return found;
  }

  /** The walk is at the segment that the checkpoint belongs to: both must tell of the same shards. */
  #compare({ segment }: CheckpointPlace, table: ShardTable): void {
    const ours = this.#ledger.table;
    const place = `the checkpoint of segment ${segment} in ${this.#directory}`;
    const isWhole = this.#firstLsn === FIRST_LSN;
    for (const shard of ours.shards()) {
      if (!table.has(shard)) this.#findings.damage(place, `lacks shard ${shard}`, 'the shard is gone after the next start');
    }
    for (const shard of table.shards()) {
      const start = table.start(shard);
      const end = table.end(shard);
      if (!ours.has(shard) && isWhole)
        this.#findings.damage(place, `tells of shard ${shard}, which no frame creates`, `offsets up to ${end - 1}`);
      const seen = ours.has(shard) ? ours.end(shard) : end;
      if (seen < end) this.#ledger.lost(shard, seen, end, place);
      if (seen > end) {
        this.#findings.damage(
          place,
          `ends shard ${shard} at ${end}, before ${seen}`,
          `offsets ${end} to ${seen - 1} are given twice`,
        );
      }
      this.#ledger.adopt(shard, start, Math.max(seen, end));
      ours.recovered(shard, Math.max(seen, end), 0);
    }
  }
}

function dueAfter(next: Segment | undefined): string {
  const due = next?.ends.header?.startLsn;
  return due === undefined ? 'the end' : String(due - 1);
}

function holdsBatch(header: FrameHeader, bytes: Uint8Array, body: number, bodyEnd: number): boolean {
  const size = bodyEnd - body;
  return size >= 61 && batchBytes(bytes, body) <= size && baseOffsetOf(bytes, body) === header.baseOffset;
}
