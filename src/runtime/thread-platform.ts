/** The surroundings of a system on a real thread: the event loop, the real clock, the doorbell. */
import { Alarm, type Clock, realClock } from '../base/clock.ts';
import { Prng } from '../base/prng.ts';
import { Doorbell } from './doorbell.ts';
import type { Platform } from './platform.ts';

export class ThreadPlatform implements Platform {
  readonly #clock: Clock = realClock;
  readonly #prng: Prng;
  readonly #doorbell: Doorbell;
  readonly #alarm: Alarm;
  #turn: () => void = () => {};
  #wake: () => void = () => {};

  constructor(bell: SharedArrayBuffer, seed: number) {
    this.#prng = new Prng(seed);
    this.#doorbell = new Doorbell(bell, () => this.#wake());
    this.#alarm = new Alarm(() => this.#wake());
  }

  /** `wake` asks the system for a turn, `turn` runs it. Called once, before the first turn. */
  connect(system: { requestTurn(): void; turn(): void }): void {
    this.#wake = () => system.requestTurn();
    this.#turn = () => system.turn();
  }

  now(): number {
    return this.#clock.now();
  }

  wallClock(): number {
    return this.#clock.wallClock();
  }

  random(): number {
    return this.#prng.next();
  }

  scheduleTurn(): void {
    setImmediate(this.#turn);
  }

  sleep(untilMs: number, hasWork: () => boolean): void {
    this.#doorbell.fallAsleep();
    if (hasWork()) {
      this.#doorbell.wake();
      this.#wake();
      return;
    }
    this.#doorbell.wait();
    this.#alarm.set(untilMs);
  }

  awake(): void {
    this.#doorbell.wake();
  }

  /** Thrown outside every actor, so that it ends the thread as any uncaught error does. */
  fatal(error: unknown): void {
    setImmediate(() => {
      throw error;
    });
  }
}
