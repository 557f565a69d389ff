/**
 * MQTT clients with sessions that go from node to node, by themselves or because their node is gone: what a node has acknowledged has to get to every lasting session, wherever that goes on. What a
 * node acknowledged shortly before it died may be missing, as the nodes pass messages on a moment after PUBACK. Order and repetitions are counted and not judged: a session whose home is away goes on
 * without it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Prng } from '../../src/base/prng.ts';
import type { LocalCluster, LocalNode } from '../cluster/local-cluster.ts';
import { CrashClient } from '../crash/crash-client.ts';
import { CrashSubscriber } from '../crash/crash-subscriber.ts';
import { AckedTopic, type Deaths } from './acked-topic.ts';
import type { Workload } from './workload.ts';

const LEVELS = [4, 5] as const;
const SUBSCRIBERS_PER_LEVEL = 3;
const MESSAGES_PER_SECOND = 30;
const WINDOW = 8;
const PAYLOAD_BYTES_MAX = 2000;
const STEP_MS = 20;
const STAYS_MS = 4000;
const SETTLE_MS_MAX = 60_000;
/** A SUBACK does not wait for other nodes: what is published elsewhere in the moment after it may be missed. */
const HEARD_MS = 3000;
/** What a node answers whose disk has failed, in the moment before it ends. */
const NOT_WRITTEN = 0x80;
/** "Server unavailable" and "busy", in both versions. */
const TRANSIENT: ReadonlySet<number> = new Set([0x03, 0x88, 0x89]);

interface Roaming {
  readonly start: (node: LocalNode) => void;
  readonly leave: () => void;
  readonly isClosed: () => boolean;
  readonly step: () => void;
}

export class Sessions implements Workload {
  readonly #cluster: LocalCluster;
  readonly #prng: Prng;
  readonly #topics: AckedTopic[] = [];
  readonly #publishers: CrashClient[] = [];
  readonly #subscribers: CrashSubscriber[] = [];
  readonly #faults: string[] = [];
  readonly #deaths: Deaths = [];
  #running: readonly Promise<void>[] = [];
  #isOver = false;
  /** All nodes know of the subscriptions: from here on nothing may be missed. */
  #mayPublish = false;
  /** Publishers and subscribers stay where they are. */
  #isSettling = false;
  #repeated = 0;
  #excused = 0;
  #refused = 0;

  constructor(cluster: LocalCluster, publishers: number, seed: number) {
    this.#cluster = cluster;
    this.#prng = new Prng(seed);
    const isTransient = (code: number): boolean => TRANSIENT.has(code);
    const onFault = (fault: string): void => void this.#faults.push(fault);
    for (let i = 0; i < publishers; i++) {
      const topic = new AckedTopic(`chaos/${i}`, i % 2 === 0 ? 1 : 2, this.#deaths);
      this.#topics.push(topic);
      this.#publishers.push(
        new CrashClient({
          id: `publisher-${i}`,
          level: LEVELS[(i >> 1) % LEVELS.length]!,
          ledgers: [topic],
          prng: new Prng(seed + 1 + i),
          payloadBytesMax: PAYLOAD_BYTES_MAX,
          maySend: () => !this.#isSettling && this.#mayPublish && topic.mayBeNext(MESSAGES_PER_SECOND),
          isTransient,
          mayRefuse: (code) => {
            if (code === NOT_WRITTEN) this.#refused++;
            return code === NOT_WRITTEN;
          },
          onFault,
        }),
      );
    }
    for (const level of LEVELS) {
      for (let i = 0; i < SUBSCRIBERS_PER_LEVEL; i++)
        this.#subscribers.push(
          new CrashSubscriber({ id: `session-${level}-${i}`, level, filter: 'chaos/#', isTransient, onFault }),
        );
    }
    for (const node of cluster.nodes) void this.#watch(node);
  }

  get answered(): number {
    return this.#topics.reduce((sum, { acked }) => sum + acked, 0);
  }

  async start(): Promise<void> {
    this.#running = [
      ...this.#publishers.map((client, i) =>
        this.#roam({
          start: (node) => {
            this.#topics[i]!.node = node.id;
            client.start(portOf(node), WINDOW);
          },
          leave: () => client.leave(),
          isClosed: () => client.isClosed,
          step: () => client.fill(),
        }),
      ),
      ...this.#subscribers.map((client) =>
        this.#roam({
          start: (node) => client.start(portOf(node)),
          leave: () => client.leave(),
          isClosed: () => client.isClosed,
          step: () => {},
        }),
      ),
    ];
    const deadline = performance.now() + SETTLE_MS_MAX;
    while (!this.#subscribers.every(({ isSubscribed }) => isSubscribed)) {
      if (performance.now() > deadline) throw new Error('the sessions are not granted their filters');
      await pause(STEP_MS);
    }
    await pause(HEARD_MS);
    this.#mayPublish = true;
  }

  async finish(): Promise<readonly string[]> {
    this.#isSettling = true;
    const deadline = performance.now() + SETTLE_MS_MAX;
    let missing = this.#missing();
    while ((missing.length > 0 || !this.#publishers.every(({ isQuiet }) => isQuiet)) && performance.now() < deadline) {
      await pause(100);
      missing = this.#missing();
    }
    const unwell = await this.#unwell(deadline);
    const loud = this.#publishers.flatMap(({ isQuiet }, i) => (isQuiet ? [] : [`publisher ${i} has no answer to what it sent`]));
    this.#isOver = true;
    await Promise.all(this.#running);
    return [...this.#faults, ...unwell, ...loud, ...missing, ...this.#strange()];
  }

  summary(): string {
    const delivered = this.#subscribers.reduce((sum, { byTopic }) => sum + [...byTopic.values()].flat().length, 0);
    return `${this.answered} messages acknowledged, ${delivered} delivered to ${this.#subscribers.length} sessions (${this.#repeated} again), ${this.#refused} refused by nodes with a bad disk, ${this.#excused} not delivered that were acknowledged just before a death`;
  }

  async #roam({ start, leave, isClosed, step }: Roaming): Promise<void> {
    const prng = new Prng(this.#prng.nextU32());
    while (!this.#isOver) {
      const nodes = this.#cluster.nodes.filter(({ isRunning, ready }) => isRunning && ready !== undefined);
      const node = nodes[prng.below(Math.max(1, nodes.length))];
      if (node !== undefined) {
        start(node);
        const untilMs = performance.now() + 200 + prng.below(STAYS_MS);
        while (!this.#isOver && !isClosed() && (this.#isSettling || performance.now() < untilMs)) {
          step();
          await pause(STEP_MS);
        }
        leave();
      }
      await pause(prng.chance(0.3) && !this.#isSettling ? prng.below(1500) : STEP_MS);
    }
  }

  async #watch(node: LocalNode): Promise<void> {
    let seen: LocalNode['child'];
    while (!this.#isOver) {
      if (node.child === undefined || node.child === seen) {
        await pause(STEP_MS, undefined, { ref: false });
        continue;
      }
      seen = node.child;
      if ((await node.ended) !== 0) this.#deaths.push({ node: node.id, atMs: performance.now() });
    }
  }

  async #unwell(deadline: number): Promise<string[]> {
    const faults: string[] = [];
    for (const node of this.#cluster.nodes) {
      let status = 0;
      while (status !== 200 && performance.now() < deadline + SETTLE_MS_MAX) {
        status = await node.http('GET', '/health/cluster').then(
          (answer) => answer.status,
          () => 0,
        );
        if (status !== 200) await pause(100);
      }
      if (status !== 200) faults.push(`node ${node.id} is not well, though nothing is wrong any more\n${node.logTail()}`);
    }
    return faults;
  }

  #missing(): string[] {
    this.#excused = 0;
    return this.#topics.flatMap((topic) =>
      this.#subscribers.flatMap((subscriber, i) => {
        const { lost, excused } = topic.missing(subscriber.byTopic.get(topic.topic) ?? []);
        this.#excused += excused;
        return lost.length === 0
          ? []
          : [`session ${i} has not got ${lost.length} messages of ${topic.topic}, QoS ${topic.qos}: ${topic.tell(lost)}`];
      }),
    );
  }

  #strange(): string[] {
    this.#repeated = 0;
    return this.#subscribers.flatMap(({ byTopic }, i) =>
      [...byTopic].flatMap(([name, numbers]) => {
        const topic = this.#topics.find((one) => one.topic === name);
        if (topic === undefined) return [`session ${i} has got a message of ${name}`];
        this.#repeated += numbers.length - new Set(numbers).size;
        const unsent = numbers.filter((number) => topic.sends[number] === undefined);
        return unsent.length === 0
          ? []
          : [`session ${i} has got messages of ${name} that nobody sent: ${unsent.slice(0, 5).join()}`];
      }),
    );
  }
}

function portOf({ ready }: LocalNode): number {
  return Number(ready!.mqtt!.tcp!.split(':').at(-1));
}
