import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { leaseUntil } from '../../../src/actors/raft/core/reads.ts';
import { DEFAULT_SETTINGS } from '../../../src/actors/raft/settings.ts';
import { Table } from './table.ts';

const test = suite('raft transfer and reads');
const { electionMinMs } = DEFAULT_SETTINGS;

test('leadership is handed over without an election time-out', () => {
  const table = new Table(3);
  table.elect(1);
  table.run(100);
  table.at(1).input({ type: 'transfer', to: 3 });
  table.deliver();
  assert.is(table.at(3).state.role, 'leader');
  assert.is(table.at(1).state.lead, 3);
});

test('the heir gets all of the log first, and nothing new is taken meanwhile', () => {
  const table = new Table(3);
  table.elect(1);
  table.run(100);
  table.cut.add(3);
  table.propose('a');
  table.run(50);
  table.cut.clear();
  table.at(1).input({ type: 'transfer', to: 3 });
  assert.is(table.propose('b').refusal, 'transferring');
  assert.not.ok(table.at(1).state.hasTimedOutTransferee);
  table.run(200);
  assert.is(table.at(3).state.role, 'leader');
});

test('a transfer that does not succeed is given up', () => {
  const table = new Table(3);
  table.elect(1);
  table.run(100);
  table.cut.add(3);
  table.propose('a');
  table.at(1).input({ type: 'transfer', to: 3 });
  table.run(electionMinMs + 20);
  assert.is(table.propose('b').refusal, undefined);
});

test('only to voters', () => {
  const table = new Table(3, {}, 1);
  table.elect(1);
  table.at(1).input({ type: 'transfer', to: 4 });
  table.at(1).input({ type: 'transfer', to: 9 });
  assert.is(table.at(1).state.transferee, 0);
});

test('a word to campaign from an earlier term, or from anybody else, is not heard', () => {
  const table = new Table(3);
  table.elect(1);
  table.run(100);
  const follower = table.at(2);
  const { term } = follower.state;
  for (const message of [
    { type: 'timeoutNow', group: 1, from: 1, to: 2, term: term - 1 },
    { type: 'timeoutNow', group: 1, from: 3, to: 2, term },
  ] as const) {
    follower.input({ type: 'message', message });
    assert.is(follower.state.role, 'follower');
    assert.is(follower.state.term, term);
  }
});

test('a read is confirmed by a round that began after it, on the leader and on followers', () => {
  const table = new Table(3);
  table.elect(1);
  table.propose('a');
  table.run(100);
  table.at(1).input({ type: 'read', ids: [7, 8], mode: 'index' });
  table.at(2).input({ type: 'read', ids: [9], mode: 'index' });
  assert.equal(table.at(1).reads, []);
  table.deliver();
  const { commit } = table.at(1).state;
  assert.equal(
    table.at(1).reads.map(({ id, index }) => [id, index]),
    [
      [7, commit],
      [8, commit],
    ],
  );
  assert.equal(
    table.at(2).reads.map(({ id, index }) => [id, index]),
    [[9, commit]],
  );
});

test('answers to older rounds confirm nothing newer, however often they come', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(100);
  leader.input({ type: 'read', ids: [1], mode: 'index' });
  table.deliver();
  leader.take();
  leader.input({ type: 'read', ids: [2], mode: 'index' });
  const { term } = leader.state;
  for (const from of [2, 3, 2]) {
    const old = { type: 'heartbeatReply', group: 1, from, to: 1, term, readSeq: leader.state.readSeq - 1, sentMs: 0 } as const;
    leader.input({ type: 'message', message: old });
  }
  assert.equal(
    leader.reads.map(({ id }) => id),
    [1],
  );
});

test('reads that come while a round is under way share the next one', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(100);
  const before = leader.state.readSeq;
  for (const id of [1, 2, 3]) leader.input({ type: 'read', ids: [id], mode: 'index' });
  assert.is(leader.state.readSeq, before + 1);
  table.deliver();
  assert.is(leader.state.readSeq, before + 2);
  assert.equal(
    leader.reads.map(({ id }) => id),
    [1, 2, 3],
  );
});

test('a round that nobody answers is not waited for longer than a heartbeat takes', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(100);
  table.cut.add(1);
  leader.input({ type: 'read', ids: [1], mode: 'index' });
  table.deliver();
  const round = leader.state.readSeq;
  table.run(DEFAULT_SETTINGS.heartbeatMs + 10);
  table.cut.clear();
  leader.input({ type: 'read', ids: [2], mode: 'index' });
  assert.is(leader.state.readSeq, round + 1);
  table.deliver();
  assert.equal(
    leader.reads.map(({ id }) => id),
    [1, 2],
  );
});

test('a leader that is cut off confirms no read, and refuses it when it resigns', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(100);
  table.cut.add(1);
  leader.input({ type: 'read', ids: [1], mode: 'index' });
  table.run(3 * electionMinMs);
  assert.equal(
    leader.reads.map(({ index }) => index),
    [-1],
  );
});

test('a new leader serves no read before it has committed something of its own', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(100);
  table.cut.add(1);
  const heir = table.at(2);
  // Elected, but what it appends reaches nobody yet.
  for (let tries = 0; heir.state.role !== 'leader' && tries < 200; tries++) {
    table.at(3).state.electionDueMs = table.now + 5000;
    table.run(10, (message) => message.type === 'append');
  }
  heir.input({ type: 'read', ids: [1], mode: 'index' });
  table.run(40, (message) => message.type === 'append');
  assert.equal(heir.reads, []);
  table.run(100);
  assert.is(heir.reads[0]!.index, heir.state.commit);
  assert.is.not(leader, heir);
});

test('a follower whose leader does not answer refuses in time', () => {
  const table = new Table(3);
  table.elect(1);
  table.run(100);
  table.at(2).input({ type: 'read', ids: [1], mode: 'index' });
  table.cut.add(1);
  table.run(2 * electionMinMs);
  assert.equal(
    table.at(2).reads.map(({ index }) => index),
    [-1],
  );
});

test('a lease counts from when the heartbeats left, and ends before anyone may elect another', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(200);
  leader.input({ type: 'read', ids: [1], mode: 'lease' });
  const [answer] = leader.reads;
  assert.ok(answer !== undefined && answer.leaseUntilMs <= table.now + electionMinMs * (1 - DEFAULT_SETTINGS.clockDrift));
  table.cut.add(1);
  table.run(electionMinMs);
  assert.ok(leaseUntil(leader.state) <= table.now);
});

test('whoever was told to take over ends the lease', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(200);
  leader.input({ type: 'transfer', to: 2 });
  assert.is(leaseUntil(leader.state), 0);
});

test.run();
