/** A reader that makes an event of every message that a client has acknowledged. Used in the place of the plain one only where such events are wanted. */
import { PacketType } from '../../wire/mqtt/constants.ts';
import { Reason, reasonName } from '../../wire/mqtt/reason-codes.ts';
import type { Events } from '../events/events.ts';
import type { AckTopics } from './ack-topics.ts';
import type { Client } from './client.ts';
import { InboundReader, type ReaderHost } from './inbound.ts';

/** What says that the client has a message, or will not have it. */
const RECEIPTS: readonly number[] = [PacketType.PUBACK, PacketType.PUBREC];

export class TellingReader extends InboundReader {
  readonly #events: Events;
  readonly #acks: AckTopics;

  constructor(events: Events, acks: AckTopics, ...plain: ConstructorParameters<typeof InboundReader>) {
    super(...plain);
    this.#events = events;
    this.#acks = acks;
  }

  protected override acknowledge(host: ReaderHost, client: Client, type: number, packetId: number, reason: number): void {
    super.acknowledge(host, client, type, packetId, reason);
    const message = RECEIPTS.includes(type) ? this.#acks.take(client, packetId) : undefined;
    if (message === undefined) return;
    this.#events.add('message_acked', {
      clientid: client.identity?.clientId,
      username: client.identity?.username,
      topic: message.topic,
      qos: message.qos,
      reason: reason === Reason.SUCCESS ? 'success' : reasonName(reason),
    });
  }
}
