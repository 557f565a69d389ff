/** A writer that makes an event of every message that it writes. Used in the place of the plain one only where such events are wanted. */
import { packetTopic } from '../../wire/mqtt/publish-run.ts';
import type { Events } from '../events/events.ts';
import type { Outgoing } from './outgoing.ts';
import { type PacketIds, type Packets, PublishWriter, type WriterTarget } from './publish-writer.ts';

const DOLLAR = 0x24;

export class TellingWriter extends PublishWriter {
  readonly #events: Events;

  constructor(wallClock: () => number, events: Events) {
    super(wallClock);
    this.#events = events;
  }

  override writeQos0(target: WriterTarget, packets: Packets, retain: boolean, ids: readonly number[] | null): number {
    const written = super.writeQos0(target, packets, retain, ids);
    this.#tell(target, packets, 0, written);
    return written;
  }

  override writeInFlight(target: WriterTarget, outgoing: Outgoing, ids: PacketIds, again = false): number {
    const written = super.writeInFlight(target, outgoing, ids, again);
    if (!again) this.#tell(target, outgoing, outgoing.qos, written);
    return written;
  }

  #tell({ identity }: WriterTarget, { buffer, start }: Packets, qos: number, messages: number): void {
    if (messages === 0) return;
    const { start: from, end } = packetTopic(buffer, start);
    if (buffer[from] === DOLLAR) return;
    const topic = Buffer.from(buffer.buffer, buffer.byteOffset + from, end - from).toString('utf8');
    this.#events.add('message_delivered', { clientid: identity?.clientId, username: identity?.username, topic, qos, messages });
  }
}
