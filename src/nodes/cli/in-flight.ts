/** A bounded number of promises under way: `add` waits for room, `settled` for all. The first failure is thrown from either. */
export class InFlight {
  readonly #max: number;
  readonly #pending = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  async add(work: Promise<unknown>): Promise<void> {
    const tracked = work.then(
      () => void this.#pending.delete(tracked),
      (error: unknown) => {
        this.#failure ??= { error };
        this.#pending.delete(tracked);
      },
    );
    this.#pending.add(tracked);
    while (this.#pending.size >= this.#max) await Promise.race(this.#pending);
    this.#check();
  }

  async settled(): Promise<void> {
    await Promise.all(this.#pending);
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
