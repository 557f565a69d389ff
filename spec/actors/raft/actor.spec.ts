/** The actor on simulated threads: each stands for a node, and frames travel as between actors. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftActor } from '../../../src/actors/raft/actor.ts';
import { MemorySnapshots, MemoryStorage } from '../../../src/actors/raft/memory-storage.ts';
import { type GroupStatus, RAFT_FRAME, type RaftRequest, type ReadReply } from '../../../src/actors/raft/messages.ts';
import type { ProposalOutcome } from '../../../src/actors/raft/node/proposals.ts';
import { RAFT_PROBE } from '../../../src/actors/raft/probe.ts';
import { nodeOfReplica, replicaId } from '../../../src/actors/raft/replica.ts';
import { encodeCommands } from '../../../src/actors/raft/sessions/command-codec.ts';
import { SessionMachine } from '../../../src/actors/raft/sessions/session-machine.ts';
import { SessionTable } from '../../../src/actors/raft/sessions/session-table.ts';
import { DEFAULT_SETTINGS } from '../../../src/actors/raft/settings.ts';
import { RAFT_TICK_MS } from '../../../src/base/limits.ts';
import type { Actor, ActorContext } from '../../../src/runtime/actor.ts';
import { type ActorRef, wellKnownRef } from '../../../src/runtime/ref.ts';
import { SimCluster } from '../../../src/runtime/sim/cluster.ts';
import { encodeKv, Kv } from '../../sim/raft/kv.ts';

const test = suite('raft actor');

const SLOT = 60;
const NODES = [1, 2, 3];
const VOTERS = NODES.map((node) => replicaId(node, 1));
const raftOn = (thread: number): ActorRef<RaftRequest> => wellKnownRef(1, thread, SLOT);

/** Runs what a spec gives it in its own turns. */
class Script implements Actor<(ctx: ActorContext<never>) => void> {
  receive(run: (ctx: ActorContext<never>) => void, ctx: ActorContext<(ctx: ActorContext<never>) => void>): void {
    run(ctx as ActorContext<never>);
  }
}

class Bed {
  readonly cluster: SimCluster;
  readonly storages = NODES.map(() => new MemoryStorage((run) => this.cluster.at(this.cluster.nowMs + 1, run)));
  readonly #snapshots = NODES.map(() => new MemorySnapshots());
  /** `thread`, then group. */
  readonly kvs = new Map<string, Kv>();
  /** Thread → time of the turn that applied the newest command there. */
  readonly appliedAt = new Map<number, number>();
  #script: ActorRef<(ctx: ActorContext<never>) => void> = 0;

  constructor(seed: number) {
    this.cluster = new SimCluster({
      threads: 4,
      seed,
      boot: (system) => {
        const { thread } = system;
        if (thread === 0) {
          this.#script = system.spawn(() => new Script(), { name: 'script' });
          return;
        }
        const options = {
          self: replicaId(thread, 1),
          settings: DEFAULT_SETTINGS,
          storage: this.storages[thread - 1]!,
          snapshots: this.#snapshots[thread - 1]!,
          snapshotLogBytes: 2000,
          snapshotBytesPerSecond: 1 << 20,
          snapshotChunkBytes: 256,
          transport: {
            send: (to: number, _lane: string, bytes: Uint8Array) => {
              system.tellBytes(raftOn(nodeOfReplica(to)), RAFT_FRAME, bytes, 0, bytes.length);
            },
          },
          machineOf: (group: number) => {
            const kv = new Kv(() => this.appliedAt.set(thread, system.now()));
            this.kvs.set(`${thread}/${group}`, kv);
            return new SessionMachine(kv, new SessionTable(100, 60_000));
          },
          onFailed: () => {},
        };
        system.spawn(() => new RaftActor(system, options), { name: 'raft', wellKnown: SLOT });
      },
    });
  }

  run(ms: number): void {
    this.cluster.run(this.cluster.nowMs + ms);
  }

  ask<R>(thread: number, request: RaftRequest): () => R | string | undefined {
    let answer: R | string | undefined;
    this.cluster.system(0).tell(this.#script, (ctx: ActorContext<never>) => {
      ctx.ask<RaftRequest, R>(raftOn(thread), request, 5000, (reply, failure) => {
        answer = reply ?? failure;
      });
    });
    return () => answer;
  }

  answer<R>(thread: number, request: RaftRequest): R {
    const get = this.ask<R>(thread, request);
    for (let waited = 0; get() === undefined && waited < 6000; waited += 5) this.run(5);
    return get() as R;
  }

  found(group: number): void {
    for (const node of NODES) assert.equal(this.answer(node, { type: 'found', group, voters: VOTERS }), { isOk: true });
  }

  leader(group: number, among: readonly number[] = NODES): number {
    for (let waited = 0; waited < 5000; waited += 50) {
      for (const node of among) {
        if (this.answer<GroupStatus>(node, { type: 'status', group }).role === 'leader') return node;
      }
      this.run(50);
    }
    throw new Error('no leader');
  }

  put(leader: number, group: number, key: string, value: string): ProposalOutcome {
    return this.answer(leader, this.putting(group, key, value));
  }

  putting(group: number, key: string, value: string): RaftRequest {
    const bytes = encodeKv({ op: 'put', key, expected: '', value });
    return { type: 'propose', group, data: encodeCommands({ timeMs: 0, commands: [{ type: 'plain', bytes }] }) };
  }

  slot(thread: number, key: keyof typeof RAFT_PROBE.slot): number {
    return this.cluster.system(thread).slots[RAFT_PROBE.slot[key]]!;
  }
}

test('groups are founded, elect, and replicate what is proposed', () => {
  const bed = new Bed(1);
  for (const group of [1, 2, 3]) bed.found(group);
  for (const group of [1, 2, 3]) {
    const leader = bed.leader(group);
    assert.is(bed.put(leader, group, 'k', `v${group}`).result, 'ok');
  }
  bed.run(200);
  for (const node of NODES) for (const group of [1, 2, 3]) assert.is(bed.kvs.get(`${node}/${group}`)!.get('k'), `v${group}`);
  assert.equal(bed.cluster.failures, []);
});

test('a group begins once', () => {
  const bed = new Bed(2);
  bed.found(1);
  assert.equal(bed.answer(1, { type: 'found', group: 1, voters: VOTERS }), { isOk: false });
});

test('who asks on the same thread has the answer in the turn that has completed it', () => {
  const bed = new Bed(6);
  bed.found(1);
  const leader = bed.leader(1);
  const system = bed.cluster.system(leader);
  const asking = system.spawn(() => new Script(), { name: 'asking' });
  for (const value of ['a', 'b', 'c']) {
    let answeredAt = -1;
    system.tell(asking, (ctx: ActorContext<never>) =>
      ctx.ask<RaftRequest, ProposalOutcome>(raftOn(leader), bed.putting(1, 'k', value), 5000, () => {
        answeredAt = ctx.now();
      }),
    );
    bed.run(100);
    assert.is(answeredAt, bed.appliedAt.get(leader));
  }
});

test('whoever does not lead refuses, and says who does', () => {
  const bed = new Bed(3);
  bed.found(1);
  const leader = bed.leader(1);
  const other = NODES.find((node) => node !== leader)!;
  bed.run(200);
  assert.equal(bed.put(other, 1, 'k', 'v'), { result: 'not', reason: 'not_leader' });
  assert.is(bed.answer<GroupStatus>(other, { type: 'status', group: 1 }).lead, replicaId(leader, 1));
  assert.equal(bed.put(leader, 9, 'k', 'v'), { result: 'not', reason: 'not_leader' }, 'also where there is no such group');
});

test('a read on a follower sees what was acknowledged before', () => {
  const bed = new Bed(4);
  bed.found(1);
  const leader = bed.leader(1);
  const outcome = bed.put(leader, 1, 'k', 'v');
  const other = NODES.find((node) => node !== leader)!;
  const reply = bed.answer<ReadReply>(other, { type: 'read', group: 1, mode: 'index' });
  assert.ok(reply.isOk && outcome.result === 'ok' && reply.applied >= outcome.index);
  assert.is(bed.kvs.get(`${other}/1`)!.get('k'), 'v');
});

test('a read tells whether this replica leads, as it has just confirmed, and in which term', () => {
  const bed = new Bed(4);
  bed.found(1);
  const leader = bed.leader(1);
  const other = NODES.find((node) => node !== leader)!;
  const { term } = bed.answer<GroupStatus>(leader, { type: 'status', group: 1 });
  for (const mode of ['index', 'lease'] as const) {
    assert.is(bed.answer<ReadReply>(leader, { type: 'read', group: 1, mode }).ledTerm, term);
    const forwarded = bed.answer<ReadReply>(other, { type: 'read', group: 1, mode });
    assert.equal([forwarded.isOk, forwarded.ledTerm, forwarded.lead], [true, 0, replicaId(leader, 1)]);
  }
  assert.is(bed.answer<ReadReply>(leader, { type: 'read', group: 9, mode: 'index' }).ledTerm, 0);
});

test('a read takes one round of messages and waits for no tick, whoever is idle', () => {
  const bed = new Bed(4);
  bed.found(1);
  const leader = bed.leader(1);
  bed.run(500);
  const before = bed.cluster.nowMs;
  const reads = 20;
  for (let i = 0; i < reads; i++) assert.ok(bed.answer<ReadReply>(leader, { type: 'read', group: 1, mode: 'index' }).isOk);
  assert.ok(bed.cluster.nowMs - before <= (reads * RAFT_TICK_MS) / 2, `${bed.cluster.nowMs - before} ms of virtual time`);
});

test('leadership is handed over', () => {
  const bed = new Bed(5);
  bed.found(1);
  const leader = bed.leader(1);
  bed.run(300);
  const heir = NODES.find((node) => node !== leader)!;
  bed.cluster.system(0).tell(raftOn(leader), { type: 'transfer', group: 1, to: replicaId(heir, 1) });
  bed.run(100);
  assert.is(bed.answer<GroupStatus>(heir, { type: 'status', group: 1 }).role, 'leader');
});

test('a thread that dies comes back with what it had acknowledged, through a snapshot and the log behind it', () => {
  const bed = new Bed(6);
  bed.found(1);
  const leader = bed.leader(1);
  const dead = NODES.find((node) => node !== leader)!;
  for (let i = 0; i < 60; i++) assert.is(bed.put(leader, 1, `k${i}`, `v${i}`).result, 'ok');
  bed.run(100);
  assert.ok(bed.storages[dead - 1]!.groups.get(1)!.snapshot.index > 0, 'a snapshot was taken');
  bed.cluster.kill(dead, 500);
  assert.is(bed.put(leader, 1, 'meanwhile', 'yes').result, 'ok', 'two of three go on');
  bed.run(2000);
  const kv = bed.kvs.get(`${dead}/1`)!;
  for (let i = 0; i < 60; i++) assert.is(kv.get(`k${i}`), `v${i}`);
  assert.is(kv.get('meanwhile'), 'yes');
});

test('when the leader dies another takes over in time, and nothing acknowledged is lost', () => {
  const bed = new Bed(7);
  bed.found(1);
  const leader = bed.leader(1);
  assert.is(bed.put(leader, 1, 'k', 'v').result, 'ok');
  const rest = NODES.filter((node) => node !== leader);
  const diedMs = bed.cluster.nowMs;
  bed.cluster.kill(leader);
  const next = bed.leader(1, rest);
  assert.ok(bed.cluster.nowMs - diedMs < 5 * DEFAULT_SETTINGS.electionMinMs);
  assert.is(bed.put(next, 1, 'k2', 'v2').result, 'ok');
  assert.is(bed.kvs.get(`${next}/1`)!.get('k'), 'v');
});

test('a turn is one batch and one frame per peer, however many groups and proposals', () => {
  const bed = new Bed(8);
  const groups = Array.from({ length: 20 }, (_, i) => i + 1);
  for (const group of groups) bed.found(group);
  for (const group of groups) bed.leader(group);
  bed.run(1000);
  const node = NODES.find((thread) => bed.slot(thread, 'leaders') > 3) ?? 1;
  const led = groups.filter((group) => bed.answer<GroupStatus>(node, { type: 'status', group }).role === 'leader');
  const before = { batches: bed.slot(node, 'batchesWritten'), entries: bed.slot(node, 'entriesWritten') };
  const bytes = encodeKv({ op: 'put', key: 'k', expected: '', value: 'v' });
  const data = encodeCommands({ timeMs: 0, commands: [{ type: 'plain', bytes }] });
  const answers = led.flatMap((group) => [1, 2, 3].map(() => bed.ask<ProposalOutcome>(node, { type: 'propose', group, data })));
  bed.run(300);
  for (const answer of answers) assert.is((answer() as ProposalOutcome).result, 'ok');
  assert.is(bed.slot(node, 'entriesWritten') - before.entries, 3 * led.length);
  assert.ok(bed.slot(node, 'batchesWritten') - before.batches < led.length, 'far fewer syncs than groups');
});

test('a frame that is damaged is counted, and nothing else happens', () => {
  const bed = new Bed(9);
  bed.found(1);
  const leader = bed.leader(1);
  bed.cluster.system(0).tellBytes(raftOn(leader), RAFT_FRAME, new Uint8Array([1, 2, 3]), 0, 3);
  bed.run(100);
  assert.is(bed.slot(leader, 'framesMalformed'), 1);
  assert.is(bed.put(leader, 1, 'k', 'v').result, 'ok');
});

test('a node that has lost its disk is a stranger to its old name', () => {
  const bed = new Bed(10);
  bed.found(1);
  const leader = bed.leader(1);
  const { storages } = bed;
  const wiped = NODES.find((node) => node !== leader)!;
  bed.cluster.kill(wiped, 100);
  (storages[wiped - 1]!.groups as Map<number, unknown>).clear();
  bed.run(3000);
  const status = bed.answer<GroupStatus>(wiped, { type: 'status', group: 1 });
  assert.is(status.role, 'absent', 'it takes part in nothing that it does not know of');
  assert.is(bed.put(leader, 1, 'k', 'v').result, 'ok');
});

test('what an operator sees', () => {
  const bed = new Bed(11);
  bed.found(1);
  const leader = bed.leader(1);
  const inspected = JSON.stringify(bed.cluster.system(leader).inspect());
  assert.match(inspected, /"self":"\d\.1"/);
  assert.match(inspected, /"role":"leader"/);
});

test.run();
