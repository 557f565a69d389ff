/**
 * mosquitto's acl_file as rules of ours.
 *
 *   topic [read|write|readwrite|deny] FILTER     of the user above, or of clients without a user name when there is none above
 *   user NAME
 *   pattern [read|write|readwrite|deny] FILTER   of everybody; %c and %u stand for client id and user name
 *
 * mosquitto looks at what denies first, whatever the order of the lines, at the lines of the user before the patterns, and allows nothing else.
 */
import type { Rule } from '../../actors/access/messages.ts';
import { hasPlaceholder } from '../../actors/access/topic-pattern.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';

const ACCESS: ReadonlyMap<string, Pick<Rule, 'permission' | 'action'>> = new Map([
  ['read', { permission: 'allow', action: 'subscribe' }],
  ['write', { permission: 'allow', action: 'publish' }],
  ['readwrite', { permission: 'allow', action: 'all' }],
  ['deny', { permission: 'deny', action: 'all' }],
] as const);

/** The rules, or what is wrong with a line. */
export function parseMosquittoAcl(text: string): Rule[] | { readonly line: number; readonly what: string } {
  const rules: Record<'user' | 'pattern', Record<'deny' | 'allow', Rule[]>> = {
    user: { deny: [], allow: [] },
    pattern: { deny: [], allow: [] },
  };
  let user = '';
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [keyword, rest] = splitWord(line);
    if (keyword === 'user') {
      if (rest === '') return { line: index + 1, what: 'names no user' };
      user = rest;
      continue;
    }
    if (keyword !== 'topic' && keyword !== 'pattern')
      return { line: index + 1, what: 'is not a `topic`, `user` or `pattern` line' };
    const [word, topicAfterWord] = splitWord(rest);
    const named = topicAfterWord === '' ? undefined : ACCESS.get(word);
    const topic = named === undefined ? rest : topicAfterWord;
    if (parseFilter(topic) === undefined) return { line: index + 1, what: 'has no topic filter' };
    const access = named ?? ACCESS.get('readwrite')!;
    // In `topic` lines %c and %u are text; a rule of ours would take them for placeholders.
    if (keyword === 'topic' && hasPlaceholder(topic))
      return { line: index + 1, what: 'has a placeholder outside of a `pattern` line' };
    const rule: Rule = keyword === 'topic' ? { ...access, users: [user], topics: [topic] } : { ...access, topics: [topic] };
    rules[keyword === 'topic' ? 'user' : 'pattern'][rule.permission].push(rule);
  }
  const { user: ofUsers, pattern } = rules;
  return [...ofUsers.deny, ...ofUsers.allow, ...pattern.deny, ...pattern.allow, { permission: 'deny', action: 'all' }];
}

function splitWord(line: string): [word: string, rest: string] {
  const end = line.search(/\s/);
  return end < 0 ? [line, ''] : [line.slice(0, end), line.slice(end).trim()];
}
