/**
 * A first-in first-out queue over one array used as a ring. It starts at eight places, doubles when full and gives a
 * large array back when it runs empty, so that a burst does not stay in memory.
 *
 *      head                     head + size
 *        v                          v
 *   | . | a | b | c | d | e | f | g | . |      place of the i-th entry: (head + i) & (capacity - 1)
 */
const CAPACITY_MIN = 8;
const CAPACITY_KEPT = 64;

export class Fifo<T> {
  #places: (T | undefined)[] = new Array<T | undefined>(CAPACITY_MIN).fill(undefined);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(entry: T): void {
    if (this.#size === this.#places.length) this.#grow();
    this.#places[(this.#head + this.#size) & (this.#places.length - 1)] = entry;
    this.#size++;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const entry = this.#places[this.#head];
    this.#places[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#places.length - 1);
    this.#size--;
    if (this.#size === 0 && this.#places.length > CAPACITY_KEPT) this.#reset();
    return entry;
  }

  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#places[this.#head];
  }

  #grow(): void {
    const capacity = this.#places.length;
    const places = new Array<T | undefined>(capacity * 2).fill(undefined);
    for (let i = 0; i < this.#size; i++) places[i] = this.#places[(this.#head + i) & (capacity - 1)];
    this.#places = places;
    this.#head = 0;
  }

  #reset(): void {
    this.#places = new Array<T | undefined>(CAPACITY_MIN).fill(undefined);
    this.#head = 0;
  }
}
