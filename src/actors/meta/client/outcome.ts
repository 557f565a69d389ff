/** What a call of the metadata comes to. */
import type { MetaRefusal } from '../command.ts';

/**
 * `unavailable`, `busy`: nothing was done, and it may be tried again. `unknown`: nobody can tell whether it was done. `compacted`, `future`: what was asked for is gone, or
 * not there yet; `revision` is. The others are answers of the group.
 */
export type MetaFailure = 'unavailable' | 'busy' | 'unknown' | 'compacted' | 'future' | MetaRefusal;

export type Outcome<T> =
  | { readonly isOk: true; readonly value: T }
  | { readonly isOk: false; readonly failure: MetaFailure; readonly revision: number };

export function failed(
  failure: MetaFailure,
  revision = 0,
): { readonly isOk: false; readonly failure: MetaFailure; readonly revision: number } {
  return { isOk: false, failure, revision };
}
