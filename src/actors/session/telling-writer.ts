/** A writer that makes an event of every message that it writes, or remembers it for the event of its acknowledgement. Used in the place of the plain one only where such events are wanted. */
import { packetTopic } from '../../wire/mqtt/publish-run.ts';
import type { Events } from '../events/events.ts';
import type { AckTopics } from './ack-topics.ts';
import type { Outgoing } from './outgoing.ts';
import { type PacketIds, type Packets, PublishWriter, type WriterTarget } from './publish-writer.ts';

const DOLLAR = 0x24;

export class TellingWriter extends PublishWriter {
  readonly #events: Events;
  readonly #tellsDelivered: boolean;
  /** Null: nobody wants to hear of acknowledgements. */
  readonly #acks: AckTopics | null;

  constructor(wallClock: () => number, events: Events, acks: AckTopics | null) {
    super(wallClock);
    this.#events = events;
    this.#tellsDelivered = events.wants('message_delivered');
    this.#acks = acks;
  }

  override writeQos0(target: WriterTarget, packets: Packets, retain: boolean, ids: readonly number[] | null): number {
    const written = super.writeQos0(target, packets, retain, ids);
    if (this.#tellsDelivered) this.#tell(target, topicOf(packets), 0, written);
    return written;
  }

  override writeInFlight(target: WriterTarget, outgoing: Outgoing, ids: PacketIds, again = false): number {
    const qos = outgoing.qos as 1 | 2;
    const topic = topicOf(outgoing);
    const acks = topic === undefined ? null : this.#acks;
    const recorded = acks === null ? ids : acks.recording(target.output, ids, { topic: topic!, qos });
    const written = super.writeInFlight(target, outgoing, recorded, again);
    if (!again && this.#tellsDelivered) this.#tell(target, topic, qos, written);
    return written;
  }

  override rewrite(target: WriterTarget, message: Outgoing, packetId: number): boolean {
    const isWritten = super.rewrite(target, message, packetId);
    const topic = isWritten && this.#acks !== null ? topicOf(message) : undefined;
    if (topic !== undefined) this.#acks!.sent(target.output, packetId, { topic, qos: message.qos as 1 | 2 });
    return isWritten;
  }

  #tell({ identity }: WriterTarget, topic: string | undefined, qos: number, messages: number): void {
    if (messages === 0 || topic === undefined) return;
    this.#events.add('message_delivered', { clientid: identity?.clientId, username: identity?.username, topic, qos, messages });
  }
}

/** Undefined: nothing about it makes an event. */
function topicOf({ buffer, start }: Packets): string | undefined {
  const { start: from, end } = packetTopic(buffer, start);
  if (buffer[from] === DOLLAR) return undefined;
  return Buffer.from(buffer.buffer, buffer.byteOffset + from, end - from).toString('utf8');
}
