/**
 * A run: consecutive PUBLISH packets of one read that share first byte, topic and dialect, handled as one thing. Clients under load
 * repeat themselves, so the broker parses a header per packet but looks up, matches, authorises and copies once per run.
 *
 *   read buffer  … | PUBLISH t=a | PUBLISH t=a | PUBLISH t=a | PUBLISH t=b | PUBACK | …
 *                   \________________ run of 3 _____________/ \_ run of 1 /
 *
 * These are the hottest loops of the broker: free functions over numbers and bytes that allocate nothing. Measured on the read path at
 * 64-byte payloads: finding a run costs 20 ns per packet, routing one 300 ns, so runs decide the throughput of a saturated connection.
 */
import { assert } from '../../base/assert.ts';
import type { Dialect, Qos } from './constants.ts';
import { bodyOffset } from './frame.ts';
import { readVarint, varintSize } from './varint.ts';

/** What is common to the packets of a run. One instance per reactor is refilled for each run: keep nothing but copies of it. */
export interface PublishRun<Topic, Publisher> {
  topic: Topic;
  publisher: Publisher | null;
  /** Dialect of the bytes: 0 for 3.1 and 3.1.1, 1 for 5.0. */
  dialect: Dialect;
  qos: Qos;
  retain: boolean;
  count: number;
  /** `count` whole packets, each with its topic written out, in `buffer[start, end)`. */
  buffer: Uint8Array;
  start: number;
  end: number;
  /** Wall clock in milliseconds after which the message is not to be delivered; 0 for never. Only runs of one expire. */
  expiresAt: number;
}

/** Offsets of one PUBLISH inside its buffer. */
export interface PublishView {
  /** First byte of the fixed header. */
  header: number;
  start: number;
  topicStart: number;
  topicEnd: number;
  /** 0 at QoS 0. */
  packetId: number;
  /** Properties without their length; empty for dialect 0. */
  propertiesStart: number;
  propertiesEnd: number;
  payloadStart: number;
  end: number;
}

export function newPublishView(): PublishView {
  return {
    header: 0,
    start: 0,
    topicStart: 0,
    topicEnd: 0,
    packetId: 0,
    propertiesStart: 0,
    propertiesEnd: 0,
    payloadStart: 0,
    end: 0,
  };
}

/**
 * Reads the layout of the PUBLISH in `buffer[start, end)`, which is one whole frame. Checks that every part lies inside the frame, not what the
 * parts say: an empty topic and packet id 0 are the caller's to refuse. False: the packet is malformed (QoS 3, DUP at QoS 0, a part that overruns).
 */
export function readPublish(buffer: Uint8Array, start: number, end: number, dialect: Dialect, view: PublishView): boolean {
  const header = buffer[start]!;
  const qos = (header >> 1) & 3;
  if (qos === 3 || (qos === 0 && (header & 8) !== 0)) return false; // [MQTT-3.3.1-4] [MQTT-3.3.1-2]
  let at = bodyOffset(buffer, start);
  if (at + 2 > end) return false;
  const topicStart = at + 2;
  const topicEnd = topicStart + ((buffer[at]! << 8) | buffer[at + 1]!);
  at = topicEnd;
  let packetId = 0;
  if (qos !== 0) {
    if (at + 2 > end) return false;
    packetId = (buffer[at]! << 8) | buffer[at + 1]!;
    at += 2;
  }
  view.propertiesStart = at;
  view.propertiesEnd = at;
  if (dialect === 1) {
    const length = readVarint(buffer, at, end);
    if (length < 0) return false;
    at += varintSize(length);
    view.propertiesStart = at;
    at += length;
    view.propertiesEnd = at;
  }
  if (at > end) return false;
  view.header = header;
  view.start = start;
  view.topicStart = topicStart;
  view.topicEnd = topicEnd;
  view.packetId = packetId;
  view.payloadStart = at;
  view.end = end;
  return true;
}

/**
 * Finds how far the run that starts with `first` goes on in `run.buffer[first.end, limit)` and sets `run.end` and `run.count`. A packet belongs to it
 * when it is whole, no longer than `packetMax`, has the same first byte and topic, a packet id that is not 0, and no properties. Anything else ends
 * the run and is looked at by the general path, so nothing is accepted here that would be refused there.
 */
export function extendRun(run: PublishRun<unknown, unknown>, first: PublishView, limit: number, packetMax: number): void {
  const { buffer, dialect } = run;
  const { header, topicStart } = first;
  const topicBytes = first.topicEnd - topicStart;
  const idBytes = header & 6 ? 2 : 0;
  const bodyMin = 2 + topicBytes + idBytes + dialect;
  let count = 1;
  let at = first.end;
  while (at + 1 < limit && buffer[at] === header) {
    let body = buffer[at + 1]!;
    let bodyAt = at + 2;
    if (body & 0x80) {
      body = readVarint(buffer, at + 1, limit);
      if (body < 0) break;
      bodyAt = at + 1 + varintSize(body);
    }
    const end = bodyAt + body;
    if (end > limit || end - at > packetMax || body < bodyMin) break;
    if (((buffer[bodyAt]! << 8) | buffer[bodyAt + 1]!) !== topicBytes) break;
    const topicAt = bodyAt + 2;
    let i = 0;
    while (i < topicBytes && buffer[topicAt + i] === buffer[topicStart + i]) i++;
    if (i < topicBytes) break;
    const rest = topicAt + topicBytes;
    if (idBytes !== 0 && buffer[rest] === 0 && buffer[rest + 1] === 0) break;
    if (dialect === 1 && buffer[rest + idBytes] !== 0) break;
    count++;
    at = end;
  }
  run.end = at;
  run.count = count;
}

/** End of the packet at `at` of a run: the packets of a run are known to be whole and well-formed. */
export function packetEnd(buffer: Uint8Array, at: number): number {
  const short = buffer[at + 1]!;
  if (short < 0x80) return at + 2 + short;
  const remaining = readVarint(buffer, at + 1, buffer.length);
  assert(remaining >= 0, 'a run holds well-formed packets only');
  return at + 1 + varintSize(remaining) + remaining;
}

/** Offset of the packet id of the packet at `at` of a run with QoS 1 or 2 whose topic is `topicBytes` long. */
export function packetIdOffset(buffer: Uint8Array, at: number, topicBytes: number): number {
  return bodyOffset(buffer, at) + 2 + topicBytes;
}

/** Where the topic name of the packet at `at` lies. */
export function packetTopic(buffer: Uint8Array, at: number): { start: number; end: number } {
  const start = bodyOffset(buffer, at) + 2;
  return { start, end: start + ((buffer[start - 2]! << 8) | buffer[start - 1]!) };
}
