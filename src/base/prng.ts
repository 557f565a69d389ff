/**
 * A seeded generator (sfc32, 128 bits of state) for everything that needs chance: back-off jitter, the simulator's
 * scheduler, property tests. Same seed, same numbers, on every machine. Not for secrets.
 */
import { assert } from './assert.ts';

export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any integer; only its low 53 bits count. */
  constructor(seed: number) {
    assert(Number.isSafeInteger(seed), 'seed must be a safe integer');
    this.#a = mix32(seed >>> 0);
    this.#b = mix32(Math.floor(seed / 2 ** 32) ^ 0x9e3779b9);
    this.#c = mix32(this.#a ^ this.#b);
    for (let i = 0; i < 12; i++) this.nextU32();
  }

  /** Uniform in [0, 2^32). */
  nextU32(): number {
    const result = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** Uniform in [0, 1) with 32 bits of resolution. */
  next(): number {
    return this.nextU32() / 2 ** 32;
  }

  /** Uniform integer in [0, bound). */
  below(bound: number): number {
    assert(bound > 0, 'bound must be positive');
    return Math.floor(this.next() * bound);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }
}

/** Spreads the bits of a 32-bit integer (murmur3's finaliser); also the mixer of the placement hash. */
export function mix32(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
