/**
 * A cluster of three nodes that serves one group, and a node of clients, in one thread and virtual time: the real service, client and Raft actors, with nodes that die, ways
 * that are cut, and leaders that hand over. While it goes on all promises are checked; then all faults end, and everything must come to rest. A seed is a run.
 */
import { DEFAULT_BOUNDS } from '../../../src/actors/meta/state/bounds.ts';
import { cooled } from '../../../src/actors/meta/state/record.ts';
import { Prng } from '../../../src/base/prng.ts';
import { CLIENT_NODE, NODES, ServiceBed } from '../../actors/meta/service-bed.ts';
import { checkByKey } from '../raft/linearizability.ts';
import { Client, type ClientWorld, MODEL } from './clients.ts';
import { LeaseHolder, TTL_MS } from './lease-holder.ts';
import { Lister } from './lister.ts';
import { must, Oracle, Violation } from './oracle.ts';
import { Watcher } from './watcher.ts';

export interface Outcome {
  readonly seed: number;
  /** Undefined: every promise was kept. */
  readonly violation: string | undefined;
  readonly operations: number;
  readonly revisions: number;
  readonly watched: number;
  readonly compactions: number;
  readonly lists: number;
  readonly renewals: number;
  readonly ended: number;
  readonly kills: number;
}

const FAULTY_MS = 12_000;
const HEALING_MS = 30_000;

export class World implements ClientWorld {
  readonly prng: Prng;
  readonly oracle: Oracle;
  readonly #seed: number;
  readonly #bed: ServiceBed;
  readonly #clients: Client[] = [];
  readonly #holders: LeaseHolder[] = [];
  readonly #watchers: Watcher[] = [];
  #lister: Lister | undefined;
  #violation: string | undefined;
  #kills = 0;
  #isHealed = false;
  #seen = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.prng = new Prng(seed);
    const { prng } = this;
    const revisionsMax = prng.chance(0.3) ? 5 + prng.below(30) : DEFAULT_BOUNDS.history.revisionsMax;
    let bed: ServiceBed | undefined;
    this.oracle = new Oracle(() => bed?.network.world.nowMs ?? 0);
    bed = new ServiceBed(seed, {
      bounds: { ...DEFAULT_BOUNDS, history: { ...DEFAULT_BOUNDS.history, revisionsMax } },
      snapshotLogBytes: prng.chance(0.5) ? 2000 + prng.below(20_000) : 1 << 20,
      // Sessions that end early: what was asked in them is done again, or nobody can tell.
      ...(prng.chance(0.5) ? { sessionsMax: 2 + prng.below(3), sessionTtlMs: 100 + prng.below(1000) } : {}),
      moreClients: 3,
      onReplica: (node, replica) => {
        this.oracle.watch(node, replica);
        replica.machine.observe({ stepped: () => this.guard(() => this.#tellHolders()), leased: () => {} });
      },
    });
    this.#bed = bed;
  }

  nowMs(): number {
    return this.#bed.network.world.nowMs;
  }

  at(afterMs: number, then: () => void): void {
    this.#bed.network.at(this.nowMs() + afterMs, () => this.guard(then));
  }

  /** A broken promise is told at the end, whoever finds it in whatever turn. */
  guard(run: () => void): void {
    if (this.#violation !== undefined) return;
    try {
      run();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      // The first one: what comes of it is no news.
      this.#violation ??= `at ${this.nowMs().toFixed(1)}: ${error.message}`;
    }
  }

  run(): Outcome {
    const told = { revision: 0 };
    const keys = 1 + this.prng.below(4);
    for (let i = 0; i < 6; i++) {
      const client = new Client(this, this.#bed.clients[i % 3]!, `c${i}`, keys, told);
      this.#clients.push(client);
      client.start();
    }
    for (let i = 0; i < 2; i++) {
      const holder = new LeaseHolder(this, this.#bed.clients[3]!, `lease${i}`);
      this.#holders.push(holder);
      holder.start();
    }
    const watch = (from: string, to: string): number =>
      this.#watchers.push(new Watcher(this, this.#bed.clients[this.prng.below(4)]!, from, to, 1));
    watch('', '');
    watch('k1', 'k3');
    watch('lease', 'leasf');
    this.#lister = new Lister(this, this.#bed.clients[this.prng.below(4)]!);
    this.#lister.start();
    this.#trouble();
    this.#runUntil(this.nowMs() + FAULTY_MS, () => false);
    this.guard(() => this.#heal());
    this.guard(() => this.#noFailures());
    return this.#outcome();
  }

  #runUntil(untilMs: number, isDone: () => boolean): void {
    while (this.nowMs() < untilMs && this.#violation === undefined && !isDone()) this.#bed.run(20);
  }

  // ---- faults ----

  #trouble(): void {
    this.at(100 + this.prng.next() * 1500, () => {
      if (this.#isHealed) return;
      this.#fault();
      this.#trouble();
    });
  }

  #fault(): void {
    const { prng } = this;
    const { network } = this.#bed;
    const node = NODES[prng.below(NODES.length)]!;
    const other = [...NODES, CLIENT_NODE][prng.below(NODES.length + 1)]!;
    const choice = prng.next();
    if (choice < 0.4) {
      if (network.isAlive(node)) this.#kills++;
      network.kill(node, 50 + prng.next() * 1500);
    } else if (choice < 0.8) {
      if (node === other) return;
      const both = prng.chance(0.5);
      network.cut(node, other);
      if (both) network.cut(other, node);
      this.at(50 + prng.next() * 2500, () => {
        network.heal(node, other);
        if (both) network.heal(other, node);
      });
    } else {
      this.#bed.transfer(node);
    }
  }

  /** In order of the story; a step is told when the first replica has it. */
  #tellHolders(): void {
    while (this.#seen < this.oracle.last) {
      const { changes, atMs } = this.oracle.step(++this.#seen);
      for (const { key, value } of changes) {
        if (value === undefined) for (const holder of this.#holders) holder.deleted(key, atMs);
      }
    }
  }

  // ---- peace ----

  #heal(): void {
    this.#isHealed = true;
    const { network } = this.#bed;
    for (const from of [...NODES, CLIENT_NODE]) for (const to of [...NODES, CLIENT_NODE]) network.heal(from, to);
    const before = this.#operations();
    const healedMs = this.nowMs();
    this.#runUntil(healedMs + HEALING_MS, () => this.#operations() >= before + 20);
    must(this.#operations() >= before + 20, 'when all faults are over clients are served again');
    for (const client of this.#clients) client.isStopped = true;
    for (const holder of this.#holders) holder.isStopped = true;
    this.#lister!.isStopped = true;
    this.#runUntil(this.nowMs() + HEALING_MS, () => this.#isAtRest());
    must(
      this.#clients.every(({ isIdle }) => isIdle),
      'every call has an outcome',
    );
    must(
      this.#holders.every(({ key }) => key === ''),
      `${TTL_MS} ms leases that nobody renews end`,
    );
    for (const { through } of this.#watchers)
      must(through === this.oracle.last, `a watcher stands at ${through} of ${this.oracle.last}`);
    this.#checkStates();
    this.#checkHistories();
  }

  #noFailures(): void {
    for (const { node, error } of this.#bed.network.failures) must(false, `node ${node} has failed: ${(error as Error).message}`);
  }

  #isAtRest(): boolean {
    return (
      this.#clients.every(({ isIdle }) => isIdle) &&
      this.#holders.every(({ key }) => key === '') &&
      this.#watchers.every(({ through }) => through === this.oracle.last) &&
      this.#states().every((state, _, all) => state === all[0])
    );
  }

  #operations(): number {
    return this.#clients.reduce((sum, { history }) => sum + history.length, 0);
  }

  #states(): string[] {
    return NODES.map((node) => {
      const machine = this.#bed.replicas[node]?.get(1)?.machine;
      if (machine === undefined) return '';
      const records = [...machine.keyspace.range('', '')].map((record) => ({
        ...cooled(record),
        value: Buffer.from(record.value!).toString(),
      }));
      return JSON.stringify({ revision: machine.revision, records, leases: machine.leases.all().map(({ id }) => id) });
    });
  }

  #checkStates(): void {
    const [first, ...rest] = this.#states();
    for (const state of rest) must(state === first, `replicas differ: ${first} and ${state}`);
  }

  #checkHistories(): void {
    const history = this.#clients.flatMap((client) => client.whole());
    const { verdict, key } = checkByKey(MODEL, history, (input) => input.key);
    must(
      verdict === 'ok',
      `the history of ${key} is ${verdict}: ${JSON.stringify(history.filter(({ input }) => input.key === key))}`,
    );
  }

  #outcome(): Outcome {
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
    return {
      seed: this.#seed,
      violation: this.#violation,
      operations: this.#operations(),
      revisions: this.oracle.last,
      watched: sum(this.#watchers.map(({ steps }) => steps)),
      compactions: sum(this.#watchers.map(({ compactions }) => compactions)),
      lists: this.#lister?.lists ?? 0,
      renewals: sum(this.#holders.map(({ renewals }) => renewals)),
      ended: sum(this.#holders.map(({ ended }) => ended.length)),
      kills: this.#kills,
    };
  }
}
