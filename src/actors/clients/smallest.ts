/** The smallest of many strings, without sorting them all. Pure. */

/** Those behind `after` that contain `like`, in order, at most `limit`. */
export function smallest(all: Iterable<string>, after: string, like: string, limit: number): string[] {
  let kept: string[] = [];
  /** Nothing from here on is among the smallest; undefined while there is room. */
  let bound: string | undefined;
  for (const each of all) {
    if (each <= after || (bound !== undefined && each >= bound) || !each.includes(like)) continue;
    kept.push(each);
    if (kept.length < 2 * limit) continue;
    kept = kept.sort(compare).slice(0, limit);
    bound = kept.at(-1);
  }
  return kept.sort(compare).slice(0, limit);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
