import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newProgress, type Progress } from '../../../src/actors/raft/core/progress.ts';
import { quorumValue, verdict } from '../../../src/actors/raft/core/quorum.ts';
import { type Membership, NO_MEMBERSHIP, sortedIds } from '../../../src/actors/raft/membership.ts';

const test = suite('raft quorum');

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 }).map(sortedIds);
const membership = fc
  .record({ voters: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 7 }), outgoing: ids })
  .map(({ voters, outgoing }): Membership => ({ ...NO_MEMBERSHIP, voters: sortedIds(voters), outgoing }));
const matches = fc.array(fc.nat(20), { minLength: 10, maxLength: 10 });

function progressOf(match: readonly number[]): Progress[] {
  return match.map((value, id) => Object.assign(newProgress(id, 1, 1, 1), { match: value }));
}

/** By the definition: the highest value that more than half of each half has. */
function naive({ voters, outgoing }: Membership, match: readonly number[]): number {
  const has = (half: readonly number[], value: number): boolean =>
    half.length === 0 || half.filter((id) => match[id]! >= value).length > half.length / 2;
  for (let value = 20; value > 0; value--) if (has(voters, value) && has(outgoing, value)) return value;
  return 0;
}

test('what a quorum has is what a majority of each half has', () => {
  fc.assert(
    fc.property(membership, matches, (members, match) => {
      assert.is(
        quorumValue(members, progressOf(match), ({ match: value }) => value),
        naive(members, match),
      );
    }),
  );
});

test('a vote is won when a majority of each half says yes, and lost when that cannot be any more', () => {
  fc.assert(
    fc.property(
      membership,
      fc.array(fc.constantFrom(true, false, undefined), { minLength: 10, maxLength: 10 }),
      (members, votes) => {
        const said = new Map(votes.flatMap((vote, id) => (vote === undefined ? [] : [[id, vote] as const])));
        const halves = [members.voters, members.outgoing].filter((half) => half.length > 0);
        const yes = halves.every((half) => half.filter((id) => votes[id] === true).length > half.length / 2);
        const no = halves.some((half) => half.filter((id) => votes[id] === false).length >= half.length / 2);
        assert.is(verdict(members, said), no ? 'lost' : yes ? 'won' : 'open');
      },
    ),
  );
});

test('learners do not count', () => {
  const members: Membership = { voters: [1, 2, 3], outgoing: [], learners: [4, 5, 6, 7], learnersNext: [] };
  assert.is(
    quorumValue(members, progressOf([0, 5, 0, 0, 9, 9, 9, 9]), ({ match }) => match),
    0,
  );
});

test.run();
