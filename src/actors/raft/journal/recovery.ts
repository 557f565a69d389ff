/** Reads what the shared log has of a node's groups, shard by shard, when the node starts. */
import { SluiceError } from '../../../base/errors.ts';
import { STORE_READ_BYTES_MAX } from '../../../base/limits.ts';
import { emptyFrameHeader, FRAME_HEADER_BYTES, readFrameHeader, viewOf } from '../../../storage/frame.ts';
import type { ListedLogs, ShardBytes, StoreMessage, StoreRefusal } from '../../store/messages.ts';
import { MalformedBytes } from '../codec/byte-reader.ts';
import { GroupLog } from './group-log.ts';
import { decodeWrite } from './write-codec.ts';

/** Asks the store, however long that takes. */
export type AskStore = (message: StoreMessage) => Promise<unknown>;

export async function recoverGroups(ask: AskStore): Promise<Map<number, GroupLog>> {
  const { logs } = settled(await ask({ type: 'logs', engine: 'shared' })) as ListedLogs;
  const groups = new Map<number, GroupLog>();
  for (const { group, shard, start, end } of logs) if (end > start) groups.set(group, await recoverGroup(ask, shard, start, end));
  return groups;
}

async function recoverGroup(ask: AskStore, shard: number, start: number, end: number): Promise<GroupLog> {
  const log = new GroupLog(start);
  while (log.nextOffset < end) {
    const message = {
      type: 'read',
      engine: 'shared',
      shard,
      offset: log.nextOffset,
      bytesMax: STORE_READ_BYTES_MAX,
      raw: true,
    } as const;
    const { bytes } = settled(await ask(message)) as ShardBytes;
    takeFrames(log, bytes);
  }
  return log;
}

/** Whole entry frames of a group's shard, which go on where `log` ends. */
export function takeFrames(log: GroupLog, frames: Uint8Array): void {
  const view = viewOf(frames);
  const header = emptyFrameHeader();
  let at = 0;
  for (; readFrameHeader(view, at, frames.length, header); at += header.length) {
    if (header.baseOffset !== log.nextOffset) throw damaged(`has ${header.baseOffset} where ${log.nextOffset} was due`);
    try {
      log.take(decodeWrite(frames, at + FRAME_HEADER_BYTES, at + header.length));
    } catch (error) {
      if (error instanceof MalformedBytes) throw damaged(error.message);
      throw error;
    }
  }
  if (at === 0) throw damaged('ends early');
}

function damaged(what: string): SluiceError {
  return new SluiceError('SLUICE_STORAGE_CORRUPT', `the log of a replicated group ${what}`);
}

function settled(answer: unknown): unknown {
  const { code, message } = answer as Partial<StoreRefusal>;
  if (code !== undefined) throw new SluiceError('SLUICE_STORAGE_CORRUPT', `${code}: ${message}`);
  return answer;
}
