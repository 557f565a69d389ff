/** What a thread's system needs from its surroundings: a real thread (thread-platform.ts) or the simulator. */
import type { Clock } from '../base/clock.ts';

export interface Platform extends Clock {
  /** Uniform in [0, 1). */
  random(): number;
  /** Arranges one call of the system's `turn()`, soon. The system asks at most once per turn. */
  scheduleTurn(): void;
  /**
   * Nothing to do before `untilMs` (monotonic; Infinity: until something arrives). `hasWork` is looked at once more after
   * the thread has said that it sleeps.
   */
  sleep(untilMs: number, hasWork: () => boolean): void;
  /** A turn begins: undo what `sleep` arranged. */
  awake(): void;
  /** A failure came out of the root guardian: this thread cannot go on. */
  fatal(error: unknown): void;
}
