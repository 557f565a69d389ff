/** Segments that somebody is reading: their files stay what they are until the read is done. Counted by number. */
export class Pins {
  readonly #counts = new Map<number, number>();

  add(segment: number): void {
    this.#counts.set(segment, (this.#counts.get(segment) ?? 0) + 1);
  }

  remove(segment: number): void {
    const left = this.#counts.get(segment)! - 1;
    if (left === 0) this.#counts.delete(segment);
    else this.#counts.set(segment, left);
  }

  has(segment: number): boolean {
    return this.#counts.has(segment);
  }
}
