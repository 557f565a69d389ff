/**
 * The decisions of supervision, pure: which directive, which siblings, what delay. lifecycle.ts carries them out.
 */
import { assert } from '../base/assert.ts';
import type { Directive, Supervision } from './actor.ts';
import type { ActorRef } from './ref.ts';

export const DEFAULT_SUPERVISION: Supervision = {
  strategy: 'oneForOne',
  restartsMax: 10,
  windowMs: 60_000,
  backoffMinMs: 20,
  backoffMaxMs: 10_000,
};

/** Restarts within the window, oldest first. One per child under oneForOne, one per supervisor under the group strategies. */
export class RestartLog {
  readonly #atMs: number[] = [];

  /** Admits one more restart and returns its delay in milliseconds, or -1 when the window is used up. */
  admit(nowMs: number, supervision: Supervision): number {
    while (this.#atMs.length > 0 && this.#atMs[0]! <= nowMs - supervision.windowMs) this.#atMs.shift();
    if (this.#atMs.length >= supervision.restartsMax) return -1;
    this.#atMs.push(nowMs);
    return backoff(this.#atMs.length, supervision);
  }
}

/** @param attempt 1 for the first restart in the window. */
function backoff(attempt: number, supervision: Supervision): number {
  if (supervision.backoffMinMs === 0) return 0;
  assert(supervision.backoffMinMs <= supervision.backoffMaxMs, 'back-off bounds are reversed');
  return Math.min(supervision.backoffMinMs * 2 ** Math.min(attempt - 1, 40), supervision.backoffMaxMs);
}

export interface Decision {
  readonly directive: Directive;
  /** The error to escalate with: the child's, or the supervisor's own when `decide` threw. */
  readonly error: unknown;
}

export function decide(supervision: Supervision, error: unknown, child: ActorRef): Decision {
  if (supervision.decide === undefined) return { directive: 'restart', error };
  try {
    return { directive: supervision.decide(error, child), error };
  } catch (thrown) {
    return { directive: 'escalate', error: thrown };
  }
}

/** Which of the children (in start order) a restart or stop takes in; `failed` is one of them. */
export function affected<T>(strategy: Supervision['strategy'], children: readonly T[], failed: T): readonly T[] {
  if (strategy === 'oneForOne') return [failed];
  if (strategy === 'allForOne') return children;
  const from = children.indexOf(failed);
  assert(from >= 0, 'the failed child is not among its siblings');
  return children.slice(from);
}
