/** What the frames of the log hold for one inbox, in order: runs as their client gets them. */
import { fanOutBlock, forEachRecipient } from '../../storage/fan-out.ts';
import { emptyFrameHeader, FRAME, FRAME_HEADER_BYTES, readFrameHeader, viewOf } from '../../storage/frame.ts';
import type { Outgoing } from '../session/outgoing.ts';
import { readAttributes, readRuns } from './block.ts';

/** Visits each frame that has something for `shard`: its runs, the first message of which is at `baseOffset`. The bytes are lent to the runs. */
export function forEachInboxFrame(
  bytes: Uint8Array,
  shard: number,
  visit: (runs: readonly Outgoing[], baseOffset: number) => void,
): void {
  const view = viewOf(bytes);
  const header = emptyFrameHeader();
  for (let at = 0; readFrameHeader(view, at, bytes.length, header); at += header.length) {
    if (header.type !== FRAME.fanOut) continue;
    const body = at + FRAME_HEADER_BYTES;
    forEachRecipient(view, body, at + header.length, ({ shard: recipient, baseOffset, attributes }) => {
      if (recipient !== shard) return;
      const runs: Outgoing[] = [];
      readRuns(bytes, view, fanOutBlock(view, body), at + header.length, readAttributes(view, attributes), runs);
      visit(runs, baseOffset);
    });
  }
}
