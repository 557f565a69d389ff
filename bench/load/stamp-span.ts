/**
 * Which messages' latencies count: those whose stamp lies within the measured window, whenever they arrive. Going by the time of
 * arrival instead would leave out just the messages that came late.
 */
export class StampSpan {
  #from = Number.POSITIVE_INFINITY;
  #until = Number.POSITIVE_INFINITY;

  open(now: number): void {
    this.#from = now;
  }

  close(now: number): void {
    this.#until = now;
  }

  get opened(): boolean {
    return this.#from !== Number.POSITIVE_INFINITY;
  }

  holds(stamp: number): boolean {
    return stamp >= this.#from && stamp < this.#until;
  }
}
