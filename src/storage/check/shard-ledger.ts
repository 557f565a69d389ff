/**
 * What the frames of a log say about its shards, followed from the first to the last: which there are, and that the offsets of each go on without a hole or
 * an overlap. Shards whose beginning lies in segments that have been given up are known from where they first show.
 */
import { CONTROL, CONTROL_BYTES, type ControlOp, readControl } from '../control.ts';
import type { ShardId } from '../engine.ts';
import { FRAME, type FrameHeader } from '../frame.ts';
import { forEachShard } from '../frame-shards.ts';
import { ShardTable } from '../shard-table.ts';
import type { Findings } from './findings.ts';

export class ShardLedger {
  readonly table: ShardTable;
  readonly #findings: Findings;
  /** The segment in hand has been compacted by key: its offsets have holes. */
  hasHoles = false;
  readonly #op: ControlOp = { op: 0, kind: 0, shard: 0, value: 0 };
  /** Lsn of the frame that dropped the shard last. */
  readonly #droppedAt = new Map<ShardId, number>();
  /** The first offset that shows of a shard, where its creation does not. */
  readonly #firstSeen = new Map<ShardId, number>();

  constructor(findings: Findings) {
    this.table = new ShardTable(1);
    this.#findings = findings;
  }

  /** Whether a shard's frame of `lsn` has been given up since. */
  wasDropped(shard: ShardId, lsn: number): boolean {
    return (this.#droppedAt.get(shard) ?? -1) > lsn;
  }

  take(header: FrameHeader, view: DataView, body: number, bodyEnd: number, place: () => string): void {
    if (header.type === FRAME.control) {
      for (let at = body; at + CONTROL_BYTES <= bodyEnd; at += CONTROL_BYTES) this.#control(view, at, header.lsn);
      return;
    }
    forEachShard(header, view, body, bodyEnd, (shard, offset, span) => this.goOn(shard, offset, span, place));
  }

  /** Records `offset` to `offset + span - 1` of the shard are here. */
  goOn(shard: ShardId, offset: number, span: number, place: () => string): void {
    const { table } = this;
    if (!table.has(shard)) {
      table.create(shard, offset, 0);
      if (!this.hasHoles) this.#firstSeen.set(shard, offset);
    }
    const due = table.end(shard);
    if (offset > due && !this.hasHoles) this.lost(shard, due, offset, place());
    if (offset < due) {
      this.#findings.damage(
        place(),
        `shard ${shard} goes on at ${offset}, where ${due} was due`,
        `offsets ${offset} to ${due - 1} are there twice`,
      );
    }
    table.recovered(shard, offset + span, 0);
  }

  lost(shard: ShardId, from: number, to: number, place: string): void {
    this.#findings.damage(
      place,
      `shard ${shard} goes on at ${to}, where ${from} was due`,
      `offsets ${from} to ${to - 1} are lost`,
    );
  }

  /** The walk is where a checkpoint was taken, which knows the shard to go from `start` to `end`. */
  adopt(shard: ShardId, start: number, end: number): void {
    const { table } = this;
    const first = this.#firstSeen.get(shard);
    if (first !== undefined && first > start) this.#startsAt(shard, start, end);
    if (!table.has(shard)) this.#startsAt(shard, start, end);
  }

  /** All is walked: what a shard is to begin with must be there. `place`: the log. */
  finish(place: string): void {
    for (const [shard, first] of this.#firstSeen) {
      if (!this.table.has(shard)) continue;
      const start = this.table.start(shard);
      if (start < first)
        this.#findings.damage(
          place,
          `shard ${shard} begins at ${first}, where ${start} was due`,
          `offsets ${start} to ${first - 1} are lost`,
        );
    }
  }

  #startsAt(shard: ShardId, start: number, end: number): void {
    if (this.table.has(shard)) this.table.drop(shard);
    else this.#firstSeen.set(shard, end);
    this.table.create(shard, start, 0);
    this.table.recovered(shard, end, 0);
  }

  #control(view: DataView, at: number, lsn: number): void {
    readControl(view, at, this.#op);
    const { op, shard, value } = this.#op;
    if (op === CONTROL.create && !this.table.has(shard)) this.table.create(shard, value, 0);
    else if (op === CONTROL.trim && this.table.has(shard)) this.table.trim(shard, value);
    else if (op === CONTROL.drop) {
      if (this.table.has(shard)) this.table.drop(shard);
      this.#firstSeen.delete(shard);
      this.#droppedAt.set(shard, lsn);
    }
  }
}
