/**
 * A checkpoint: the shards and marks of a log as they were when a segment was sealed, so that recovery walks no more than the segment after it. Written beside
 * the segments as `checkpoint`, replaced atomically; the one before is kept as `checkpoint.old`. Without either all segments are walked.
 *
 *   magic "SLCP" · version u32 · log u32 · shards u32 · marks u32 · 0 u32 · segment u64 · lsn u64
 *   shard*: shard u32 · oldest segment u32 · start u64 · next u64 · bytes u64
 *   mark*:  shard u32 · kind u32 · value u64
 *   crc32c u32 of all before
 */
import { join } from 'node:path';
import { crc32c } from '../base/crc32c.ts';
import { type Disk, errorCode } from './disk.ts';
import { getU64, setU64, viewOf } from './frame.ts';
import type { Marks } from './marks.ts';
import type { ShardTable } from './shard-table.ts';

const MAGIC = 0x50434c53; // "SLCP"
const VERSION = 1;
const HEADER_BYTES = 40;
const SHARD_BYTES = 32;
const MARK_BYTES = 16;
const NAME = 'checkpoint';
const OLD = 'checkpoint.old';
const NEW = 'checkpoint.new';

/** Names of checkpoints beside the segments. */
export const CHECKPOINT_NAMES: readonly string[] = [NAME, OLD, NEW];

export interface CheckpointPlace {
  readonly log: number;
  /** The segment that recovery begins with, at its first commit. */
  readonly segment: number;
  readonly lsn: number;
}

export function writeCheckpoint(disk: Disk, directory: string, place: CheckpointPlace, table: ShardTable, marks: Marks): void {
  const allMarks = [...marks.all()];
  const bytes = new Uint8Array(HEADER_BYTES + table.size * SHARD_BYTES + allMarks.length * MARK_BYTES + 4);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, place.log, true);
  view.setUint32(12, table.size, true);
  view.setUint32(16, allMarks.length, true);
  setU64(view, 24, place.segment);
  setU64(view, 32, place.lsn);
  let at = HEADER_BYTES;
  for (const shard of table.shards()) {
    const { start, bytes: size } = table.stat(shard);
    view.setUint32(at, shard, true);
    view.setUint32(at + 4, table.oldestSegment(shard), true);
    setU64(view, at + 8, start);
    setU64(view, at + 16, table.end(shard));
    setU64(view, at + 24, size);
    at += SHARD_BYTES;
  }
  for (const [shard, { kind, value }] of allMarks) {
    view.setUint32(at, shard, true);
    view.setUint32(at + 4, kind, true);
    setU64(view, at + 8, value);
    at += MARK_BYTES;
  }
  view.setUint32(at, crc32c(bytes, 0, at), true);
  replace(disk, directory, bytes);
}

/** Fills `table` and `marks` from one file; undefined, and nothing is filled in, when it is not sound or does not fit. */
export function loadCheckpoint(
  disk: Disk,
  path: string,
  table: ShardTable,
  marks: Marks,
  fits: (place: CheckpointPlace) => boolean,
): CheckpointPlace | undefined {
  const bytes = readFile(disk, path);
  const view = viewOf(bytes);
  const place = decodePlace(bytes, view);
  if (place === undefined || !fits(place)) return undefined;
  fill(view, table, marks);
  return place;
}

/** Fills `table` and `marks`, which are empty, from the newest sound checkpoint that `fits`; undefined when there is none. */
export function readCheckpoint(
  disk: Disk,
  directory: string,
  names: ReadonlySet<string>,
  table: ShardTable,
  marks: Marks,
  fits: (place: CheckpointPlace) => boolean,
): CheckpointPlace | undefined {
  for (const name of [NAME, OLD]) {
    if (!names.has(name)) continue;
    const place = loadCheckpoint(disk, join(directory, name), table, marks, fits);
    if (place !== undefined) return place;
  }
  return undefined;
}

function decodePlace(bytes: Uint8Array, view: DataView): CheckpointPlace | undefined {
  if (bytes.length < HEADER_BYTES + 4 || view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION)
    return undefined;
  const body = HEADER_BYTES + view.getUint32(12, true) * SHARD_BYTES + view.getUint32(16, true) * MARK_BYTES;
  if (bytes.length !== body + 4 || crc32c(bytes, 0, body) !== view.getUint32(body, true)) return undefined;
  return { log: view.getUint32(8, true), segment: getU64(view, 24), lsn: getU64(view, 32) };
}

function fill(view: DataView, table: ShardTable, marks: Marks): void {
  let at = HEADER_BYTES;
  for (let i = view.getUint32(12, true); i > 0; i--, at += SHARD_BYTES) {
    const shard = view.getUint32(at, true);
    table.create(shard, getU64(view, at + 8), view.getUint32(at + 4, true));
    table.recovered(shard, getU64(view, at + 16), getU64(view, at + 24));
  }
  for (let i = view.getUint32(16, true); i > 0; i--, at += MARK_BYTES) {
    marks.set(view.getUint32(at, true), view.getUint32(at + 4, true), getU64(view, at + 8));
  }
}

function replace(disk: Disk, directory: string, bytes: Uint8Array): void {
  const fresh = join(directory, NEW);
  removeIfThere(disk, fresh);
  const file = disk.open(fresh, 'create');
  try {
    disk.write(file, bytes, 0, bytes.length, 0);
    disk.sync(file);
  } finally {
    disk.close(file);
  }
  try {
    disk.rename(join(directory, NAME), join(directory, OLD));
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  disk.rename(fresh, join(directory, NAME));
  disk.syncDir(directory);
}

function removeIfThere(disk: Disk, path: string): void {
  try {
    disk.remove(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function readFile(disk: Disk, path: string): Uint8Array {
  const file = disk.open(path, 'read');
  try {
    const bytes = new Uint8Array(disk.size(file));
    return bytes.subarray(0, disk.read(file, bytes, 0, bytes.length, 0));
  } finally {
    disk.close(file);
  }
}
