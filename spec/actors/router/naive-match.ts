/**
 * Section 4.7 of the standard, word by word and level by level; the model that the fast matchers are held against. Slow and obvious on purpose.
 */
export function naiveMatch(filter: string, topic: string): boolean {
  const filterLevels = filter.split('/');
  const topicLevels = topic.split('/');
  // [MQTT-4.7.2-1]: a filter that starts with a wildcard does not match a topic that starts with $.
  if (topic.startsWith('$') && (filter.startsWith('#') || filter.startsWith('+'))) return false;
  // 4.7.1.2: "#" stands for the parent and any number of child levels.
  if (filterLevels.at(-1) === '#') {
    const parents = filterLevels.slice(0, -1);
    if (topicLevels.length < parents.length) return false;
    return sameLevels(parents, topicLevels.slice(0, parents.length));
  }
  // 4.7.1.3: "+" stands for exactly one level; it may be an empty one.
  return filterLevels.length === topicLevels.length && sameLevels(filterLevels, topicLevels);
}

function sameLevels(filterLevels: readonly string[], topicLevels: readonly string[]): boolean {
  return filterLevels.every((level, i) => level === '+' || level === topicLevels[i]);
}
