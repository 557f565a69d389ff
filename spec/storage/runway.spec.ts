import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LOG_RUNWAY_COMMIT_BYTES_MAX } from '../../src/base/limits.ts';
import { Journal } from '../../src/storage/journal.ts';
import { Runway } from '../../src/storage/runway.ts';
import { makeBatch } from './batches.ts';
import { journalOptions, pictureOf } from './journal-model.ts';
import { SimDisk } from './sim-disk.ts';

const test = suite('runway');
const BYTES = 4096;
const ACTIVE = '/log/0000000000000001.seg';

function logOf(disk: SimDisk): Journal {
  const journal = new Journal(journalOptions(disk, 1, { runwayBytes: BYTES, segmentBytes: 1024 * 1024 }));
  journal.create(1);
  return journal;
}

/** Appends a record with a value of `size` bytes; returns the file's size before and after. */
function put(journal: Journal, disk: SimDisk, size: number): { readonly before: number; readonly after: number } {
  const sizeOf = (): number => disk.size(journal.active.file);
  const before = sizeOf();
  const batch = makeBatch(1, 7, size);
  journal.append(1, -1, batch, 0, batch.length);
  journal.commit(true, (error) => assert.is(error, undefined));
  return { before, after: sizeOf() };
}

test('small commits lengthen the file once in a while; what they have written is the log', () => {
  const disk = new SimDisk();
  const journal = logOf(disk);
  let lengthened = 0;
  for (let i = 0; i < 100; i++) {
    const { before, after } = put(journal, disk, 100);
    assert.ok(after >= journal.active.position);
    if (after !== before) lengthened++;
  }
  assert.ok(lengthened > 2 && lengthened < 12, `lengthened ${lengthened} times`);
  const picture = pictureOf(journal);
  journal.close();
  disk.crash(() => 0.5);
  const again = logOf(disk);
  assert.equal(pictureOf(again), picture);
  assert.is(again.recovery.tornBytes, 0);
  const { before, after } = put(again, disk, 100);
  assert.is(after, before, 'goes on in what is left of the runway');
});

test('big commits get none, and end a runway', () => {
  const disk = new SimDisk();
  const journal = logOf(disk);
  put(journal, disk, LOG_RUNWAY_COMMIT_BYTES_MAX);
  assert.is(disk.size(journal.active.file), journal.active.position);
  put(journal, disk, 10);
  assert.is(disk.size(journal.active.file), journal.active.position + BYTES);
  put(journal, disk, LOG_RUNWAY_COMMIT_BYTES_MAX);
  assert.is(disk.size(journal.active.file), journal.active.position);
});

test('a disk without room for it is no failure of the commit', () => {
  const disk = new SimDisk();
  const journal = logOf(disk);
  disk.failWrite = { after: 2, code: 'ENOSPC', partBytes: 100 };
  put(journal, disk, 10);
  disk.failWrite = null;
  for (let i = 0; i < 10; i++) put(journal, disk, 10);
  assert.is(journal.table.end(1), 11);
  journal.close();
  assert.is(logOf(disk).table.end(1), 11);
});

test('any other failure of the disk ends the log', () => {
  const disk = new SimDisk();
  const journal = logOf(disk);
  disk.failWrite = { after: 2, code: 'EIO', partBytes: 0 };
  const batch = makeBatch(1, 7, 10);
  journal.append(1, -1, batch, 0, batch.length);
  let failure: Error | undefined;
  journal.commit(true, (error) => {
    failure = error;
  });
  assert.is((failure as { code?: string } | undefined)?.code, 'SLUICE_STORAGE_FAILED');
});

test('never writes over what is written, and is nowhere but behind it', () => {
  const commits = fc.array(fc.integer({ min: 1, max: LOG_RUNWAY_COMMIT_BYTES_MAX * 2 }), { maxLength: 60 });
  fc.assert(
    fc.property(commits, fc.nat({ max: 20_000 }), fc.nat({ max: 9000 }), (sizes, found, bytes) => {
      const disk = new SimDisk();
      disk.makeDir();
      const file = disk.open(ACTIVE, 'create');
      disk.write(file, new Uint8Array(found), 0, found, 0);
      const runway = new Runway(disk, bytes);
      runway.begin(found);
      let end = 0;
      for (const size of sizes) {
        disk.write(file, new Uint8Array(size).fill(1), 0, size, end);
        end += size;
        runway.lengthen(file, end, size);
      }
      const content = new Uint8Array(disk.size(file));
      disk.read(file, content, 0, content.length, 0);
      assert.ok(content.subarray(0, end).every((byte) => byte === 1));
      assert.ok(content.subarray(end).every((byte) => byte === 0));
      assert.ok(content.length <= Math.max(found, end + bytes));
    }),
  );
});

test.run();
