/** What happened in a simulation, as one number: two FNV-1a streams over every entry into an actor, with its time. */
export class TraceHash {
  readonly #scratch = new DataView(new ArrayBuffer(8));
  #low = 0x811c9dc5;
  #high = 0x9747b28c;
  #entries = 0;

  get entries(): number {
    return this.#entries;
  }

  add(nowMs: number, ...values: readonly number[]): void {
    this.#entries++;
    this.#mix(nowMs);
    for (const value of values) this.#mix(value);
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0');
  }

  #mix(value: number): void {
    this.#scratch.setFloat64(0, value);
    const a = this.#scratch.getInt32(0);
    const b = this.#scratch.getInt32(4);
    this.#low = Math.imul(Math.imul(this.#low ^ a, 0x01000193) ^ b, 0x01000193);
    this.#high = Math.imul(Math.imul(this.#high ^ b, 0x01000193) ^ a, 0x01000193);
    this.#high ^= this.#low >>> 15;
  }
}
