/**
 * Records of a declared topic as PUBLISH packets of MQTT 5.0: the way back of shard/mqtt-record.ts, with the record's place as user properties `sluice-offset` and
 * `sluice-partition`. Consecutive records of one topic become one run. One per replay; the memory of what it returns is the caller's.
 */
import { copyBytes } from '../../base/bytes.ts';
import { MQTT_PACKET_BYTES_MAX, REPLAY_TOPICS_KNOWN_MAX } from '../../base/limits.ts';
import { attributesOf, batchBytes, CONTROL, lastOffsetOf } from '../../storage/record-batch.ts';
import { RecordCursor } from '../../storage/record-cursor.ts';
import { Property, type Qos } from '../../wire/mqtt/constants.ts';
import { publishHeader } from '../../wire/mqtt/publish-encoder.ts';
import { isTopicName } from '../../wire/mqtt/topics.ts';
import { isMqttUtf8 } from '../../wire/mqtt/utf8.ts';
import { varintSize, writeVarint } from '../../wire/mqtt/varint.ts';
import { filterMatches } from '../router/filter-match.ts';
import type { Outgoing } from '../session/outgoing.ts';
import { propertyOfHeader } from '../shard/mqtt-record.ts';

/** Packets of one topic and the offsets of their records. */
export interface ReplayRun {
  readonly topic: string;
  readonly outgoing: Outgoing;
  readonly offsets: readonly number[];
}

const STRING_BYTES_MAX = 65_535;
const latin1 = new TextDecoder('latin1');
const utf8 = new TextDecoder();
const encoder = new TextEncoder();
const OFFSET = encoder.encode('sluice-offset');
const PARTITION = encoder.encode('sluice-partition');

export interface ReplayGrant {
  readonly filter: string;
  readonly qos: Qos;
  readonly subscriptionIds: readonly number[] | null;
}

export class RecordPackets {
  readonly #grant: ReplayGrant;
  readonly #cursor = new RecordCursor();
  /** Topic names by the bytes of their keys; null: not for this subscription, or no topic name. */
  readonly #topics = new Map<string, string | null>();
  /** Where the packets are gathered. */
  #bytes: Uint8Array = NO_BYTES;
  #end = 0;
  /** Properties of the record in hand. */
  #properties: Uint8Array = new Uint8Array(256);
  #propertiesEnd = 0;
  #expirySeconds = -1;
  #sinceMs = 0;
  /** Properties of the standard that the record in hand has had, by id. */
  #seen = 0;

  constructor(grant: ReplayGrant) {
    this.#grant = grant;
  }

  /**
   * The records from offset `from` on, and from the first one with a timestamp of `sinceMs` or later, of the uncompressed batches in `bytes`, as runs in order; and the offset behind the last batch. Throws
   * SLUICE_BATCH_RECORDS for records that cannot be read.
   */
  read(bytes: Uint8Array, partition: number, from: number, sinceMs = 0): { runs: ReplayRun[]; next: number } {
    const pieces: Piece[] = [];
    const label = encoder.encode(String(partition));
    this.#bytes = new Uint8Array(bytes.length * 2);
    this.#end = 0;
    this.#sinceMs = sinceMs;
    let next = from;
    for (let at = 0; at < bytes.length; at += batchBytes(bytes, at)) {
      if ((attributesOf(bytes, at) & CONTROL) === 0) this.#readBatch(bytes, at, label, from, pieces);
      next = Math.max(next, lastOffsetOf(bytes, at) + 1);
    }
    const runs = pieces.map((piece) => this.#run(piece));
    this.#bytes = NO_BYTES;
    return { runs, next };
  }

  #readBatch(bytes: Uint8Array, at: number, partition: Uint8Array, from: number, pieces: Piece[]): void {
    const cursor = this.#cursor.open(bytes, at);
    while (cursor.next()) {
      if (cursor.offset < from || cursor.timestamp < this.#sinceMs) continue;
      this.#sinceMs = 0;
      if (cursor.keyStart < 0) continue;
      const topic = this.#topicOf(bytes, cursor.keyStart, cursor.keyEnd);
      if (topic === null) continue;
      this.#readProperties(cursor, partition);
      const start = this.#end;
      if (!this.#writePacket(cursor)) continue;
      const expiresAt = this.#expirySeconds < 0 ? 0 : cursor.timestamp + this.#expirySeconds * 1000;
      const last = pieces.at(-1);
      // Only packets that expire at the same time, which is never, share a run.
      if (last !== undefined && last.topic === topic && expiresAt === 0 && last.expiresAt === 0) {
        last.offsets.push(cursor.offset);
        last.end = this.#end;
      } else {
        pieces.push({ topic, start, end: this.#end, expiresAt, offsets: [cursor.offset] });
      }
    }
  }

  #topicOf(bytes: Uint8Array, start: number, end: number): string | null {
    const key = latin1.decode(bytes.subarray(start, end));
    let topic = this.#topics.get(key);
    if (topic === undefined) {
      if (this.#topics.size >= REPLAY_TOPICS_KNOWN_MAX) this.#topics.clear();
      const name = isTopicName(bytes, start, end) ? utf8.decode(bytes.subarray(start, end)) : null;
      topic = name !== null && filterMatches(this.#grant.filter, name) ? name : null;
      this.#topics.set(key, topic);
    }
    return topic;
  }

  /** The headers as properties; one that MQTT cannot carry is left out. */
  #readProperties(cursor: RecordCursor, partition: Uint8Array): void {
    this.#propertiesEnd = 0;
    this.#expirySeconds = -1;
    this.#seen = 0;
    if (cursor.headerCount > 0) while (cursor.nextHeader()) this.#addHeader(cursor);
    const offset = encoder.encode(String(cursor.offset));
    this.#addUser(OFFSET, 0, OFFSET.length, offset, 0, offset.length);
    this.#addUser(PARTITION, 0, PARTITION.length, partition, 0, partition.length);
  }

  #addHeader({ bytes, headerKeyStart, headerKeyEnd, headerValueStart, headerValueEnd }: RecordCursor): void {
    const start = Math.max(headerValueStart, 0);
    const end = Math.max(headerValueEnd, 0);
    const id = propertyOfHeader(bytes, headerKeyStart, headerKeyEnd, start, end);
    // One that comes twice was a user property all along.
    if (id === 0 || (this.#seen & (1 << id)) !== 0) {
      const isText =
        headerKeyEnd - headerKeyStart <= STRING_BYTES_MAX &&
        end - start <= STRING_BYTES_MAX &&
        isMqttUtf8(bytes, headerKeyStart, headerKeyEnd) &&
        isMqttUtf8(bytes, start, end);
      if (isText) this.#addUser(bytes, headerKeyStart, headerKeyEnd, bytes, start, end);
      return;
    }
    this.#seen |= 1 << id;
    if (id === Property.MESSAGE_EXPIRY_INTERVAL) {
      this.#expirySeconds = new DataView(bytes.buffer, bytes.byteOffset + start, 4).getUint32(0);
    }
    const isPrefixed = id !== Property.PAYLOAD_FORMAT_INDICATOR && id !== Property.MESSAGE_EXPIRY_INTERVAL;
    const at = this.#reserve(3 + end - start);
    this.#properties[at] = id;
    const value = isPrefixed ? writeU16(this.#properties, at + 1, end - start) : at + 1;
    this.#properties.set(bytes.subarray(start, end), value);
    this.#propertiesEnd = value + end - start;
  }

  #addUser(name: Uint8Array, nameStart: number, nameEnd: number, value: Uint8Array, start: number, end: number): void {
    let at = this.#reserve(5 + nameEnd - nameStart + end - start);
    const out = this.#properties;
    out[at++] = Property.USER_PROPERTY;
    at = copyBytes(out, writeU16(out, at, nameEnd - nameStart), name, nameStart, nameEnd);
    this.#propertiesEnd = copyBytes(out, writeU16(out, at, end - start), value, start, end);
  }

  #reserve(more: number): number {
    if (this.#propertiesEnd + more > this.#properties.length) {
      const larger = new Uint8Array(2 * (this.#propertiesEnd + more));
      larger.set(this.#properties.subarray(0, this.#propertiesEnd));
      this.#properties = larger;
    }
    return this.#propertiesEnd;
  }

  /** False: no packet can be that large. */
  #writePacket({ bytes, keyStart, keyEnd, valueStart, valueEnd }: RecordCursor): boolean {
    const { qos } = this.#grant;
    const properties = this.#propertiesEnd;
    const payload = valueEnd - valueStart;
    const remaining = 2 + keyEnd - keyStart + (qos === 0 ? 0 : 2) + varintSize(properties) + properties + payload;
    const size = 1 + varintSize(remaining) + remaining;
    if (size > MQTT_PACKET_BYTES_MAX) return false;
    if (this.#end + size > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.#end + size));
      larger.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = larger;
    }
    const out = this.#bytes;
    out[this.#end] = publishHeader(qos, false, false);
    let at = writeVarint(out, this.#end + 1, remaining);
    at = copyBytes(out, writeU16(out, at, keyEnd - keyStart), bytes, keyStart, keyEnd);
    if (qos !== 0) at = writeU16(out, at, 1); // whoever sends it gives it its own
    at = copyBytes(out, writeVarint(out, at, properties), this.#properties, 0, properties);
    this.#end = valueStart < 0 ? at : copyBytes(out, at, bytes, valueStart, valueEnd);
    return true;
  }

  #run({ topic, start, end, expiresAt, offsets }: Piece): ReplayRun {
    const { qos, subscriptionIds } = this.#grant;
    return {
      topic,
      offsets,
      outgoing: {
        dialect: 1,
        qos,
        retain: false,
        subscriptionIds,
        buffer: this.#bytes,
        start,
        end,
        count: offsets.length,
        expiresAt,
        share: null,
      },
    };
  }
}

interface Piece {
  readonly topic: string;
  readonly start: number;
  end: number;
  readonly expiresAt: number;
  readonly offsets: number[];
}

function writeU16(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 8;
  out[at + 1] = value & 0xff;
  return at + 2;
}

const NO_BYTES = new Uint8Array(0);
