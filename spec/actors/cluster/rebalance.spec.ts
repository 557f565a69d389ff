import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isElsewhere, nextChange, nextTransfer } from '../../../src/actors/cluster/rebalance.ts';
import { NO_MEMBERSHIP, votersOnly } from '../../../src/actors/raft/membership.ts';
import type { GroupOverview } from '../../../src/actors/raft/messages.ts';
import { replicaId } from '../../../src/actors/raft/replica.ts';

const test = suite('what leaders do unasked');

const [A, B, C, C2, D] = [replicaId(1, 1), replicaId(2, 1), replicaId(3, 1), replicaId(3, 2), replicaId(4, 1)] as [
  number,
  number,
  number,
  number,
  number,
];
const live = (node: number, replica: number, leads = 0): { node: number; replica: number; leads: number } => ({
  node,
  replica,
  leads,
});

test('a member that is another replica now gets the log first, then votes in the place of the old one', () => {
  const all = [live(1, A), live(2, B), live(3, C2)];
  assert.equal(nextChange(votersOnly([A, B, C]), all), [{ op: 'addLearner', id: C2 }]);
  assert.equal(nextChange({ ...votersOnly([A, B, C]), learners: [C2] }, all), [
    { op: 'remove', id: C },
    { op: 'addVoter', id: C2 },
  ]);
  assert.is(nextChange(votersOnly([A, B, C2]), all), undefined);
  assert.equal(nextChange(votersOnly([A, B, C, C2]), all), [{ op: 'remove', id: C }]);
});

test('a member that is away is waited for, and one that is no member is not taken in unasked', () => {
  assert.is(nextChange(votersOnly([A, B, C]), [live(1, A), live(2, B)]), undefined);
  assert.is(nextChange(votersOnly([A, B, C]), [live(1, A), live(4, D)]), undefined);
  assert.equal(nextChange({ ...votersOnly([A, B, C]), learners: [D] }, [live(1, A), live(4, D)]), [{ op: 'addVoter', id: D }]);
});

test('nothing is changed while a change is under way', () => {
  assert.is(nextChange({ ...NO_MEMBERSHIP, voters: [A, B, C2], outgoing: [A, B, C] }, [live(3, C2)]), undefined);
});

function led(group: number, voters: readonly number[]): GroupOverview {
  return { group, role: 'leader', term: 1, lead: A, commit: 1, applied: 1, lastIndex: 1, membership: votersOnly(voters) };
}

test('groups go from who leads many to who leads least, if it votes in them, and not back and forth', () => {
  const mine = [led(1, [A, B]), led(2, [A, B, C]), led(3, [A, B, C])];
  assert.equal(nextTransfer(mine, [live(1, A, 3), live(2, B, 2), live(3, C, 0)]), { group: 2, to: C });
  assert.is(nextTransfer(mine, [live(1, A, 3), live(2, B, 1), live(3, C, 1)]), undefined);
  assert.is(nextTransfer([led(1, [A, B])], [live(1, A, 1), live(4, D, 0)]), undefined);
  assert.is(nextTransfer(mine.slice(0, 1), []), undefined);
});

test('a group is elsewhere when it has a leader and nothing of the node in it, not even the replica that the node was', () => {
  const group = (voters: readonly number[], more: Partial<GroupOverview> = {}): GroupOverview => ({ ...led(1, voters), ...more });
  assert.is(isElsewhere(group([A, B]), 3), true);
  assert.is(isElsewhere(group([A, B, C]), 3), false, 'a wiped node is waited for');
  assert.is(isElsewhere(group([A, B], { lead: 0 }), 3), false, 'who knows no leader knows nothing');
  assert.is(isElsewhere(group([]), 3), false, 'nor does who has only just joined');
  assert.is(isElsewhere(group([], { membership: { ...votersOnly([A, B]), learners: [C2] } }), 3), false);
  assert.is(isElsewhere(group([], { membership: { ...votersOnly([A, B]), outgoing: [A, C] } }), 3), false);
});

test.run();
