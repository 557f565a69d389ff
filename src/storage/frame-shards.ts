/** Which shards a frame holds records of: one, or for a fan-out one per recipient. */
import { forEachRecipient, GONE } from './fan-out.ts';
import { FRAME, type FrameHeader } from './frame.ts';

/** Visits them with the first offset and how many offsets; control frames and the like have none. */
export function forEachShard(
  header: FrameHeader,
  view: DataView,
  body: number,
  bodyEnd: number,
  visit: (shard: number, offset: number, span: number) => void,
): void {
  const span = header.lastOffsetDelta + 1;
  if (header.type === FRAME.data || header.type === FRAME.entry) visit(header.shard, header.baseOffset, span);
  else if (header.type === FRAME.fanOut) {
    forEachRecipient(view, body, bodyEnd, ({ shard, baseOffset }) => {
      if (baseOffset !== GONE) visit(shard, baseOffset, span);
    });
  }
}
