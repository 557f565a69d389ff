/** Compaction of a log's front by key, on a simulated disk: against a plain model, while the log is written to, and with the end of the process or of the power at each step. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { verifyLog } from '../../../src/storage/check/verify-log.ts';
import { compactionJob } from '../../../src/storage/compaction/job.ts';
import {
  compactLog,
  type LogCompactionOptions,
  type LogCompactionReport,
} from '../../../src/storage/compaction/log-compaction.ts';
import type { Disk } from '../../../src/storage/disk.ts';
import { emptyFrameHeader, FRAME, FRAME_HEADER_BYTES, readFrameHeader, viewOf } from '../../../src/storage/frame.ts';
import { Journal } from '../../../src/storage/journal.ts';
import { readFrames } from '../../../src/storage/journal-reader.ts';
import { RecordBatchBuilder } from '../../../src/storage/record-batch-builder.ts';
import { RecordCursor } from '../../../src/storage/record-cursor.ts';
import { journalOptions } from '../journal-model.ts';
import { SimDisk } from '../sim-disk.ts';

const test = suite('compaction of a log');

const SHARD = 7;
/** Each commit begins a segment. */
const SEGMENT_BYTES = 4000;
/** A segment has several. */
const ROOMY_BYTES = 8000;
const DAY_MS = 86_400_000;

/** `value` undefined: a tombstone. */
interface Entry {
  readonly offset: number;
  readonly key: string;
  readonly value: string | undefined;
}

const options = (more: Partial<LogCompactionOptions> = {}): LogCompactionOptions => ({
  nowMs: 1_000_000,
  tombstoneMs: DAY_MS,
  run: compactionJob,
  pause: () => Promise.resolve(),
  isCancelled: () => false,
  keysMax: 1000,
  ...more,
});

function open(disk: Disk, seed = 1, onCorruption: 'refuse' | 'serve' = 'refuse', segmentBytes = SEGMENT_BYTES): Journal {
  const where = { directory: '/log', only: SHARD, segmentBytes };
  return new Journal(journalOptions(disk as SimDisk, seed, { ...where, onCorruption }));
}

/** A log, and what has been put into it. */
class Written {
  readonly disk: SimDisk = new SimDisk();
  readonly all: Entry[] = [];
  journal: Journal;
  readonly #segmentBytes: number;

  constructor(segmentBytes = SEGMENT_BYTES) {
    this.#segmentBytes = segmentBytes;
    this.journal = open(this.disk, 1, 'refuse', segmentBytes);
    this.journal.create(SHARD);
  }

  reopen(seed: number): void {
    this.journal = open(this.disk, seed, 'refuse', this.#segmentBytes);
  }

  /** A batch with a record for each pair. */
  append(pairs: readonly (readonly [key: string, value: string | undefined])[], timestamp = 1000): void {
    const builder = new RecordBatchBuilder();
    for (const [key, value] of pairs) {
      const [k, v] = [Buffer.from(key), value === undefined ? undefined : Buffer.from(value)];
      builder.append(timestamp, k, 0, k.length, v, 0, v?.length ?? 0);
    }
    builder.seal();
    const base = this.journal.append(SHARD, -1, builder.bytes, 0, builder.end);
    this.journal.commit(true, (error) => {
      if (error !== undefined) throw error;
    });
    for (const [i, [key, value]] of pairs.entries()) this.all.push({ offset: base + i, key, value });
  }

  /** Until there is a front to compact. */
  fill(keys: number, segments = 4): void {
    for (let i = 0; this.journal.sealed.length < segments; i++) {
      this.append(Array.from({ length: 4 }, (_, j) => [`k${(i * 7 + j * 3) % keys}`, `${i}.${j}`.padEnd(60, '.')] as const));
    }
  }

  /** Where what is left alone begins. */
  get frontEnd(): number {
    const last = this.journal.sealed.at(-1)!;
    const entry = { shard: 0, position: 0, length: 0, span: 0, timestamp: 0, offset: 0 };
    last.entry(0, entry);
    return entry.offset;
  }

  /** What is to be left when everything before `frontEnd` is compacted. */
  compacted(frontEnd: number): Entry[] {
    const last = new Map<string, number>();
    for (const { key, offset } of this.all) if (offset < frontEnd) last.set(key, offset);
    return this.all.filter(({ key, offset }) => offset >= frontEnd || last.get(key) === offset);
  }
}

function entriesOf(journal: Journal): Entry[] {
  const all: Entry[] = [];
  const cursor = new RecordCursor();
  for (let offset = journal.table.start(SHARD); offset < journal.table.end(SHARD); ) {
    let frames: Uint8Array | undefined;
    readFrames(journal, SHARD, offset, 2000, (error, bytes) => {
      if (error !== undefined) throw error;
      frames = bytes;
    });
    assert.ok(frames !== undefined && frames.length > 0, `offset ${offset} is found, or what follows it`);
    const view = viewOf(frames);
    const header = emptyFrameHeader();
    for (let at = 0; readFrameHeader(view, at, frames.length, header); at += header.length) {
      if (header.type !== FRAME.data) continue;
      assert.ok(header.baseOffset >= offset || all.length === 0, 'in order');
      for (cursor.open(frames, at + FRAME_HEADER_BYTES); cursor.next(); ) {
        const text = (start: number, end: number): string => Buffer.from(cursor.bytes.subarray(start, end)).toString();
        const value = cursor.valueStart < 0 ? undefined : text(cursor.valueStart, cursor.valueEnd);
        all.push({ offset: cursor.offset, key: text(cursor.keyStart, cursor.keyEnd), value });
      }
      offset = header.baseOffset + header.lastOffsetDelta + 1;
    }
  }
  return all;
}

async function compact(written: Written, more: Partial<LogCompactionOptions> = {}): Promise<LogCompactionReport> {
  const report = await compactLog(written.journal, SHARD, options(more));
  assert.ok(report !== undefined, 'there was something to compact');
  return report;
}

test('of each key in the front the last record stays, under its offset, and so it is after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.boolean()), { minLength: 1, maxLength: 6 }), {
        minLength: 30,
        maxLength: 90,
      }),
      fc.integer({ min: 1, max: 4 }),
      async (batches, rounds) => {
        const written = new Written();
        let expected: Entry[] = [];
        const share = Math.ceil(batches.length / rounds);
        for (let round = 0; round < rounds; round++) {
          for (const [i, batch] of batches.slice(round * share, (round + 1) * share).entries()) {
            written.append(batch.map(([key, isGone], j) => [`k${key}`, isGone ? undefined : `${i}.${j}`.padEnd(90, '.')]));
          }
          const end = written.journal.sealed.length > 1 ? written.frontEnd : 0;
          const report = await compactLog(written.journal, SHARD, options());
          if (report !== undefined) {
            expected = written.compacted(end);
            assert.equal(entriesOf(written.journal), expected);
            assert.ok(report.recordsAfter <= report.recordsBefore);
          }
        }
        const before = entriesOf(written.journal);
        written.disk.crash(() => 0);
        const again = open(written.disk, 2);
        assert.equal(again.recovery.damages, []);
        assert.equal(entriesOf(again), before);
      },
    ),
    { numRuns: 25 },
  );
});

test('what is appended, read and trimmed meanwhile is not disturbed', async () => {
  const written = new Written();
  written.fill(10, 6);
  const end = written.frontEnd;
  let jobs = 0;
  await compact(written, {
    run: (job) => {
      if (jobs++ % 2 === 0) written.append([[`k${jobs}`, 'meanwhile']]);
      if (jobs === 3) written.journal.trim(SHARD, 5);
      assert.is(entriesOf(written.journal).at(-1)!.offset, written.all.at(-1)!.offset);
      return compactionJob(job);
    },
  });
  const trimmed = written.compacted(end).filter(({ offset }) => offset >= 5);
  assert.equal(
    entriesOf(written.journal).filter(({ offset }) => offset >= 5),
    trimmed,
  );
});

test('a tombstone replaces at once, and goes with its time', async () => {
  const written = new Written();
  written.append([['gone', 'once']]);
  written.append([['gone', undefined]]);
  written.fill(5, 4);
  await compact(written);
  const has = (): Entry[] => entriesOf(written.journal).filter(({ key }) => key === 'gone');
  assert.equal(has(), [{ offset: 1, key: 'gone', value: undefined }]);
  written.fill(5, 10);
  await compact(written, { nowMs: 1_000_000 + DAY_MS + 1 });
  assert.equal(has(), []);
});

test('without its checkpoints the log is walked, and holes are no losses', async () => {
  const written = new Written();
  written.append([['alone', 'far from the others']]);
  written.fill(1, 5);
  await compact(written);
  const left = entriesOf(written.journal);
  written.disk.kill();
  for (const name of ['checkpoint', 'checkpoint.old']) written.disk.remove(`/log/${name}`);
  const again = open(written.disk, 4, 'serve');
  assert.equal(
    again.recovery.damages.filter((damage) => damage.includes('has lost the offsets')),
    [],
  );
  assert.equal(entriesOf(again), left);
});

test('the last batch of the front stays, though nothing of it is to: there is no hole before the next segment', async () => {
  const written = new Written();
  written.fill(6, 2);
  // Without keys, as only Kafka clients write them, up to the end of the segment.
  const builder = new RecordBatchBuilder();
  const value = Buffer.alloc(3800, 'x');
  builder.append(1000, undefined, 0, 0, value, 0, value.length);
  builder.seal();
  for (let i = 0; i < 4; i++) {
    written.journal.append(SHARD, -1, builder.bytes, 0, builder.end);
    written.journal.commit(true, () => {});
  }
  const end = written.frontEnd;
  await compact(written);
  const entry = { shard: 0, position: 0, length: 0, span: 0, timestamp: 0, offset: 0 };
  const { info } = written.journal.sealed[0]!;
  written.journal.sealed[0]!.entry(info.entries - 1, entry);
  assert.is(entry.offset + entry.span, end);
});

test('it is done again when enough of the log is new, and not before', async () => {
  const written = new Written();
  written.fill(8, 5);
  await compact(written);
  const { sealed } = written.journal;
  assert.ok(sealed[0]!.info.isCompacted);
  assert.is(await compactLog(written.journal, SHARD, options()), undefined, 'nothing new');
  written.disk.kill();
  written.journal = open(written.disk, 3);
  assert.is(await compactLog(written.journal, SHARD, options()), undefined, 'nor after a restart');
});

test('more keys than there is room for are compacted a slice after the other', async () => {
  for (const keysMax of [4, 9, 40]) {
    const written = new Written();
    written.append([
      ['gone', 'soon'],
      ['k1', undefined],
    ]);
    written.fill(40, 8);
    const left = written.compacted(written.frontEnd);
    const report = await compact(written, { keysMax });
    assert.equal(entriesOf(written.journal), left, `room for ${keysMax}`);
    assert.is(report.segments, 7);
    assert.is(report.recordsBefore - report.recordsAfter, written.all.length - left.length);
    written.disk.kill();
    written.journal = open(written.disk, 3);
    assert.equal(entriesOf(written.journal), left, 'and so after a restart');
  }
});

test('tombstones go in their time, in whichever slice their key is', async () => {
  const written = new Written();
  for (let i = 0; i < 12; i++)
    written.append([
      [`t${i}`, 'x'],
      [`t${i}`, undefined],
    ]);
  written.fill(8, written.journal.sealed.length + 4);
  await compact(written, { keysMax: 4 });
  const tombstones = (): number => entriesOf(written.journal).filter(({ value }) => value === undefined).length;
  assert.is(tombstones(), 12);
  written.fill(8, 2 * written.journal.sealed.length + 8);
  await compact(written, { keysMax: 4, nowMs: 1_000_000 + DAY_MS });
  assert.is(tombstones(), 0);
  const keys = new Set(entriesOf(written.journal).map(({ key }) => key));
  assert.is(keys.size, 8, 'and everything else is there');
});

test('what would not fit into one segment stays as it is, and what is before it is compacted', async () => {
  const written = new Written();
  written.fill(6, 4);
  written.fill(2000, 12);
  const newest = new Map(written.all.map((entry) => [entry.key, entry]));
  const report = await compact(written, { compactedBytesMax: 2000 });
  assert.ok(report.segments > 0 && report.segments < 11, `${report.segments}`);
  assert.ok(written.journal.sealed[0]!.info.size < 4 * SEGMENT_BYTES);
  assert.equal(new Map(entriesOf(written.journal).map((entry) => [entry.key, entry])), newest);
  written.disk.kill();
  written.journal = open(written.disk, 3);
  assert.equal(new Map(entriesOf(written.journal).map((entry) => [entry.key, entry])), newest);
  const whole = entriesOf(written.journal);
  assert.is((await compact(written, { compactedBytesMax: 500 })).segments, 0);
  assert.equal(entriesOf(written.journal), whole);
});

test('whoever reads the front is waited for', async () => {
  const written = new Written();
  written.fill(6, 4);
  const { number } = written.journal.sealed[0]!.info;
  written.journal.pins.add(number);
  let waits = 0;
  await compact(written, {
    pause: async () => {
      if (++waits === 3) written.journal.pins.remove(number);
    },
  });
  assert.is(waits, 3);
});

test('a log that is dropped, and one that is not to be touched any more, stay as they are', async () => {
  for (const stop of ['drop', 'cancel'] as const) {
    const written = new Written();
    written.fill(6, 4);
    let isCancelled = false;
    const report = await compactLog(
      written.journal,
      SHARD,
      options({
        run: (job) => {
          if (stop === 'drop') written.journal.drop(SHARD);
          else isCancelled = true;
          return compactionJob(job);
        },
        isCancelled: () => isCancelled,
      }),
    );
    assert.is(report, undefined);
    assert.equal(
      written.disk.list('/log').filter((name) => name.startsWith('rewrite')),
      [],
    );
  }
});

/** A disk that fails at the n-th change, and from then on. */
function failingAt(disk: SimDisk, change: number): { disk: Disk; changes: () => number } {
  let changes = 0;
  const counts = ['open', 'write', 'sync', 'syncLater', 'truncate', 'rename', 'syncDir', 'remove'];
  const failing = new Proxy(disk, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown;
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        if (counts.includes(String(name)) && ++changes > change) throw Object.assign(new Error('EIO'), { code: 'EIO' });
        return (member as (...all: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  return { disk: failing, changes: () => changes };
}

test('the end of the process or of the power at any step leaves the log as it was, or compacted', async () => {
  let steps = 0;
  for (let step = 0, isOver = false; !isOver; step++) {
    for (const end of ['kill', 'power'] as const) {
      const written = new Written();
      written.append([['alone', 'far from the others']]);
      written.fill(2, 5);
      const before = [...written.all];
      const after = written.compacted(written.frontEnd);
      written.disk.kill();
      const opened = open(written.disk, 5);
      const failing = failingAt(written.disk, step);
      (opened.options as { disk: Disk }).disk = failing.disk;
      const report = await compactLog(opened, SHARD, options()).catch(() => undefined);
      isOver = report !== undefined && failing.changes() <= step;
      if (end === 'power') written.disk.crash(() => (step % 3) / 2);
      else written.disk.kill();
      const again = open(written.disk, 6);
      assert.equal(again.recovery.damages, [], `step ${step}, ${end}`);
      const found = JSON.stringify(entriesOf(again));
      assert.ok(found === JSON.stringify(before) || found === JSON.stringify(after), `step ${step}, ${end}`);
      assert.equal(
        written.disk.list('/log').filter((name) => name.startsWith('rewrite')),
        [],
      );
      assert.equal(
        verifyLog(written.disk, '/log').findings.filter(({ kind }) => kind === 'damage'),
        [],
        `step ${step}, ${end}`,
      );
      steps++;
    }
  }
  assert.ok(steps > 12, `${steps} ends`);
});

test('the power goes while a log is compacted that has just been trimmed: with the trim or without it, nothing is missing behind its start', async () => {
  let isTrimKept = 0;
  let steps = 0;
  for (let step = 0, isOver = false; !isOver; step++) {
    const written = new Written(ROOMY_BYTES);
    written.fill(60, 5);
    const whole = [...written.all];
    const start = 4 * Math.floor(written.frontEnd / 8);
    const compacted = written.compacted(written.frontEnd);
    const failing = failingAt(written.disk, step);
    (written.journal.options as { disk: Disk }).disk = failing.disk;
    written.journal.trim(SHARD, start);
    // As retention does it: written, and durable with the next sync.
    written.journal.commit(false, () => {});
    const report = await compactLog(written.journal, SHARD, options()).catch(() => undefined);
    isOver = report !== undefined && failing.changes() <= step;
    written.disk.crash(() => 0);
    written.reopen(6);
    const again = written.journal;
    const isTrimmed = again.table.start(SHARD) === start;
    const from = isTrimmed ? start : 0;
    const possible = (isTrimmed ? [whole, compacted] : [whole]).map((all) => all.filter(({ offset }) => offset >= from));
    const found = JSON.stringify(entriesOf(again));
    assert.ok(
      possible.some((all) => JSON.stringify(all) === found),
      `step ${step}, ${isTrimmed ? 'trimmed' : 'not trimmed'}`,
    );
    assert.equal(again.recovery.damages, []);
    if (isTrimmed) isTrimKept++;
    steps++;
  }
  assert.ok(isTrimKept > 0 && isTrimKept < steps, `both came about: ${isTrimKept} of ${steps}`);
});

test('a trim that nobody syncs is synced for the swap; one that is still to be committed is waited for', async () => {
  const written = new Written(ROOMY_BYTES);
  written.fill(6, 5);
  written.journal.trim(SHARD, 8);
  let waits = 0;
  const before = written.disk.syncs;
  await compact(written, {
    pause: async () => {
      assert.is(written.journal.sealed[0]!.info.isCompacted, undefined, 'not while it is only staged');
      if (++waits === 3) written.journal.commit(false, () => {});
    },
  });
  assert.is(waits, 3);
  assert.is(written.disk.syncs - before, 2, 'the new segment, and the log');
});

test('a log that fails at that sync is not compacted', async () => {
  const written = new Written(ROOMY_BYTES);
  written.fill(6, 5);
  const before = written.disk.paths();
  written.journal.trim(SHARD, 8);
  written.journal.commit(false, () => {});
  written.disk.failSync = { after: 2, code: 'EIO' };
  assert.is(await compactLog(written.journal, SHARD, options()), undefined);
  assert.is(written.journal.poisoned?.code, 'SLUICE_STORAGE_FAILED');
  assert.equal(written.disk.paths(), before);
});

test('the end of the process or of the power between the slices, and in each of them, leaves some of them compacted and the others as they were', async () => {
  const keysMax = 24;
  const make = (): Written => {
    const written = new Written(ROOMY_BYTES);
    written.fill(40, 5);
    return written;
  };
  // What there is after each slice.
  const states: string[] = [];
  const whole = make();
  const note = (): void => {
    const now = JSON.stringify(entriesOf(whole.journal));
    if (states.at(-1) !== now) states.push(now);
  };
  await compact(whole, {
    keysMax,
    run: (job) => {
      note();
      return compactionJob(job);
    },
  });
  note();
  assert.ok(states.length > 2, `${states.length - 1} slices`);
  const met = new Set<number>();
  for (let step = 0, isOver = false; !isOver; step++) {
    for (const end of ['kill', 'power'] as const) {
      const written = make();
      const failing = failingAt(written.disk, step);
      (written.journal.options as { disk: Disk }).disk = failing.disk;
      const report = await compactLog(written.journal, SHARD, options({ keysMax })).catch(() => undefined);
      isOver = report !== undefined && failing.changes() <= step;
      if (end === 'power') written.disk.crash(() => (step % 3) / 2);
      else written.disk.kill();
      written.reopen(6);
      const state = states.indexOf(JSON.stringify(entriesOf(written.journal)));
      assert.ok(state >= 0, `step ${step}, ${end}`);
      met.add(state);
      assert.equal(written.journal.recovery.damages, []);
      assert.equal(
        verifyLog(written.disk, '/log').findings.filter(({ kind }) => kind === 'damage'),
        [],
      );
      if (step % 8 !== 0) continue;
      // It goes on when enough is new, with all of the slices.
      written.fill(40, 2 * written.journal.sealed.length + 3);
      const frontEnd = written.frontEnd;
      await compact(written, { keysMax });
      assert.equal(entriesOf(written.journal), written.compacted(frontEnd), `step ${step}, ${end}: the next one`);
    }
  }
  assert.is(met.size, states.length, 'each of them was met');
});

test.run();
