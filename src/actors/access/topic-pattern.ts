/**
 * The topic patterns of access rules: topic filters with places for the client's own name, and the questions a rule asks of them. Pure.
 *
 * A pattern is matched level by level, with wildcards apart from text, so that a client cannot smuggle a wildcard or a slash into it by its name: the
 * name `#` stands in a pattern as a level that no topic has. What `%c` stands for in a rule that denies is taken the other way round,
 * as wildcards: a name that is not usable in a topic must not escape the rule.
 */

export const ANY = 1;
export const REST = 2;
export type Level = string | typeof ANY | typeof REST;

export interface TopicPattern {
  /** The text after `eq `: names and filters are compared with it as text. Undefined for a pattern. */
  readonly literal: string | undefined;
  readonly levels: readonly Level[];
}

export interface Placeholders {
  readonly clientId: string;
  /** '' for none. */
  readonly username: string;
}

const PLACEHOLDER = /%c|%u|\$\{clientid\}|\$\{username\}/g;
const UNUSABLE = /[+#/]/;
const LITERAL = 'eq ';

export function hasPlaceholder(text: string): boolean {
  return text.search(PLACEHOLDER) >= 0;
}

/**
 * The pattern for one client; undefined when it is about nothing, because it needs a user name that the client has not got. `widen` is for rules that
 * deny: see above.
 */
export function compilePattern(text: string, of: Placeholders, widen: boolean): TopicPattern | undefined {
  const isLiteral = text.startsWith(LITERAL);
  let missing = false;
  const substitute = (part: string): string =>
    part.replaceAll(PLACEHOLDER, (name) => {
      const value = name === '%c' || name === '${clientid}' ? of.clientId : of.username;
      if (value === '') missing = true;
      return value;
    });
  if (isLiteral) {
    const literal = substitute(text.slice(LITERAL.length));
    return missing ? undefined : { literal, levels: [] };
  }
  const levels = text.split('/').flatMap((part): Level[] => {
    if (part === '+') return [ANY];
    if (part === '#') return [REST];
    const value = substitute(part);
    return widen && value !== part && UNUSABLE.test(value) ? widened(value) : [value];
  });
  const rest = levels.indexOf(REST);
  return missing ? undefined : { literal: undefined, levels: rest < 0 ? levels : levels.slice(0, rest + 1) };
}

function widened(value: string): Level[] {
  return value.split('/').map((part) => (part.includes('#') ? REST : part.includes('+') ? ANY : part));
}

/** A topic name as levels. */
export function nameLevels(name: string): readonly Level[] {
  return name.split('/');
}

/** A well-formed topic filter as levels. */
export function filterLevels(filter: string): readonly Level[] {
  return filter.split('/').map((part) => (part === '+' ? ANY : part === '#' ? REST : part));
}

function isSystem(level: Level | undefined): boolean {
  return typeof level === 'string' && level.startsWith('$');
}

/** Whether every topic name that `filter` matches is matched by `pattern`. A name is the filter that matches itself. */
export function covers(pattern: readonly Level[], filter: readonly Level[]): boolean {
  if (typeof pattern[0] === 'number' && isSystem(filter[0])) return false; // [MQTT-4.7.2-1]
  for (let i = 0; ; i++) {
    const mine = pattern[i];
    const theirs = filter[i];
    if (mine === REST) return true;
    // `+/#` is all that `#` is: there is no name without a level.
    if (theirs === REST) return i === 0 && mine === ANY && pattern[1] === REST;
    if (theirs === undefined) return mine === undefined;
    if (mine === undefined || (mine !== ANY && mine !== theirs)) return false;
  }
}

/** Whether there is a topic name that both match. */
export function overlaps(pattern: readonly Level[], filter: readonly Level[]): boolean {
  if (typeof pattern[0] === 'number' && isSystem(filter[0])) return false;
  if (typeof filter[0] === 'number' && isSystem(pattern[0])) return false;
  for (let i = 0; ; i++) {
    const mine = pattern[i];
    const theirs = filter[i];
    if (mine === REST || theirs === REST) return true;
    if (mine === undefined || theirs === undefined) return mine === theirs;
    if (mine !== ANY && theirs !== ANY && mine !== theirs) return false;
  }
}
