/** `verifyLog` against logs that a model has driven and against logs that somebody has damaged: it must see what recovery sees, and never cry wolf. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Prng } from '../../../src/base/prng.ts';
import { type LogReport, verifyLog } from '../../../src/storage/check/verify-log.ts';
import { Journal } from '../../../src/storage/journal.ts';
import { makeBatch } from '../batches.ts';
import { journalOptions, ModelledJournal, pictureOf } from '../journal-model.ts';
import { SimDisk } from '../sim-disk.ts';

const test = suite('verify-log');

const damages = ({ findings }: LogReport): string[] =>
  findings.filter(({ kind }) => kind === 'damage').map(({ place, what, affected }) => `${place}: ${what}: ${affected}`);

/** Checks a copy and fails if the check changes it. */
function verified(disk: SimDisk): LogReport {
  const before = disk.fork();
  const report = verifyLog(disk, '/log');
  assert.equal(disk.paths(), before.paths());
  for (const path of disk.paths())
    assert.ok(Buffer.compare(disk.bytes(path), before.bytes(path)) === 0, 'a check changes nothing');
  assert.is(disk.openFiles, 0, 'a check closes what it opens');
  return report;
}

test('logs are sound through commits, drops, trims, collected segments, kills and crashes of power', () => {
  let segments = 0;
  let torn = 0;
  const prng = new Prng(17);
  for (let seed = 1; seed <= 16; seed++) {
    const modelled = new ModelledJournal(new SimDisk(), seed);
    for (let i = 0; i < 40; i++) {
      modelled.step();
      if (i % 9 === 4) modelled.journal.front.collect();
      if (i % 8 !== 7) continue;
      const left = modelled.disk.fork();
      if (i % 16 === 7) left.crash(() => prng.next());
      else left.kill();
      const report = verified(left);
      assert.equal(damages(report), [], `seed ${seed}, step ${i}`);
      torn += report.findings.filter(({ what }) => what.includes('not whole')).length;
      segments = Math.max(segments, report.segments);
      if (i % 24 === 23) {
        modelled.kill();
        assert.equal(damages(verified(settled(modelled.disk))), [], `seed ${seed}, reopened at ${i}`);
      }
    }
  }
  assert.ok(segments > 4, `logs of several segments (${segments})`);
  assert.ok(torn > 1, `torn tails are seen and are no damage (${torn})`);
});

function settled(disk: SimDisk): SimDisk {
  const copy = disk.fork();
  copy.kill();
  return copy;
}

/** A log of several segments with three shards, one of which is dropped and one made again under its number; the last segment is open. */
function bigLog(records = 2): SimDisk {
  const disk = new SimDisk();
  const journal = new Journal(journalOptions(disk, 3));
  for (const shard of [1, 2, 3]) journal.create(shard);
  for (let i = 0; i < 90; i++) {
    for (const shard of [1, 2, 3]) journal.append(shard, -1, makeBatch(records, shard, 300 + i), 0, 361 + i);
    journal.commit(true, () => {});
    if (i === 50) {
      journal.drop(3);
      journal.create(3);
    }
  }
  journal.close();
  return disk;
}

const segmentsOf = (disk: SimDisk): string[] => disk.paths().filter((path) => path.endsWith('.seg'));

test('what is there is counted', () => {
  const report = verified(bigLog());
  assert.equal(damages(report), []);
  assert.equal([report.commits, report.records, report.shards, report.firstLsn], [90, 90 * 3 * 2, 3, 1]);
  assert.is(report.nextLsn, report.frames + 1);
});

test('a flipped bit is damage or costs nothing but the last commit, and recovery and check agree', () => {
  const disk = bigLog();
  const picture = pictureOf(new Journal(journalOptions(disk.fork(), 4)));
  const seen = { damage: 0, harmless: 0 };
  for (const path of segmentsOf(disk)) {
    const size = disk.bytes(path).length;
    for (let position = path.endsWith('1.seg') ? 0 : 4096; position < size; position += position < 64 ? 3 : 173) {
      const flipped = disk.fork();
      flipped.bytes(path)[position]! ^= 1 << (position % 8);
      const found = damages(verified(flipped)).length > 0;
      seen[found ? 'damage' : 'harmless']++;
      let opened: Journal | undefined;
      try {
        opened = new Journal(journalOptions(flipped, 5));
      } catch {}
      assert.ok(found || opened !== undefined, `recovery refuses what the check has not seen, ${path} at ${position}`);
      if (found || opened === undefined) continue;
      for (const [shard, { end }] of pictureOf(opened)) assert.ok(picture.get(shard)!.end - end <= 2, `${path} at ${position}`);
    }
  }
  assert.ok(seen.damage > 200 && seen.harmless > 15, JSON.stringify(seen));
});

test('damage in the middle is told with its place, and which offsets of which shard are lost', () => {
  const disk = new SimDisk();
  const journal = new Journal(journalOptions(disk, 3));
  journal.create(1);
  journal.create(2);
  const ends: number[] = [];
  for (let i = 0; i < 5; i++) {
    journal.append(1, -1, makeBatch(2, 7, 100), 0, 161);
    if (i !== 2) journal.append(2, -1, makeBatch(1, 7, 100), 0, 161);
    journal.commit(true, () => {});
    ends.push(journal.active.position);
  }
  journal.close();
  disk.bytes('/log/0000000000000001.seg')[ends[1]! + 100]! ^= 4;
  const [commits, offsets, ...others] = damages(verified(disk));
  assert.match(
    commits!,
    new RegExp(`0000000000000001.seg at bytes ${ends[1]} to ${ends[2]! - 1}: commits that were durable are damaged: lsn`),
  );
  assert.match(offsets!, /shard 1 goes on at 6, where 4 was due: offsets 4 to 5 are lost/);
  assert.equal(others, []);
});

test('missing segments are damage, be it the first, one in the middle or what the checkpoint needs', () => {
  const disk = bigLog();
  const segments = segmentsOf(disk);
  assert.ok(segments.length >= 3);
  for (const missing of segments.slice(0, -1)) {
    const holed = disk.fork();
    holed.remove(missing);
    const found = damages(verified(holed));
    assert.ok(
      found.some((text) => /lost|begins at lsn/.test(text)),
      `${missing}: ${found}`,
    );
  }
});

test('without a checkpoint a log that no longer begins at its beginning is damaged, and is not opened', () => {
  const disk = new SimDisk();
  const journal = new Journal(journalOptions(disk, 3));
  journal.create(1);
  journal.create(2);
  for (let i = 0; i < 120; i++) {
    journal.append(1, -1, makeBatch(1, 1, 1000), 0, 1061);
    journal.commit(true, () => {});
  }
  journal.trim(1, 110);
  journal.commit(true, () => {});
  assert.ok(journal.front.collect() > 0);
  journal.close();
  assert.equal(damages(verified(disk)), []);
  for (const path of ['/log/checkpoint', '/log/checkpoint.old']) disk.bytes(path)[60]! ^= 1;
  const found = damages(verified(disk));
  assert.is(found.filter((text) => text.includes('is damaged: no records')).length, 2);
  assert.ok(found.some((text) => text.includes('no longer begins at its beginning')));
  assert.throws(
    () => new Journal(journalOptions(disk, 4)),
    (error: { code?: string }) => error.code === 'SLUICE_STORAGE_CORRUPT',
  );
  const served = new Journal(journalOptions(disk, 4, { onCorruption: 'serve' }));
  assert.is(served.recovery.damages.length, 1);
});

test('footers and checkpoints that are sound in themselves and say something else than the frames are damage', () => {
  const disk = bigLog();
  const other = bigLog(3);
  // The same log but for the number of records: same random numbers, same places.
  const [first] = segmentsOf(disk);
  const mixed = disk.fork();
  const from = other.bytes(first!);
  const footerAt = Number(new DataView(from.buffer, from.byteOffset + from.length - 64).getBigUint64(16, true));
  mixed.bytes(first!).set(from.subarray(footerAt), footerAt);
  assert.match(String(damages(verified(mixed))), /the footer is damaged: .* entries are no frames/);
  const swapped = disk.fork();
  swapped.bytes('/log/checkpoint').set(other.bytes('/log/checkpoint').subarray(0, swapped.bytes('/log/checkpoint').length));
  assert.ok(damages(verified(swapped)).length > 0);
});

test('strangers and spare files are let be', () => {
  const disk = bigLog();
  disk.close(disk.open('/log/README', 'create'));
  disk.close(disk.open('/log/spare-0000000000000007', 'create'));
  const report = verified(disk);
  assert.equal(damages(report), []);
  assert.equal(
    report.findings.map(({ place }) => place),
    ['/log/README'],
  );
});

test.run();
