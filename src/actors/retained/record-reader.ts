/** Reads `store` records (messages.ts): a PUBLISH with a topic name behind a header. One per owner; its fields are those of the record read last. */
import type { Dialect } from '../../wire/mqtt/constants.ts';
import { frameLength } from '../../wire/mqtt/frame.ts';
import { newPublishView, readPublish } from '../../wire/mqtt/publish-run.ts';
import { isTopicName } from '../../wire/mqtt/topics.ts';
import { RETAINED_STORE_HEADER_BYTES } from './messages.ts';

export class RetainedRecordReader {
  readonly #view = newPublishView();
  name = '';
  /** Wall clock, milliseconds; 0 for never. */
  expiresAt = 0;
  dialect: Dialect = 0;
  packetStart = 0;
  /** The topic is to be forgotten. */
  isEmpty = false;

  /** False: it holds no PUBLISH with a topic name. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    const packetStart = start + RETAINED_STORE_HEADER_BYTES;
    if (end - packetStart < 2 || frameLength(bytes, packetStart, end) !== end - packetStart) return false;
    this.dialect = bytes[start + 8] === 1 ? 1 : 0;
    const view = this.#view;
    if (!readPublish(bytes, packetStart, end, this.dialect, view)) return false;
    if (!isTopicName(bytes, view.topicStart, view.topicEnd)) return false;
    this.expiresAt = new DataView(bytes.buffer, bytes.byteOffset + start, RETAINED_STORE_HEADER_BYTES).getFloat64(0, true);
    this.packetStart = packetStart;
    this.isEmpty = view.payloadStart === end;
    const { buffer, byteOffset } = bytes;
    this.name = Buffer.from(buffer, byteOffset + view.topicStart, view.topicEnd - view.topicStart).toString('utf8');
    return true;
  }
}
