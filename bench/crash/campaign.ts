/**
 * Kills a node over and over while it is under load, and holds what is left on its disk against what its clients have heard.
 *
 *   start ── declare or find the topics ── compare the ends of all partitions ── load ── kill -9 at a random moment ── clients hear the last words
 *     ▲                                                                                                                        │
 *     └────────────────────────────── read every log: sound, nothing acknowledged missing, nothing twice, in order ◀───────────┘
 *
 * Some kills come while the node starts, some ends are orderly. All chance comes from one seed; when the processes get their turns does not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Prng } from '../../src/base/prng.ts';
import { findLogs } from '../../src/storage/check/find-logs.ts';
import { verifyLog } from '../../src/storage/check/verify-log.ts';
import { FileDisk } from '../../src/storage/disk.ts';
import { CrashClient } from './crash-client.ts';
import { CrashSubscriber } from './crash-subscriber.ts';
import { TopicLedger } from './ledger.ts';
import { type FoundMessages, readMessages } from './log-reader.ts';
import { type DeclaredTopic, Victim } from './victim.ts';

export interface CampaignOptions {
  readonly kills: number;
  readonly secondsMax: number;
  readonly seed: number;
  /** Longest load between two kills, milliseconds. */
  readonly loadMsMax: number;
  /** Kills before the directory is thrown away and a new one begun. */
  readonly killsPerDirectory: number;
  /** Further `key=value` of the node. */
  readonly settings: readonly string[];
  /** The directory of a run that has found something is kept. */
  readonly keep: boolean;
  readonly onKill: (report: CampaignReport) => void;
}

export interface CampaignReport {
  readonly seed: number;
  kills: number;
  killsWhileStarting: number;
  orderlyStops: number;
  directories: number;
  acknowledged: number;
  /** Read back in all checks together. */
  recordsChecked: number;
  bytesChecked: number;
  tornTails: number;
  /** Messages that sessions have got in the end, over all subscribers. */
  delivered: number;
  seconds: number;
  readonly faults: string[];
  /** Where the first fault was found; kept. */
  keptDirectory?: string;
}

const TOPICS: readonly DeclaredTopic[] = [
  { name: 'crash-shared', filter: 's/#', partitions: 4, model: 'shared' },
  { name: 'crash-dedicated', filter: 'd/#', partitions: 2, model: 'dedicated' },
  { name: 'crash-kept-short', filter: 'r/#', partitions: 1, model: 'shared', retentionBytes: 300_000 },
];
const PAYLOAD_BYTES_MAX = 20_000;
const START_KILL_CHANCE = 0.12;
const START_KILL_MS_MAX = 900;
const ORDERLY_CHANCE = 0.04;
/** So many kills apart the load lasts long enough for retention to give up segments. */
const LONG_EVERY = 20;
const LONG_MS = 6500;
const FAULTS_MAX = 50;
/** A subscriber is there in so many of the rounds. */
const PRESENCE_CHANCE = 0.5;
const STEP_MS = 20;
/** After the last message that was due, for one too many; and without those that are due. */
const QUIET_MS = 500;
const STILL_MS_MAX = 20_000;
const SETTLE_MS_MAX = 120_000;
/** No message is dropped for want of room. */
const UNBOUNDED = ['mqtt.queue.messages_max=10000000', 'mqtt.queue.bytes_max=8589934592'];

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const report: CampaignReport = {
    seed: options.seed,
    kills: 0,
    killsWhileStarting: 0,
    orderlyStops: 0,
    directories: 0,
    acknowledged: 0,
    recordsChecked: 0,
    bytesChecked: 0,
    tornTails: 0,
    delivered: 0,
    seconds: 0,
    faults: [],
  };
  const prng = new Prng(options.seed);
  const began = performance.now();
  const isOver = (): boolean => {
    report.seconds = (performance.now() - began) / 1000;
    return report.kills >= options.kills || report.seconds >= options.secondsMax || report.faults.length > 0;
  };
  while (!isOver()) {
    report.directories++;
    await new DirectoryRun(options, prng, report, isOver).run();
  }
  return report;
}

/** The life of one data directory. */
class DirectoryRun {
  readonly #options: CampaignOptions;
  readonly #prng: Prng;
  readonly #report: CampaignReport;
  readonly #isOver: () => boolean;
  readonly #directory = mkdtempSync(join(tmpdir(), 'sluice-crash-'));
  readonly #ledgers: TopicLedger[] = [];
  readonly #clients: CrashClient[] = [];
  /** Of what is kept for sessions alone, the topics below `i/`. */
  readonly #subscribers: CrashSubscriber[] = [];
  /** Of a shared subscription to the same: together they must get what each of those gets. Among `#subscribers`. */
  readonly #members: CrashSubscriber[] = [];
  /** As the last check has found them. */
  #found: FoundMessages = { byTopic: new Map(), ends: new Map(), records: 0 };
  #isDeclared = false;

  constructor(options: CampaignOptions, prng: Prng, report: CampaignReport, isOver: () => boolean) {
    this.#options = options;
    this.#prng = prng;
    this.#report = report;
    this.#isOver = isOver;
    for (const [i, [prefix, qos, level]] of (
      [
        ['s', 1, 5],
        ['s', 2, 5],
        ['s', 1, 4],
        ['d', 1, 5],
        ['d', 2, 4],
        ['r', 1, 5],
        ['i', 1, 5],
        ['i', 2, 5],
        ['i', 2, 4],
      ] as const
    ).entries()) {
      const ledgers = Array.from(
        { length: 1 + prng.below(3) },
        (_, t) => new TopicLedger(`${prefix}/${i}/${t}`, qos, { expires: prefix === 'r', isApart: prefix === 'd' }),
      );
      this.#ledgers.push(...ledgers);
      const onFault = (fault: string): void => this.#fault(fault);
      this.#clients.push(
        new CrashClient({ id: `crash-${i}`, level, ledgers, prng, payloadBytesMax: PAYLOAD_BYTES_MAX, onFault }),
      );
    }
  }

  async run(): Promise<void> {
    const before = this.#report.faults.length;
    const onFault = (fault: string): void => this.#fault(fault);
    for (const level of [4, 5] as const) {
      const member = { id: `crash-member-${level}`, level, filter: '$share/crash/i/#', onFault };
      this.#members.push(new CrashSubscriber(member));
      this.#subscribers.push(new CrashSubscriber({ ...member, id: `crash-inbox-${level}`, filter: 'i/#' }));
    }
    this.#subscribers.push(...this.#members);
    for (let kills = 0; kills < this.#options.killsPerDirectory && !this.#isOver(); kills++) {
      await this.#round();
      this.#check();
      this.#options.onKill(this.#report);
    }
    if (this.#report.faults.length === before) await this.#settle();
    this.#report.acknowledged += this.#ledgers.reduce((sum, { acked }) => sum + acked, 0);
    if (this.#report.faults.length > before && this.#options.keep) this.#report.keptDirectory ??= this.#directory;
    else rmSync(this.#directory, { recursive: true, force: true });
  }

  async #round(): Promise<void> {
    const prng = this.#prng;
    const report = this.#report;
    const victim = new Victim([
      `node.data=${this.#directory}`,
      `node.threads=${1 + prng.below(2)}`,
      'storage.segment_bytes=1048576',
      ...UNBOUNDED,
      ...this.#options.settings,
    ]);
    const isReady = victim.ready();
    report.kills++;
    if (this.#isDeclared && prng.chance(START_KILL_CHANCE)) {
      await Promise.race([isReady, pause(prng.below(START_KILL_MS_MAX))]);
      await victim.kill('SIGKILL');
      report.killsWhileStarting++;
      return;
    }
    if (!(await isReady)) return this.#fault(`the node does not start again:\n${victim.complaints.join('\n')}`);
    await this.#declare(victim);
    await this.#compareEnds(victim);
    await this.#subscribe(victim);
    for (const subscriber of this.#subscribers) if (prng.chance(PRESENCE_CHANCE)) subscriber.start(victim.port);
    for (const client of this.#clients) client.start(victim.port, 1 + prng.below(prng.chance(0.3) ? 256 : 24));
    await pause(report.kills % LONG_EVERY === 0 ? LONG_MS : prng.below(this.#options.loadMsMax));
    const isOrderly = prng.chance(ORDERLY_CHANCE);
    const ended = victim.kill(isOrderly ? 'SIGTERM' : 'SIGKILL');
    await Promise.all([...this.#clients, ...this.#subscribers].map((client) => client.over()));
    const end = await ended;
    if (isOrderly) report.orderlyStops++;
    if (end !== (isOrderly ? '0' : 'SIGKILL'))
      this.#fault(`the node ended by itself with ${end}:\n${victim.complaints.join('\n')}`);
  }

  /** Before the first message. */
  async #subscribe(victim: Victim): Promise<void> {
    const fresh = this.#subscribers.filter(({ isSubscribed }) => !isSubscribed);
    if (fresh.length === 0) return;
    for (const subscriber of fresh) subscriber.start(victim.port);
    await this.#until(() => fresh.every(({ isSubscribed }) => isSubscribed), 'the subscribers are not granted their filters');
    for (const subscriber of fresh) subscriber.leave();
  }

  /** All come back once more to an unharmed node: everything that was on its way arrives, and the subscribers must have had it all. */
  async #settle(): Promise<void> {
    const victim = new Victim([`node.data=${this.#directory}`, ...UNBOUNDED, ...this.#options.settings]);
    if (!(await victim.ready())) return this.#fault(`the node does not start again:\n${victim.complaints.join('\n')}`);
    for (const client of this.#clients) {
      client.start(victim.port, 1);
      client.pause();
    }
    await this.#until(() => this.#clients.every(({ isQuiet }) => isQuiet), 'publishers wait for acknowledgements in vain');
    for (const subscriber of this.#subscribers) subscriber.start(victim.port);
    let heard = -1;
    let still = 0;
    await this.#until(async () => {
      const before = heard;
      heard = this.#subscribers.reduce((sum, subscriber) => sum + subscriber.heard, 0);
      still = heard === before ? still + STEP_MS : 0;
      return still > STILL_MS_MAX || (still > QUIET_MS && this.#inboxFaults().length === 0);
    }, 'messages never end');
    await victim.kill('SIGTERM');
    await Promise.all([...this.#clients, ...this.#subscribers].map((client) => client.over()));
    for (const { byTopic } of this.#subscribers) for (const numbers of byTopic.values()) this.#report.delivered += numbers.length;
    for (const fault of this.#inboxFaults()) this.#fault(fault);
  }

  #inboxFaults(): string[] {
    const ledgers = this.#ledgers.filter(({ topic }) => topic.startsWith('i/'));
    const alone = this.#subscribers.filter((each) => !this.#members.includes(each));
    return ledgers.flatMap((ledger) => {
      const faultsOf = (who: string, numbers: readonly number[]): string[] =>
        ledger.faults(numbers, true).map((fault) => `${who}: ${ledger.topic}: ${fault}`);
      // Who of the members gets a message first says nothing about its order.
      const shared = this.#members.flatMap(({ byTopic }) => byTopic.get(ledger.topic) ?? []).sort((a, b) => a - b);
      const each = alone.flatMap(({ byTopic }, i) => faultsOf(`subscriber ${i}`, byTopic.get(ledger.topic) ?? []));
      return [...each, ...faultsOf('the members', shared)];
    });
  }

  async #until(isDone: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
    for (let waited = 0; !(await isDone()); waited += STEP_MS) {
      if (waited > SETTLE_MS_MAX) return this.#fault(otherwise);
      await pause(STEP_MS);
    }
  }

  async #declare(victim: Victim): Promise<void> {
    const known = await victim.topics();
    for (const topic of TOPICS) {
      if (known.includes(topic.name)) continue;
      if (this.#isDeclared) this.#fault(`the declared topic ${topic.name} is gone`);
      await victim.declare(topic);
    }
    this.#isDeclared = true;
  }

  /** The node sees the same ends as who reads the files without it. */
  async #compareEnds(victim: Victim): Promise<void> {
    for (const { name, model } of TOPICS) {
      for (const { shard, start, end } of await victim.partitions(name)) {
        const found = this.#endOf(model, shard) ?? start;
        if (found !== end) this.#fault(`${name}: the node ends shard ${shard} at ${end}, its files at ${found}`);
      }
    }
  }

  #endOf(model: 'shared' | 'dedicated', shard: number): number | undefined {
    const { ends } = this.#found;
    if (model === 'shared') return ends.get(`log/shared#${shard}`);
    // Each life of a shard has a directory of its own: the number behind the shard's.
    for (const [key, end] of ends) {
      if (key.startsWith(`log/dedicated/${shard}-`)) return end;
    }
    return undefined;
  }

  #check(): void {
    const disk = new FileDisk();
    const report = this.#report;
    for (const log of findLogs(this.#directory)) {
      const { findings, bytes } = verifyLog(disk, log);
      report.bytesChecked += bytes;
      for (const { kind, place, what, affected } of findings) {
        if (kind === 'damage') this.#fault(`${place}: ${what}; ${affected}`);
        else if (what.includes('not whole')) report.tornTails++;
      }
    }
    this.#found = readMessages(disk, this.#directory);
    report.recordsChecked += this.#found.records;
    for (const ledger of this.#ledgers.filter(({ topic }) => !topic.startsWith('i/'))) {
      for (const fault of ledger.faults(this.#found.byTopic.get(ledger.topic) ?? [])) this.#fault(`${ledger.topic}: ${fault}`);
    }
  }

  #fault(fault: string): void {
    if (this.#report.faults.length < FAULTS_MAX) this.#report.faults.push(`kill ${this.#report.kills}: ${fault}`);
  }
}
