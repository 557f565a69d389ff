/**
 * Memory that is used again when nobody reads it any more: a page that is touched for the first time costs more than what is copied into it. Bound: `countMax` pieces of at most `bytesMax` are kept.
 */
export interface SpareBounds {
  readonly countMax: number;
  /** Of a piece. */
  readonly bytesMin: number;
  readonly bytesMax: number;
}

export class SpareMemory {
  readonly #bounds: SpareBounds;
  readonly #spares: ArrayBuffer[] = [];

  constructor(bounds: SpareBounds) {
    this.#bounds = bounds;
  }

  /** At least so many bytes, with anything in them. */
  take(bytes: number): ArrayBuffer {
    const spares = this.#spares;
    const place = spares.findIndex(({ byteLength }) => byteLength >= bytes);
    if (place >= 0) return spares.splice(place, 1)[0]!;
    // What is needed grows with the load: what has become too small goes first.
    if (spares.length === this.#bounds.countMax) spares.shift();
    return new ArrayBuffer(Math.max(bytes + (bytes >> 1), this.#bounds.bytesMin));
  }

  giveBack(memory: ArrayBuffer): void {
    const { countMax, bytesMax } = this.#bounds;
    if (this.#spares.length < countMax && memory.byteLength <= bytesMax) this.#spares.push(memory);
  }
}
