/** The payload of a run of one packet: read, and put in the place of. */
import { newPublishView, readPublish } from '../../wire/mqtt/publish-run.ts';
import { varintSize, writeVarint } from '../../wire/mqtt/varint.ts';
import type { Run } from '../router/sink.ts';

const view = newPublishView();
/** Of the topic's length. */
const LENGTH_BYTES = 2;

export function payloadOf({ buffer, start, end, dialect }: Run): Uint8Array {
  readPublish(buffer, start, end, dialect, view);
  return Uint8Array.from(buffer.subarray(view.payloadStart, view.end));
}

export function repayloadRun(run: Run, payload: Uint8Array): void {
  readPublish(run.buffer, run.start, run.end, run.dialect, view);
  const head = run.buffer.subarray(view.topicStart - LENGTH_BYTES, view.payloadStart);
  const length = head.length + payload.length;
  const bytes = new Uint8Array(1 + varintSize(length) + length);
  bytes[0] = view.header;
  const at = writeVarint(bytes, 1, length);
  bytes.set(head, at);
  bytes.set(payload, at + head.length);
  run.buffer = bytes;
  run.start = 0;
  run.end = bytes.length;
}
