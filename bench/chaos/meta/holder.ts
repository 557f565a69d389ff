/**
 * A client that holds a few leases at a time, with a few keys under each: it renews in time, now and then too late or not at all, looks whether its keys are there, takes one of them out of the lease, and revokes. What it heard is in the
 * book of the lease (`lease-book.ts`).
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Outcome } from '../../../src/actors/meta/client/outcome.ts';
import type { MetaCommand, MetaReply } from '../../../src/actors/meta/command.ts';
import type { Prng } from '../../../src/base/prng.ts';
import { type Bed, KEYS } from './bed.ts';
import { LeaseBook } from './lease-book.ts';
import type { MetaPort } from './meta-port.ts';
import { GONE } from './story.ts';
import { valueWith } from './value.ts';
import { seenOf } from './watch-log.ts';

export const LEASE_KEYS: string = `${KEYS}l/`;
const TTLS_MS = [700, 1500, 3000] as const;
export const TTL_MS_MAX: number = Math.max(...TTLS_MS);
const KEYS_MAX = 3;
const AT_A_TIME = 5;

/** A key that has left its lease stays. */
export interface KeptKey {
  readonly group: number;
  readonly key: string;
  readonly revision: number;
}

export class Holder {
  readonly #bed: Bed;
  readonly #port: MetaPort;
  readonly #prng: Prng;
  readonly #name: string;
  readonly kept: KeptKey[] = [];
  /** Nobody knows whether they have left. */
  readonly maybeKept: string[] = [];
  #count = 0;
  #leases = 0;

  constructor(bed: Bed, port: MetaPort, prng: Prng, name: string) {
    this.#bed = bed;
    this.#port = port;
    this.#prng = prng;
    this.#name = name;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: AT_A_TIME }, () => this.#runOne()));
  }

  async #runOne(): Promise<void> {
    const { groups } = this.#bed;
    while (!this.#bed.isOver) {
      const group = groups[this.#leases++ % groups.length]!;
      const ttlMs = TTLS_MS[this.#prng.below(TTLS_MS.length)]!;
      const askedMs = this.#bed.nowMs();
      const reply = await this.#do(group, { type: 'grant', id: 0, ttlMs }, 'a grant');
      if (!reply.isOk || reply.value.type !== 'granted') continue;
      const { id } = reply.value;
      const book = new LeaseBook(this.#bed.story(group).name, id, ttlMs, askedMs, this.#bed.nowMs(), this.#bed.fault);
      this.#bed.leases.push({ group, book });
      await this.#hold(group, book);
    }
  }

  async #hold(group: number, book: LeaseBook): Promise<void> {
    for (let keys = 1 + this.#prng.below(KEYS_MAX); keys > 0 && !book.isOver; keys--) await this.#put(group, book);
    while (!this.#bed.isOver && !book.isOver) {
      const choice = this.#prng.next();
      // In time; in the moment in which it ends; too late. Some are given up.
      const waitMs = choice < 0.75 ? book.ttlMs / 3 : choice < 0.85 ? book.ttlMs - 30 + 40 * this.#prng.next() : 1.5 * book.ttlMs;
      await pause(waitMs);
      if (this.#bed.isOver) return;
      await this.#renew(group, book);
      if (this.#prng.chance(0.5)) await this.#look(group, book);
      if (this.#prng.chance(0.1)) await this.#put(group, book);
      if (this.#prng.chance(0.05)) await this.#takeOut(group, book);
      if (this.#prng.chance(0.05)) await this.#revoke(group, book);
      if (this.#prng.chance(0.03)) return;
    }
    if (book.isOver && !this.#bed.isOver) await this.#after(group, book);
  }

  async #put(group: number, book: LeaseBook): Promise<void> {
    const key = `${LEASE_KEYS}${this.#name}.${++this.#count}`;
    const tag = `${this.#name}.${this.#count}`;
    const story = this.#bed.story(group);
    story.sent(tag);
    const askedMs = this.#bed.nowMs();
    const put = { key, value: valueWith(tag), lease: book.id };
    const outcome = await this.#do(group, { type: 'write', puts: [put], deletes: [] }, `a put of ${key}`, ['no_such_lease']);
    const heardMs = this.#bed.nowMs();
    if (outcome.isOk) {
      book.carried(key, askedMs);
      story.tell((outcome.value as { readonly revision: number }).revision, key, tag, `its put by ${this.#name}`);
    } else if (outcome.failure === 'unknown') {
      book.maybeKeys.add(key);
    } else {
      story.undone(tag, outcome.failure);
      if (outcome.failure === 'no_such_lease') book.over(`a put of ${key} is told that there is no such lease`, heardMs);
    }
  }

  async #renew(group: number, book: LeaseBook): Promise<void> {
    const askedMs = this.#bed.nowMs();
    const outcome = await this.#port.keepAlive(group, [book.id], book.ttlMs);
    this.#bed.heard(outcome, () => 'a renewal');
    if (outcome.isOk) book.renewed(outcome.value[0]!, askedMs, this.#bed.nowMs());
  }

  /** Its keys are there while it is. */
  async #look(group: number, book: LeaseBook): Promise<void> {
    const bed = this.#bed;
    const keys = [...book.keys].filter((key) => !book.left.has(key));
    if (keys.length === 0) return;
    const wasOver = book.isOver;
    const looked = await bed.look(this.#port, group, keys, book.ttlMs, this.#name);
    if (looked === undefined) return;
    const { callMs, revision, records } = looked;
    const { name } = bed.story(group);
    for (const [i, record] of records.entries()) {
      if (record === undefined) {
        book.over(`a read finds no ${keys[i]}`, bed.nowMs());
        continue;
      }
      bed.story(group).tell(record.modified, record.key, seenOf(record).tag, `a read by ${this.#name}`);
      if (wasOver)
        bed.fault(
          `${name}: lease ${book.id} was over, and a read at ${callMs.toFixed(1)} ms finds its key ${record.key} in revision ${revision}`,
        );
      else if (record.lease !== book.id)
        bed.fault(`${name}: ${record.key} was put under lease ${book.id}, and is under ${record.lease}`);
    }
  }

  async #takeOut(group: number, book: LeaseBook): Promise<void> {
    const [key] = [...book.keys].filter((each) => !book.left.has(each));
    if (key === undefined) return;
    const tag = `${this.#name}.${++this.#count}`;
    const story = this.#bed.story(group);
    story.sent(tag);
    book.left.add(key);
    const put = { key, value: valueWith(tag), lease: 0 };
    const outcome = await this.#do(group, { type: 'write', puts: [put], deletes: [] }, `a put of ${key}`);
    if (outcome.isOk) {
      const { revision } = outcome.value as { readonly revision: number };
      story.tell(revision, key, tag, `its put by ${this.#name}`);
      this.kept.push({ group, key, revision });
    } else if (outcome.failure === 'unknown') {
      this.maybeKept.push(key);
    } else {
      story.undone(tag, outcome.failure);
      book.left.delete(key);
    }
  }

  async #revoke(group: number, book: LeaseBook): Promise<void> {
    book.revoking(this.#bed.nowMs());
    const outcome = await this.#do(group, { type: 'revoke', ids: [book.id] }, 'a revocation');
    if (!outcome.isOk) return;
    const { revision, ended } = outcome.value as { readonly revision: number; readonly ended: number };
    const how = ended === 0 ? 'a revocation finds no such lease' : 'it is revoked';
    book.over(how, this.#bed.nowMs());
    if (ended === 0) return;
    const story = this.#bed.story(group);
    for (const key of book.keys) if (!book.left.has(key)) story.tell(revision, key, GONE, `the revocation by ${this.#name}`);
  }

  /** Nothing of it is there, and it takes nothing more. */
  async #after(group: number, book: LeaseBook): Promise<void> {
    await this.#look(group, book);
    await this.#renew(group, book);
    await this.#put(group, book);
  }

  async #do(group: number, command: MetaCommand, what: string, expected: readonly string[] = []): Promise<Outcome<MetaReply>> {
    const outcome = await this.#port.command(group, command, this.#bed.deadlineMs(this.#prng));
    if (outcome.isOk || !expected.includes(outcome.failure)) this.#bed.heard(outcome, () => what);
    if (outcome.isOk && 'revision' in outcome.value) this.#bed.story(group).known(outcome.value.revision, this.#bed.nowMs());
    return outcome;
  }
}
