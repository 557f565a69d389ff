import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filterMatches, hasWildcard } from '../../../src/actors/router/filter-match.ts';
import { topicFilter, topicName } from './arbitraries.ts';
import { naiveMatch } from './naive-match.ts';

const test = suite('filter-match');

// The examples of section 4.7 and their neighbours.
const CASES: readonly [filter: string, topic: string, matches: boolean][] = [
  ['sport/tennis/player1/#', 'sport/tennis/player1', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
  ['sport/tennis/player1/#', 'sport/tennis/player10', false],
  ['sport/#', 'sport', true],
  ['sport/#', 'sports', false],
  ['#', 'anything/at/all', true],
  ['#', '/', true],
  ['sport/tennis/+', 'sport/tennis/player1', true],
  ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['+', 'finance', true],
  ['+', '/finance', false],
  ['+/+', '/finance', true],
  ['/+', '/finance', true],
  ['+/+', 'a//b', false],
  ['+/+/+', 'a//b', true],
  ['a//b', 'a//b', true],
  ['a/+/b', 'a//b', true],
  ['a/b/', 'a/b', false],
  ['a/b', 'a/b/', false],
  ['a/b/+', 'a/b/', true],
  ['a/b/#', 'a/b/', true],
  ['+/tennis/#', 'sport/tennis', true],
  ['#', '$SYS/broker', false],
  ['+/broker', '$SYS/broker', false],
  ['$SYS/#', '$SYS/broker/uptime', true],
  ['$SYS/#', '$SYS', true],
  ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
  ['a/$x', 'a/$x', true],
  ['a/+', 'a/$x', true],
  ['a/#', 'a/$x', true],
  ['ACCOUNTS', 'Accounts', false],
];

for (const [filter, topic, expected] of CASES) {
  test(`${filter} ${expected ? 'matches' : 'does not match'} ${topic}`, () => {
    assert.is(naiveMatch(filter, topic), expected, 'the model knows it');
    assert.is(filterMatches(filter, topic), expected);
  });
}

test('agrees with the standard on random filters and topics', () => {
  fc.assert(
    fc.property(topicFilter, topicName, (filter, topic) => {
      assert.is(filterMatches(filter, topic), naiveMatch(filter, topic), `${filter} on ${topic}`);
    }),
    { numRuns: 20_000 },
  );
});

test('knows a wildcard', () => {
  assert.is(hasWildcard('a/b'), false);
  assert.is(hasWildcard('a/+/b'), true);
  assert.is(hasWildcard('#'), true);
});

test.run();
