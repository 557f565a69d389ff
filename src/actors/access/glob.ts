/** Names in rules: text in which `*` stands for any characters. */

/** Whether `name` is what `pattern` describes. */
export function globMatches(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return pattern === name;
  const parts = pattern.split('*');
  const last = parts.length - 1;
  if (!name.startsWith(parts[0]!)) return false;
  let at = parts[0]!.length;
  for (let i = 1; i < last; i++) {
    const found = name.indexOf(parts[i]!, at);
    if (found < 0) return false;
    at = found + parts[i]!.length;
  }
  return name.length - at >= parts[last]!.length && name.endsWith(parts[last]!);
}
