import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeChange, encodeChange } from '../../../src/actors/raft/codec/membership-codec.ts';
import { isJoint, isMember, type Membership, NO_MEMBERSHIP, votersOnly } from '../../../src/actors/raft/membership.ts';
import { changed, LEAVE_JOINT, type MembershipChange } from '../../../src/actors/raft/membership-change.ts';
import { DEFAULT_SETTINGS } from '../../../src/actors/raft/settings.ts';
import { changes, Table, texts } from './table.ts';

const test = suite('raft membership');

const change = fc
  .uniqueArray(fc.record({ op: fc.constantFrom('addVoter', 'addLearner', 'remove'), id: fc.integer({ min: 1, max: 6 }) }), {
    selector: ({ id }) => id,
    maxLength: 4,
  })
  .map((ops): MembershipChange => ops as MembershipChange);

/** Any majority of the one has somebody in common with any majority of the other. */
function intersect(a: Membership, b: Membership): boolean {
  const ids = [1, 2, 3, 4, 5, 6];
  const isQuorum = ({ voters, outgoing }: Membership, set: number): boolean =>
    [voters, outgoing].every((half) => half.length === 0 || half.filter((id) => (set >> id) & 1).length > half.length / 2);
  const sets = Array.from({ length: 2 ** ids.length }, (_, i) => i << 1);
  const ofA = sets.filter((set) => isQuorum(a, set));
  const ofB = sets.filter((set) => isQuorum(b, set));
  return ofA.every((set) => ofB.every((other) => (set & other) !== 0));
}

test('one membership and the next always have quorums in common', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 6 }), (steps) => {
      let membership = votersOnly([1, 2, 3]);
      for (const step of steps) {
        const next = changed(membership, step);
        if (typeof next === 'string') continue;
        assert.ok(intersect(membership, next), JSON.stringify([membership, next]));
        membership = next;
      }
    }),
  );
});

test('what a joint membership ends in is what was asked for', () => {
  fc.assert(
    fc.property(change, (step) => {
      const joint = changed(votersOnly([1, 2, 3]), step);
      if (typeof joint === 'string') return;
      const end = isJoint(joint) ? (changed(joint, LEAVE_JOINT) as Membership) : joint;
      for (const { op, id } of step) {
        assert.is(end.voters.includes(id), op === 'addVoter');
        assert.is(end.learners.includes(id), op === 'addLearner');
        assert.is(isMember(end, id), op !== 'remove');
      }
      assert.ok(!isJoint(end) && end.learnersNext.length === 0);
    }),
  );
});

test('what makes no sense is refused', () => {
  const three = votersOnly([1, 2, 3]);
  const joint = changed(three, [
    { op: 'addVoter', id: 4 },
    { op: 'addVoter', id: 5 },
  ]) as Membership;
  assert.is(changed(three, LEAVE_JOINT), 'not_joint');
  assert.is(changed(joint, [{ op: 'remove', id: 1 }]), 'already_joint');
  assert.is(changed(votersOnly([1]), [{ op: 'remove', id: 1 }]), 'no_voters');
  assert.is(changed(three, [{ op: 'remove', id: 9 }]), 'unknown_replica');
  assert.is(
    changed(three, [
      { op: 'remove', id: 1 },
      { op: 'addVoter', id: 1 },
    ]),
    'listed_twice',
  );
});

test('changes survive their encoding', () => {
  fc.assert(
    fc.property(change, (step) =>
      assert.equal(
        decodeChange(encodeChange(step)),
        step.map(({ op, id }) => ({ op, id })),
      ),
    ),
  );
});

/** The leader changes who votes, and time goes by. */
function change3(table: Table, step: MembershipChange): string | undefined {
  const leader = table.leader!;
  leader.input({ type: 'changeMembership', change: step });
  const { refusal } = leader.proposed.at(-1)!;
  table.run(300);
  return refusal;
}

test('a learner gets the log, does not count, and is promoted when it has caught up', () => {
  const table = new Table(3, { promoteLagMax: 0 }, 1);
  table.elect(1);
  table.propose('a');
  table.run(100);
  assert.is(change3(table, [{ op: 'addVoter', id: 4 }]), 'not_caught_up', 'not at once');
  assert.is(change3(table, [{ op: 'addLearner', id: 4 }]), undefined);
  assert.equal(texts(table.at(4)), ['a']);
  table.cut.add(2).add(3);
  table.propose('b');
  table.run(100);
  assert.equal(texts(table.leader!), ['a'], 'one voter and a learner are no majority of three');
  table.cut.clear();
  table.run(200);
  assert.is(change3(table, [{ op: 'addVoter', id: 4 }]), undefined);
  assert.equal(table.leader!.state.membership, votersOnly([1, 2, 3, 4]));
});

test('several voters change in one joint step, which the leader leaves by itself', () => {
  const table = new Table(3, {}, 2);
  table.elect(1);
  change3(table, [
    { op: 'addLearner', id: 4 },
    { op: 'addLearner', id: 5 },
  ]);
  change3(table, [
    { op: 'addVoter', id: 4 },
    { op: 'addVoter', id: 5 },
    { op: 'remove', id: 2 },
    { op: 'remove', id: 3 },
  ]);
  for (const id of [1, 4, 5]) assert.equal(table.at(id).state.membership, votersOnly([1, 4, 5]));
  table.cut.add(2).add(3);
  table.propose('with the new ones alone');
  table.run(100);
  assert.equal(texts(table.at(4)), ['with the new ones alone']);
});

test('while it is joint both majorities are needed', () => {
  const table = new Table(3, {}, 2);
  table.elect(1);
  change3(table, [
    { op: 'addLearner', id: 4 },
    { op: 'addLearner', id: 5 },
  ]);
  const before = changes(table.at(1));
  const leader = table.leader!;
  const step: MembershipChange = [
    { op: 'addVoter', id: 4 },
    { op: 'addVoter', id: 5 },
    { op: 'remove', id: 2 },
    { op: 'remove', id: 3 },
  ];
  leader.input({ type: 'changeMembership', change: step });
  table.deliver((message) => message.type === 'append' && leader.state.membership.outgoing.length > 0);
  assert.is(changes(leader), before + 1, 'the joint membership is in force');
  table.cut.add(2).add(3);
  table.run(200);
  assert.is(changes(leader), before + 1, 'and is not left without the old voters');
});

test('one change at a time, and none before the leader has committed', () => {
  const table = new Table(3, {}, 1);
  const leader = table.elect(1);
  table.run(100);
  table.cut.add(2).add(3);
  leader.input({ type: 'changeMembership', change: [{ op: 'addLearner', id: 4 }] });
  leader.input({ type: 'changeMembership', change: [{ op: 'remove', id: 2 }] });
  assert.equal(
    leader.proposed.slice(-2).map(({ refusal }) => refusal),
    [undefined, 'change_pending'],
  );
});

test('a leader that is removed sees the new voters through before it goes', () => {
  const table = new Table(2);
  table.elect(1);
  table.run(100);
  // The one that stays never hears that the change is committed, until it has acknowledged the entry after it.
  table.leader!.input({ type: 'changeMembership', change: [{ op: 'remove', id: 1 }] });
  table.run(300, (message) => message.type === 'heartbeat' || message.type === 'timeoutNow');
  assert.is.not(table.at(1).state.role, 'leader');
  table.cut.add(1);
  table.run(4 * DEFAULT_SETTINGS.electionMinMs);
  assert.is(table.at(2).state.role, 'leader');
  assert.equal(table.at(2).state.membership, votersOnly([2]));
});

test('whoever asks a removed replica for its vote learns that it needs none', () => {
  const table = new Table(2);
  const old = table.elect(1);
  table.run(100);
  old.input({ type: 'changeMembership', change: [{ op: 'remove', id: 1 }] });
  table.deliver();
  const stays = table.at(2);
  // It lost what it was told last.
  const { state } = stays;
  if (state.membership.voters.length > 1) assert.is(state.commit < old.state.commit, true);
  table.run(6 * DEFAULT_SETTINGS.electionMinMs);
  assert.is(stays.state.role, 'leader');
});

test('joining means to know of nobody', () => {
  const table = new Table(1, {}, 1);
  assert.equal(table.at(2).state.membership, NO_MEMBERSHIP);
  table.run(5000);
  assert.is(table.at(2).state.role, 'follower');
});

test.run();
