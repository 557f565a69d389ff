/**
 * Writes PUBLISH packets for one client. Two ways: packets that the client may have byte for byte are copied as a block, with only the packet ids
 * written over; all others are taken apart and written anew in the client's dialect. One writer per reactor: its fields are scratch space.
 */

import { assert } from '../../base/assert.ts';
import { MQTT_PACKET_BYTES_MAX } from '../../base/limits.ts';
import { DIALECT_5, type Dialect, type Qos } from '../../wire/mqtt/constants.ts';
import { emptyPublishParts, publishHeader, publishSize, writePublish } from '../../wire/mqtt/publish-encoder.ts';
import { emptyPublishProperties, readPublishProperties } from '../../wire/mqtt/publish-properties.ts';
import { newPublishView, packetEnd, packetIdOffset, packetTopic, readPublish } from '../../wire/mqtt/publish-run.ts';
import type { Who } from '../intake/template.ts';
import { LARGE_BYTES } from './buffer-pool.ts';
import type { OutboundAliases } from './outbound-aliases.ts';
import type { Outgoing } from './outgoing.ts';
import type { Output } from './output.ts';

/** What the writer has to know of a client. */
export interface WriterTarget {
  readonly output: Output;
  readonly dialect: Dialect;
  /** Largest packet that the client takes, bytes; what is larger is dropped as if it had been delivered [MQTT-3.1.2-25]. */
  readonly packetBytesMax: number;
  /** Null for a client that takes no topic aliases. */
  readonly aliasesOut: OutboundAliases | null;
  /** Who it is, once that is known. */
  readonly identity?: Who | null;
}

/** Gives ids to messages that leave. */
export interface PacketIds {
  /** Messages are to be kept until they are acknowledged. */
  readonly resumable: boolean;
  send(qos: 1 | 2, message: Outgoing | null): number;
  /** The message does not go to the client: it has expired, or is too large. */
  skip(): void;
}

/** Packets of a run, before it is known whose they will be. */
export type Packets = Pick<Outgoing, 'dialect' | 'buffer' | 'start' | 'end' | 'count' | 'expiresAt'>;

export class PublishWriter {
  readonly #view = newPublishView();
  readonly #parts = emptyPublishParts();
  readonly #properties = emptyPublishProperties();
  /** Alias that the packet in hand sets; 0 for none. */
  #newAlias = 0;
  readonly #wallClock: () => number;

  constructor(wallClock: () => number) {
    this.#wallClock = wallClock;
  }

  /** Writes all of `packets` at QoS 0. Returns how many were written; the others have expired or are too large for the client. */
  writeQos0(target: WriterTarget, packets: Packets, retain: boolean, subscriptionIds: readonly number[] | null): number {
    const header = publishHeader(0, retain, false);
    if (isVerbatim(target, packets, header, subscriptionIds)) {
      target.output.append(packets.buffer, packets.start, packets.end);
      return packets.count;
    }
    let written = 0;
    for (let at = packets.start; at < packets.end; ) {
      const end = packetEnd(packets.buffer, at);
      if (this.#prepare(target, packets, at, end, 0, subscriptionIds, false)) {
        this.#write(target, header, 0, subscriptionIds);
        written++;
      }
      at = end;
    }
    return written;
  }

  /** Writes all of `outgoing`, QoS 1 or 2, and puts it in flight by `ids`, which has room for it; `again`: with DUP [MQTT-3.3.1-1]. Returns as `writeQos0`. */
  writeInFlight(target: WriterTarget, outgoing: Outgoing, ids: PacketIds, again = false): number {
    const { buffer, start, end, subscriptionIds } = outgoing;
    const qos = outgoing.qos;
    assert(qos !== 0, 'QoS 0 is never in flight');
    const header = publishHeader(qos, outgoing.retain, again);
    const size = end - start;
    if (size <= LARGE_BYTES && !again && isVerbatim(target, outgoing, header, subscriptionIds)) {
      const to = target.output.copy(buffer, start, end);
      const out = target.output.buffer;
      patchPacketIds(out, to, to + size, ids, qos, ids.resumable ? outgoing : null);
      return outgoing.count;
    }
    let written = 0;
    for (let at = start; at < end; ) {
      const next = packetEnd(buffer, at);
      if (this.#prepare(target, outgoing, at, next, qos, subscriptionIds, again)) {
        const packetId = ids.send(qos, ids.resumable ? { ...outgoing, start: at, end: next, count: 1 } : null);
        this.#write(target, header, packetId, subscriptionIds);
        written++;
      } else {
        ids.skip();
      }
      at = next;
    }
    return written;
  }

  /** Writes a message that is in flight once more, with DUP [MQTT-3.3.1-1]. False when the client no longer takes one that large. */
  rewrite(target: WriterTarget, message: Outgoing, packetId: number): boolean {
    const { qos, retain, subscriptionIds } = message;
    if (!this.#prepare(target, message, message.start, message.end, qos, subscriptionIds, true)) return false;
    this.#write(target, publishHeader(qos, retain, true), packetId, subscriptionIds);
    return true;
  }

  /** Fills `#parts` from the packet at `at`. False when the client is not to get it. Expiry does not end what has been `begun`. */
  #prepare(
    target: WriterTarget,
    packets: Packets,
    at: number,
    end: number,
    qos: Qos,
    subscriptionIds: readonly number[] | null,
    begun: boolean,
  ): boolean {
    const view = this.#view;
    const parts = this.#parts;
    const { buffer } = packets;
    assert(readPublish(buffer, at, end, packets.dialect, view), 'a routed packet is well-formed');
    parts.topic = buffer;
    parts.topicStart = view.topicStart;
    parts.topicEnd = view.topicEnd;
    parts.properties = buffer;
    parts.propertiesStart = view.propertiesStart;
    parts.propertiesEnd = view.propertiesEnd;
    parts.payload = buffer;
    parts.payloadStart = view.payloadStart;
    parts.payloadEnd = end;
    parts.expiryOffset = -1;
    parts.alias = 0;
    this.#newAlias = 0;
    if (packets.expiresAt !== 0) {
      const leftMs = packets.expiresAt - this.#wallClock();
      if (leftMs <= 0 && !begun) return false; // [MQTT-3.3.2-5]
      if (target.dialect === DIALECT_5) {
        readPublishProperties(buffer, view.propertiesStart, view.propertiesEnd, this.#properties);
        parts.expiryOffset = this.#properties.expiryOffset;
        parts.expirySeconds = Math.max(0, Math.ceil(leftMs / 1000)); // [MQTT-3.3.2-6]
      }
    }
    if (target.aliasesOut !== null && this.#fitsWithAlias(target, target.aliasesOut, qos, subscriptionIds)) return true;
    return publishSize(target.dialect, qos, parts, subscriptionIds) <= target.packetBytesMax;
  }

  /** Uses or sets an alias for the topic if there is one and the packet is not too large with it; else all is as before. */
  #fitsWithAlias(target: WriterTarget, aliases: OutboundAliases, qos: Qos, ids: readonly number[] | null): boolean {
    const parts = this.#parts;
    const { topicEnd } = parts;
    const alias = aliases.find(parts.topic, parts.topicStart, topicEnd);
    if (alias === 0) return false;
    this.#newAlias = alias < 0 ? -alias : 0;
    parts.alias = Math.abs(alias);
    if (alias > 0) parts.topicEnd = parts.topicStart;
    if (publishSize(target.dialect, qos, parts, ids) <= target.packetBytesMax) return true;
    this.#newAlias = 0;
    parts.alias = 0;
    parts.topicEnd = topicEnd;
    return false;
  }

  #write(target: WriterTarget, header: number, packetId: number, subscriptionIds: readonly number[] | null): void {
    const size = publishSize(target.dialect, ((header >> 1) & 3) as Qos, this.#parts, subscriptionIds);
    const to = target.output.claim(size);
    writePublish(target.output.buffer, to, target.dialect, header, packetId, this.#parts, subscriptionIds);
    const { topic, topicStart, topicEnd } = this.#parts;
    if (this.#newAlias !== 0) target.aliasesOut!.set(this.#newAlias, topic, topicStart, topicEnd);
  }
}

/** The client may have the packets as they are, but for their packet ids. */
function isVerbatim(target: WriterTarget, packets: Packets, header: number, subscriptionIds: readonly number[] | null): boolean {
  return (
    packets.dialect === target.dialect &&
    packets.buffer[packets.start] === header &&
    subscriptionIds === null &&
    packets.expiresAt === 0 &&
    target.packetBytesMax === MQTT_PACKET_BYTES_MAX &&
    target.aliasesOut === null
  );
}

/** Gives every packet in `out[start, end)` an id of this client. `kept` are the same packets in memory that lasts, or null when none is kept. */
function patchPacketIds(out: Uint8Array, start: number, end: number, ids: PacketIds, qos: 1 | 2, kept: Outgoing | null): void {
  const topic = packetTopic(out, start);
  const topicBytes = topic.end - topic.start;
  for (let at = start; at < end; ) {
    const next = packetEnd(out, at);
    const message = kept === null ? null : { ...kept, start: kept.start + at - start, end: kept.start + next - start, count: 1 };
    const packetId = ids.send(qos, message);
    const idAt = packetIdOffset(out, at, topicBytes);
    out[idAt] = packetId >>> 8;
    out[idAt + 1] = packetId & 0xff;
    at = next;
  }
}
