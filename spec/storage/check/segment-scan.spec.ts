import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ScannedFrame, type ScannedGap, scanSegment } from '../../../src/storage/check/segment-scan.ts';
import { FRAME } from '../../../src/storage/frame.ts';
import { Journal } from '../../../src/storage/journal.ts';
import { readSegmentEnds } from '../../../src/storage/segment-ends.ts';
import { makeBatch } from '../batches.ts';
import { journalOptions } from '../journal-model.ts';
import { SimDisk } from '../sim-disk.ts';

const test = suite('segment-scan');
const PATH = '/log/0000000000000001.seg';

function log(commits: number, segmentBytes = 1024 * 1024, seed = 3): SimDisk {
  const disk = new SimDisk();
  const journal = new Journal(journalOptions(disk, seed, { segmentBytes }));
  journal.create(1);
  for (let i = 0; i < commits; i++) {
    journal.append(1, -1, makeBatch(2, 7, 100), 0, 161);
    journal.append(1, -1, makeBatch(1, 7, 40), 0, 101);
    journal.commit(true, () => {});
  }
  journal.close();
  return disk;
}

function scan(disk: SimDisk, path = PATH, from = 0): (ScannedFrame | ScannedGap)[] {
  const file = disk.open(path, 'read');
  const items = [...scanSegment(disk, file, readSegmentEnds(disk, path), from)];
  disk.close(file);
  return items;
}

const typesOf = (items: readonly (ScannedFrame | ScannedGap)[]): string =>
  items
    .map((item) =>
      item.kind === 'gap' ? item.what : `${item.header.type}${item.isSound ? '' : '!'}${'?'.repeat(item.remarks.length)}`,
    )
    .join(' ');

test('all frames of a segment come in order, with its footer', () => {
  assert.is(typesOf(scan(log(2))), '3 6 1 1 3 1 1');
  const sealed = log(200, 32 * 1024);
  const items = scan(sealed);
  assert.is((items.at(-1) as ScannedFrame).header.type, FRAME.footer);
  assert.ok(items.every((item) => item.kind === 'frame' && item.isSound && item.remarks.length === 0));
});

test('every byte of the file belongs to one thing, whatever bit is flipped', () => {
  const disk = log(3);
  const size = disk.bytes(PATH).length;
  for (let position = 0; position < size; position += position < 64 ? 1 : 13) {
    const flipped = disk.fork();
    flipped.bytes(PATH)[position]! ^= 1 << (position % 8);
    let end = 4096;
    let wrong = 0;
    for (const item of scan(flipped)) {
      assert.is(item.position, end, `flip at ${position}`);
      if (item.kind === 'gap' || !item.isSound) wrong++;
      // After a damaged frame the scan goes on wherever the next one is.
      end = item.kind === 'gap' ? item.end : item.position + (item.isSound ? item.header.length : nextStart(flipped, item));
    }
    assert.is(end, size);
    assert.is(wrong > 0, position >= 4096, `flip at ${position}`);
  }
});

function nextStart(disk: SimDisk, { position }: ScannedFrame): number {
  const items = scan(disk);
  const next = items.find((item) => item.position > position);
  return (next?.position ?? disk.bytes(PATH).length) - position;
}

test('a damaged frame is shown as such, and what comes after it is found again', () => {
  const disk = log(3);
  const target = scan(disk)[2] as ScannedFrame;
  disk.bytes(PATH)[target.position + 70]! ^= 1;
  assert.match(typesOf(scan(disk)), /^3 6 1! (unreadable )?1 3 1 1 3 1 1$/);
});

test('what an earlier use of the file has left is told from zeros and from rubbish', () => {
  const disk = log(3);
  const file = disk.open(PATH, 'write');
  const end = disk.size(file);
  disk.truncate(file, end + 400);
  assert.is(typesOf(scan(disk)).split(' ').at(-1), 'zeros');
  disk.write(file, Uint8Array.of(1, 2, 3), 0, 3, end + 333);
  assert.is(typesOf(scan(disk)).split(' ').at(-1), 'unreadable');
  const stale = log(1, 1024 * 1024, 99)
    .bytes(PATH)
    .slice(4096, 4096 + 300);
  disk.write(file, stale, 0, stale.length, end + 8);
  assert.match(typesOf(scan(disk)), / remains$/);
});

test('a file without its first page is read by the generation of its frames', () => {
  const disk = log(2);
  disk.bytes(PATH).fill(0, 0, 64);
  assert.is(readSegmentEnds(disk, PATH).header, undefined);
  assert.is(typesOf(scan(disk)), '3 6 1 1 3 1 1');
});

test('a lost lsn and an unfinished commit are remarked on', () => {
  const disk = log(3);
  const frames = scan(disk) as ScannedFrame[];
  const cut = frames[4]!.position; // the second commit
  const third = frames.at(-3)!.position;
  const bytes = disk.bytes(PATH).slice();
  const file = disk.open(PATH, 'write');
  disk.write(file, bytes, third, bytes.length, cut);
  disk.truncate(file, cut + bytes.length - third);
  const remarks = (scan(disk) as ScannedFrame[]).flatMap((frame) => frame.remarks);
  assert.equal(remarks, [`lsn ${frames[4]!.header.lsn} was due`]);
});

test('a scan from the middle begins with the next frame', () => {
  const disk = log(3);
  const frames = scan(disk) as ScannedFrame[];
  const items = scan(disk, PATH, frames[3]!.position + 1);
  assert.is(items.find((item) => item.kind === 'frame')?.position, frames[4]!.position);
  assert.is(typesOf(scan(disk, PATH, frames[4]!.position)), '3 1 1 3 1 1');
});

test.run();
