import { deepStrictEqual } from 'node:assert';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Prng } from '../../src/base/prng.ts';
import { Journal } from '../../src/storage/journal.ts';
import { offsetForTime } from '../../src/storage/places.ts';
import { makeBatch } from './batches.ts';
import { journalOptions, ModelledJournal, type Picture, pictureOf } from './journal-model.ts';
import { SimDisk } from './sim-disk.ts';

const test = suite('journal');

function same(a: Picture, b: Picture): boolean {
  try {
    deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

/** The journal is as it was after one of the commits that it may be at; the model goes on from there. */
function mustBePossible(modelled: ModelledJournal, seed: number): void {
  const found = pictureOf(modelled.journal);
  const match = modelled.possible.findLast((picture) => same(picture, found));
  if (match === undefined) deepStrictEqual(found, modelled.possible.at(-1), `seed ${seed}`);
  modelled.adopt(found);
}

test('is what a plain model is, through commits, rolled segments and clean reopenings', () => {
  let sealed = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const modelled = new ModelledJournal(new SimDisk(), seed);
    for (let i = 0; i < 60; i++) {
      modelled.step();
      if (i % 10 === 0) modelled.kill();
      if (i % 7 === 0) modelled.journal.front.collect();
      if (i % 5 === 0 || i === 59) deepStrictEqual(pictureOf(modelled.journal), modelled.picture(), `seed ${seed}, step ${i}`);
    }
    sealed += modelled.journal.active.number - 1;
  }
  assert.ok(sealed > 40, `segments were sealed (${sealed})`);
});

test('keeps every synced commit through crashes of power, and each commit whole or not at all', () => {
  let lost = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const modelled = new ModelledJournal(new SimDisk(), seed);
    for (let i = 0; i < 12; i++) {
      for (let steps = (seed + i) % 7; steps >= 0; steps--) modelled.step();
      const before = modelled.possible.length;
      modelled.crash();
      const found = pictureOf(modelled.journal);
      if (before > 1 && !same(found, modelled.possible.at(-1)!)) lost++;
      mustBePossible(modelled, seed);
    }
  }
  assert.ok(lost > 20, `crashes that lose unsynced commits happen (${lost})`);
});

test('what an opening has found is durable, whether the process that wrote it had synced it or not', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const modelled = new ModelledJournal(new SimDisk(), seed);
    for (let i = 0; i < 6; i++) {
      for (let steps = (seed + i) % 7; steps >= 0; steps--) modelled.step();
      modelled.kill();
      const found = pictureOf(modelled.journal);
      modelled.crash();
      deepStrictEqual(pictureOf(modelled.journal), found, `seed ${seed}`);
    }
  }
});

test('a crash in the middle of a write leaves all or nothing of that commit', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const modelled = new ModelledJournal(new SimDisk(), seed);
    for (let i = 0; i < 5; i++) modelled.step();
    modelled.disk.failWrite = { after: 1, code: 'EIO', partBytes: seed * 37 };
    try {
      modelled.step();
    } catch {
      // poisoned, as it must be
    }
    modelled.crash();
    mustBePossible(modelled, seed);
  }
});

function smallLog(): { disk: SimDisk; frames: number[] } {
  const disk = new SimDisk();
  const journal = new Journal(journalOptions(disk, 7));
  journal.create(1);
  const frames: number[] = [];
  for (let i = 0; i < 4; i++) {
    journal.append(1, i * 2, makeBatch(2, 65 + i, 100), 0, 161);
    journal.commit(true, (error) => assert.is(error, undefined));
    frames.push(journal.active.position);
  }
  journal.close();
  return { disk, frames };
}

const SEGMENT = '/log/0000000000000001.seg';

function fillsOf(disk: SimDisk): string {
  const journal = new Journal(journalOptions(disk, 8));
  const picture = pictureOf(journal).get(1);
  journal.close();
  return (picture?.entries ?? []).map((entry) => entry.split('|')[2]![0]).join('');
}

test('a tail torn at any byte of the last commit is cut, and the log goes on there', () => {
  const { disk, frames } = smallLog();
  const end = frames.at(-1)!;
  for (let size = frames[2]!; size < end; size++) {
    const torn = disk.fork();
    torn.cut(SEGMENT, size);
    assert.is(fillsOf(torn), 'ABC', `cut at ${size}`);
    const journal = new Journal(journalOptions(torn, 9));
    journal.append(1, 6, makeBatch(2, 90, 100), 0, 161);
    journal.commit(true, (error) => assert.is(error, undefined));
    journal.close();
    assert.is(fillsOf(torn), 'ABCZ', `goes on after ${size}`);
  }
});

test('a bit flipped anywhere is an error, is mended, or costs the last commit at most, and is never read as data', () => {
  const { disk, frames } = smallLog();
  const end = frames.at(-1)!;
  const seen = { refused: 0, mended: 0, lastLost: 0 };
  for (let position = 0; position < end; position++) {
    const flipped = disk.fork();
    flipped.bytes(SEGMENT)[position]! ^= 1 << (position % 8);
    let fills: string;
    try {
      fills = fillsOf(flipped);
    } catch (error) {
      assert.match(String((error as { code?: string }).code), /SLUICE_STORAGE_(CORRUPT|FOREIGN)/);
      seen.refused++;
      continue;
    }
    if (fills === 'ABCD') seen.mended++;
    else {
      assert.is(fills, 'ABC', `flip at ${position}`);
      assert.ok(position >= frames[2]!, 'what a later commit proves to have been durable is never cut');
      seen.lastLost++;
    }
  }
  assert.ok(seen.refused > frames[2]! - 4096, 'damage in the middle is refused');
  assert.ok(seen.mended > 0 && seen.lastLost > 0);
});

test('what a log may lose by a flipped bit it reports when it is told to serve', () => {
  const { disk, frames } = smallLog();
  disk.bytes(SEGMENT)[frames[0]! + 100]! ^= 4;
  assert.throws(() => new Journal(journalOptions(disk, 8)), /SLUICE_STORAGE_CORRUPT|damaged/);
  const journal = new Journal(journalOptions(disk, 8, { onCorruption: 'serve' }));
  assert.ok(
    journal.recovery.damages.some((damage) => damage.includes('offsets 2 to 3')),
    String(journal.recovery.damages),
  );
  assert.is(
    pictureOf(journal)
      .get(1)!
      .entries.map((entry) => entry.split('|')[0])
      .join(),
    '0,4,6',
  );
});

test('a recycled segment never brings back what its file held before', () => {
  const disk = new SimDisk();
  const options = journalOptions(disk, 3);
  let journal = new Journal(options);
  journal.create(1);
  let next = 0;
  const fill = (count: number): void => {
    for (let i = 0; i < count; i++) {
      journal.append(1, next, makeBatch(1, 1, 1000), 0, 1061);
      next++;
      journal.commit(true, (error) => assert.is(error, undefined));
    }
  };
  fill(200);
  journal.trim(1, next);
  journal.commit(true, () => {});
  assert.ok(journal.front.collect() > 3);
  assert.is(disk.paths().filter((path) => path.includes('spare')).length, 2);
  fill(40); // rolls into the spares
  assert.is(disk.paths().filter((path) => path.includes('spare')).length, 1);
  journal.close();
  for (let crash = 0; crash < 20; crash++) {
    const copy = disk.fork();
    copy.crash(() => ((crash * 7919) % 100) / 100);
    journal = new Journal({ ...options, disk: copy });
    assert.is(journal.table.end(1), next);
    assert.is(pictureOf(journal).get(1)!.entries.length, 40);
  }
});

test('a full disk undoes the commit, and writing goes on when there is room again', () => {
  const modelled = new ModelledJournal(new SimDisk(), 5);
  for (let i = 0; i < 5; i++) modelled.step();
  const { journal, disk } = modelled;
  const shard = [...journal.table.shards()][0]!;
  const end = journal.table.end(shard);
  const before = pictureOf(journal);
  disk.failWrite = { after: 1, code: 'ENOSPC', partBytes: 70 };
  journal.append(shard, end, makeBatch(3, 1, 200), 0, 261);
  let code = '';
  journal.commit(true, (error) => {
    code = (error as { code?: string }).code ?? '';
  });
  assert.is(code, 'SLUICE_STORAGE_FULL');
  assert.is(journal.table.next(shard), end, 'the offsets are free again');
  deepStrictEqual(pictureOf(journal), before);
  disk.failWrite = null;
  journal.append(shard, end, makeBatch(1, 2, 10), 0, 71);
  journal.commit(true, (error) => assert.is(error, undefined));
  assert.is(journal.table.end(shard), end + 1);
  disk.crash(() => 0.9);
  const again = new Journal(journalOptions(disk, 5));
  assert.is(again.table.end(shard), end + 1);
});

for (const fault of ['write', 'sync'] as const) {
  test(`after a failed ${fault} the log takes nothing more, and the next recovery finds what was durable`, () => {
    const disk = new SimDisk();
    const journal = new Journal(journalOptions(disk, 5));
    journal.create(1);
    journal.append(1, 0, makeBatch(1, 65, 10), 0, 71);
    journal.commit(true, (error) => assert.is(error, undefined));
    if (fault === 'write') disk.failWrite = { after: 1, code: 'EIO', partBytes: 30 };
    else disk.failSync = { after: 1, code: 'EIO' };
    journal.append(1, 1, makeBatch(1, 66, 10), 0, 71);
    const codes: string[] = [];
    const note = (error: Error | undefined): void => void codes.push(String((error as { code?: string } | undefined)?.code));
    journal.commit(true, note);
    journal.commit(true, note);
    assert.equal(codes, ['SLUICE_STORAGE_FAILED', 'SLUICE_STORAGE_FAILED'], 'a second sync is not trusted');
    assert.throws(() => journal.append(1, 1, makeBatch(1, 66, 10), 0, 71), /cannot be written/);
    disk.crash(() => 0);
    assert.is(fillsOf(disk), 'A');
  });
}

test('a foreign segment and a missing one are refused', () => {
  const disk = new SimDisk();
  const journal = new Journal(journalOptions(disk, 3));
  journal.create(1);
  for (let i = 0; i < 120; i++) {
    journal.append(1, i, makeBatch(1, 1, 1000), 0, 1061);
    journal.commit(true, () => {});
  }
  journal.close();
  const segments = disk.paths().filter((path) => path.endsWith('.seg'));
  assert.ok(segments.length >= 4);
  for (const missing of segments.slice(1, -1)) {
    const holed = disk.fork();
    holed.remove(missing);
    assert.throws(() => new Journal(journalOptions(holed, 4)), /is missing|segment is gone/);
  }
  const mixed = disk.fork();
  const other = new Journal(journalOptions(mixed, 99, { directory: '/other' }));
  other.close();
  mixed.rename('/other/0000000000000001.seg', '/log/0000000000000099.seg');
  assert.throws(() => new Journal(journalOptions(mixed, 4)), /not a segment of this log/);
  const stray = disk.fork();
  stray.close(stray.open('/log/README', 'create'));
  assert.equal(new Journal(journalOptions(stray, 4)).recovery.strangers, ['README']);
});

test('damaged or missing footers, trailers and checkpoints are made again', () => {
  const disk = new SimDisk();
  const journal = new Journal(journalOptions(disk, 3));
  for (const shard of [1, 2, 3]) journal.create(shard);
  for (let i = 0; i < 120; i++) {
    for (const shard of [1, 2, 3]) journal.append(shard, i, makeBatch(1, shard, 300 + i), 0, 361 + i);
    journal.commit(true, () => {});
  }
  const picture = pictureOf(journal);
  journal.close();
  const damaged = (what: (copy: SimDisk) => void): void => {
    const copy = disk.fork();
    what(copy);
    deepStrictEqual(pictureOf(new Journal(journalOptions(copy, 4))), picture);
    deepStrictEqual(pictureOf(new Journal(journalOptions(copy, 4))), picture);
  };
  damaged((copy) => copy.remove('/log/checkpoint'));
  damaged((copy) => {
    copy.remove('/log/checkpoint');
    copy.remove('/log/checkpoint.old');
  });
  damaged((copy) => {
    copy.bytes('/log/checkpoint')[50]! ^= 1;
  });
  const segments = disk.paths().filter((path) => path.endsWith('.seg'));
  for (const path of segments.slice(0, -1)) {
    for (const fromEnd of [10, 60, 100, 200]) {
      damaged((copy) => {
        const bytes = copy.bytes(path);
        bytes[bytes.length - fromEnd]! ^= 16;
      });
    }
  }
});

test('finds offsets by time', () => {
  const disk = new SimDisk();
  const journal = new Journal(journalOptions(disk, 3));
  journal.create(1);
  for (let i = 0; i < 100; i++) {
    journal.append(1, i * 2, makeBatch(2, 1, 1000, 10_000 + i * 10), 0, 1061);
    journal.commit(true, () => {});
  }
  assert.ok(journal.sealed.length > 1);
  assert.is(offsetForTime(journal, 1, 0), 0);
  assert.is(offsetForTime(journal, 1, 10_105), 22);
  assert.is(offsetForTime(journal, 1, 10_990), 198);
  assert.is(offsetForTime(journal, 1, 10_991), 200);
  journal.trim(1, 50);
  assert.is(offsetForTime(journal, 1, 0), 50);
});

test('segments go only when what has ended their records is on disk', () => {
  for (const ends of ['trim', 'drop'] as const) {
    const disk = new SimDisk();
    const journal = new Journal(journalOptions(disk, 7, { segmentBytes: 6000 }));
    journal.create(1);
    journal.create(2);
    const append = (): void => {
      journal.append(1, -1, makeBatch(2, 65, 1500), 0, 1561);
    };
    for (let i = 0; i < 14; i++) {
      append();
      journal.commit(true, (error) => assert.is(error, undefined));
    }
    const end = journal.table.end(1);
    if (ends === 'trim') journal.trim(1, end - 2);
    else journal.drop(1);
    assert.is(journal.front.collect(), 0, 'nobody has committed that');
    journal.append(2, -1, makeBatch(2, 65, 100), 0, 161);
    assert.is(journal.front.collect(), 0);
    journal.commit(false, (error) => assert.is(error, undefined));
    const { syncs } = disk;
    assert.ok(journal.front.collect() > 3, 'it is synced for that');
    assert.is(disk.syncs, syncs + 1);
    // Names are as they are now; what was not synced is gone.
    disk.crash(() => 0);
    const again = new Journal(journalOptions(disk, 8, { segmentBytes: 6000 }));
    if (ends === 'trim') assert.is(again.table.start(1), end - 2);
    else assert.not(again.table.has(1));
    again.close();
  }
});

test('on a busy log segments go with the first sync after they were found to be empty', () => {
  const disk = new SimDisk();
  const journal = new Journal(journalOptions(disk, 7, { segmentBytes: 6000 }));
  journal.create(1);
  const append = (): void => {
    journal.append(1, -1, makeBatch(2, 65, 1500), 0, 1561);
  };
  for (let i = 0; i < 20; i++) {
    append();
    journal.commit(true, (error) => assert.is(error, undefined));
  }
  const segments = journal.sealed.length;
  journal.trim(1, journal.table.end(1) - 2);
  append();
  assert.is(journal.front.collect(), 0);
  journal.commit(true, (error) => assert.is(error, undefined));
  append();
  journal.trim(1, journal.table.end(1));
  assert.ok(journal.front.collect() >= segments - 2, 'all of them, though other things are staged');
  journal.commit(true, (error) => assert.is(error, undefined));
});

test('what the checkpoints begin with stays, also when the log dies again and again between a segment and its checkpoint', () => {
  let collected = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const prng = new Prng(seed);
    const disk = new SimDisk();
    let end = 0;
    for (let life = 1; life <= 8; life++) {
      const journal = new Journal(journalOptions(disk, 100 * seed + life, { segmentBytes: 6000 }));
      journal.create(1);
      assert.ok(journal.table.end(1) >= end, `seed ${seed}, life ${life}: ${journal.table.end(1)} of ${end}`);
      const append = (): void => {
        journal.append(1, -1, makeBatch(2, 65, 1500), 0, 1561);
        journal.commit(true, (error) => {
          if (error === undefined) end = journal.table.end(1);
        });
      };
      journal.trim(1, journal.table.end(1) - 2);
      journal.commit(true, () => {});
      collected += journal.front.collect();
      disk.failSync = { after: 2 + prng.below(9), code: 'EIO' };
      for (let i = 0; i < 9 && journal.poisoned === null; i++) append();
      disk.crash(() => prng.next());
    }
  }
  assert.ok(collected > 50, `segments were given up (${collected})`);
});

test('a crash while a recycled file becomes the next segment leaves a log that opens, with all that was committed', () => {
  for (let seed = 1; seed <= 20; seed++) {
    for (let sync = 1; sync <= 8; sync++) {
      const disk = new SimDisk();
      const journal = new Journal(journalOptions(disk, seed, { segmentBytes: 6000 }));
      journal.create(1);
      let end = 0;
      const append = (): void => {
        journal.append(1, -1, makeBatch(2, 65, 1500), 0, 1561);
        journal.commit(true, (error) => {
          if (error === undefined) end = journal.table.end(1);
        });
      };
      for (let i = 0; i < 14; i++) append();
      journal.trim(1, end - 2);
      journal.commit(true, () => {});
      assert.ok(journal.front.collect() > 0, 'there are files to recycle');
      disk.failSync = { after: sync, code: 'EIO' };
      for (let i = 0; i < 5 && journal.poisoned === null; i++) append();
      const prng = new Prng(seed * 100 + sync);
      disk.crash(() => prng.next());
      const again = new Journal(journalOptions(disk, seed + 500, { segmentBytes: 6000 }));
      assert.ok(again.table.end(1) >= end, `seed ${seed}, sync ${sync}: ${again.table.end(1)} of ${end}`);
    }
  }
});

test.run();
