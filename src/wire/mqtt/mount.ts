/**
 * A mount point: a prefix that is put in front of every topic that a client names, and taken off every topic that it is sent, so that it lives in a part of
 * the topic tree without knowing. It works on packets as bytes; whoever has no mount point never comes here.
 *
 *   from the client   PUBLISH topic · SUBSCRIBE and UNSUBSCRIBE filters · the will's topic in CONNECT        a → plant/a
 *   to the client     PUBLISH topic                                                                          plant/a → a
 *
 * `#` becomes `plant/+/#`, because `plant/#` would match `plant` as well, which is not in the part. `$share/group/a` becomes `$share/group/plant/a`. What is
 * not well formed in a way that would hide a topic becomes a packet that is malformed for certain: nothing gets past the prefix.
 */
import { copyBytes } from '../../base/bytes.ts';
import { MQTT_FILTERS_PER_PACKET_MAX } from '../../base/limits.ts';
import { PacketType } from './constants.ts';
import { bodyOffset } from './frame.ts';
import { readVarint, varintSize, writeVarint } from './varint.ts';

/** Packet type 0 does not exist [table 2-1]. */
const MALFORMED: Uint8Array = Uint8Array.of(0, 0);
const STRING_BYTES_MAX = 65_535;
const LEVEL_5 = 5;
const FLAG_WILL = 0x04;
const HASH = Uint8Array.of(0x23);
const ANY_BELOW = Buffer.from('+/#');
const SHARE = Buffer.from('$share/');
const QUEUE = Buffer.from('$queue/');
const SLASH = 0x2f;

export class Mount {
  readonly #prefix: Buffer;
  /** The client speaks 5.0: learnt from its CONNECT. */
  #isLevel5 = false;

  constructor(prefix: string) {
    this.#prefix = Buffer.from(prefix);
  }

  /** The packet at `bytes[at, end)` from the client, which is whole, with its topics prefixed. */
  enter(bytes: Uint8Array, at: number, end: number): Uint8Array {
    const body = bodyOffset(bytes, at);
    switch (bytes[at]! >> 4) {
      case PacketType.PUBLISH:
        return this.#publish(bytes, at, body, end);
      case PacketType.SUBSCRIBE:
        return this.#filters(bytes, at, body, end, 1);
      case PacketType.UNSUBSCRIBE:
        return this.#filters(bytes, at, body, end, 0);
      case PacketType.CONNECT:
        return this.#connect(bytes, at, body, end);
      default:
        return bytes.subarray(at, end);
    }
  }

  /**
   * How many bytes of a topic of `length` bytes at `bytes[at …]` are the prefix: all of it or nothing, since a session that was begun elsewhere may still be sent
   * topics from there.
   */
  prefixOf(bytes: Uint8Array, at: number, length: number): number {
    const prefix = this.#prefix;
    if (length <= prefix.length) return 0;
    for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return 0;
    return prefix.length;
  }

  /** An empty topic stands for an alias, whose topic has been prefixed when it was set. */
  #publish(bytes: Uint8Array, at: number, body: number, end: number): Uint8Array {
    const topic = stringAt(bytes, body, end);
    if (topic < 0) return MALFORMED;
    if (topic === 0) return bytes.subarray(at, end);
    return this.#insert(bytes, at, end, [{ lengthAt: body, at: body + 2, replaced: 0, by: this.#prefix }]);
  }

  #filters(bytes: Uint8Array, at: number, body: number, end: number, optionBytes: number): Uint8Array {
    let next = body + 2;
    if (this.#isLevel5) next = afterProperties(bytes, next, end);
    if (next < 0) return MALFORMED;
    const edits: Edit[] = [];
    while (next < end) {
      const length = stringAt(bytes, next, end);
      if (length < 0) return MALFORMED;
      const edit = this.#filter(bytes, next, length);
      if (edit !== undefined) edits.push(edit);
      if (edits.length > MQTT_FILTERS_PER_PACKET_MAX) return bytes.subarray(at, end); // it is refused as it is
      next += 2 + length + optionBytes;
    }
    return next === end ? this.#insert(bytes, at, end, edits) : MALFORMED;
  }

  /** Undefined for a filter that is refused as it is. */
  #filter(bytes: Uint8Array, lengthAt: number, length: number): Edit | undefined {
    const start = lengthAt + 2;
    const from = start + instructionBytes(bytes.subarray(start, start + length));
    const own = bytes.subarray(from, start + length);
    if (own.length === 0) return undefined;
    if (equal(own, HASH)) return { lengthAt, at: from, replaced: 1, by: Buffer.concat([this.#prefix, ANY_BELOW]) };
    return { lengthAt, at: from, replaced: 0, by: this.#prefix };
  }

  #connect(bytes: Uint8Array, at: number, body: number, end: number): Uint8Array {
    const name = stringAt(bytes, body, end);
    const level = name < 0 ? -1 : body + 2 + name;
    if (level < 0 || level + 4 > end) return bytes.subarray(at, end); // it is refused as it is
    this.#isLevel5 = bytes[level] === LEVEL_5;
    if ((bytes[level + 1]! & FLAG_WILL) === 0) return bytes.subarray(at, end);
    let next = level + 4;
    if (this.#isLevel5) next = afterProperties(bytes, next, end);
    const clientId = next < 0 ? -1 : stringAt(bytes, next, end);
    if (clientId < 0) return MALFORMED;
    next += 2 + clientId;
    if (this.#isLevel5) next = afterProperties(bytes, next, end);
    const topic = next < 0 ? -1 : stringAt(bytes, next, end);
    if (topic < 0) return MALFORMED;
    if (topic === 0) return bytes.subarray(at, end);
    return this.#insert(bytes, at, end, [{ lengthAt: next, at: next + 2, replaced: 0, by: this.#prefix }]);
  }

  /** The packet with its edits, which are in order, made; its length and those of its strings are corrected. */
  #insert(bytes: Uint8Array, at: number, end: number, edits: readonly Edit[]): Uint8Array {
    if (edits.length === 0) return bytes.subarray(at, end);
    const body = bodyOffset(bytes, at);
    const grown = edits.reduce((sum, { by, replaced }) => sum + by.length - replaced, end - body);
    const out = new Uint8Array(1 + varintSize(grown) + grown);
    out[0] = bytes[at]!;
    let to = writeVarint(out, 1, grown);
    let from = body;
    const take = (until: number): void => {
      copyBytes(out, to, bytes, from, until);
      to += until - from;
      from = until;
    };
    for (const { lengthAt, at: place, replaced, by } of edits) {
      take(lengthAt);
      const length = ((bytes[lengthAt]! << 8) | bytes[lengthAt + 1]!) + by.length - replaced;
      if (length > STRING_BYTES_MAX) return MALFORMED;
      out[to] = length >> 8;
      out[to + 1] = length & 255;
      to += 2;
      from += 2;
      take(place);
      out.set(by, to);
      to += by.length;
      from += replaced;
    }
    take(end);
    return out;
  }
}

/** A string whose length is at `lengthAt`: at `at`, `replaced` bytes give way to `by`. */
interface Edit {
  readonly lengthAt: number;
  readonly at: number;
  readonly replaced: number;
  readonly by: Uint8Array;
}

/** Length of the string at `at`; -1 when it does not fit. */
function stringAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return -1;
  const length = (bytes[at]! << 8) | bytes[at + 1]!;
  return at + 2 + length > end ? -1 : length;
}

/** Where the properties at `at` end; -1 when they do not fit. */
function afterProperties(bytes: Uint8Array, at: number, end: number): number {
  const length = readVarint(bytes, at, end);
  const after = at + varintSize(length) + length;
  return length < 0 || after > end ? -1 : after;
}

/** Bytes of what is no topic in front of a filter: `$share/group/`, `$queue/`. */
function instructionBytes(filter: Uint8Array): number {
  if (startsWith(filter, QUEUE)) return QUEUE.length;
  if (!startsWith(filter, SHARE)) return 0;
  const groupEnd = filter.indexOf(SLASH, SHARE.length);
  return groupEnd < 0 ? filter.length : groupEnd + 1;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, i) => bytes[i] === byte);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && startsWith(a, b);
}
