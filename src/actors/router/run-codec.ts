/**
 * A run of PUBLISH packets as it travels to another reactor: a fixed header, then the packets as they were received.
 *
 *    0        4        8                 16
 *   +--------+--------+-----------------+------------------- … --+
 *   | flags  | count  | expiresAt (f64) | packets                |
 *   | u32 le | u32 le | wall ms, 0 never|                        |
 *   +--------+--------+-----------------+------------------- … --+
 *   flags: bit 0 dialect · bits 1-2 QoS · bit 3 RETAIN · bits 8-15 thread of the sender
 *
 * The receiver reads the topic from the first packet and interns it on its own. The publisher does not travel: it is on another reactor, so
 * "no local" cannot concern it.
 */
import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/bytes.ts';
import type { Dialect, Qos } from '../../wire/mqtt/constants.ts';
import { packetTopic } from '../../wire/mqtt/publish-run.ts';
import type { Run } from './sink.ts';
import type { Topic, TopicTable } from './topic-table.ts';

export const RUN_HEADER_BYTES = 16;

/** Bytes that `encodeRun` writes. */
export function encodedRunSize(run: Run): number {
  return RUN_HEADER_BYTES + run.end - run.start;
}

export function encodeRun(run: Run, from: number, out: Uint8Array, at: number): void {
  const header = new DataView(out.buffer, out.byteOffset + at, RUN_HEADER_BYTES);
  header.setUint32(0, run.dialect | (run.qos << 1) | (run.retain ? 8 : 0) | (from << 8), true);
  header.setUint32(4, run.count, true);
  header.setFloat64(8, run.expiresAt, true);
  copyBytes(out, at + RUN_HEADER_BYTES, run.buffer, run.start, run.end);
}

/** Refills `run` from `bytes[start, end)`; its packets stay where they are. Returns the thread that it comes from. */
export function decodeRun(bytes: Uint8Array, start: number, end: number, topics: TopicTable, run: Run): number {
  assert(end - start > RUN_HEADER_BYTES, 'a run is longer than its header');
  const header = new DataView(bytes.buffer, bytes.byteOffset + start, RUN_HEADER_BYTES);
  const flags = header.getUint32(0, true);
  const packets = start + RUN_HEADER_BYTES;
  const name = packetTopic(bytes, packets);
  const topic = topics.intern(bytes, name.start, name.end);
  assert(topic !== undefined, 'a routed topic is valid');
  run.topic = topic;
  run.publisher = null;
  run.dialect = (flags & 1) as Dialect;
  run.qos = ((flags >> 1) & 3) as Qos;
  run.retain = (flags & 8) !== 0;
  run.count = header.getUint32(4, true);
  run.buffer = bytes;
  run.start = packets;
  run.end = end;
  run.expiresAt = header.getFloat64(8, true);
  return (flags >> 8) & 0xff;
}

/** To be refilled. `topic` is any. */
export function emptyRun(topic: Topic): Run {
  return {
    topic,
    publisher: null,
    dialect: 0,
    qos: 0,
    retain: false,
    count: 0,
    buffer: NO_BYTES,
    start: 0,
    end: 0,
    expiresAt: 0,
  };
}

const NO_BYTES = new Uint8Array(0);
