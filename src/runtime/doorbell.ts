/**
 * How a thread sleeps and is woken. One word of shared memory per thread: AWAKE or ASLEEP.
 *
 * Sleeper: store ASLEEP, look again at all inbound rings and at the room in outbound ones that something waits for, then
 *          wait asynchronously for the word to change.
 * Waker:   publish into the ring (or free room in it), then exchange ASLEEP for AWAKE; only who made that exchange notifies.
 * Both sides store first and look second, all sequentially consistent, so either the sleeper sees the record or the
 * waker sees the sleeper. A thread under load never sleeps, and then ringing costs one load.
 *
 * A wait that is still pending when the thread wakes for another reason is kept and used again at the next sleep. A
 * pending `waitAsync` does not keep the process alive; a reactor lives by its port to the main thread.
 */
const AWAKE = 0;
const ASLEEP = 1;

export function allocateDoorbell(): SharedArrayBuffer {
  return new SharedArrayBuffer(4);
}

/** Wakes the thread of this doorbell if it sleeps. Called after a publish. */
export function ring(bell: Int32Array): void {
  if (Atomics.load(bell, 0) !== ASLEEP) return;
  if (Atomics.compareExchange(bell, 0, ASLEEP, AWAKE) === ASLEEP) Atomics.notify(bell, 0);
}

export class Doorbell {
  readonly #bell: Int32Array;
  readonly #onRing: () => void;
  #pending = false;

  constructor(memory: SharedArrayBuffer, onRing: () => void) {
    this.#bell = new Int32Array(memory);
    this.#onRing = onRing;
  }

  /** Says that this thread is about to sleep. The caller looks for work once more and then calls `wait` or `wake`. */
  fallAsleep(): void {
    Atomics.store(this.#bell, 0, ASLEEP);
  }

  wake(): void {
    if (this.#bell[0] !== AWAKE) Atomics.store(this.#bell, 0, AWAKE);
  }

  wait(): void {
    if (this.#pending) {
      // The pending wait was for the same word: if it was changed since fallAsleep, its notification is on its way.
      return;
    }
    const wait = Atomics.waitAsync(this.#bell, 0, ASLEEP);
    if (!wait.async) {
      this.#onRing();
      return;
    }
    this.#pending = true;
    void wait.value.then(() => {
      this.#pending = false;
      this.#onRing();
    });
  }
}
