/** The matching rules of section 4.7, one filter against one name, without splitting either. */

const PLUS = 0x2b;
const HASH = 0x23;
const SLASH = 0x2f;
const DOLLAR = 0x24;

/** A well-formed filter has these characters only as wildcards. */
export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

/**
 * Whether the topic `name` matches `filter`; both are well formed. A leading wildcard does not match names with a leading `$`
 * [MQTT-4.7.2-1]; `a/#` matches `a` as well.
 */
export function filterMatches(filter: string, name: string): boolean {
  const filterEnd = filter.length;
  const nameEnd = name.length;
  let f = 0;
  let n = 0;
  if (nameEnd > 0 && name.charCodeAt(0) === DOLLAR && filter.charCodeAt(0) !== DOLLAR) return false;
  for (;;) {
    const code = f < filterEnd ? filter.charCodeAt(f) : -1;
    if (code === HASH) return true;
    if (code === PLUS) {
      f++;
      while (n < nameEnd && name.charCodeAt(n) !== SLASH) n++;
    } else {
      while (f < filterEnd && n < nameEnd && filter.charCodeAt(f) === name.charCodeAt(n) && name.charCodeAt(n) !== SLASH) {
        f++;
        n++;
      }
    }
    const filterLevelEnds = f === filterEnd || filter.charCodeAt(f) === SLASH;
    const nameLevelEnds = n === nameEnd || name.charCodeAt(n) === SLASH;
    if (!filterLevelEnds || !nameLevelEnds) return false;
    if (n === nameEnd) return f === filterEnd || (filter.charCodeAt(f + 1) === HASH && f + 2 === filterEnd);
    if (f === filterEnd) return false;
    f++;
    n++;
  }
}
