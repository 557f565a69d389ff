/** A group's log among the frames of its shard: read from any frame on that it says is the first one needed, it is the log that was written. */
import { deepStrictEqual } from 'node:assert';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DurableGroup } from '../../../src/actors/raft/durable-group.ts';
import type { Entry } from '../../../src/actors/raft/entry.ts';
import { GroupLog } from '../../../src/actors/raft/journal/group-log.ts';
import type { PlacedWrite } from '../../../src/actors/raft/journal/write-codec.ts';
import { NO_MEMBERSHIP } from '../../../src/actors/raft/membership.ts';
import type { GroupWrite } from '../../../src/actors/raft/storage.ts';
import { pictureOf, WriterModel } from './journal-bed.ts';

const test = suite('the log of a group among frames');

/** What a shard holds, frame by frame, and the log that is carried on with it. */
class Shard {
  readonly frames: PlacedWrite[] = [];
  readonly log = new GroupLog();

  write(write: Partial<GroupWrite>): void {
    const { hard } = this.log;
    const nothing = { group: 1, seq: 0, hard, snapshot: undefined, isReset: false, truncateFrom: 0, entries: [], compactTo: 0 };
    this.frames.push(this.log.place({ ...nothing, ...write }));
  }

  restate(): void {
    this.frames.push(this.log.restate());
  }

  recovered(from = this.log.startOffset): GroupLog {
    const log = new GroupLog(from);
    for (const frame of this.frames.slice(from)) log.take(frame);
    return log;
  }
}

function entries(from: number, to: number, term: number): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({ term, index: from + i, kind: 0, data: Uint8Array.of(i) }));
}

test('a log that was read from behind void entries begins where those that replace them do', () => {
  const shard = new Shard();
  shard.write({ hard: { term: 1, vote: 7, commit: 0 }, entries: entries(1, 6, 1) });
  shard.write({
    hard: { term: 1, vote: 7, commit: 3 },
    snapshot: { index: 3, term: 1, membership: NO_MEMBERSHIP },
    compactTo: 3,
  });
  assert.is(shard.log.startOffset, 0, 'entries 4 to 6 are needed');
  shard.write({ hard: { term: 2, vote: 9, commit: 3 }, truncateFrom: 4, entries: entries(4, 4, 2) });
  assert.is(shard.log.startOffset, 1, 'they are void; what the snapshot is says the frame that was written behind them');
  const found = shard.recovered();
  assert.equal(pictureOf(found), pictureOf(shard.log));
  assert.is(found.startOffset, 1, 'and it still does');
  assert.equal(found.compacted, { index: 3, term: 1 });
  assert.is(found.lastIndex, 4);
});

test('a snapshot behind the log, with entries that were void before, is not begun anew', () => {
  const shard = new Shard();
  shard.write({ hard: { term: 1, vote: 0, commit: 0 }, entries: entries(1, 2, 1) });
  shard.write({
    hard: { term: 2, vote: 0, commit: 9 },
    snapshot: { index: 9, term: 2, membership: NO_MEMBERSHIP },
    isReset: true,
    truncateFrom: 10,
    entries: entries(10, 11, 2),
  });
  assert.equal(pictureOf(shard.recovered()), pictureOf(shard.log));
  assert.equal(pictureOf(shard.recovered(0)), pictureOf(shard.log));
});

test('from the first frame that is needed, and from each before it that is still there, the log is what was written', () => {
  let moved = 0;
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 60 }), fc.nat(), (seed, writes, choice) => {
      const model = new WriterModel(seed, 1);
      const shard = new Shard();
      for (let i = 0; i < writes; i++) {
        for (const write of model.next()) shard.write(write);
        if ((choice >> (i % 30)) % 11 === 5 && shard.frames.length > 0) shard.restate();
        if (shard.frames.length === 0) continue;
        deepStrictEqual(pictureOf(shard.recovered()), pictureOf(model.groups.get(1)!));
        assert.is(shard.recovered().startOffset, shard.log.startOffset);
      }
      moved += shard.log.startOffset;
      // Frames before it may not have been given up yet; then the log may go further back than it needs to, and no less.
      for (let from = 0; from <= shard.log.startOffset; from++) {
        if (shard.frames.length === 0) break;
        const { hard, snapshot, lastIndex, compacted } = shard.recovered(from);
        assert.equal({ hard, snapshot, lastIndex }, pick(shard.log), `from ${from}`);
        assert.ok(compacted.index <= shard.log.compacted.index);
      }
    }),
    { numRuns: 120 },
  );
  assert.ok(moved > 100, 'logs were given up in front');
});

function pick({ hard, snapshot, lastIndex }: DurableGroup): object {
  return { hard, snapshot, lastIndex };
}

test.run();
