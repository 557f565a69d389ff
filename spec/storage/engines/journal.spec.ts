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
