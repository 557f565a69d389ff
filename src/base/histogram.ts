/**
 * Log-linear histogram of non-negative integers below 2^32 (HDR style): exact up to 255, after that 128 buckets for every doubling,
 * so a bucket is at most 1/128 of its value wide and a reported quantile at most 0.8 % too high.
 *
 *   value      0 … 255 | 256 … 511  | 512 … 1023 | …
 *   bucket       1 wide |    2 wide  |    4 wide  | …          index = octave * 128 + (value >>> octave)
 *
 * Recording is a count-leading-zeros, a shift and an increment: it allocates nothing. The unit is the caller's (the bench uses
 * microseconds). Owned by one thread; 26 KiB each.
 */
import { assert } from './assert.ts';

/** Values below this have a bucket each; half as many buckets for every doubling above. */
const LINEAR = 256;
const LINEAR_BITS = 8;
const HALF = LINEAR / 2;
const BUCKETS = (32 - LINEAR_BITS) * HALF + LINEAR;

/** Largest value that is told apart; what is above is counted as this. */
export const HISTOGRAM_VALUE_MAX = 0xffff_ffff;

/** What travels between processes: sparse pairs [bucket, count, bucket, count, …]. */
export interface HistogramSnapshot {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly buckets: readonly number[];
}

export function bucketOf(value: number): number {
  const octave = Math.max(0, 32 - LINEAR_BITS - Math.clz32(value));
  return octave * HALF + (value >>> octave);
}

/** Largest value that lands in `bucket`. */
export function bucketTop(bucket: number): number {
  if (bucket < LINEAR) return bucket;
  const octave = Math.floor(bucket / HALF) - 1;
  return (bucket - octave * HALF + 1) * 2 ** octave - 1;
}

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #min = HISTOGRAM_VALUE_MAX;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** 0 when nothing was recorded. */
  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  get max(): number {
    return this.#max;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** Counts `value` so many times: fractions are cut off, what is outside 0 … HISTOGRAM_VALUE_MAX counts as the nearer end. */
  record(value: number, times = 1): void {
    const clamped = value <= 0 ? 0 : value >= HISTOGRAM_VALUE_MAX ? HISTOGRAM_VALUE_MAX : Math.floor(value);
    const bucket = bucketOf(clamped);
    this.#counts[bucket] = (this.#counts[bucket] as number) + times;
    this.#count += times;
    this.#sum += clamped * times;
    if (clamped < this.#min) this.#min = clamped;
    if (clamped > this.#max) this.#max = clamped;
  }

  /** Smallest bucket top that at least `quantile` (0 … 1) of the values do not exceed; never above the maximum. 0 when empty. */
  quantile(quantile: number): number {
    assert(quantile >= 0 && quantile <= 1, `quantile out of range: ${quantile}`);
    if (this.#count === 0) return 0;
    // 0.07 * 100 is a hair above 7; without the allowance it would ask for the eighth value.
    const wanted = Math.max(1, Math.ceil(quantile * this.#count * (1 - Number.EPSILON)));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] as number;
      if (seen >= wanted) return Math.min(bucketTop(bucket), this.#max);
    }
    return this.#max;
  }

  merge(other: Histogram | HistogramSnapshot): void {
    const { buckets, count, sum, min, max } = other instanceof Histogram ? other.snapshot() : other;
    if (count === 0) return;
    for (let i = 0; i + 1 < buckets.length; i += 2) {
      const bucket = buckets[i] as number;
      assert(bucket >= 0 && bucket < BUCKETS, `histogram bucket out of range: ${bucket}`);
      this.#counts[bucket] = (this.#counts[bucket] as number) + (buckets[i + 1] as number);
    }
    this.#count += count;
    this.#sum += sum;
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
  }

  snapshot(): HistogramSnapshot {
    const buckets: number[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#counts[bucket] as number;
      if (count > 0) buckets.push(bucket, count);
    }
    return { count: this.#count, sum: this.#sum, min: this.min, max: this.#max, buckets };
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#min = HISTOGRAM_VALUE_MAX;
    this.#max = 0;
  }
}
