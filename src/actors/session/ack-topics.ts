/**
 * Which topic each packet id that is out belongs to, per connection: so that an acknowledgement can say what it is of. There only where acknowledgements make events, so
 * that nobody else keeps topics.
 *
 * Bounds: the in-flight window of each client; a connection that ends takes its entries with it.
 */
import type { Output } from './output.ts';
import type { PacketIds } from './publish-writer.ts';

export interface AckTopic {
  readonly topic: string;
  readonly qos: 1 | 2;
}

export class AckTopics {
  readonly #byClient = new WeakMap<Output, Map<number, AckTopic>>();

  /** `packetId` is out to the client. */
  sent(client: Output, packetId: number, topic: AckTopic): void {
    let out = this.#byClient.get(client);
    if (out === undefined) this.#byClient.set(client, (out = new Map()));
    out.set(packetId, topic);
  }

  /** `ids`, and each that it gives out is remembered. */
  recording(client: Output, ids: PacketIds, topic: AckTopic): PacketIds {
    return {
      resumable: ids.resumable,
      send: (qos, message) => {
        const packetId = ids.send(qos, message);
        this.sent(client, packetId, topic);
        return packetId;
      },
      skip: () => ids.skip(),
    };
  }

  /** What has been acknowledged by that; it is not out any more. */
  take(client: Output, packetId: number): AckTopic | undefined {
    const out = this.#byClient.get(client);
    const topic = out?.get(packetId);
    out?.delete(packetId);
    return topic;
  }
}
