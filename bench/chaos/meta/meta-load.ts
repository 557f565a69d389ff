/**
 * Clients of the metadata service: the client that nodes have, over wires that can go bad as well, and everything that it offers. Keys one by one must be linearizable, batches whole; leases last as long as they promise and then end; watchers are
 * told every change once; and in the end the nodes hold the same.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Input, MODEL, type Output } from '../../../spec/sim/meta/clients.ts';
import { checkByKey, type Operation } from '../../../spec/sim/raft/linearizability.ts';
import { endOfPrefix } from '../../../src/actors/meta/state/record.ts';
import { groupIds, groupName } from '../../../src/actors/raft/group-id.ts';
import { META_OPS_MAX } from '../../../src/base/limits.ts';
import { Prng } from '../../../src/base/prng.ts';
import type { LocalCluster } from '../../cluster/local-cluster.ts';
import type { Workload } from '../workload.ts';
import { Batcher } from './batcher.ts';
import { Bed, KEYS } from './bed.ts';
import { ClientNode } from './client-node.ts';
import { Holder, LEASE_KEYS, TTL_MS_MAX } from './holder.ts';
import { HttpPort } from './http-port.ts';
import type { LeaseEnd } from './lease-book.ts';
import { seenOf } from './watch-log.ts';
import { readAll, Watcher } from './watcher.ts';
import { HTTP_TYPES, Writer } from './writer.ts';

const SECRET = 'chaos';
/** Small segments, so that groups write their logs anew. */
export const META_SETTINGS: Readonly<Record<string, string | number>> = {
  'wire.secret': SECRET,
  'storage.segment_bytes': 2 ** 20,
};

const GROUPS: readonly number[] = groupIds({ metadata: 1, offset: 1, data: 1 });
/** Of eight clients so many hold leases, write batches, and come over HTTP. */
const OF_EIGHT = { holders: 2, batchers: 2, overHttp: 1 } as const;
const SERVE_MS_MAX = 60_000;
const SETTLE_MS_MAX = 30_000;
const ASK_MS = 4000;
/** Of a way between the clients and a node. */
const VEX_EVERY_MS = 4000;
const VEX_MS_MAX = 2500;

export class MetaLoad implements Workload {
  readonly #cluster: LocalCluster;
  readonly #clients: number;
  readonly #seed: number;
  #node: ClientNode | undefined;
  #bed: Bed | undefined;
  readonly #holders: Holder[] = [];
  readonly #watchers: Watcher[] = [];
  #running: Promise<void>[] = [];
  #watching: Promise<void>[] = [];
  #isEnding = false;
  #isDone = false;

  constructor(cluster: LocalCluster, clients: number, seed: number) {
    this.#cluster = cluster;
    this.#clients = clients;
    this.#seed = seed;
  }

  get answered(): number {
    return this.#bed?.answered ?? 0;
  }

  async start(): Promise<void> {
    const { nodes } = this.#cluster;
    const node = await ClientNode.start(nodes, SECRET);
    const bed = new Bed(
      node,
      nodes.map(({ id }) => id),
      GROUPS,
    );
    this.#node = node;
    this.#bed = bed;
    const ports = await Promise.all(nodes.map((_, i) => bed.port(i)));
    const prng = new Prng(this.#seed + 1);
    for (const group of GROUPS) {
      const watch = (what: string, prefix: string): number =>
        this.#watchers.push(new Watcher(bed, ports, new Prng(prng.nextU32()), group, what, prefix, endOfPrefix(prefix)));
      watch('the watcher of everything', KEYS);
      watch('the watcher of keys', `${KEYS}k/`);
      watch('the watcher of leases', LEASE_KEYS);
    }
    for (let i = 0; i < this.#clients; i++) {
      const port = await bed.port(i);
      const own = new Prng(prng.nextU32());
      const place = i % 8;
      if (place < OF_EIGHT.holders) {
        const holder = new Holder(bed, port, own, `h${i}`);
        this.#holders.push(holder);
        this.#running.push(holder.run());
      } else if (place < OF_EIGHT.holders + OF_EIGHT.batchers) {
        this.#running.push(new Batcher(bed, port, own, `b${i}`).run());
      } else if (place < OF_EIGHT.holders + OF_EIGHT.batchers + OF_EIGHT.overHttp) {
        const http = new HttpPort(nodes, new Prng(prng.nextU32()));
        this.#running.push(new Writer(bed, http, own, `c${i}`, HTTP_TYPES).run());
      } else {
        this.#running.push(new Writer(bed, port, own, `c${i}`).run());
      }
    }
    this.#watching = this.#watchers.map((watcher) =>
      watcher.run(
        () => this.#isEnding,
        () => this.#isDone,
      ),
    );
    this.#running.push(this.#vex(bed, node, new Prng(prng.nextU32())));
  }

  async finish(): Promise<readonly string[]> {
    const bed = this.#bed;
    if (bed === undefined) return ['the clients have not come so far'];
    try {
      this.#isEnding = true;
      bed.isOver = true;
      await Promise.all(this.#running);
      this.#node!.heal();
      await this.#checkServing(bed);
      await this.#checkLeasesEnd(bed);
      await this.#checkWatchers(bed);
      await this.#checkReplicas(bed);
      this.#isDone = true;
      await Promise.all(this.#watching);
      this.#checkStories(bed);
      this.#checkHistory(bed);
    } finally {
      await this.stop();
    }
    return bed.faults.all();
  }

  /** Of the clients, whatever has become of the run. */
  async stop(): Promise<void> {
    this.#isDone = true;
    const node = this.#node;
    this.#node = undefined;
    await node?.stop();
  }

  summary(): string {
    const bed = this.#bed;
    if (bed === undefined) return 'nothing was asked';
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
    const watchers = this.#watchers;
    return [
      `${bed.answered} answers, ${bed.unknown} of which nobody knows`,
      `${sum([...bed.stories.values()].map(({ newest }) => newest))} revisions`,
      `${bed.leases.length} leases renewed ${sum(bed.leases.map(({ book }) => book.renewals))} times`,
      `${sum(watchers.map(({ log }) => log.changes))} changes told to ${watchers.length} watchers that moved ${sum(watchers.map(({ moves }) => moves))} times and were too late ${sum(watchers.map(({ compactions }) => compactions))} times`,
    ].join(', ');
  }

  /** Ways between the clients and single nodes are held back or reset, beside what happens to the cluster. */
  async #vex(bed: Bed, node: ClientNode, prng: Prng): Promise<void> {
    const untilMs = (atMs: number): Promise<void> => pause(Math.max(0, atMs - bed.nowMs()));
    while (!bed.isOver) {
      await untilMs(bed.nowMs() + prng.below(VEX_EVERY_MS));
      const way = node.ways[prng.below(node.ways.length)]!;
      if (prng.chance(0.5)) {
        way.reset();
        continue;
      }
      way.hold();
      await untilMs(bed.nowMs() + prng.below(VEX_MS_MAX));
      way.heal();
      if (prng.chance(0.5)) way.reset();
    }
  }

  // ---- in the end ----

  async #checkServing(bed: Bed): Promise<void> {
    const deadlineMs = bed.nowMs() + SERVE_MS_MAX;
    for (const { id, logTail } of this.#cluster.nodes.map((node) => ({ id: node.id, logTail: () => node.logTail() }))) {
      const port = await bed.port(id - 1);
      for (const group of GROUPS) {
        for (;;) {
          if ((await port.get(group, [`${KEYS}end`], ASK_MS)).isOk) break;
          if (bed.nowMs() > deadlineMs) {
            bed.fault(`${groupName(group)} does not serve, asked at node ${id}, though nothing is wrong any more\n${logTail()}`);
            break;
          }
        }
      }
    }
  }

  /** Nobody renews any more. */
  async #checkLeasesEnd(bed: Bed): Promise<void> {
    const port = await bed.port(0);
    const stay = new Set([
      ...this.#holders.flatMap(({ kept }) => kept.map(({ key }) => key)),
      ...this.#holders.flatMap(({ maybeKept }) => maybeKept),
    ]);
    const deadlineMs = bed.nowMs() + TTL_MS_MAX + SETTLE_MS_MAX;
    for (const group of GROUPS) {
      const { name } = bed.story(group);
      let left: readonly string[] | undefined;
      while (left === undefined || left.length > 0) {
        if (bed.nowMs() > deadlineMs) {
          bed.fault(
            `${name}: nobody renews leases any more, and these keys do not end with them: ${left?.slice(0, 10).join(', ') ?? 'they cannot be read'}`,
          );
          break;
        }
        await pause(100);
        const all = await readAll(port, group, LEASE_KEYS, endOfPrefix(LEASE_KEYS), false, 0, ASK_MS);
        left = all?.records.map(({ key }) => key).filter((key) => !stay.has(key));
      }
      // Whoever asks by renewing makes them go on. Those that may have had no key may still be there.
      const ids = bed.leases.filter(({ group: of, book }) => of === group && book.hasKeys).map(({ book }) => book.id);
      const outcome = await port.command(group, { type: 'revoke', ids: ids.slice(-META_OPS_MAX) }, ASK_MS);
      const ended = outcome.isOk && outcome.value.type === 'ended' ? outcome.value.ended : 0;
      if (ended > 0 && left?.length === 0) bed.fault(`${name}: ${ended} leases go on, whose keys have all ended`);
    }
  }

  /** Each has been told what is there. */
  async #checkWatchers(bed: Bed): Promise<void> {
    const deadlineMs = bed.nowMs() + SETTLE_MS_MAX;
    for (const watcher of this.#watchers) {
      const { log } = watcher;
      for (;;) {
        const all = await watcher.read();
        while (all !== undefined && log.through < all.revision && bed.nowMs() < deadlineMs) await pause(50);
        if (all !== undefined && log.through === all.revision) {
          log.checkEnd(all.records, all.revision);
          break;
        }
        if (bed.nowMs() < deadlineMs) continue;
        bed.fault(
          `${bed.story(watcher.group).name}: ${log.name} has been told up to ${log.through}, and the group is at ${all?.revision ?? 'nobody knows which revision'}`,
        );
        break;
      }
    }
  }

  /** Each node has the whole group, as of one revision, and the same. */
  async #checkReplicas(bed: Bed): Promise<void> {
    const { nodes } = this.#cluster;
    const ports = await Promise.all(nodes.map(({ id }) => bed.portTo(id)));
    const deadlineMs = bed.nowMs() + SETTLE_MS_MAX;
    for (const group of GROUPS) {
      for (;;) {
        const all = await Promise.all(ports.map((port) => readAll(port, group, '', '', true, 0, ASK_MS)));
        if (all.every((each) => each !== undefined && each.revision === all[0]!.revision)) {
          const fault = differenceOf(
            all.map((each) => each!.records.map((record) => [record.key, JSON.stringify(storedOf(record))])),
          );
          if (fault !== undefined) bed.fault(`${groupName(group)} at revision ${all[0]!.revision}: ${fault}`);
          break;
        }
        if (bed.nowMs() > deadlineMs) {
          bed.fault(
            `${groupName(group)}: the nodes are at revisions ${all.map((each) => each?.revision ?? 'none').join(', ')}, and do not come together`,
          );
          break;
        }
        await pause(100);
      }
    }
  }

  #checkStories(bed: Bed): void {
    for (const { log } of this.#watchers) log.checkHoles();
    for (const [group, story] of bed.stories) {
      story.check();
      const deletions = story.lastDeletions();
      for (const { book } of bed.leases.filter((lease) => lease.group === group)) {
        const ends = [...book.keys, ...book.maybeKeys].flatMap((key): LeaseEnd[] => {
          const revision = deletions.get(key);
          return revision === undefined ? [] : [{ key, revision, byMs: story.thereByMs(revision) }];
        });
        book.checkEnds(ends);
      }
      for (const { key, revision } of this.#holders.flatMap(({ kept }) => kept.filter((each) => each.group === group))) {
        const deleted = deletions.get(key) ?? 0;
        if (deleted > revision)
          bed.fault(`${story.name}: ${key} has left its lease in revision ${revision}, and is deleted in revision ${deleted}`);
      }
    }
  }

  #checkHistory(bed: Bed): void {
    const { verdict, key } = checkByKey(MODEL, bed.history, (input: Input) => input.key);
    if (verdict === 'ok') return;
    const part = bed.history.filter(({ input }) => input.key === key).sort((a, b) => a.callMs - b.callMs);
    bed.fault(`the history of ${key} is ${verdict}:\n${part.map(lineOf).join('\n')}`);
  }
}

function storedOf(record: Parameters<typeof seenOf>[0]): unknown {
  // Others than ours have values of their own kinds.
  return record.key.startsWith(KEYS) ? seenOf(record) : { ...record, value: Buffer.from(record.value!).toString('base64') };
}

/** By key, in order, of all nodes; the first that is not the same. */
export function differenceOf(states: readonly (readonly (readonly [key: string, record: string])[])[]): string | undefined {
  const maps = states.map((state) => new Map(state));
  for (const key of new Set(states.flat().map(([each]) => each))) {
    const records = maps.map((map) => map.get(key));
    if (records.some((record) => record !== records[0]))
      return `the nodes differ in ${key}: ${records.map((record, i) => `node ${i + 1} has ${record ?? 'nothing'}`).join('; ')}`;
  }
  return undefined;
}

function lineOf({ input: { type, expected, value }, output, callMs, returnMs }: Operation<Input, Output>): string {
  const end = returnMs === Number.POSITIVE_INFINITY ? 'never' : returnMs.toFixed(1);
  const condition = type === 'cas' || type === 'claim' ? ` if '${expected}'` : '';
  const answer = output === undefined ? '' : ` → '${output}'`;
  return `    ${callMs.toFixed(1)}-${end} ms  ${type}${value === '' ? '' : ` ${value}`}${condition}${answer}`;
}
