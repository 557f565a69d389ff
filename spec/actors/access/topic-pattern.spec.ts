import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  compilePattern,
  covers,
  filterLevels,
  type Level,
  nameLevels,
  overlaps,
} from '../../../src/actors/access/topic-pattern.ts';
import { filterMatches } from '../../../src/actors/router/filter-match.ts';

const test = suite('topic patterns of rules');

const WORDS = ['a', 'b', '$s'];
/** Every name of one to three levels over the words, and one word more that no filter of the specs has. */
const NAMES: readonly string[] = (() => {
  const levels = [...WORDS, 'other'];
  const two = levels.flatMap((one) => levels.map((other) => `${one}/${other}`));
  const all = [...levels, ...two, ...two.flatMap((name) => levels.map((level) => `${name}/${level}`))];
  return all;
})();

const filter = fc
  .tuple(fc.array(fc.constantFrom(...WORDS, '+'), { maxLength: 2 }), fc.constantFrom('a', 'b', '$s', '+', '#'))
  .map(([levels, last]) => [...levels, last].join('/'));

test('covers and overlaps mean what they say about the names that match', () => {
  fc.assert(
    fc.property(filter, filter, (pattern, asked) => {
      const ofAsked = NAMES.filter((name) => filterMatches(asked, name));
      const inBoth = ofAsked.filter((name) => filterMatches(pattern, name));
      const [mine, theirs] = [filterLevels(pattern), filterLevels(asked)];
      assert.is(overlaps(mine, theirs), inBoth.length > 0, `${pattern} overlaps ${asked}`);
      // Names of four levels tell `a/+/+` from `a/#`.
      const deep = (text: string): boolean => text.endsWith('#') && filterMatches(text, 'a/a/a/a/a');
      const isWhole = inBoth.length === ofAsked.length && (!asked.endsWith('#') || pattern.endsWith('#') || !deep(asked));
      if (covers(mine, theirs)) assert.is(inBoth.length, ofAsked.length, `${pattern} covers ${asked}`);
      else if (!asked.endsWith('#')) assert.not(isWhole, `${pattern} does not cover ${asked}`);
    }),
    { numRuns: 2000 },
  );
});

test('a name is covered by what matches it', () => {
  fc.assert(
    fc.property(filter, fc.constantFrom(...NAMES), (pattern, name) => {
      assert.is(covers(filterLevels(pattern), nameLevels(name)), filterMatches(pattern, name), `${pattern} ${name}`);
    }),
    { numRuns: 2000 },
  );
});

test('wildcards of a subscription are only covered by wildcards', () => {
  const table: [pattern: string, asked: string, covered: boolean, overlapping: boolean][] = [
    ['a/+', 'a/#', false, true],
    ['a/#', 'a/#', true, true],
    ['a/#', 'a/+/b', true, true],
    ['a/b', 'a/+', false, true],
    ['#', '$SYS/#', false, false],
    ['$SYS/#', '#', false, false],
    ['+/#', '#', true, true],
    ['#', '+/#', true, true],
    ['a/#', 'a', true, true],
    ['a', 'a/#', false, true],
  ];
  for (const [pattern, asked, covered, overlapping] of table) {
    assert.is(covers(filterLevels(pattern), filterLevels(asked)), covered, `${pattern} covers ${asked}`);
    assert.is(overlaps(filterLevels(pattern), filterLevels(asked)), overlapping, `${pattern} overlaps ${asked}`);
  }
});

const compiled = (text: string, clientId: string, username: string, widen = false): readonly Level[] | undefined =>
  compilePattern(text, { clientId, username }, widen)?.levels;

test('a client’s own name goes where its placeholder stands', () => {
  assert.equal(compiled('d/%c/x', 'c1', ''), filterLevels('d/c1/x'));
  assert.equal(compiled('d/${clientid}/+', 'c1', ''), filterLevels('d/c1/+'));
  assert.equal(compiled('u-%u/${username}/#', 'c1', 'anna'), filterLevels('u-anna/anna/#'));
  assert.is(compiled('d/%u', 'c1', ''), undefined, 'a rule about the user is not about a client without one');
  assert.equal(compiled('a/%c', '%u', 'anna'), filterLevels('a/%u'), 'a name is not substituted once more');
  assert.is(compilePattern('eq d/+/%c', { clientId: 'x', username: '' }, false)?.literal, 'd/+/x');
});

test('no name makes an allowed pattern match more than a level, and none escapes a denied one', () => {
  const name = fc.oneof(fc.constantFrom('#', '+', 'a/b', '+/#', '/', 'a/#'), fc.string({ minLength: 1, maxLength: 6 }));
  fc.assert(
    fc.property(name, fc.constantFrom(...NAMES), (clientId, topic) => {
      const allowed = compiled('own/%c/x', clientId, '')!;
      if (covers(allowed, nameLevels(topic))) assert.is(topic, `own/${clientId}/x`);
      const denied = compiled('own/%c/x', clientId, '', true)!;
      assert.ok(covers(denied, nameLevels(`own/${clientId}/x`)), 'what the name spells out is denied');
    }),
  );
  assert.not(covers(compiled('own/%c/x', '+', '')!, nameLevels('own/other/x')));
  assert.not(covers(compiled('own/%c', 'a/b', '')!, nameLevels('own/a/b')));
  assert.ok(covers(compiled('own/%c', '#', '', true)!, nameLevels('own/anything/at/all')));
});

test.run();
