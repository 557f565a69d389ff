/**
 * Append messages on their way to one replica: a ring of (last index, bytes), bounded by both. Without the bound on bytes a few hundred large
 * messages would be gigabytes; a message larger than the bound goes when nothing else is under way.
 */
export class Inflights {
  readonly #bytesMax: number;
  readonly #lastIndexes: Float64Array;
  readonly #sizes: Float64Array;
  #start = 0;
  #count = 0;
  #bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#lastIndexes = new Float64Array(messagesMax);
    this.#sizes = new Float64Array(messagesMax);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  isFull(): boolean {
    return this.#count === this.#lastIndexes.length || this.#bytes >= this.#bytesMax;
  }

  /** Bytes that the next message may have; more when nothing is under way. */
  room(): number {
    return this.#bytesMax - this.#bytes;
  }

  add(lastIndex: number, bytes: number): void {
    const place = (this.#start + this.#count) % this.#lastIndexes.length;
    this.#lastIndexes[place] = lastIndex;
    this.#sizes[place] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Everything up to `index` has arrived. */
  freeTo(index: number): void {
    while (this.#count > 0 && this.#lastIndexes[this.#start]! <= index) {
      this.#bytes -= this.#sizes[this.#start]!;
      this.#start = (this.#start + 1) % this.#lastIndexes.length;
      this.#count--;
    }
  }

  clear(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }
}
