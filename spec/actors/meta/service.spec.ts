/** The service and its client on simulated nodes: calls find the leader, are done once, and watchers miss nothing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from '../../../src/actors/meta/client/open-call.ts';
import type { Outcome } from '../../../src/actors/meta/client/outcome.ts';
import type { WatchedStep } from '../../../src/actors/meta/codec/answer-codec.ts';
import { ABSENT, ANY, type MetaReply } from '../../../src/actors/meta/command.ts';
import { META_CALLS } from '../../../src/actors/meta/messages.ts';
import { DEFAULT_BOUNDS } from '../../../src/actors/meta/state/bounds.ts';
import { cooled } from '../../../src/actors/meta/state/record.ts';
import { NO_MEMBERSHIP } from '../../../src/actors/raft/membership.ts';
import { wellKnownRef } from '../../../src/runtime/ref.ts';
import { CLIENT_NODE, NODES, ServiceBed } from './service-bed.ts';

const test = suite('meta service');

test('calls find the leader wherever they begin, and reads see what was written', () => {
  const bed = new ServiceBed(1, { groups: [1, 2, 3, 4] });
  for (const group of [1, 2, 3, 4]) {
    assert.is(bed.put('k', `v${group}`, 0, group), 1);
    assert.is(bed.get('k', group), `v${group}`);
    assert.is(bed.get('nothing', group), undefined);
  }
});

test('what a turn brings is one entry, and reads of a turn share a confirmation', () => {
  const bed = new ServiceBed(2);
  bed.put('first', 'opens the session');
  const leader = bed.leader();
  const before = {
    entries: bed.slot(leader, 'entries'),
    commands: bed.slot(leader, 'commands'),
    rounds: bed.slot(leader, 'readRounds'),
  };
  let answered = 0;
  for (let i = 0; i < 200; i++) {
    bed.client.command(
      1,
      { type: 'write', puts: [{ key: `k${i}`, value: Buffer.from('v'), lease: 0 }], deletes: [] },
      (outcome) => {
        assert.ok(outcome.isOk);
        answered++;
      },
    );
    bed.client.get(1, [`k${i}`], false, () => answered++);
  }
  bed.until(() => answered === 400, 'all answers');
  assert.is(bed.slot(leader, 'commands') - before.commands, 200);
  assert.ok(bed.slot(leader, 'entries') - before.entries < 20);
  assert.ok(bed.slot(leader, 'readRounds') - before.rounds < 20);
});

test('a hundred claims in one call stand each for itself', () => {
  const bed = new ServiceBed(3);
  const claims = (owner: string, from: number) =>
    Array.from({ length: 100 }, (_, i) => ({ key: `s/${from + i}`, expected: ABSENT, value: Buffer.from(owner), lease: 0 }));
  const first = bed.do({ type: 'claim', claims: claims('a', 0), wantsBefore: false });
  assert.ok(first.type === 'claimed' && first.results.every(({ isDone }) => isDone));
  const second = bed.do({ type: 'claim', claims: claims('b', 50), wantsBefore: true });
  assert.ok(second.type === 'claimed');
  if (second.type !== 'claimed') return;
  assert.equal(
    second.results.map(({ isDone }) => isDone),
    Array.from({ length: 100 }, (_, i) => i >= 50),
  );
  assert.is(Buffer.from(second.results[0]!.before!.value!).toString(), 'a');
  assert.is(second.results[0]!.modified, 1, 'whoever lost knows by whom and since when');
  const forced = bed.do({
    type: 'claim',
    claims: [
      { key: 's/0', expected: ANY, value: Buffer.from('c'), lease: 0 },
      { key: 's/1', expected: 1, value: undefined, lease: 0 },
      { key: 's/2', expected: 2, value: undefined, lease: 0 },
    ],
    wantsBefore: false,
  });
  assert.equal(forced.type === 'claimed' && forced.results.map(({ isDone, modified }) => [isDone, modified]), [
    [true, 3],
    [true, 0],
    [false, 1],
  ]);
});

test('when the leader dies calls go on, and each command is done once', () => {
  const bed = new ServiceBed(4);
  bed.put('counter', '');
  let acknowledged = 0;
  let failures = 0;
  const append = (i: number): void =>
    bed.client.command(
      1,
      { type: 'write', puts: [{ key: `k${i}`, value: Buffer.from('v'), lease: 0 }], deletes: [] },
      (outcome) => (outcome.isOk ? acknowledged++ : failures++),
      { deadlineMs: 30_000 },
    );
  for (let i = 0; i < 100; i++) append(i);
  bed.run(3);
  bed.network.kill(bed.leader(), 1500);
  for (let i = 100; i < 200; i++) append(i);
  bed.until(() => acknowledged + failures === 200, 'all answers');
  assert.is(failures, 0);
  // Each write of another key is one revision: a write that was done twice would show.
  assert.is(bed.put('last', ''), 202);
  bed.run(3000);
  const states = NODES.map((node) => [...bed.replicas[node]!.get(1)!.machine.keyspace.range('', '')]);
  for (const state of states) {
    assert.is(state.length, 202);
    assert.ok(state.every(({ version }) => version === 1));
  }
});

test('a call that finds nobody is tried over and over, but not in every turn', () => {
  const bed = new ServiceBed(5);
  bed.put('k', 'v');
  for (const node of NODES) bed.network.kill(node);
  const before = bed.client.inspect().attempts;
  const read = bed.await<{ readonly isOk: boolean; readonly failure?: string }>((then) =>
    bed.client.get(1, ['k'], false, then, { deadlineMs: 3000 }),
  );
  assert.is(read.isOk ? 'ok' : read.failure, 'unavailable');
  const attempts = bed.client.inspect().attempts - before;
  assert.ok(attempts > 3 && attempts < 400, `${attempts} attempts`);
});

test('without a quorum nothing is promised: a call fails in time, as one that may have been done', () => {
  const bed = new ServiceBed(5);
  bed.put('k', 'v');
  const leader = bed.leader();
  for (const node of NODES) if (node !== leader) bed.network.kill(node);
  const outcome = bed.await<Outcome<MetaReply>>((then) =>
    bed.client.command(1, { type: 'write', puts: [], deletes: ['k'] }, then, { deadlineMs: 3000 }),
  );
  assert.ok(!outcome.isOk && outcome.failure === 'unknown');
  const read = bed.await<{ readonly isOk: boolean; readonly failure?: string }>((then) =>
    bed.client.get(1, ['k'], false, then, { deadlineMs: 3000 }),
  );
  assert.equal([read.isOk, read.failure], [false, 'unavailable']);
});

interface Seen {
  readonly steps: WatchedStep[];
  readonly throughs: number[];
  readonly compacted: number[];
}

function watch(bed: ServiceBed, from: string, to: string, since: number): Seen & { stop(): void } {
  const seen: Seen = { steps: [], throughs: [], compacted: [] };
  const handle = bed.client.watch(
    { group: 1, from, to, since },
    {
      changed: (steps, through) => {
        seen.steps.push(...steps);
        seen.throughs.push(through);
      },
      compacted: (revision) => seen.compacted.push(revision),
    },
  );
  return { ...seen, stop: () => handle.stop() };
}

test('a watch tells every change of its keys once and in order, over the death of whoever serves it', () => {
  const bed = new ServiceBed(6, { snapshotLogBytes: 3000 });
  bed.put('w/0', 'before');
  const seen = watch(bed, 'w/', 'w0', 1);
  let next = 1;
  for (const node of [1, 2, 3, 1]) {
    for (let i = 0; i < 20; i++, next++) bed.put(next % 3 === 0 ? 'other' : `w/${next}`, `v${next}`);
    bed.network.kill(node, 400);
    for (let i = 0; i < 20; i++, next++) bed.put(next % 3 === 0 ? 'other' : `w/${next}`, `v${next}`);
    bed.run(3000);
  }
  const last = bed.put('w/last', 'v');
  bed.until(() => seen.throughs.at(-1)! >= last, 'the last change');
  const expected = Array.from({ length: next }, (_, i) => i).filter((i) => i % 3 !== 0 || i === 0);
  assert.equal(seen.compacted, []);
  assert.equal(
    seen.steps.map(({ revision, changes }) => [revision, changes.map(({ key }) => key)]),
    [...expected.map((i) => [i + 1, [`w/${i}`]]), [last, ['w/last']]],
  );
});

test('a watch from now on begins there, hears how far it is, and ends', () => {
  const bed = new ServiceBed(7);
  bed.put('a', '1');
  bed.run(100); // it may be of any replica
  const seen = watch(bed, '', '', 0);
  bed.until(() => seen.throughs.length > 0, 'that it has begun');
  bed.put('a', '2');
  bed.do({ type: 'write', puts: [], deletes: ['a'] });
  bed.until(() => seen.steps.length === 2, 'both changes');
  assert.is(seen.steps[1]!.changes[0]!.record, undefined);
  const told = seen.throughs.length;
  bed.run(5000);
  assert.ok(seen.throughs.length >= told + 4, 'a quiet watcher hears that nothing was');
  seen.stop();
  bed.run(100);
  bed.put('a', '3');
  bed.run(3000);
  assert.is(seen.steps.length, 2);
});

test('a watch of what is compacted is told so, and from where on it may watch', () => {
  const bed = new ServiceBed(8, { bounds: { ...DEFAULT_BOUNDS, history: { revisionsMax: 5, bytesMax: 1 << 20 } } });
  for (let i = 1; i <= 20; i++) bed.put('k', String(i));
  bed.run(100);
  const seen = watch(bed, '', '', 3);
  bed.until(() => seen.compacted.length > 0, 'the news');
  assert.equal(seen.compacted, [15]);
  const again = watch(bed, '', '', 16);
  bed.until(() => again.steps.length === 5, 'the rest');
  const page = bed.await<Outcome<Page>>((then) => bed.client.range(1, { from: '', to: '', limit: 0, revision: 3 }, false, then));
  assert.equal(page, { isOk: false, failure: 'compacted', revision: 15 });
});

test('a lease ends when nobody renews it, not while somebody does, and not with its leader', () => {
  const bed = new ServiceBed(9);
  bed.do({ type: 'grant', id: 7, ttlMs: 2000 });
  bed.put('n/1', 'alive', 7);
  for (let i = 0; i < 6; i++) {
    bed.run(1000);
    assert.equal(bed.keepAlive([7, 8]), [2000, 0]);
  }
  assert.is(bed.get('n/1'), 'alive');
  const renewedMs = bed.network.world.nowMs;
  bed.network.kill(bed.leader(), 500);
  bed.until(() => bed.get('n/1') === undefined, 'the end of the lease');
  const lastedMs = bed.network.world.nowMs - renewedMs;
  assert.ok(lastedMs >= 2000, `it has lasted for ${lastedMs} ms`);
  assert.ok(lastedMs < 8000, `it has lasted for ${lastedMs} ms`);
  assert.throws(() => bed.put('n/1', 'v', 7), /no_such_lease/);
});

test('renewing a lease writes nothing, and reads of the same turn share the confirmation', () => {
  const bed = new ServiceBed(11);
  bed.do({ type: 'grant', id: 7, ttlMs: 2000 });
  bed.put('n/1', 'alive', 7);
  const leader = bed.leader();
  bed.run(500);
  const applied = (): number[] => NODES.map((node) => bed.replicas[node]!.get(1)!.appliedIndex);
  const before = applied();
  const renewals = bed.slot(leader, 'renewals');
  for (let i = 0; i < 20; i++) {
    bed.run(500);
    assert.equal(bed.keepAlive([7]), [2000]);
  }
  assert.equal(applied(), before, 'no entry');
  assert.is(bed.slot(leader, 'renewals') - renewals, 20);
  const rounds = bed.slot(leader, 'readRounds');
  let answered = 0;
  for (let i = 0; i < 50; i++) {
    bed.client.keepAlive(1, [7], () => answered++);
    bed.client.get(1, ['n/1'], false, () => answered++);
  }
  bed.until(() => answered === 100, 'all answers');
  assert.ok(bed.slot(leader, 'readRounds') - rounds < 5);
});

test('a lease is renewed at its leader, wherever a client begins', () => {
  const bed = new ServiceBed(13, { moreClients: 3 });
  bed.do({ type: 'grant', id: 7, ttlMs: 60_000 });
  for (const leader of NODES) {
    bed.transfer(leader);
    bed.until(() => bed.leader() === leader, 'the change');
    const before = NODES.map((node) => bed.slot(node, 'renewals'));
    // It begins at the first node.
    const kept = bed.await<Outcome<readonly number[]>>((then) => bed.clients[leader]!.keepAlive(1, [7], then));
    assert.equal(kept, { isOk: true, value: [60_000] });
    assert.equal(
      NODES.map((node, i) => bed.slot(node, 'renewals') - before[i]!),
      NODES.map((node) => (node === leader ? 1 : 0)),
    );
  }
});

test('a leader that others have left renews nothing; the next one gives leases their whole time', () => {
  const bed = new ServiceBed(12);
  bed.do({ type: 'grant', id: 7, ttlMs: 2000 });
  bed.put('n/1', 'alive', 7);
  bed.run(1500);
  const old = bed.leader();
  const others = NODES.filter((node) => node !== old);
  // The client reaches nobody else.
  for (const node of others) {
    for (const [from, to] of [[node, old], [old, node], [node, CLIENT_NODE], [CLIENT_NODE, node]] as const) bed.network.cut(from, to); // biome-ignore format: one line
  }
  const cutMs = bed.network.world.nowMs;
  assert.type(bed.keepAlive([7], 3000), 'string');
  const { machine } = bed.replicas[others[0]!]!.get(1)!;
  bed.until(() => machine.leases.size === 0, 'the end of the lease');
  assert.ok(bed.network.world.nowMs - cutMs >= 2000, 'the whole time from when another leads');
  for (const node of others) {
    for (const [from, to] of [[node, old], [old, node], [node, CLIENT_NODE], [CLIENT_NODE, node]] as const) bed.network.heal(from, to); // biome-ignore format: one line
  }
  assert.equal(bed.keepAlive([7]), [0]);
});

test('pages of one revision, over writes in between', () => {
  const bed = new ServiceBed(10);
  for (let i = 0; i < 10; i++) bed.put(`k${i}`, 'old');
  const range = (from: string, revision: number): Page => {
    const page = bed.await<Outcome<Page>>((then) => bed.client.range(1, { from, to: '', limit: 4, revision }, false, then));
    assert.ok(page.isOk);
    return (page as { value: Page }).value;
  };
  const first = range('', 0);
  bed.put('k5', 'new');
  bed.do({ type: 'write', puts: [], deletes: ['k9'] });
  const second = range('k4', first.revision);
  const third = range('k8', first.revision);
  const all = [first, second, third].flatMap(({ records }) => records.map(({ value }) => Buffer.from(value!).toString()));
  assert.equal(
    all,
    Array.from({ length: 10 }, () => 'old'),
  );
  assert.equal([first.isMore, third.isMore], [true, false]);
});

test('a range of now is answered, also when a value that lies in the store alone is replaced while it is fetched', () => {
  const bed = new ServiceBed(13);
  for (let i = 0; i < 3; i++) bed.put(`k${i}`, 'old');
  const replica = bed.replicas[bed.leader()]!.get(1)!;
  const { keyspace } = replica.machine;
  const record = keyspace.get('k1')!;
  keyspace.replace(record, cooled(record));
  let arrived: (() => void) | undefined;
  replica.warm = (_keys, then) => {
    arrived = then;
  };
  const answers: Outcome<Page>[] = [];
  bed.client.range(1, { from: '', to: '', limit: 0, revision: 0 }, false, (outcome) => answers.push(outcome), {
    deadlineMs: 30_000,
  });
  bed.until(() => arrived !== undefined, 'the store is asked');
  bed.put('k1', 'new');
  arrived!();
  bed.until(() => answers.length > 0, 'an answer');
  const [page] = answers;
  assert.equal(page!.isOk && page!.value.records.map(({ value }) => Buffer.from(value!).toString()), ['old', 'new', 'old']);
});

test('nobody is told anything of a state that is being put in the place of another', () => {
  const bed = new ServiceBed(12);
  for (let i = 0; i < 10; i++) bed.put(`k${i}`, 'old');
  const node = NODES.find((each) => each !== bed.leader())!;
  bed.run(1000);
  const replica = bed.replicas[node]!.get(1)!;
  const parts: Uint8Array[] = [];
  const source = replica.snapshot();
  for (let isLast = false; !isLast; ) {
    source.read(100, (part, last) => {
      parts.push(part);
      isLast = last;
    });
  }
  let next = (): void => {};
  const meta = { index: replica.appliedIndex, term: 1, membership: NO_MEMBERSHIP };
  let isDone = false;
  replica.restore(
    meta,
    {
      read: (_bytesMax, done) => {
        next = () => done(parts.shift()!, parts.length === 0);
      },
      close: () => {},
    },
    () => (isDone = true),
  );
  const client = bed.clientOf(node);
  const answers: string[] = [];
  while (!isDone) {
    next();
    client.get(1, ['k9'], true, (outcome) => {
      if (outcome.isOk) answers.push(Buffer.from(outcome.value.records[0]?.value ?? []).toString());
    });
    client.range(1, { from: '', to: '', limit: 0, revision: 0 }, true, (outcome) => {
      if (outcome.isOk) answers.push(outcome.value.records.length === 10 ? 'old' : `${outcome.value.records.length} keys`);
    });
    client.watch(
      { group: 1, from: '', to: '', since: 0 },
      {
        changed: (steps) => void answers.push(steps.length === 0 ? 'old' : 'a watch from now on begins before'),
        compacted: () => {},
      },
    );
    bed.run(20);
  }
  bed.until(() => answers.length >= 3, 'answers');
  bed.run(500);
  assert.equal([...new Set(answers)], ['old']);
});

test('what cannot be read costs nobody but its sender', () => {
  const bed = new ServiceBed(11);
  bed.put('k', 'v');
  const system = bed.network.node(4).system(1);
  const leader = bed.leader();
  for (const bytes of [[1], [0, 0, 0, 9, 1], [0, 0, 0, 3, 1, 1, 99], [255, 255, 255, 255], [0, 0, 0, 0]]) {
    const record = Uint8Array.from(bytes);
    system.tellBytes(wellKnownRef(leader, 1, 61), META_CALLS, record, 0, record.length);
  }
  bed.run(100);
  assert.ok(bed.slot(leader, 'malformed') >= 4);
  assert.is(bed.get('k'), 'v');
});

test.run();
