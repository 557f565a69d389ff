/**
 * A client that writes several keys at once, all of them the same, and reads them together: whoever looks sees all of a batch or nothing of it. A batch is one key to the checker of histories. Batches that must be refused, because one of
 * their keys is to go under a lease that is not there, leave nothing.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { MetaCommand, Put } from '../../../src/actors/meta/command.ts';
import { ANY } from '../../../src/actors/meta/command.ts';
import { endOfPrefix, type MetaRecord } from '../../../src/actors/meta/state/record.ts';
import type { Prng } from '../../../src/base/prng.ts';
import { type Bed, KEYS } from './bed.ts';
import type { MetaPort } from './meta-port.ts';
import { GONE, said } from './story.ts';
import { valueWith } from './value.ts';
import { type Seen, seenOf } from './watch-log.ts';

const BATCHES_PER_ROUND = 3;
const BATCH_KEYS = 5;
const PAUSE_MS_MAX = 30;
/** Groups count their leases from 1. */
const NO_LEASE = 2 ** 40;
const TYPES = ['get', 'get', 'pages', 'write', 'claim', 'txn', 'delete', 'refused'] as const;

type WriteType = 'write' | 'claim' | 'txn' | 'delete' | 'refused';

export class Batcher {
  readonly #bed: Bed;
  readonly #port: MetaPort;
  readonly #prng: Prng;
  readonly #name: string;
  #count = 0;

  constructor(bed: Bed, port: MetaPort, prng: Prng, name: string) {
    this.#bed = bed;
    this.#port = port;
    this.#prng = prng;
    this.#name = name;
  }

  async run(): Promise<void> {
    while (!this.#bed.isOver) {
      const place = this.#prng.below(BATCHES_PER_ROUND);
      const batch = `${KEYS}b/${this.#bed.round}.${place}/`;
      const group = this.#bed.busyGroup(place);
      const type = TYPES[this.#prng.below(TYPES.length)]!;
      if (type === 'get') await this.#get(group, batch);
      else if (type === 'pages') await this.#pages(group, batch);
      else await this.#write(group, batch, type);
      await pause(this.#prng.below(PAUSE_MS_MAX));
    }
  }

  async #get(group: number, batch: string): Promise<void> {
    const deadlineMs = this.#bed.deadlineMs(this.#prng);
    const looked = await this.#bed.look(this.#port, group, keysOf(batch), deadlineMs, this.#name);
    if (looked !== undefined) this.#read(group, batch, looked.records, looked.revision, looked.callMs);
  }

  /** In pages, all as of the revision of the first; any node may have the others. */
  async #pages(group: number, batch: string): Promise<void> {
    const bed = this.#bed;
    const callMs = bed.nowMs();
    const before = bed.story(group).newest;
    const records: MetaRecord[] = [];
    let revision = 0;
    for (let from = batch, isMore = true; isMore; ) {
      const request = { from, to: endOfPrefix(batch), limit: 1 + this.#prng.below(3), revision };
      const outcome = await this.#port.range(group, request, revision > 0 && this.#prng.chance(0.5), bed.deadlineMs(this.#prng));
      // What was then is forgotten, or a node is not so far.
      const isLost = !outcome.isOk && (outcome.failure === 'compacted' || outcome.failure === 'future') && revision > 0;
      if (!isLost) bed.heard(outcome, () => `a page of ${batch}`);
      if (!outcome.isOk) return;
      const page = outcome.value;
      if (revision === 0) bed.read(group, page.revision, callMs, before, () => `a page of ${batch} by ${this.#name}`);
      else if (page.revision !== revision)
        bed.fault(`${bed.story(group).name}: a page of ${batch} is of revision ${page.revision}, and ${revision} was asked for`);
      revision = page.revision;
      records.push(...page.records);
      isMore = page.isMore;
      if (isMore) from = `${page.records.at(-1)!.key}\0`;
    }
    const found = new Map(records.map((record) => [record.key, record]));
    const ordered = keysOf(batch).map((key) => found.get(key));
    this.#read(group, batch, ordered, revision, callMs);
  }

  #read(group: number, batch: string, records: readonly (MetaRecord | undefined)[], revision: number, callMs: number): void {
    const bed = this.#bed;
    const story = bed.story(group);
    const seen = records.map((record) => (record === undefined ? undefined : seenOf(record)));
    const fault = mixOf(seen);
    if (fault !== undefined)
      return bed.fault(
        `${story.name}: a read of ${batch} by ${this.#name} at ${callMs.toFixed(1)} ms as of revision ${revision} is a mix: ${fault}`,
      );
    records.forEach((record, i) => {
      if (record !== undefined) story.tell(record.modified, record.key, seen[i]!.tag, `a read by ${this.#name}`);
    });
    const input = { key: batch, type: 'get', expected: '', value: '' } as const;
    bed.history.push({ input, output: seen[0]?.tag ?? GONE, callMs, returnMs: bed.nowMs() });
  }

  async #write(group: number, batch: string, type: WriteType): Promise<void> {
    const bed = this.#bed;
    const story = bed.story(group);
    const tag = type === 'delete' ? GONE : `${this.#name}.${++this.#count}`;
    if (tag !== GONE) story.sent(tag);
    const callMs = bed.nowMs();
    const outcome = await this.#port.command(group, this.#command(batch, type, tag), bed.deadlineMs(this.#prng));
    const input = { key: batch, type: type === 'delete' ? 'delete' : 'put', expected: '', value: tag } as const;
    if (type === 'refused') return this.#refused(group, batch, tag, outcome.isOk ? 'done' : outcome.failure);
    bed.heard(outcome, () => `a batch of ${batch}`);
    if (outcome.isOk) {
      const reply = outcome.value as { readonly revision: number; readonly deleted?: number };
      story.known(reply.revision, bed.nowMs());
      if (tag !== GONE) for (const key of keysOf(batch)) story.tell(reply.revision, key, tag, `the batch by ${this.#name}`);
      bed.history.push({ input, output: '', callMs, returnMs: bed.nowMs() });
    } else if (outcome.failure === 'unknown') {
      bed.history.push({ input, output: undefined, callMs, returnMs: Number.POSITIVE_INFINITY });
    } else if (tag !== GONE) {
      story.undone(tag, outcome.failure);
    }
  }

  /** Nobody may ever see what was in it, whatever was answered. */
  #refused(group: number, batch: string, tag: string, failure: string): void {
    const bed = this.#bed;
    bed.story(group).undone(tag, 'no_such_lease');
    if (failure === 'no_such_lease') bed.answered++;
    else if (failure === 'unknown') bed.unknown++;
    else if (failure !== 'unavailable' && failure !== 'busy')
      bed.fault(`${bed.story(group).name}: a batch of ${batch} under a lease that is not there is ${failure}`);
  }

  #command(batch: string, type: WriteType, tag: string): MetaCommand {
    const keys = keysOf(batch);
    const puts = (): Put[] => keys.map((key) => ({ key, value: valueWith(tag), lease: 0 }));
    const asOps = (all: readonly Put[]): MetaCommand => ({
      type: 'txn',
      compares: [],
      success: all.map((put) => ({ type: 'put', put })),
      failure: [],
    });
    switch (type) {
      case 'write':
        return { type: 'write', puts: puts(), deletes: [] };
      case 'claim':
        return { type: 'claim', claims: puts().map((put) => ({ ...put, expected: ANY })), wantsBefore: false };
      case 'txn':
        return asOps(puts());
      case 'delete':
        return this.#prng.chance(0.5)
          ? { type: 'write', puts: [], deletes: keys }
          : { type: 'txn', compares: [], success: [{ type: 'deleteRange', from: batch, to: endOfPrefix(batch) }], failure: [] };
      case 'refused': {
        const all = puts().map((put, i) => (i === BATCH_KEYS - 1 ? { ...put, lease: NO_LEASE } : put));
        return this.#prng.chance(0.5) ? { type: 'write', puts: all, deletes: [] } : asOps(all);
      }
    }
  }
}

function keysOf(batch: string): string[] {
  return Array.from({ length: BATCH_KEYS }, (_, i) => `${batch}${i}`);
}

/** Undefined: all of one batch, or nothing. */
export function mixOf(seen: readonly (Seen | undefined)[]): string | undefined {
  const [first] = seen;
  const isOne = seen.every((each) => each?.tag === first?.tag && each?.modified === first?.modified);
  return isOne ? undefined : seen.map((each) => `${said(each?.tag)} of revision ${each?.modified ?? 0}`).join(', ');
}
