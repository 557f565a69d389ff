/** A set of whole numbers of which many lie side by side, as ranges; those that touch are one. Bound: as many entries as there are gaps. */

/** `to` is not in it. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export class Ranges {
  /** In order; no two touch. */
  readonly #list: Range[] = [];

  get first(): Range | undefined {
    return this.#list[0];
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** Behind the last one; 0 when there is none. */
  get end(): number {
    return this.#list.at(-1)?.to ?? 0;
  }

  has(number: number): boolean {
    return this.gapFrom(number) > number;
  }

  [Symbol.iterator](): Iterator<Range> {
    return this.#list[Symbol.iterator]();
  }

  add(from: number, to: number): void {
    if (from >= to) return;
    const start = this.#firstBehind(from - 1);
    let [low, high, end] = [from, to, start];
    for (let each = this.#list[end]; each !== undefined && each.from <= to; each = this.#list[++end]) {
      low = Math.min(low, each.from);
      high = Math.max(high, each.to);
    }
    this.#list.splice(start, end - start, { from: low, to: high });
  }

  remove(from: number, to: number): void {
    if (from >= to) return;
    const start = this.#firstBehind(from);
    const rest: Range[] = [];
    let end = start;
    for (let each = this.#list[end]; each !== undefined && each.from < to; each = this.#list[++end]) {
      if (each.from < from) rest.push({ from: each.from, to: from });
      if (each.to > to) rest.push({ from: to, to: each.to });
    }
    this.#list.splice(start, end - start, ...rest);
  }

  /** The first number from `from` on that is not in it. */
  gapFrom(from: number): number {
    const each = this.#list[this.#firstBehind(from)];
    return each !== undefined && each.from <= from ? each.to : from;
  }

  /** What is missing in `[from, to)`. */
  gaps(from: number, to: number): Range[] {
    const gaps: Range[] = [];
    let at = from;
    for (let i = this.#firstBehind(from); at < to; i++) {
      const each = this.#list[i];
      const next = Math.min(each?.from ?? to, to);
      if (next > at) gaps.push({ from: at, to: next });
      at = each?.to ?? to;
    }
    return gaps;
  }

  /** Place of the first that ends behind `at`. */
  #firstBehind(at: number): number {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#list[middle]!.to <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
