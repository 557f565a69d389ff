import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Outbox } from '../../../src/actors/raft/core/outbox.ts';
import { nextDeadline } from '../../../src/actors/raft/core/tick.ts';
import { hasWork } from '../../../src/actors/raft/core/work.ts';
import { step } from '../../../src/actors/raft/machine.ts';
import { MemoryLog } from '../../../src/actors/raft/memory-log.ts';
import type { AppendEntries, AppendReply, RaftMessage } from '../../../src/actors/raft/message.ts';
import { DEFAULT_SETTINGS } from '../../../src/actors/raft/settings.ts';
import { bytes, Replica, Table, texts } from './table.ts';

const test = suite('raft replication');
const NO_DATA = new Uint8Array(0);

function append(fields: Partial<AppendEntries>): AppendEntries {
  return { type: 'append', group: 1, from: 1, to: 2, term: 1, prevIndex: 0, prevTerm: 0, commit: 0, entries: [], ...fields };
}

function entries(from: number, ...terms: readonly number[]): AppendEntries['entries'] {
  return terms.map((term, i) => ({ term, index: from + i, kind: 0, data: NO_DATA }));
}

function follower(terms: readonly number[], commit = 0): Replica {
  return new Replica({
    self: 2,
    log: new MemoryLog(0, 0, entries(1, ...terms)),
    hard: { term: terms.at(-1) ?? 0, vote: 0, commit },
  });
}

function reply(replica: Replica): Extract<RaftMessage, { type: 'appendReply' }> {
  const found = replica.take().find(({ type }) => type === 'appendReply');
  if (found?.type !== 'appendReply') throw new Error('no reply');
  return found;
}

test('what a client proposes is applied everywhere, in order', () => {
  const table = new Table(3);
  table.elect(1);
  for (const text of ['a', 'b', 'c']) table.propose(text);
  table.run(200);
  for (const replica of table.replicas) assert.equal(texts(replica), ['a', 'b', 'c']);
});

test('a leader sends at once, and counts itself when its own disk has it', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  leader.isDiskHeld = true;
  table.cut.add(3);
  table.propose('a');
  table.deliver();
  assert.is(table.at(2).state.stable, leader.state.log.lastIndex, 'the follower has it');
  assert.equal(texts(table.at(2)), [], 'and half is no majority');
  leader.releaseDisk();
  table.deliver();
  assert.equal(texts(leader), ['a']);
});

test('a follower acknowledges what is durable, and what the message has shown to match', () => {
  const replica = follower([1, 1, 1, 1]);
  replica.input({ type: 'message', message: append({ term: 2, prevIndex: 2, prevTerm: 1, commit: 4 }) });
  const { index, isRejected } = reply(replica);
  assert.is(isRejected, false);
  assert.is(index, 2, 'entries 3 and 4 may be of another leader');
  assert.is(replica.state.commit, 2);
});

test('an old message does not cut off what came after it', () => {
  const replica = follower([1, 1, 1, 1]);
  replica.input({ type: 'message', message: append({ prevIndex: 0, entries: entries(1, 1, 1) }) });
  assert.is(replica.state.log.lastIndex, 4);
  assert.is(replica.writes.at(-1)?.truncateFrom ?? 0, 0);
});

test('a conflict replaces the tail', () => {
  const replica = follower([1, 1, 2, 2]);
  replica.input({ type: 'message', message: append({ term: 3, prevIndex: 2, prevTerm: 1, entries: entries(3, 3) }) });
  assert.is(replica.state.log.lastIndex, 3);
  assert.is(replica.state.log.term(3), 3);
  assert.is(replica.writes.at(-1)!.truncateFrom, 3);
});

test('a write that ends after its entries were replaced makes nothing durable', () => {
  const replica = follower([]);
  replica.isDiskHeld = true;
  replica.input({ type: 'message', message: append({ term: 1, entries: entries(1, 1, 1, 1) }) });
  const first = replica.state.writeSeq;
  replica.input({ type: 'message', message: append({ from: 3, term: 2, prevIndex: 1, prevTerm: 1, entries: entries(2, 2) }) });
  replica.input({ type: 'message', message: append({ term: 3, prevIndex: 1, prevTerm: 1, entries: entries(2, 1, 1) }) });
  replica.input({ type: 'durable', seq: first });
  assert.is(replica.state.stable, 1, 'entries 2 and 3 are the same again, and on no disk yet');
  replica.releaseDisk();
  assert.is(replica.state.stable, 3);
});

test('hints skip whole terms', () => {
  const replica = follower([1, 1, 2, 2, 2, 2, 2, 2]);
  replica.input({ type: 'message', message: append({ term: 5, prevIndex: 8, prevTerm: 1 }) });
  const { isRejected, hintIndex, hintTerm } = reply(replica);
  assert.equal({ isRejected, hintIndex, hintTerm }, { isRejected: true, hintIndex: 2, hintTerm: 1 });
});

test('a divergent follower is repaired in a few round trips, however long the tails', () => {
  const table = new Table(3);
  table.elect(1);
  table.cut.add(2);
  table.cut.add(3);
  for (let i = 0; i < 200; i++) table.propose(`lost ${i}`);
  table.run(2000);
  table.cut.delete(2);
  table.cut.delete(3);
  table.cut.add(1);
  table.elect(2);
  for (let i = 0; i < 200; i++) table.propose(`kept ${i}`);
  table.run(200);
  table.cut.clear();
  let rejections = 0;
  table.run(300, (message) => {
    if (message.type === 'appendReply' && message.isRejected) rejections++;
    return false;
  });
  assert.equal(texts(table.at(1)), texts(table.at(2)));
  assert.ok(rejections <= 4, `${rejections} rejections`);
});

test('an entry of an earlier term is not committed by counting', () => {
  const table = new Table(3);
  table.elect(1);
  table.run(100);
  const old = table.leader!;
  table.propose('uncertain');
  old.take();
  const uncertain = old.state.log.lastIndex;
  const { term } = old.state;
  // The entry reaches one more, and its leader leads again, in a later term.
  const entry = old.state.log.entries(uncertain, uncertain, 1e6)!;
  const message = append({ term, prevIndex: uncertain - 1, prevTerm: term, entries: entry });
  table.at(2).input({ type: 'message', message });
  table.at(2).take();
  assert.ok(table.at(2).state.log.lastIndex === uncertain && table.at(2).state.commit < uncertain);
});

test('the window is bounded by messages and by bytes; one large entry goes alone', () => {
  const settings = { inflightMax: 4, inflightBytesMax: 1000, appendBytesMax: 300 };
  const table = new Table(3, settings);
  const leader = table.elect(1);
  table.run(200);
  table.cut.add(2);
  for (let i = 0; i < 50; i++) leader.input({ type: 'propose', entries: [new Uint8Array(100)] });
  leader.input({ type: 'propose', entries: [new Uint8Array(5000)] });
  const progress = leader.state.progress.find(({ id }) => id === 2)!;
  assert.ok(progress.inflights.count <= 4 && progress.inflights.bytes <= 1000 + 300);
  table.cut.clear();
  table.run(2000);
  assert.is(table.at(2).state.applied, leader.state.log.lastIndex);
});

test('a window that was lost is found out by empty appends', () => {
  const table = new Table(3, { inflightMax: 2 });
  table.elect(1);
  table.run(200);
  for (let i = 0; i < 10; i++) table.propose(`${i}`);
  table.deliver((message) => message.type === 'append' && message.to === 2);
  table.run(1000);
  assert.is(texts(table.at(2)).length, 10);
});

test('a leader takes no more than it can hold, and says so', () => {
  const table = new Table(3, { unappliedBytesMax: 1000 });
  const leader = table.elect(1);
  table.run(100);
  table.cut.add(2).add(3);
  leader.input({ type: 'propose', entries: Array.from({ length: 50 }, () => new Uint8Array(100)) });
  const { count, refusal } = leader.proposed.at(-1)!;
  assert.ok(count > 0 && count < 50);
  assert.is(refusal, 'too_many_uncommitted');
  assert.ok(leader.state.unappliedBytes <= 1000 + 124);
});

test('a follower that cannot keep up says that it is full, and is asked again', () => {
  const table = new Table(3, { unappliedBytesMax: 500 });
  table.elect(1);
  table.run(200);
  const slow = table.at(2);
  slow.input({ type: 'disk', isFull: true });
  table.propose('a');
  table.run(100);
  assert.is(slow.state.log.lastIndex, table.leader!.state.log.lastIndex - 1);
  assert.equal(texts(table.leader!), ['a'], 'the others are enough');
  slow.input({ type: 'disk', isFull: false });
  table.run(200);
  assert.equal(texts(slow), ['a']);
});

test('a full disk refuses proposals, and nothing else', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  leader.input({ type: 'disk', isFull: true });
  assert.is(table.propose('a').refusal, 'disk_full');
  table.run(3 * DEFAULT_SETTINGS.electionMinMs);
  assert.is(leader.state.role, 'leader');
  leader.input({ type: 'disk', isFull: false });
  assert.is(table.propose('a').refusal, undefined);
});

test('heartbeats tell nobody of more than it has', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(100);
  table.cut.add(3);
  for (let i = 0; i < 5; i++) table.propose(`${i}`);
  table.run(60);
  leader.now += 100;
  leader.input({ type: 'tick' });
  const beat = leader.take().find((message) => message.type === 'heartbeat' && message.to === 3);
  assert.ok(beat?.type === 'heartbeat' && beat.commit <= table.at(3).state.log.lastIndex);
});

test('heartbeats are half as many while everybody has everything, and leave three to an election time-out', () => {
  const beatsIn = (ms: number, table: Table): number => {
    let beats = 0;
    table.run(ms, ({ type, to }) => {
      if (type === 'heartbeat' && to === 2) beats++;
      return false;
    });
    return beats;
  };
  const { heartbeatMs, electionMinMs } = DEFAULT_SETTINGS;
  const table = new Table(3);
  table.elect(1);
  table.run(200);
  assert.is(beatsIn(20 * heartbeatMs, table), 10);
  assert.ok(2 * heartbeatMs * 3 <= electionMinMs);
  table.cut.add(3);
  table.propose('a');
  table.run(2 * heartbeatMs);
  assert.is(beatsIn(20 * heartbeatMs, table), 20);
});

test('where one entry follows the other the next one tells what is committed, and a notice only behind the last', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(200);
  const notices: number[] = [];
  const note = (message: RaftMessage): boolean => {
    if (message.type === 'append' && message.entries.length === 0) notices.push(message.to);
    return false;
  };
  table.propose('a');
  table.deliver(note);
  assert.equal(notices.splice(0), [2, 3], 'after a pause nothing is waited for');
  for (const text of ['b', 'c', 'd']) {
    leader.now += DEFAULT_SETTINGS.noticeMs;
    table.propose(text);
    table.deliver(note);
    assert.is(leader.state.commit, leader.state.log.lastIndex);
  }
  assert.equal(notices, []);
  assert.equal(texts(table.at(2)), ['a', 'b', 'c']);
  const dueMs = leader.now + DEFAULT_SETTINGS.noticeMs;
  assert.ok(nextDeadline(leader.state) <= dueMs, 'the clock is asked for in time');
  leader.now = dueMs - 1;
  leader.input({ type: 'tick' });
  table.deliver(note);
  assert.equal(notices, []);
  leader.now++;
  leader.input({ type: 'tick' });
  table.deliver(note);
  assert.equal(notices, [2, 3]);
  for (const id of [2, 3]) assert.equal(texts(table.at(id)), ['a', 'b', 'c', 'd']);
  leader.now += DEFAULT_SETTINGS.noticeMs;
  leader.input({ type: 'tick' });
  table.deliver(note);
  assert.is(notices.length, 2, 'once');
});

test('a notice that is due is work', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(200);
  table.propose('a');
  table.deliver();
  assert.not(hasWork(leader.state, new Outbox()));
  table.propose('b');
  table.deliver();
  assert.not(hasWork(leader.state, new Outbox()));
  const dueMs = nextDeadline(leader.state);
  assert.ok(dueMs <= leader.now + DEFAULT_SETTINGS.noticeMs, 'it is waited for');
  leader.now = dueMs;
  step(leader.state, { type: 'tick', now: dueMs }, new Outbox());
  assert.ok(hasWork(leader.state, new Outbox()));
});

test('a follower whose answer comes when all others are done is told what is committed', () => {
  const table = new Table(3);
  const leader = table.elect(1);
  table.run(200);
  leader.input({ type: 'unreachable', to: 3 });
  table.propose('a');
  const late: RaftMessage[] = [];
  table.deliver((message) => {
    if (message.to === 3) late.push(message);
    return message.to === 3;
  });
  assert.is(leader.state.commit, leader.state.log.lastIndex);
  for (const message of late) table.at(3).input({ type: 'message', message });
  const out = new Outbox();
  for (const message of table.at(3).take()) step(leader.state, { type: 'message', message, now: leader.now }, out);
  assert.ok(hasWork(leader.state, out));
  leader.settle();
  table.deliver();
  assert.equal(texts(table.at(3)), ['a']);
  assert.not(hasWork(leader.state, new Outbox()));
});

test('a notice that has overtaken its entry comes again', () => {
  const table = new Table(3, { noticeMs: 0 });
  const leader = table.elect(1);
  table.run(200);
  const late: RaftMessage[] = [];
  leader.now += 5;
  table.propose('a');
  table.deliver((message) => {
    if (message.to === 3) late.push(message);
    return message.to === 3;
  });
  assert.is(late.length, 2, 'the entry, and that it is committed');
  for (const message of late.toReversed()) table.at(3).input({ type: 'message', message });
  assert.equal(texts(table.at(3)), []);
  const replies = table.at(3).take() as AppendReply[];
  assert.equal(
    replies.map(({ isRejected }) => isRejected),
    [true, false],
  );
  for (const message of replies.toReversed()) leader.input({ type: 'message', message });
  table.deliver();
  assert.equal(texts(table.at(3)), ['a']);
});

test('nothing of a proposal is kept by whoever does not lead', () => {
  const table = new Table(3);
  table.elect(1);
  table.at(2).input({ type: 'propose', entries: [bytes('a')] });
  assert.equal(table.at(2).proposed.at(-1), {
    firstIndex: table.at(2).state.log.lastIndex + 1,
    count: 0,
    term: 2,
    refusal: 'not_leader',
  });
});

test.run();
