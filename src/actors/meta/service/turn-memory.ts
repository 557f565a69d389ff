/** Memory for what a turn has brought and its end will use up: the same in every turn, for fresh memory costs more than the copy that goes into it. */
const CAPACITY_BYTES = 64 * 1024;
/** What is kept from one turn to the next. */
const CAPACITY_BYTES_MAX = 2 * 1024 * 1024;

export class TurnMemory {
  #block: Uint8Array = new Uint8Array(CAPACITY_BYTES);
  #used = 0;

  /** Valid until `clear`. */
  copy(bytes: Uint8Array): Uint8Array {
    const start = this.#used;
    this.#used += bytes.length;
    if (this.#used > this.#block.length) return this.#inLarger(bytes);
    const own = this.#block.subarray(start, this.#used);
    own.set(bytes);
    return own;
  }

  clear(): void {
    this.#used = 0;
    if (this.#block.length > CAPACITY_BYTES_MAX) this.#block = new Uint8Array(CAPACITY_BYTES);
  }

  /** What has been handed out stays where it is. */
  #inLarger(bytes: Uint8Array): Uint8Array {
    this.#block = new Uint8Array(2 * Math.max(this.#block.length, bytes.length));
    this.#used = 0;
    return this.copy(bytes);
  }
}
