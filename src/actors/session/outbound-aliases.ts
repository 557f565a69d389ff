/**
 * Topic aliases towards one client that takes them. The place of a topic follows from its bytes, so finding an alias is one hash and one comparison; of two
 * topics that share a place the one that keeps coming has it: a newcomer takes it only when it comes twice while the other did not.
 *
 *   place:  hash of the topic modulo the maximum       alias = place + 1, from 1 to the client's Topic Alias Maximum [MQTT-3.3.2-11]
 *
 * An alias costs three bytes a message and saves the topic, so short topics get none. Lives as long as the connection [MQTT-3.3.2-7].
 */
import { cloneBytes } from '../../base/bytes.ts';
import { hashTopic } from '../router/topic-table.ts';

/** Topics below this are not worth an alias. */
const WORTH_BYTES = 8;

export class OutboundAliases {
  readonly #topics: (Uint8Array | undefined)[];
  readonly #contested: boolean[];

  constructor(max: number) {
    this.#topics = new Array<Uint8Array | undefined>(max).fill(undefined);
    this.#contested = new Array<boolean>(max).fill(false);
  }

  /** The alias of the topic; negated when the client does not know it yet and is to be told; 0 for none. */
  find(buf: Uint8Array, start: number, end: number): number {
    if (end - start < WORTH_BYTES) return 0;
    const place = (hashTopic(buf, start, end, 0) >>> 0) % this.#topics.length;
    const resident = this.#topics[place];
    if (resident === undefined) return -(place + 1);
    if (Buffer.prototype.compare.call(resident as Buffer, buf, start, end) === 0) {
      this.#contested[place] = false;
      return place + 1;
    }
    if (this.#contested[place]) return -(place + 1);
    this.#contested[place] = true;
    return 0;
  }

  /** The client has been sent the topic with this alias. */
  set(alias: number, buf: Uint8Array, start: number, end: number): void {
    this.#topics[alias - 1] = Buffer.from(cloneBytes(buf, start, end).buffer);
    this.#contested[alias - 1] = false;
  }
}
