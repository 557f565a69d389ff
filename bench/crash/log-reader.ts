/** The messages of declared topics as they lie in the segments of a data directory, read without the node and without changing anything. */
import { join } from 'node:path';
import { findLogs } from '../../src/storage/check/find-logs.ts';
import { type CommitVisitor, walkCommits } from '../../src/storage/commit-walk.ts';
import type { Disk } from '../../src/storage/disk.ts';
import { FRAME, type FrameHeader } from '../../src/storage/frame.ts';
import { RecordCursor } from '../../src/storage/record-cursor.ts';
import { readSegmentEnds } from '../../src/storage/segment-ends.ts';
import { segmentNumber } from '../../src/storage/segment-file.ts';
import { numberIn } from './payload.ts';

export interface FoundMessages {
  /** Numbers of the messages by MQTT topic, in the order of the log; -1 for one that is not as it was sent. */
  readonly byTopic: ReadonlyMap<string, readonly number[]>;
  /** End of each shard, by `LOG/SHARD`. */
  readonly ends: ReadonlyMap<string, number>;
  readonly records: number;
}

export function readMessages(disk: Disk, directory: string): FoundMessages {
  const byTopic = new Map<string, number[]>();
  const ends = new Map<string, number>();
  let records = 0;
  const cursor = new RecordCursor();
  const decoder = new TextDecoder();
  for (const log of findLogs(directory)) {
    const visitor: CommitVisitor = {
      frame: (header: FrameHeader, bytes, _view, body) => {
        if (header.type !== FRAME.data) return;
        const shard = `${log.slice(directory.length + 1)}#${header.shard}`;
        ends.set(shard, header.baseOffset + header.lastOffsetDelta + 1);
        cursor.open(bytes, body);
        while (cursor.next()) {
          records++;
          const topic = decoder.decode(bytes.subarray(cursor.keyStart, cursor.keyEnd));
          const number = numberIn(bytes, cursor.valueStart, cursor.valueEnd) ?? -1;
          const known = byTopic.get(topic);
          if (known === undefined) byTopic.set(topic, [number]);
          else known.push(number);
        }
      },
    };
    walkLog(disk, log, visitor);
  }
  return { byTopic, ends, records };
}

/** What counts of a log that `verifyLog` has found sound. */
function walkLog(disk: Disk, log: string, visitor: CommitVisitor): void {
  const names = disk.list(log).filter((name) => segmentNumber(name) !== undefined);
  for (const path of names.sort().map((name) => join(log, name))) {
    const { header, trailer, size } = readSegmentEnds(disk, path);
    if (header === undefined) throw new Error(`${path} has no header`);
    const file = disk.open(path, 'read');
    const { generation, startLsn } = header;
    walkCommits(disk, file, { generation, from: 0, lsn: startLsn, size: trailer?.footerAt ?? size }, visitor);
    disk.close(file);
  }
}
