/**
 * Gives space back: segments of which nobody keeps anything, and, in the shared log, the front that a few old records hold up (storage/front-rewrite.ts), a step at a time, so that appends do not notice.
 */
import { REWRITE_PAUSE_MS, REWRITE_STEP_MS } from '../../base/limits.ts';
import { FrontRewrite } from '../../storage/front-rewrite.ts';
import type { EngineSet } from './engines.ts';
import { STORE_PROBE } from './probe.ts';

const { slot } = STORE_PROBE;

export class Space {
  readonly #engines: EngineSet;
  readonly #slots: Float64Array;
  #rewrite: FrontRewrite | null = null;
  #pausedUntil = 0;

  constructor(engines: EngineSet, slots: Float64Array) {
    this.#engines = engines;
    this.#slots = slots;
  }

  /** From time to time. Returns after how many milliseconds to call `step`; undefined when there is nothing to be done in steps. */
  collect(nowMs: number): number | undefined {
    for (const journal of this.#engines.journals()) this.#slots[slot.segmentsRemoved]! += journal.front.collect();
    const { shared } = this.#engines;
    if (this.#rewrite !== null || nowMs < this.#pausedUntil || shared.poisoned !== null) return undefined;
    this.#rewrite = new FrontRewrite(shared);
    return REWRITE_STEP_MS;
  }

  /** Returns as `collect`. */
  step(nowMs: number): number | undefined {
    const rewrite = this.#rewrite;
    if (rewrite === null) return undefined;
    if (this.#engines.shared.poisoned !== null) rewrite.cancel();
    else rewrite.step();
    if (!rewrite.isDone) return REWRITE_STEP_MS;
    this.#rewrite = null;
    if (rewrite.freedBytes === 0) this.#pausedUntil = nowMs + REWRITE_PAUSE_MS;
    if (rewrite.failure !== null) this.#slots[slot.rewritesFailed]!++;
    this.#slots[slot.bytesRewritten]! += rewrite.freedBytes;
    return undefined;
  }
}
