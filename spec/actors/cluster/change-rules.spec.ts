import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judgeChange } from '../../../src/actors/cluster/change-rules.ts';
import { votersOnly } from '../../../src/actors/raft/membership.ts';
import { type ReplicaId, replicaId } from '../../../src/actors/raft/replica.ts';

const test = suite('changes of members that make no sense');

const [A, B, C, D] = [1, 2, 3, 4].map((node) => replicaId(node, 1)) as [ReplicaId, ReplicaId, ReplicaId, ReplicaId];
/** A, B and C vote, D learns. */
const MEMBERS = { ...votersOnly([A, B, C]), learners: [D] };
const transfer = (to: number) => ({ type: 'transfer', group: 1, to }) as const;
const member = (change: 'add' | 'remove', node: number) => ({ type: 'member', change, group: 1, node }) as const;

test('nobody leads or leaves who is no member', () => {
  assert.equal(judgeChange(transfer(9), MEMBERS, undefined), {
    code: 'SLUICE_RAFT_NO_MEMBER',
    reason: 'node 9 is no member of the group',
  });
  assert.is(judgeChange(member('remove', 9), MEMBERS, replicaId(9, 1))?.code, 'SLUICE_RAFT_NO_MEMBER');
  for (const node of [1, 2, 3, 4]) assert.is(judgeChange(member('remove', node), MEMBERS, undefined), undefined);
});

test('a learner does not lead; a voter that is on its way out may be asked, and is refused by the group', () => {
  assert.is(judgeChange(transfer(4), MEMBERS, D)?.code, 'SLUICE_RAFT_LEARNER');
  assert.is(judgeChange(transfer(2), MEMBERS, B), undefined);
  assert.is(judgeChange(transfer(3), { ...votersOnly([A, B]), outgoing: [A, B, C] }, C), undefined);
});

test('who votes is not added; a learner, a stranger and a voter that has lost its disk are', () => {
  assert.is(judgeChange(member('add', 2), MEMBERS, B)?.code, 'SLUICE_RAFT_MEMBER');
  assert.is(judgeChange(member('add', 2), MEMBERS, replicaId(2, 7)), undefined);
  assert.is(judgeChange(member('add', 4), MEMBERS, D), undefined);
  assert.is(judgeChange(member('add', 9), MEMBERS, replicaId(9, 1)), undefined);
  assert.is(judgeChange(member('add', 9), MEMBERS, undefined), undefined);
});

test.run();
