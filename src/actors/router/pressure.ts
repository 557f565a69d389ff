/**
 * Back-pressure within a reactor. Something that cannot take more (a subscriber that reads slowly, a full ring to another reactor) is a pressure source.
 * Whoever delivered to it stops reading its own input and waits there. No queue is emptied to make room: the sender's TCP window closes instead.
 */
export interface Waiter {
  /** The pressure is off: go on reading. */
  relieved(): void;
}

export class PressureSource {
  #waiters: Waiter[] = [];
  #pressing = false;

  /** From `press` to `relieve`. */
  get pressing(): boolean {
    return this.#pressing;
  }

  press(): void {
    this.#pressing = true;
  }

  wait(waiter: Waiter): void {
    this.#waiters.push(waiter);
  }

  /** Lets everybody go on who waited. */
  relieve(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#pressing = false;
    for (const waiter of waiters) waiter.relieved();
  }
}

/** Where a delivery leaves word that it met pressure, for the publisher whose turn it is. One per reactor. */
export class PressureGauge {
  #met: PressureSource | null = null;

  meet(source: PressureSource): void {
    source.press();
    this.#met = source;
  }

  /** The source met last since the last call, if it still presses: nobody would ever relieve one who waits for a source that is at ease. */
  take(): PressureSource | null {
    const met = this.#met;
    this.#met = null;
    return met?.pressing ? met : null;
  }
}
