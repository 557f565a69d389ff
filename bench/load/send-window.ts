/**
 * The sending side of QoS 1 and 2: which slots of a prebuilt table of packets may be sent now, and what an ack frees. The table holds
 * the packets with ids 1 … slots; it is at least two windows long, so that an id comes back into use only long after its ack.
 * Pure: credit and acks in, slot ranges out.
 *
 *   slots:  … acked | in flight (≤ window) | free …        `acked` and `sent` only grow; slot = n % slots, id = slot + 1
 */
import { assert } from '../../src/base/assert.ts';

export class SendWindow {
  readonly slots: number;
  readonly #window: number;
  #sent = 0;
  #acked = 0;

  constructor(window: number, slotsMin = 1024) {
    assert(window >= 1 && window <= 32_767, `window out of range: ${window}`);
    this.#window = window;
    this.slots = Math.min(65_535, Math.max(2 * window, slotsMin));
  }

  get sent(): number {
    return this.#sent;
  }

  get acked(): number {
    return this.#acked;
  }

  /** Messages that may be sent now. */
  get credit(): number {
    return this.#window - (this.#sent - this.#acked);
  }

  /** The packet id that the next ack must carry: acks come in the order of the packets [MQTT-4.6.0-2]. */
  get nextAckId(): number {
    return (this.#acked % this.slots) + 1;
  }

  /** Takes up to `count` slots of the credit, but not over the end of the table; `first` is a slot. */
  take(count: number): { first: number; count: number } {
    const first = this.#sent % this.slots;
    const taken = Math.min(count, this.credit, this.slots - first);
    this.#sent += taken;
    return { first, count: taken };
  }

  /** One more message is done. */
  ack(): void {
    assert(this.#acked < this.#sent, 'ack for a message that was not sent');
    this.#acked += 1;
  }
}
