/** What happens to a cluster while clients use it: one kind of trouble at a time or several, each undone by itself or by `heal`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import type { Prng } from '../../src/base/prng.ts';
import type { LocalCluster, LocalNode } from '../cluster/local-cluster.ts';
import type { LinkProxy } from './link-proxy.ts';

export type Trouble =
  | 'kill'
  | 'kill leader'
  | 'kill all'
  | 'stop'
  | 'pause'
  | 'isolate'
  | 'one way'
  | 'reset'
  | 'slow'
  | 'transfer'
  | 'disk error'
  | 'slow disk';

const TROUBLES: readonly Trouble[] = [
  'kill',
  'kill leader',
  'kill all',
  'stop',
  'pause',
  'isolate',
  'one way',
  'reset',
  'slow',
  'transfer',
  'disk error',
  'slow disk',
];
const NEEDS_TRACER: ReadonlySet<Trouble> = new Set(['disk error', 'slow disk']);
/** Others choose theirs, or take all. */
const NEEDS_NODE: ReadonlySet<Trouble> = new Set([
  'kill',
  'pause',
  'isolate',
  'one way',
  'reset',
  'slow',
  'disk error',
  'slow disk',
]);
const LASTS_MS = 2500;

export class Nemesis {
  readonly #cluster: LocalCluster;
  /** `[from - 1][to - 1]`. */
  readonly #links: readonly (readonly (LinkProxy | undefined)[])[];
  readonly #prng: Prng;
  readonly #troubles: readonly Trouble[];
  readonly counts: Map<Trouble, number> = new Map();
  readonly #tracers = new Set<ChildProcess>();
  readonly #onEvent: (event: string) => void;

  constructor(
    cluster: LocalCluster,
    links: readonly (readonly (LinkProxy | undefined)[])[],
    prng: Prng,
    onEvent: (event: string) => void,
  ) {
    this.#onEvent = onEvent;
    this.#cluster = cluster;
    this.#links = links;
    this.#prng = prng;
    const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0;
    this.#troubles = TROUBLES.filter((trouble) => canTrace || !NEEDS_TRACER.has(trouble));
  }

  /** One piece of trouble, from its beginning to its end. */
  async strike(): Promise<void> {
    const trouble = this.#troubles[this.#prng.below(this.#troubles.length)]!;
    this.counts.set(trouble, (this.counts.get(trouble) ?? 0) + 1);
    await this.#strike(trouble);
    this.#onEvent(`${trouble} is over`);
  }

  /** Nothing is wrong any more: all links pass, all nodes run. */
  async heal(): Promise<void> {
    for (const tracer of this.#tracers) tracer.kill('SIGKILL');
    for (const link of this.#links.flat()) link?.heal();
    for (const node of this.#cluster.nodes) node.signal('SIGCONT');
    await Promise.all(this.#cluster.nodes.map((node) => this.#runs(node)));
  }

  async #strike(trouble: Trouble): Promise<void> {
    const { nodes } = this.#cluster;
    const victim = nodes[this.#prng.below(nodes.length)]!;
    this.#onEvent(NEEDS_NODE.has(trouble) ? `${trouble}: node ${victim.id}` : trouble);
    switch (trouble) {
      case 'kill':
        return this.#restart(victim, 'SIGKILL');
      case 'kill leader':
        return this.#restart((await this.#leader()) ?? victim, 'SIGKILL');
      case 'kill all':
        await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
        return void (await Promise.all(nodes.map((node) => this.#runs(node))));
      case 'stop':
        return this.#restart((await this.#leader()) ?? victim, 'SIGTERM');
      case 'pause':
        victim.signal('SIGSTOP');
        await this.#aWhile();
        victim.signal('SIGCONT');
        return;
      case 'isolate':
        return this.#whileHeld(this.#linksOf(victim.id));
      case 'one way':
        return this.#whileHeld(this.#linksOf(victim.id).filter((_, i) => i % 2 === this.#prng.below(2)));
      case 'reset':
        for (const link of this.#linksOf(victim.id)) link.reset();
        return;
      case 'slow':
        for (const link of this.#linksOf(victim.id)) link.slow(20 + this.#prng.below(200));
        await this.#aWhile();
        for (const link of this.#linksOf(victim.id)) link.heal();
        return;
      case 'transfer':
        await victim
          .http('POST', '/api/v1/raft/transfer', { group: 'metadata/0', node: 1 + this.#prng.below(nodes.length) })
          .catch(() => {});
        return;
      case 'disk error':
        // The node ends by itself, and is not asked how.
        return this.#trace(victim, 'fdatasync:error=EIO', async () => {
          await Promise.race([victim.ended, pause(2 * LASTS_MS)]);
          await this.#restart(victim, 'SIGKILL');
        });
      case 'slow disk':
        return this.#trace(victim, `fdatasync:delay_enter=${1000 * (50 + this.#prng.below(600))}`, () => this.#aWhile());
    }
  }

  async #leader(): Promise<LocalNode | undefined> {
    for (const node of this.#cluster.nodes) {
      const view = await node.http('GET', '/api/v1/raft').catch(() => undefined);
      const groups = (view?.body as { groups?: readonly { role: string }[] } | undefined)?.groups ?? [];
      if (groups.some(({ role }) => role === 'leader')) return node;
    }
    return undefined;
  }

  /** All ways to and from a node: out, in, out, in, … */
  #linksOf(id: number): LinkProxy[] {
    return this.#cluster.nodes.flatMap(({ id: other }) =>
      other === id ? [] : [this.#links[id - 1]![other - 1]!, this.#links[other - 1]![id - 1]!],
    );
  }

  async #whileHeld(links: readonly LinkProxy[]): Promise<void> {
    for (const link of links) link.hold();
    await this.#aWhile();
    for (const link of links) link.heal();
    // What has waited in the kernel may be old; sometimes it comes, sometimes it does not.
    if (this.#prng.chance(0.5)) for (const link of links) link.reset();
  }

  async #restart(node: LocalNode, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const end = await node.kill(signal);
    this.#onEvent(`node ${node.id} has ended: ${end}`);
    if (this.#prng.chance(0.5)) await this.#aWhile();
    await this.#runs(node);
  }

  /** Starts it if it does not run. It is ready when the others are there, so nobody waits for it alone. */
  async #runs(node: LocalNode): Promise<void> {
    if (!node.isRunning) node.start().catch(() => {});
    while (node.isRunning && node.ready === undefined) await pause(20);
    if (!node.isRunning) throw new Error(`node ${node.id} does not start\n${node.logTail()}`);
    this.#onEvent(`node ${node.id} is ready`);
  }

  async #trace(node: LocalNode, injection: string, then: () => Promise<void>): Promise<void> {
    const pid = node.child?.pid;
    if (pid === undefined) return;
    const tracer = spawn(
      'strace',
      ['-f', '-p', String(pid), '-e', `inject=${injection}`, '-e', 'trace=fdatasync', '-o', '/dev/null'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    this.#tracers.add(tracer);
    const attached = new Promise<void>((resolve) => {
      tracer.stderr.on('data', (text) => String(text).includes('attached') && resolve());
      tracer.once('close', () => resolve());
    });
    await attached;
    try {
      await then();
    } finally {
      this.#tracers.delete(tracer);
      tracer.kill('SIGTERM');
    }
  }

  #aWhile(): Promise<void> {
    return pause(100 + this.#prng.below(LASTS_MS));
  }
}
