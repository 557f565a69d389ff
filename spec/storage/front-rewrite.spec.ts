/** The front of a log is rewritten: nothing that anybody keeps changes, whatever happens meanwhile. */
import { deepStrictEqual } from 'node:assert';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Prng } from '../../src/base/prng.ts';
import { verifyLog } from '../../src/storage/check/verify-log.ts';
import { FrontRewrite } from '../../src/storage/front-rewrite.ts';
import { Journal } from '../../src/storage/journal.ts';
import { readFrames } from '../../src/storage/journal-reader.ts';
import { makeBatch } from './batches.ts';
import { journalOptions, ModelledJournal, type Picture, pictureOf } from './journal-model.ts';
import { SimDisk } from './sim-disk.ts';

const test = suite('front rewrite');

/** Segments of 8 KiB, all of them on disk alone. */
const SMALL = { segmentBytes: 8 * 1024, tailBytes: 4096 };

function rewrite(journal: Journal): FrontRewrite {
  const rewriting = new FrontRewrite(journal);
  while (!rewriting.isDone) rewriting.step();
  return rewriting;
}

/** One old record of shard 1 in the first segment, and many of shard 2 behind it, of which the last are kept. */
function straggling(disk: SimDisk): Journal {
  const journal = new Journal(journalOptions(disk, 3, SMALL));
  journal.create(1);
  journal.create(2);
  journal.append(1, 0, makeBatch(3, 65, 100), 0, 161);
  for (let i = 0; i < 60; i++) {
    journal.append(2, i, makeBatch(1, 66, 1000), 0, 1061);
    journal.commit(true, (error) => assert.is(error, undefined));
    if (i === 30) journal.append(1, 3, makeBatch(2, 67, 100), 0, 161);
  }
  journal.trim(2, 58);
  journal.commit(true, () => {});
  return journal;
}

test('what was trimmed goes when that is on disk', () => {
  const disk = new SimDisk();
  const journal = straggling(disk);
  journal.trim(2, 59);
  const rewriting = new FrontRewrite(journal);
  for (let i = 0; i < 100; i++) rewriting.step();
  assert.not(rewriting.isDone, 'nobody has committed that');
  journal.commit(false, (error) => assert.is(error, undefined));
  while (!rewriting.isDone) rewriting.step();
  assert.ok(rewriting.freedBytes > 40_000);
  // Names are as they are now; what was not synced is gone.
  disk.crash(() => 0);
  const again = new Journal(journalOptions(disk, 4, SMALL));
  assert.is(again.table.start(2), 59);
  assert.equal(again.recovery.damages, []);
});

test('a log that cannot be written any more is not rewritten either', () => {
  const disk = new SimDisk();
  const journal = straggling(disk);
  journal.trim(2, 59);
  const rewriting = new FrontRewrite(journal);
  for (let i = 0; i < 100; i++) rewriting.step();
  disk.failWrite = { after: 1, code: 'EIO', partBytes: 0 };
  journal.commit(false, (error) => assert.ok(error));
  rewriting.step();
  assert.ok(rewriting.isDone && rewriting.failure !== null);
});

test('an old record does not keep the segments behind it', () => {
  const disk = new SimDisk();
  const journal = straggling(disk);
  assert.is(journal.front.collect(), 0);
  const before = journal.sealed.length;
  const picture = pictureOf(journal);
  const { freedBytes, failure } = rewrite(journal);
  assert.is(failure, null);
  assert.ok(before > 6 && journal.sealed.length === 2, `${before} segments, then ${journal.sealed.length}`);
  assert.ok(freedBytes > 40_000);
  deepStrictEqual(pictureOf(journal), picture);
  journal.append(1, 5, makeBatch(1, 68, 100), 0, 161);
  journal.commit(true, (error) => assert.is(error, undefined));
  assert.is(rewrite(journal).freedBytes, 0, 'nothing more to be had');
  const after = pictureOf(journal);
  journal.close();
  deepStrictEqual(pictureOf(new Journal(journalOptions(disk, 4, SMALL))), after);
  assert.equal(verifyLog(disk, '/log').findings, []);
});

test('what is mostly kept stays as it is', () => {
  const disk = new SimDisk();
  const journal = new Journal(journalOptions(disk, 3, SMALL));
  journal.create(1);
  for (let i = 0; i < 60; i++) {
    journal.append(1, i, makeBatch(1, 66, 1000), 0, 1061);
    journal.commit(true, () => {});
  }
  const paths = disk.paths();
  assert.is(rewrite(journal).freedBytes, 0);
  journal.trim(1, 2);
  journal.commit(true, () => {});
  assert.is(rewrite(journal).freedBytes, 0);
  assert.equal(disk.paths(), paths);
});

function same(a: Picture, b: Picture): boolean {
  try {
    deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

test('beside a plain model: through further commits, rewriting again, and reopenings', () => {
  let freed = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const modelled = new ModelledJournal(new SimDisk(), seed, SMALL);
    let rewriting: FrontRewrite | null = null;
    for (let i = 0; i < 80; i++) {
      modelled.step();
      rewriting ??= new FrontRewrite(modelled.journal);
      for (let steps = (seed + i) % 4; steps > 0 && !rewriting.isDone; steps--) rewriting.step();
      if (rewriting.isDone) {
        freed += rewriting.freedBytes > 0 ? 1 : 0;
        assert.is(rewriting.failure, null);
        rewriting = null;
      }
      if (i % 7 === 0) modelled.journal.front.collect();
      if (i % 13 === 0) {
        modelled.kill();
        rewriting = null;
      }
      if (i % 5 === 0) deepStrictEqual(pictureOf(modelled.journal), modelled.picture(), `seed ${seed}, step ${i}`);
    }
    modelled.commit(true);
    modelled.kill();
    deepStrictEqual(pictureOf(modelled.journal), modelled.picture(), `seed ${seed}`);
    assert.equal(
      verifyLog(modelled.disk, '/log').findings.filter(({ kind }) => kind === 'damage'),
      [],
      `seed ${seed}`,
    );
  }
  assert.ok(freed > 30, `fronts are rewritten (${freed})`);
});

test('power is cut at any moment of it', () => {
  let cutShort = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const modelled = new ModelledJournal(new SimDisk(), seed, SMALL);
    for (let i = 0; i < 70; i++) modelled.step();
    const prng = new Prng(seed);
    const rewriting = new FrontRewrite(modelled.journal);
    const { disk } = modelled;
    // Each call of these may be the last: the power goes before it, or between it and the next.
    let left = 1 + Math.floor(prng.next() * 12);
    for (const name of ['rename', 'remove', 'syncDir', 'write', 'close'] as const) {
      const call = disk[name].bind(disk) as (...args: unknown[]) => void;
      (disk as unknown as Record<string, unknown>)[name] = (...args: unknown[]): void => {
        if (--left <= 0) throw new Error('the power is gone');
        call(...args);
      };
    }
    while (!rewriting.isDone) rewriting.step();
    if (left <= 0) cutShort++;
    for (const name of ['rename', 'remove', 'syncDir', 'write', 'close'] as const)
      delete (disk as unknown as Record<string, unknown>)[name];
    modelled.crash();
    const found = pictureOf(modelled.journal);
    assert.ok(
      modelled.possible.some((picture) => same(picture, found)),
      `seed ${seed}`,
    );
    assert.is(modelled.journal.recovery.damages.length, 0);
    assert.is(
      disk.paths().some((path) => path.includes('rewrite')),
      false,
    );
  }
  assert.ok(cutShort > 40, `${cutShort} were cut short`);
});

for (const fault of ['write', 'sync', 'full'] as const) {
  test(`a disk that fails (${fault}) costs the rewriting and nothing else`, () => {
    const disk = new SimDisk();
    const journal = straggling(disk);
    const picture = pictureOf(journal);
    const paths = disk.paths();
    if (fault === 'write') disk.failWrite = { after: 2, code: 'EIO', partBytes: 30 };
    else if (fault === 'sync') disk.failSync = { after: 1, code: 'EIO' };
    else disk.failWrite = { after: 1, code: 'ENOSPC', partBytes: 0 };
    const { failure, freedBytes } = rewrite(journal);
    assert.is((failure as { code?: string } | null)?.code, fault === 'full' ? 'ENOSPC' : 'EIO');
    assert.is(freedBytes, 0);
    disk.failWrite = null;
    assert.equal(disk.paths(), paths);
    deepStrictEqual(pictureOf(journal), picture);
    assert.is(journal.poisoned, null);
    assert.ok(rewrite(journal).freedBytes > 0, 'later it goes well');
    deepStrictEqual(pictureOf(journal), picture);
  });
}

test('a damaged record is not carried on: the front stays as it is', () => {
  const disk = new SimDisk();
  const journal = straggling(disk);
  disk.bytes('/log/0000000000000001.seg')[4096 + 64 + 100]! ^= 8;
  for (let at = 4096; at < 4500; at++) disk.bytes('/log/0000000000000001.seg')[at]! ^= 1;
  const { failure } = rewrite(journal);
  assert.match(failure?.message ?? '', /0000000000000001\.seg: the frame at byte \d+ is damaged/);
  assert.is(disk.paths().some((path) => path.includes('rewrite')), false); // biome-ignore format: one line
});

test('a footer or trailer of a rewritten segment is made again from its frames', () => {
  const disk = new SimDisk();
  const journal = straggling(disk);
  rewrite(journal);
  const picture = pictureOf(journal);
  const { path } = journal.sealed[0]!.info;
  journal.close();
  for (const fromEnd of [10, 60, 100]) {
    const copy = disk.fork();
    const bytes = copy.bytes(path);
    bytes[bytes.length - fromEnd]! ^= 16;
    deepStrictEqual(pictureOf(new Journal(journalOptions(copy, 4, SMALL))), picture);
  }
});

test('a reader that is under way reads what it was told, and the swap waits for it', () => {
  const disk = new SimDisk();
  const journal = straggling(disk);
  const later: (() => void)[] = [];
  const { readLater } = disk;
  disk.readLater = (...args) => void later.push(() => readLater.apply(disk, args));
  let read: Uint8Array | undefined;
  readFrames(journal, 1, 0, 1 << 20, (error, frames) => {
    assert.is(error, undefined);
    read = frames;
  });
  assert.is(later.length, 1);
  disk.readLater = readLater;
  const rewriting = new FrontRewrite(journal);
  for (let i = 0; i < 100; i++) rewriting.step();
  assert.is(rewriting.isDone, false);
  while (later.length > 0) later.shift()!();
  assert.ok(read!.length > 300);
  for (let i = 0; i < 10; i++) rewriting.step();
  assert.is(rewriting.isDone, true);
  assert.ok(rewriting.freedBytes > 0);
});

test('given up, it leaves nothing', () => {
  const disk = new SimDisk();
  const journal = straggling(disk);
  const paths = disk.paths();
  for (let steps = 0; steps < 20; steps++) {
    const rewriting = new FrontRewrite(journal);
    for (let i = 0; i < steps && !rewriting.isDone; i++) rewriting.step();
    if (rewriting.isDone) break;
    rewriting.cancel();
    assert.equal(disk.paths(), paths, `after ${steps} steps`);
  }
  assert.is(disk.openFiles < 40, true);
});

test.run();
