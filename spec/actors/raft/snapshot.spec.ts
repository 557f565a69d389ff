import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { snapshotMetaAt } from '../../../src/actors/raft/core/snapshot.ts';
import { votersOnly } from '../../../src/actors/raft/membership.ts';
import { Table, texts } from './table.ts';

const test = suite('raft snapshots');

function compact(table: Table, id: number): ReturnType<typeof snapshotMetaAt> {
  const replica = table.at(id);
  const meta = snapshotMetaAt(replica.state, replica.state.applied);
  replica.input({ type: 'snapshotSaved', meta });
  return meta;
}

test('a snapshot says who voted when it was made', () => {
  const table = new Table(3, {}, 1);
  table.elect(1);
  table.propose('a');
  table.run(100);
  const { applied } = table.at(1).state;
  table.leader!.input({ type: 'changeMembership', change: [{ op: 'addLearner', id: 4 }] });
  table.run(100);
  assert.equal(snapshotMetaAt(table.at(1).state, applied).membership, votersOnly([1, 2, 3]));
  assert.equal(snapshotMetaAt(table.at(1).state, table.at(1).state.applied).membership.learners, [4]);
});

test('the log is kept for a live replica that lags, but not without end', () => {
  const table = new Table(3, { logBytesMax: 1000 });
  table.elect(1);
  table.run(100);
  table.cut.add(3);
  for (let i = 0; i < 5; i++) table.propose(`${i}`);
  table.run(60);
  compact(table, 1);
  assert.is(table.at(1).state.log.snapshotIndex, table.at(3).state.log.lastIndex, 'up to what it has');
  for (let i = 0; i < 50; i++) table.propose(`more ${i}`);
  table.run(60);
  const meta = compact(table, 1);
  assert.is(table.at(1).state.log.snapshotIndex, meta.index);
});

test('a replica that is too far behind gets a snapshot, and then the log again', () => {
  const table = new Table(3, { logBytesMax: 0 });
  const leader = table.elect(1);
  table.run(100);
  table.cut.add(3);
  for (let i = 0; i < 5; i++) table.propose(`${i}`);
  table.run(100);
  const meta = compact(table, 1);
  table.cut.clear();
  table.run(100);
  assert.equal(leader.snapshotsFor, [3]);
  const lagging = table.at(3);
  lagging.input({ type: 'snapshotReceived', meta, from: 1 });
  assert.is(lagging.state.applied, meta.index);
  assert.equal(lagging.state.membership, meta.membership);
  assert.is(lagging.writes.at(-1)!.isReset, true);
  table.propose('after');
  table.run(200);
  assert.equal(texts(lagging).slice(-1), ['after']);
});

test('when the report says that the transfer failed, the leader finds out what is needed now', () => {
  const table = new Table(3, { logBytesMax: 0 });
  const leader = table.elect(1);
  table.run(100);
  table.cut.add(3);
  table.propose('a');
  table.run(100);
  compact(table, 1);
  table.cut.clear();
  table.run(100);
  leader.input({ type: 'snapshotReport', to: 3, isOk: false });
  table.run(200);
  assert.equal(leader.snapshotsFor, [3, 3]);
});

test('a snapshot of what is there already changes nothing', () => {
  const table = new Table(3);
  table.elect(1);
  table.propose('a');
  table.run(100);
  const follower = table.at(2);
  const { lastIndex } = follower.state.log;
  const meta = snapshotMetaAt(table.at(1).state, 2);
  follower.input({ type: 'snapshotReceived', meta, from: 1 });
  assert.is(follower.state.log.lastIndex, lastIndex);
  assert.is(follower.state.installing, undefined);
});

test('what was being applied when a snapshot took its place does not count', () => {
  const table = new Table(3);
  table.elect(1);
  table.propose('a');
  table.run(100);
  const { state } = table.at(2);
  const meta = { index: 50, term: state.term, membership: state.membership };
  table.at(2).turn({ type: 'snapshotReceived', meta, from: 1 }, { type: 'applied', index: state.applied });
  assert.is(state.applied, 50);
  assert.is(state.log.lastIndex, 50);
});

test.run();
