/** Cuts a stream of four-byte acks at any boundary into (type, packet id) pairs. Pure; a longer ack (5.0, with a reason) is an error of the run. */
import { BenchError } from './bench-error.ts';
import { ACK_BYTES } from './packets.ts';

export class AckReader {
  readonly #onAck: (type: number, packetId: number) => void;
  readonly #carry = Buffer.alloc(ACK_BYTES);
  #carried = 0;

  constructor(onAck: (type: number, packetId: number) => void) {
    this.#onAck = onAck;
  }

  take(bytes: Buffer, length: number): void {
    let pos = 0;
    if (this.#carried > 0) {
      pos = Math.min(ACK_BYTES - this.#carried, length);
      bytes.copy(this.#carry, this.#carried, 0, pos);
      this.#carried += pos;
      if (this.#carried < ACK_BYTES) return;
      this.#carried = 0;
      this.#one(this.#carry, 0);
    }
    for (; pos + ACK_BYTES <= length; pos += ACK_BYTES) this.#one(bytes, pos);
    this.#carried = bytes.copy(this.#carry, 0, pos, length);
  }

  #one(bytes: Buffer, pos: number): void {
    const type = bytes[pos] as number;
    if (bytes[pos + 1] !== 2) {
      throw new BenchError(
        'protocol',
        `publisher got ${bytes.subarray(pos, pos + ACK_BYTES).toString('hex')} where an ack of four bytes was due`,
      );
    }
    this.#onAck(type, ((bytes[pos + 2] as number) << 8) | (bytes[pos + 3] as number));
  }
}
