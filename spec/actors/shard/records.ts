/** What the declared topics of a simulated node hold, read by opening their logs anew. */
import { Journal } from '../../../src/storage/journal.ts';
import { readFrames } from '../../../src/storage/journal-reader.ts';
import { RecordCursor } from '../../../src/storage/record-cursor.ts';
import { journalOptions } from '../../storage/journal-model.ts';
import type { SimDisk } from '../../storage/sim-disk.ts';

/** `key=value` of every record of a shard. */
export function recordsOf(disk: SimDisk, engine: string, shard: number): string[] {
  if (engine === 'shared') return recordsIn(disk, '/data/shared', shard);
  const name = disk.list('/data/dedicated').find((each) => each.startsWith(`${shard}-`));
  return name === undefined ? [] : recordsIn(disk, `/data/dedicated/${name}`, shard);
}

/** The same of the log in `directory`. */
export function recordsIn(disk: SimDisk, directory: string, shard: number): string[] {
  const journal = new Journal(
    journalOptions(disk.fork(), 9, { directory, ...(directory.endsWith('shared') ? {} : { only: shard }) }),
  );
  const records: string[] = [];
  const end = journal.table.end(shard);
  for (let offset = journal.table.start(shard); offset < end; ) {
    readFrames(journal, shard, offset, 1 << 20, (error, frames) => {
      if (error !== undefined) throw error;
      const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength);
      for (let at = 0; at < frames.length; at += view.getUint32(at + 4, true)) {
        const batch = frames.subarray(at + 64, at + 64 + 12 + view.getInt32(at + 64 + 8));
        const text = (from: number, to: number): string => Buffer.from(batch.subarray(from, to)).toString();
        const cursor = new RecordCursor().open(batch, 0);
        while (cursor.next()) {
          const value = cursor.valueStart < 0 ? '(null)' : text(cursor.valueStart, cursor.valueEnd);
          records.push(`${text(cursor.keyStart, cursor.keyEnd)}=${value}`);
          offset = cursor.offset + 1;
        }
      }
    });
  }
  return records;
}
