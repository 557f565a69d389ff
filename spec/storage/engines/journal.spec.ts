import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FileDisk } from '../../../src/storage/disk.ts';
import type { Engine } from '../../../src/storage/engine.ts';
import { DedicatedJournals, SharedJournal } from '../../../src/storage/engines/journal.ts';
import type { JournalOptions } from '../../../src/storage/journal.ts';
import { engineSuite } from '../engine-suite.ts';

/** A disk of which writes can be made to fail. */
class BreakableDisk extends FileDisk {
  isBroken = false;

  override write(file: number, bytes: Uint8Array, start: number, end: number, position: number): void {
    if (this.isBroken) throw Object.assign(new Error('broken by the spec'), { code: 'EIO' });
    super.write(file, bytes, start, end, position);
  }
}

const disks = new WeakMap<Engine, BreakableDisk>();
const breakDisk = (engine: Engine): void => {
  disks.get(engine)!.isBroken = true;
};

function opener(make: (options: JournalOptions) => Engine): (directory: string) => Promise<Engine> {
  return async (directory) => {
    const disk = new BreakableDisk();
    const engine = make({
      disk,
      directory,
      segmentBytes: 16 * 1024,
      tailBytes: 64 * 1024,
      runwayBytes: 1000,
      wallClock: () => 1_700_000_000_000,
      random: Math.random,
      onCorruption: 'refuse',
    });
    disks.set(engine, disk);
    return engine;
  };
}

const how = { breakDisk, batchBytesMax: 0, histories: 8 };
engineSuite('journal, shared', { ...how, open: opener((options) => new SharedJournal(options)) }).run();
engineSuite('journal, dedicated', { ...how, open: opener((options) => new DedicatedJournals(options)) }).run();
const test = suite('directories of dedicated logs');

test('the directory of a dropped shard goes with its files, also when the process ends in between', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-engine-'));
  try {
    const open = opener((options) => new DedicatedJournals(options));
    const engine = await open(directory);
    for (const shard of [1, 2, 3]) engine.create(shard);
    engine.commit(true, (error) => assert.is(error, undefined));
    assert.is(readdirSync(directory).length, 3);
    engine.drop(2);
    engine.commit(true, (error) => assert.is(error, undefined));
    assert.is(readdirSync(directory).length, 2);
    engine.create(2);
    engine.close(() => {}); // before that is durable
    mkdirSync(join(directory, '9-9')); // as a process leaves it that ends before it has removed it
    const again = await open(directory);
    assert.equal(readdirSync(directory).sort(), ['1-1', '3-3']);
    again.close(() => {});
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.run();
