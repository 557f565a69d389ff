/**
 * A wildcard filter against names in order, without looking at all of them: from a name that does not match, straight to the next that could.
 *
 *   filter  a/+/state/#       at        a/17/alarm/x
 *   level 2 differs, so under a/17/ only `a/17/state` and what lies below it can match: seek there,
 *   and from beyond that seek behind everything under a/17/.
 */
import { filterMatches } from '../router/filter-match.ts';

/** Filters with wildcards only; a plain name is looked up, not scanned for. */
export class FilterScan {
  readonly #filter: string;
  readonly #levels: readonly string[];
  /** No name below this one matches. */
  readonly first: string;

  constructor(filter: string) {
    this.#filter = filter;
    this.#levels = filter.split('/');
    const literals = this.#levels.slice(0, this.#levels.findIndex(isWildcard));
    // `a/b/#` also matches `a/b`, which comes before everything under `a/b/`.
    this.first = literals.join('/');
  }

  matches(name: string): boolean {
    return filterMatches(this.#filter, name);
  }

  /** For a name that does not match: no name between it and the result matches. Undefined: none behind it does. */
  nextAfter(name: string): string | undefined {
    const levels = this.#levels;
    const dollar = name.charCodeAt(0) === 0x24;
    if (dollar && isWildcard(levels[0]!)) return '%';
    let start = 0;
    for (let depth = 0; ; depth++) {
      // The name is longer than the filter, so everything below this level's parent path is.
      if (depth === levels.length) return behind(name.slice(0, start - 1));
      const level = levels[depth]!;
      let end = name.indexOf('/', start);
      if (end < 0) end = name.length;
      const agrees = level === '+' || (level.length === end - start && name.startsWith(level, start));
      if (!agrees) return this.#beyond(name, name.slice(0, start), level);
      // The name is shorter than the filter. Next come names whose last level here is longer (`a-b` before `a/`): only `+` takes those.
      if (end === name.length) return level === '+' ? `${name}\0` : `${name}/`;
      start = end + 1;
    }
  }

  /** `name` starts with `parent` (empty or with its slash) and goes on with another level than `level`. */
  #beyond(name: string, parent: string, level: string): string | undefined {
    const wanted = parent + level;
    if (name < wanted) return wanted;
    if (name < `${wanted}/`) return `${wanted}/`;
    return parent === '' ? undefined : behind(parent.slice(0, -1));
  }
}

/** The first string behind all that start with `path` and a slash: the slash's successor is '0'. */
function behind(path: string): string {
  return `${path}0`;
}

function isWildcard(level: string): boolean {
  return level === '+' || level === '#';
}
