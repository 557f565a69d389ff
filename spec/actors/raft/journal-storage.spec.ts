/** The groups' storage on the shared log, held against the plain model through crashes, full and failing disks. */
import { deepStrictEqual } from 'node:assert';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MalformedBytes } from '../../../src/actors/raft/codec/byte-reader.ts';
import { ByteWriter } from '../../../src/actors/raft/codec/byte-writer.ts';
import { decodeWrite, encodeWrite, type PlacedWrite } from '../../../src/actors/raft/journal/write-codec.ts';
import { SimDisk } from '../../storage/sim-disk.ts';
import { type GroupPicture, JournalBed, picturesOf } from './journal-bed.ts';

const test = suite('raft journal storage');

function isSame(a: unknown, b: unknown): boolean {
  try {
    deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

/** What was found is what was there after one of the batches that may have become durable. */
function mustBePossible(bed: JournalBed, found: Map<number, GroupPicture>, what: string): number {
  const from = bed.durable;
  const at = bed.pictures.findLastIndex((picture, batch) => batch >= from && isSame(picture, found));
  if (at < 0) deepStrictEqual(found, bed.pictures[from], what);
  return at;
}

async function crash(bed: JournalBed, what: string): Promise<number> {
  const before = { durable: bed.durable, pictures: bed.pictures };
  bed.disk.crash(() => bed.prng.next());
  const found = await bed.start();
  return mustBePossible({ ...before } as JournalBed, found, what);
}

test('recovers after a crash of power what a batch has left, at least the last durable one', async () => {
  let undone = 0;
  let kept = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const bed = new JournalBed(new SimDisk(), seed);
    await bed.start();
    for (let life = 0; life < 6; life++) {
      for (let i = bed.prng.below(12); i >= 0; i--) {
        bed.write();
        if (bed.prng.chance(0.5)) bed.store.appendOther(i);
        if (bed.prng.chance(0.6)) bed.turn();
        if (bed.prng.chance(0.2)) bed.store.shared.journal.front.collect();
      }
      const issued = bed.pictures.length - 1;
      const at = await crash(bed, `seed ${seed}, life ${life}`);
      if (at < issued) undone++;
      else kept++;
    }
  }
  assert.ok(undone > 50 && kept > 50, `crashes lose what was not durable (${undone}) and keep what was (${kept})`);
});

test('a write cut off at any byte leaves all of a batch or nothing', async () => {
  for (let cut = 0; cut < 1500; cut += 7) {
    const bed = new JournalBed(new SimDisk(), 77);
    await bed.start();
    for (let i = 0; i < 4; i++) {
      bed.write();
      bed.turn();
    }
    bed.write();
    bed.write();
    bed.disk.failWrite = { after: 1, code: 'EIO', partBytes: cut };
    bed.turn();
    assert.ok(bed.failed, 'the node ends');
    await crash(bed, `cut at ${cut}`);
  }
});

test('a sync that fails ends the node, and nothing is said to be durable after it', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const bed = new JournalBed(new SimDisk(), seed);
    await bed.start();
    for (let i = 0; i < 5; i++) {
      bed.write();
      bed.turn();
    }
    const { durable } = bed;
    bed.write();
    bed.store.appendOther(0);
    bed.disk.failSync = { after: 1, code: 'EIO' };
    bed.turn();
    assert.ok(bed.failed);
    bed.write();
    bed.turn();
    assert.is(bed.durable, durable, 'a later sync that works proves nothing');
    await crash(bed, `seed ${seed}`);
  }
});

test('a full disk undoes nothing that was said to be durable, and all is written in order when there is room', async () => {
  let full = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const bed = new JournalBed(new SimDisk(), seed);
    await bed.start();
    for (let i = 0; i < 30; i++) {
      bed.write();
      bed.store.ringMax = bed.prng.chance(0.3) ? 2 : 1000;
      if (bed.prng.chance(0.3)) bed.disk.failWrite = { after: 1, code: 'ENOSPC', partBytes: bed.prng.below(100) };
      if (bed.prng.chance(0.5)) bed.disk.failWrite = null;
      if (bed.prng.chance(0.3)) bed.store.appendOther(i);
      bed.turn();
      if (bed.storage.isFull()) full++;
      if (bed.prng.chance(0.05)) await crash(bed, `seed ${seed}, step ${i}`);
    }
    bed.disk.failWrite = null;
    bed.store.ringMax = 1000;
    for (let i = 0; i < 8; i++) bed.turn();
    assert.is(bed.durable, bed.pictures.length - 1, `seed ${seed}: all is durable`);
    assert.not(bed.storage.isFull());
    await crash(bed, `seed ${seed}`);
  }
  assert.ok(full > 25, `the disk was full (${full})`);
});

test('a disk with room again is not said to be full any longer, though there is always something under way', async () => {
  const bed = new JournalBed(new SimDisk(), 3);
  await bed.start();
  bed.write();
  bed.disk.failWrite = { after: 1, code: 'ENOSPC', partBytes: 0 };
  bed.turn();
  assert.ok(bed.storage.isFull());
  bed.disk.failWrite = null;
  for (let i = 0; i < 20; i++) {
    // What comes while the store is at work is on its way before the store has answered.
    bed.turn(() => bed.write());
    assert.ok(bed.store.waiting > 0);
  }
  assert.not(bed.storage.isFull());
  assert.ok(bed.durable > 15);
});

test('groups state themselves anew once, however often they are asked while the disk is full', async () => {
  const bed = new JournalBed(new SimDisk(), 9, 1);
  await bed.start();
  for (let i = 0; i < 20; i++) {
    bed.write();
    bed.turn();
  }
  bed.turn();
  const before = bed.store.logs.list().logs[0]!;
  bed.disk.failWrite = { after: 1, code: 'ENOSPC', partBytes: 0 };
  for (let i = 0; i < 50; i++) {
    bed.storage.restate({ groups: [1], logBytes: 100_000 });
    bed.turn();
    bed.disk.failWrite = { after: 1, code: 'ENOSPC', partBytes: 0 };
  }
  bed.disk.failWrite = null;
  for (let i = 0; i < 4; i++) bed.turn();
  const after = bed.store.logs.list().logs[0]!;
  assert.is(after.end, before.end + 1, 'one frame');
  assert.is(after.start, before.end, 'and nothing before it');
  bed.storage.restate({ groups: [1], logBytes: 100_000 });
  for (let i = 0; i < 4; i++) bed.turn();
  assert.is(bed.store.logs.list().logs[0]!.end, after.end + 1, 'then again');
});

test('segments are given up as groups compact, and those of idle groups when they state themselves anew', async () => {
  const bed = new JournalBed(new SimDisk(), 5, 3, { segmentBytes: 8 * 1024 });
  await bed.start();
  for (let i = 0; i < 5; i++) {
    bed.write();
    bed.turn();
  }
  // Only one group goes on: the others would keep the oldest segment for ever.
  bed.writer.groups.delete(2);
  bed.writer.groups.delete(3);
  const { journal } = bed.store.shared;
  const idle = bed.pictures.at(-1)!;
  let removed = 0;
  for (let i = 0; i < 600; i++) {
    bed.storage.write(bed.pictures.length, bed.writer.next());
    bed.pictures.push(new Map());
    bed.turn();
    removed += journal.front.collect();
    const kept = bed.store.logs.keptFront();
    if (kept !== undefined) bed.storage.restate(kept);
  }
  assert.ok(removed > 10, `segments were given up (${removed})`);
  assert.ok(journal.sealed.length < 8, `and few are left (${journal.sealed.length})`);
  const durable = bed.storage.groups;
  bed.disk.crash(() => bed.prng.next());
  const found = await bed.start();
  assert.equal(found.get(2), idle.get(2));
  assert.equal(found.get(3), idle.get(3));
  assert.is(found.get(1)!.entries.length, durable.get(1)!.entries.length);
});

/** What the store does every few seconds on a node on which nobody writes. Returns how often the groups have stated themselves anew. */
function idle(bed: JournalBed, rounds: number): number {
  let restated = 0;
  for (let i = 0; i < rounds; i++) {
    bed.store.shared.journal.front.collect();
    const kept = bed.store.logs.keptFront();
    if (kept === undefined) continue;
    const ends = (): number => bed.store.logs.list().logs.reduce((sum, { end }) => sum + end, 0);
    const before = ends();
    bed.storage.restate(kept);
    for (let turn = 0; turn < 3; turn++) bed.turn();
    if (ends() > before) restated++;
  }
  return restated;
}

/** Groups that have each so many bytes of log that is needed, in many segments. */
async function filled(
  groups: number,
  entryBytes: number,
  segmentBytes: number,
): Promise<{ bed: JournalBed; written: () => number }> {
  const disk = new SimDisk();
  let bytes = 0;
  const { write } = disk;
  disk.write = (file, from, start, end, position) => {
    bytes += end - start;
    write.call(disk, file, from, start, end, position);
  };
  const bed = new JournalBed(disk, 3, groups, { segmentBytes });
  await bed.start();
  let batch = 0;
  for (let index = 1; index <= 10; index++) {
    for (let group = 1; group <= groups; group++) {
      const data = new Uint8Array(entryBytes).fill(index);
      const entries = [{ term: 1, index, kind: 0, data } as const];
      const hard = { term: 1, vote: 0, commit: index - 1 };
      const write = { group, seq: index, hard, snapshot: undefined, isReset: false, truncateFrom: 0, entries, compactTo: 0 };
      bed.storage.write(++batch, [write]);
      bed.turn();
    }
  }
  return { bed, written: () => bytes };
}

/** Writes what has nothing to do with groups, and nobody wants any more. */
function others(bed: JournalBed, batches: number): void {
  for (let i = 0; i < batches; i++) {
    bed.store.appendOther(i);
    bed.turn();
  }
  const { shared, logs } = bed.store;
  for (const shard of shared.shards()) if (!logs.has(shard)) shared.trim(shard, shared.journal.table.end(shard));
  bed.turn();
}

test('groups with more log than some segments free a log that is much longer, and write less than that', async () => {
  const { bed, written } = await filled(4, 1000, 8 * 1024);
  others(bed, 1200);
  const { journal } = bed.store.shared;
  const segments = journal.sealed.length;
  const before = written();
  const picture = picturesOf(bed.storage.groups);
  assert.ok(idle(bed, 200) > 0);
  assert.ok(journal.sealed.length < segments / 4, `${segments} segments, then ${journal.sealed.length}`);
  const freedBytes = (segments - journal.sealed.length) * 8 * 1024;
  assert.ok(written() - before < freedBytes / 2, `${written() - before} bytes for ${freedBytes}`);
  const after = written();
  assert.is(idle(bed, 200), 0, 'and then it is over');
  assert.is(written(), after);
  bed.disk.crash(() => bed.prng.next());
  assert.equal(await bed.start(), picture);
});

test('on an idle node groups with more log than their segment would free write nothing, however long it lasts', async () => {
  const { bed, written } = await filled(4, 1000, 8 * 1024);
  assert.ok(bed.store.logs.keptFront() !== undefined, 'they keep the oldest segment');
  const before = written();
  assert.is(idle(bed, 200), 0);
  assert.is(written(), before);
});

test('on an idle node groups with little log free what is worth it, and then it is over', async () => {
  const { bed, written } = await filled(4, 200, 32 * 1024);
  others(bed, 1200);
  const { journal } = bed.store.shared;
  const segments = journal.sealed.length;
  const before = written();
  assert.is(idle(bed, 200), 1, 'once');
  assert.ok(journal.sealed.length < segments / 2, `${segments} segments, then ${journal.sealed.length}`);
  const live = [...bed.storage.groups.values()].reduce((sum, { restatedBytes }) => sum + restatedBytes, 0);
  assert.ok(written() - before < 2 * live, `${written() - before} bytes for ${live}`);
  const after = written();
  assert.is(idle(bed, 200), 0);
  assert.is(written(), after);
});

test('one group that cannot leave the segment leaves the others as they are', async () => {
  const { bed, written } = await filled(3, 100, 256 * 1024);
  const before = written();
  bed.storage.restate({ groups: [1, 2, 9], logBytes: 256 * 1024 });
  bed.turn();
  assert.is(written(), before);
  bed.storage.restate({ groups: [1, 2, 3], logBytes: 256 * 1024 });
  bed.turn();
  assert.ok(written() > before);
});

test('crashes while groups state themselves anew lose nothing', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const bed = new JournalBed(new SimDisk(), seed, 4, { segmentBytes: 6 * 1024 });
    await bed.start();
    for (let life = 0; life < 5; life++) {
      for (let i = 0; i < 12; i++) {
        bed.write();
        if (bed.prng.chance(0.3))
          bed.storage.restate({ groups: [1 + bed.prng.below(4), 1 + bed.prng.below(4)], logBytes: 100_000 });
        if (bed.prng.chance(0.7)) bed.turn();
        // Nothing but where logs begin: that is not synced for itself.
        if (bed.prng.chance(0.3)) bed.turn();
        bed.store.shared.journal.front.collect();
      }
      await crash(bed, `seed ${seed}, life ${life}`);
    }
  }
});

const entries = (prevIndex: number): fc.Arbitrary<PlacedWrite['entries']> =>
  fc
    .array(fc.record({ term: fc.nat(), kind: fc.constantFrom(0, 1, 2), data: fc.uint8Array({ maxLength: 40 }) }), {
      maxLength: 5,
    })
    .map((list) => list.map((entry, i) => ({ ...entry, index: prevIndex + 1 + i }) as PlacedWrite['entries'][number]));
const number53 = fc.maxSafeNat();
const ids = fc.uniqueArray(number53, { maxLength: 4 }).map((list) => list.sort((a, b) => a - b));
const placedWrite: fc.Arbitrary<PlacedWrite> = fc.nat().chain((prevIndex) =>
  fc.record({
    hard: fc.record({ term: number53, vote: number53, commit: number53 }),
    snapshot: fc.option(
      fc.record({
        index: number53,
        term: number53,
        membership: fc.record({ voters: ids, outgoing: ids, learners: ids, learnersNext: ids }),
      }),
      { nil: undefined },
    ),
    isReset: fc.boolean(),
    isRestated: fc.boolean(),
    truncateFrom: number53,
    compactTo: number53,
    prevIndex: fc.constant(prevIndex),
    prevTerm: number53,
    entries: entries(prevIndex),
  }),
);

test('a write is what was written, and what is cut off or changed is refused or another write, never an error of another kind', () => {
  fc.assert(
    fc.property(placedWrite, fc.nat(), fc.nat(255), (write, at, value) => {
      const writer = new ByteWriter();
      encodeWrite(writer, write);
      const bytes = writer.take();
      deepStrictEqual(structuredClone(decodeWrite(bytes, 0, bytes.length)), structuredClone(write));
      for (const bad of [
        bytes.slice(0, at % bytes.length),
        Uint8Array.from(bytes, (b, i) => (i === at % bytes.length ? value : b)),
      ]) {
        try {
          decodeWrite(bad, 0, bad.length);
        } catch (error) {
          assert.instance(error, MalformedBytes);
        }
      }
    }),
  );
});

test.run();
