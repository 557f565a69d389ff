/**
 * The known word that a mistyped one most likely meant: least Damerau–Levenshtein distance (insert, delete, replace, swap of
 * neighbours), where a word whose letters only lack or mistake separators counts as equal.
 */

/** Words above this are compared by their head only, so that a hostile key costs nothing. */
const COMPARED_CHARS_MAX = 96;

export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, beforePrevious[j - 2]! + 1);
      row.push(cost);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length]!;
}

function lettersOf(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** The nearest of `known` (first wins a tie); `known` must not be empty. */
export function nearestWord(word: string, known: Iterable<string>): string {
  const wanted = word.slice(0, COMPARED_CHARS_MAX).toLowerCase();
  const wantedLetters = lettersOf(wanted);
  const wantedTail = wanted.slice(wanted.lastIndexOf('.') + 1);
  const wantedHead = wanted.slice(0, wanted.indexOf('.') + 1);
  let best = '';
  let bestScore = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    let score = editDistance(wanted, candidate);
    if (wantedLetters !== '' && lettersOf(candidate) === wantedLetters) score = 0;
    // `port` or `tcp.port` without its section, `mqtt` without a key: what is there says more than the length does.
    else if (candidate.endsWith(`.${wanted}`) || candidate.startsWith(`${wanted}.`)) score = Math.min(score, 1);
    // `mqtt.port`: both ends are right and the middle is missing.
    else if (wantedHead !== '' && candidate.startsWith(wantedHead) && candidate.endsWith(`.${wantedTail}`))
      score = Math.min(score, 1);
    else if (wantedTail.length >= 4 && candidate.endsWith(`.${wantedTail}`)) score -= 1;
    if (score < bestScore) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}
