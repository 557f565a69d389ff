/**
 * Copies of messages that a connected client has not acknowledged yet: many, small and gone soon. They share pieces of SLAB_BYTES, because an allocation of its own
 * for each costs more than everything else that is done for the message. A piece is free when the last message in it is; so nothing that may stay
 * for long (the queue of a client that is not there) is put here.
 */
import { copyBytes } from '../../base/bytes.ts';
import { detached, type Outgoing } from './outgoing.ts';

const SLAB_BYTES = 16_384;
/** What is larger gets memory of its own. */
const COPY_BYTES_MAX = 2048;

export class Slab {
  #bytes: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** The same packets in memory that nobody changes. */
  copy(outgoing: Outgoing): Outgoing {
    const size = outgoing.end - outgoing.start;
    if (size > COPY_BYTES_MAX) return detached(outgoing);
    if (this.#used + size > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    const end = copyBytes(this.#bytes, start, outgoing.buffer, outgoing.start, outgoing.end);
    this.#used = end;
    const { dialect, qos, retain, subscriptionIds, count, expiresAt, share } = outgoing;
    return { dialect, qos, retain, subscriptionIds, buffer: this.#bytes, start, end, count, expiresAt, share };
  }
}
