/** What has been found wrong: one fault often leads to thousands of others, and people read the first ones. */

const TOLD_MAX = 20;

export class FaultList {
  readonly #told: string[] = [];
  #count = 0;

  add(fault: string): void {
    this.#count++;
    if (this.#told.length < TOLD_MAX) this.#told.push(fault);
  }

  all(): string[] {
    const more = this.#count - this.#told.length;
    return more === 0 ? [...this.#told] : [...this.#told, `and ${more} more`];
  }
}
