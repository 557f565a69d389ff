/**
 * `node dist/bench/raft/core.js`: three nodes in one thread, without disk and network: what Raft itself costs per entry, codec and state machine calls included. Prints CPU time of all three
 * together, so it says the same on a busy machine.
 */

import { founding } from '../../src/actors/raft/founding.ts';
import { NO_MEMBERSHIP } from '../../src/actors/raft/membership.ts';
import { MemoryLog } from '../../src/actors/raft/memory-log.ts';
import { MemorySnapshots, MemoryStorage } from '../../src/actors/raft/memory-storage.ts';
import { RaftNode } from '../../src/actors/raft/node/raft-node.ts';
import { nodeOfReplica, replicaId } from '../../src/actors/raft/replica.ts';
import { DEFAULT_SETTINGS } from '../../src/actors/raft/settings.ts';
import type { StateMachine } from '../../src/actors/raft/state-machine.ts';

const VOTERS = [1, 2, 3].map((node) => replicaId(node, 1));
const WARM_UP_TURNS = 3000;

class Counting implements StateMachine {
  appliedIndex = 0;

  apply(entries: Parameters<StateMachine['apply']>[0], done: Parameters<StateMachine['apply']>[1]): void {
    this.appliedIndex += entries.length;
    done([]);
  }

  snapshot(): ReturnType<StateMachine['snapshot']> {
    return { read: (_max, done) => done(new Uint8Array(8), true), close: () => {} };
  }

  restore(): void {}
}

class Cluster {
  readonly nodes: RaftNode[];
  readonly machines = new Map<string, Counting>();
  readonly #frames: { readonly to: number; readonly bytes: Uint8Array }[] = [];
  readonly #later: (() => void)[] = [];
  #nowMs = 0;

  constructor(groups: number) {
    this.nodes = VOTERS.map((self) => {
      const storage = new MemoryStorage((run) => this.#later.push(run));
      const node = new RaftNode({
        self,
        settings: DEFAULT_SETTINGS,
        seed: self % 1000,
        storage,
        transport: { send: (to, _lane, bytes) => this.#frames.push({ to, bytes: bytes.slice() }) },
        snapshots: new MemorySnapshots(),
        snapshotLogBytes: 1 << 20,
        snapshotBytesPerSecond: 1e9,
        snapshotChunkBytes: 1 << 16,
        now: () => this.#nowMs,
        onDirty: () => {},
        onRole: () => {},
        onPoisoned: (_group, error) => {
          throw error;
        },
      });
      storage.listen({ durable: (batch) => node.durable(batch), failed: () => node.failed() });
      const { hard, entries } = founding(VOTERS);
      for (let group = 1; group <= groups; group++) {
        const machine = new Counting();
        this.machines.set(`${nodeOfReplica(self)}/${group}`, machine);
        const snapshot = { index: 0, term: 0, membership: NO_MEMBERSHIP };
        node.open({ group, log: new MemoryLog(0, 0, entries), hard, snapshot, machine, isNew: true });
      }
      return node;
    });
  }

  /** One turn of each node: what has arrived, what is durable, and a flush. */
  turn(elapsedMs: number): void {
    this.#nowMs += elapsedMs;
    for (const run of this.#later.splice(0)) run();
    for (const { to, bytes } of this.#frames.splice(0)) this.nodes[nodeOfReplica(to) - 1]!.receive(bytes);
    for (const node of this.nodes) {
      if (elapsedMs > 0) node.tick();
      node.flush();
    }
  }

  elect(groups: number): void {
    const led = (): number =>
      this.nodes.reduce((sum, node) => sum + [...node.groups.values()].filter(({ isLeader }) => isLeader).length, 0);
    while (led() < groups) this.turn(10);
  }
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function replicate(entries: number, perTurn: number, bytes: number): void {
  const cluster = new Cluster(1);
  cluster.elect(1);
  const leader = cluster.nodes.find((node) => node.groups.get(1)!.isLeader)!.groups.get(1)!;
  const data = new Uint8Array(bytes);
  let done = 0;
  let turns = 0;
  const turn = (): void => {
    for (let i = 0; i < perTurn; i++) leader.propose(data, () => done++);
    cluster.turn(++turns % 50 === 0 ? 10 : 0);
  };
  while (turns < WARM_UP_TURNS / perTurn + 200) turn();
  done = 0;
  const startUs = cpuUs();
  while (done < entries) turn();
  const us = cpuUs() - startUs;
  const params = { entryBytes: bytes, proposalsPerTurn: perTurn };
  console.log(
    JSON.stringify({
      scenario: 'raft-core',
      params,
      entries: done,
      cpuNsPerEntry: Math.round((us * 1000) / done),
      entriesPerCpuSecond: Math.round((done * 1e6) / us),
    }),
  );
}

function idle(groups: number, seconds: number): void {
  const cluster = new Cluster(groups);
  cluster.elect(groups);
  for (let i = 0; i < 100; i++) cluster.turn(20);
  const startUs = cpuUs();
  for (let ms = 0; ms < seconds * 1000; ms += 20) {
    cluster.turn(20);
    for (let i = 0; i < 3; i++) cluster.turn(0);
  }
  const us = cpuUs() - startUs;
  console.log(
    JSON.stringify({
      scenario: 'raft-idle',
      params: { groups },
      cpuPercentPerNode: Number(((us / (seconds * 1e6) / 3) * 100).toFixed(2)),
    }),
  );
}

for (const perTurn of [1, 16, 256]) replicate(perTurn === 1 ? 30_000 : 300_000, perTurn, 256);
idle(1000, 20);
