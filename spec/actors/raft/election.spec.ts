import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_SETTINGS } from '../../../src/actors/raft/settings.ts';
import { bytes, Replica, Table, texts } from './table.ts';

const test = suite('raft elections');
const { electionMinMs } = DEFAULT_SETTINGS;

test('three replicas elect one leader, and all know it', () => {
  const table = new Table(3);
  table.run(4 * electionMinMs);
  const leaders = table.replicas.filter(({ state }) => state.role === 'leader');
  assert.is(leaders.length, 1);
  for (const { state } of table.replicas) assert.is(state.lead, leaders[0]!.id);
});

test('a single founder leads at once, but only when its vote is durable', () => {
  const table = new Table(1);
  const alone = table.at(1);
  alone.isDiskHeld = true;
  alone.now = 10;
  alone.input({ type: 'tick' });
  assert.is(alone.state.role, 'candidate');
  alone.releaseDisk();
  assert.is(alone.state.role, 'leader');
});

test('a single voter commits nothing before it is on its own disk', () => {
  const table = new Table(1);
  const alone = table.elect(1);
  alone.isDiskHeld = true;
  table.propose('a');
  assert.equal(texts(alone), []);
  alone.releaseDisk();
  assert.equal(texts(alone), ['a']);
});

test('a pre-vote changes no term, and a refused one teaches it', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  const { term } = leader.state;
  table.cut.add(3);
  table.run(20 * electionMinMs);
  assert.is(table.at(3).state.role, 'preCandidate');
  assert.is(table.at(3).state.term, term, 'many elections, no term used up');
  table.cut.clear();
  table.run(electionMinMs);
  assert.is(leader.state.role, 'leader', 'its return disturbs nobody');
  assert.is(table.at(3).state.lead, 1);
});

test('a vote is told only when it is durable', () => {
  const table = new Table(3);
  const voter = table.at(2);
  const candidate = table.at(1);
  table.now = 2 * electionMinMs;
  for (const replica of table.replicas) replica.now = table.now;
  candidate.input({ type: 'tick' });
  voter.isDiskHeld = true;
  table.cut.add(3);
  table.deliver();
  assert.is(voter.state.vote, 1);
  assert.is(candidate.state.role, 'candidate');
  assert.equal(voter.writes.at(-1)!.hard, { term: 2, vote: 1, commit: 1 });
  voter.releaseDisk();
  table.deliver();
  assert.is(candidate.state.role, 'leader');
});

test('the request for votes waits for the own vote and for all of the log that it speaks of', () => {
  const table = new Table(3);
  const candidate = table.at(1);
  candidate.isDiskHeld = true;
  candidate.now = 2 * electionMinMs;
  candidate.input({ type: 'tick' });
  for (const { type } of candidate.take()) assert.is(type, 'requestPreVote');
  for (const id of [2, 3]) {
    candidate.input({
      type: 'message',
      message: { type: 'preVoteReply', group: 1, from: id, to: 1, term: 2, isGranted: true, commit: 0, commitTerm: 0 },
    });
  }
  assert.is(candidate.state.role, 'candidate');
  assert.equal(candidate.take(), []);
  candidate.releaseDisk();
  assert.equal([...new Set(candidate.take().map(({ type }) => type))], ['requestVote']);
});

test('replies to pre-votes are not votes', () => {
  const table = new Table(3);
  const candidate = table.at(1);
  candidate.now = 2 * electionMinMs;
  candidate.input({ type: 'tick' });
  for (const id of [2, 3, 2]) {
    const reply = {
      type: 'preVoteReply',
      group: 1,
      from: id,
      to: 1,
      term: 2,
      isGranted: true,
      commit: 0,
      commitTerm: 0,
    } as const;
    candidate.input({ type: 'message', message: reply });
  }
  assert.is(candidate.state.role, 'candidate');
});

test('whoever hears a leader gives no other a vote', () => {
  const table = new Table(3);
  table.elect(1);
  table.run(100);
  const follower = table.at(2);
  const { term } = follower.state;
  const request = {
    type: 'requestVote',
    group: 1,
    from: 3,
    to: 2,
    term: term + 5,
    lastIndex: 100,
    lastTerm: term + 4,
    isTransfer: false,
  } as const;
  follower.input({ type: 'message', message: request });
  assert.is(follower.state.term, term);
  assert.equal(follower.take(), []);
});

test('a vote once a term, and none for a shorter log', () => {
  const voter = new Replica({ self: 2, hard: { term: 4, vote: 0, commit: 0 } });
  voter.now = 2 * electionMinMs;
  const request = { type: 'requestVote', group: 1, to: 2, term: 5, lastIndex: 0, lastTerm: 0, isTransfer: false } as const;
  const ask = (from: number): boolean => {
    voter.input({ type: 'message', message: { ...request, from } });
    const [reply] = voter.take();
    return reply?.type === 'voteReply' && reply.isGranted;
  };
  assert.ok(ask(1));
  assert.not.ok(ask(3));
  assert.ok(ask(1), 'the same one again');
});

test('a learner votes: it may have been made a voter and not know', () => {
  const table = new Table(3, {}, 1);
  const learner = table.at(4);
  learner.now = 2 * electionMinMs;
  const message = {
    type: 'requestVote',
    group: 1,
    from: 1,
    to: 4,
    term: 9,
    lastIndex: 1,
    lastTerm: 1,
    isTransfer: false,
  } as const;
  learner.input({ type: 'message', message });
  const [reply] = learner.take();
  assert.ok(reply?.type === 'voteReply' && reply.isGranted);
});

test('a leader that hears no majority resigns', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.cut.add(2);
  table.cut.add(3);
  table.run(3 * electionMinMs);
  assert.is.not(leader.state.role, 'leader');
});

test('a bridge between an old leader and the others does not keep it in office', () => {
  const table = new Table(5);
  const old = table.elect(1);
  const bridge = 2;
  const isLost = (m: { from: number; to: number }): boolean =>
    (m.from === 1 && m.to !== bridge) || (m.to === 1 && m.from !== bridge);
  table.run(8 * electionMinMs, isLost);
  assert.is.not(old.state.role, 'leader');
  assert.ok(table.leader !== undefined, 'the others have elected');
  table.propose('goes on');
  table.run(200, isLost);
  assert.equal(texts(table.leader!), ['goes on']);
});

test('a leader whose disk hangs gives way', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  leader.isDiskHeld = true;
  table.propose('a');
  table.run(DEFAULT_SETTINGS.diskStallMs + 4 * electionMinMs);
  assert.is.not(leader.state.role, 'leader');
  assert.ok(table.leader !== undefined && table.leader !== leader);
  assert.equal(texts(table.leader), ['a']);
});

test('whoever comes back without its disk under its old name is not asked by itself, and campaigns for nothing', () => {
  const table = new Table(3);
  table.elect(1);
  const wiped = new Replica({ self: 3 });
  wiped.now = 100 * electionMinMs;
  wiped.input({ type: 'tick' });
  assert.is(wiped.state.role, 'follower');
  assert.equal(wiped.take(), []);
});

test('the same inputs give the same outputs', () => {
  const run = (): unknown => {
    const table = new Table(3);
    table.run(3 * electionMinMs);
    table.leader!.input({ type: 'propose', entries: [bytes('x')] });
    table.run(500);
    return table.replicas.map(({ state, writes, applied }) => ({ term: state.term, due: state.electionDueMs, writes, applied }));
  };
  assert.equal(run(), run());
});

test.run();
