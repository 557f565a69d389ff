/**
 * The homes of all persistent sessions of the cluster, as one node asks for them and changes them. All that a turn wants to read or to change goes to each group in one call; each change is under a condition of its own, the
 * revision that the entry was last changed in, so of two nodes that claim a session one gets it.
 */
import { cloneBytes } from '../../base/bytes.ts';
import { HOMES_BATCH, META_TABLE_PAGE } from '../../base/limits.ts';
import type { MetaClient } from '../meta/client/client.ts';
import type { Page } from '../meta/client/open-call.ts';
import type { Outcome } from '../meta/client/outcome.ts';
import type { Claim } from '../meta/command.ts';
import { type GroupCounts, groupOfKey } from '../meta/groups.ts';
import { endOfPrefix, keyOf, type MetaKey, type MetaRecord, textOf } from '../meta/state/record.ts';
import { groupId } from '../raft/group-id.ts';

/** In front of the client id. */
export const SESSION_PREFIX = 'session/';
export const WILL_PREFIX = 'will/';

export interface Found {
  /** That last changed it; 0: there is none. */
  readonly revision: number;
  readonly value: Uint8Array | undefined;
}

/**
 * `taken`: the entry was changed by somebody else. `unavailable`: nothing was done. `unknown`: nobody can tell.
 */
export type Claimed =
  | { readonly type: 'done'; readonly revision: number }
  | { readonly type: 'taken' | 'unavailable' | 'unknown' };

export interface Directory {
  /** Undefined: nobody answers. What is found is no older than the question. */
  get(clientId: string, then: (found: Found | undefined) => void): void;
  /** Undefined: the entry goes. */
  claim(clientId: string, revision: number, value: Uint8Array | undefined, then: (claimed: Claimed) => void): void;
  /** What a turn has gathered leaves. */
  flush(): void;
}

/** Where a page begins; only this module knows what that means. */
export interface Place {
  readonly group: number;
  readonly from: MetaKey;
}

export interface RegisterPage {
  readonly entries: readonly { readonly clientId: string; readonly value: Uint8Array }[];
  /** Undefined: that was the last one. */
  readonly next: Place | undefined;
}

/** A directory that can be read from end to end. */
export interface Register extends Directory {
  /** In no order that means anything, and not as of one moment. Undefined: nobody answers. */
  scan(after: Place | undefined, then: (page: RegisterPage | undefined) => void): void;
}

interface Asked {
  readonly key: MetaKey;
  readonly then: (found: Found | undefined) => void;
}

interface Wanted extends Claim {
  readonly then: (claimed: Claimed) => void;
}

export class MetaDirectory implements Register {
  readonly #client: MetaClient;
  readonly #counts: GroupCounts;
  readonly #deadlineMs: number;
  readonly #prefix: MetaKey;
  #asked = new Map<number, Asked[]>();
  #wanted = new Map<number, Wanted[]>();

  constructor(client: MetaClient, counts: GroupCounts, deadlineMs: number, prefix: string = SESSION_PREFIX) {
    this.#prefix = keyOf(prefix);
    this.#client = client;
    this.#counts = counts;
    this.#deadlineMs = deadlineMs;
  }

  get(clientId: string, then: Asked['then']): void {
    const key = this.#prefix + keyOf(clientId);
    gather(this.#asked, groupOfKey('data', key, this.#counts), { key, then });
  }

  claim(clientId: string, revision: number, value: Uint8Array | undefined, then: Wanted['then']): void {
    const key = this.#prefix + keyOf(clientId);
    gather(this.#wanted, groupOfKey('data', key, this.#counts), { key, expected: revision, value, lease: 0, then });
  }

  scan(after: Place | undefined, then: (page: RegisterPage | undefined) => void): void {
    const { group, from } = after ?? { group: groupId('data', 0), from: this.#prefix };
    const request = { from, to: endOfPrefix(this.#prefix), limit: META_TABLE_PAGE, revision: 0 };
    const done = (outcome: Outcome<Page>): void => {
      if (!outcome.isOk) return then(undefined);
      const { records, isMore } = outcome.value;
      // The bytes are lent for this turn.
      const entries = records.map(({ key, value }) => ({
        clientId: textOf(key.slice(this.#prefix.length)),
        value: cloneBytes(value!, 0, value!.length),
      }));
      const last = records.at(-1);
      const isLastGroup = group >= groupId('data', this.#counts.data - 1);
      if (isMore && last !== undefined) then({ entries, next: { group, from: `${last.key}\0` } });
      else then({ entries, next: isLastGroup ? undefined : { group: group + 1, from: this.#prefix } });
    };
    this.#client.range(group, request, false, done, { deadlineMs: this.#deadlineMs });
  }

  flush(): void {
    const asked = this.#asked;
    const wanted = this.#wanted;
    this.#asked = new Map();
    this.#wanted = new Map();
    for (const [group, all] of asked) for (const batch of batches(all, () => 0)) this.#read(group, batch);
    for (const [group, all] of wanted)
      for (const batch of batches(all, ({ value }) => value?.length ?? 0)) this.#change(group, batch);
  }

  #read(group: number, batch: readonly Asked[]): void {
    const keys = batch.map(({ key }) => key);
    const then = (records: readonly (MetaRecord | undefined)[] | undefined): void => {
      for (const [i, asked] of batch.entries()) {
        const record = records?.[i];
        // The bytes are lent for this turn.
        const value = record?.value && cloneBytes(record.value, 0, record.value.length);
        asked.then(records && { revision: record?.modified ?? 0, value });
      }
    };
    const options = { deadlineMs: this.#deadlineMs };
    this.#client.get(group, keys, false, (outcome) => then(outcome.isOk ? outcome.value.records : undefined), options);
  }

  #change(group: number, batch: readonly Wanted[]): void {
    const claims = batch.map(({ key, expected, value, lease }) => ({ key, expected, value, lease }));
    const options = { deadlineMs: this.#deadlineMs };
    this.#client.command(
      group,
      { type: 'claim', claims, wantsBefore: false },
      (outcome) => {
        for (const [i, { then }] of batch.entries()) {
          if (!outcome.isOk) then({ type: outcome.failure === 'unknown' ? 'unknown' : 'unavailable' });
          else if (outcome.value.type !== 'claimed') then({ type: 'unavailable' });
          else {
            const { isDone, modified } = outcome.value.results[i]!;
            then(isDone ? { type: 'done', revision: modified } : { type: 'taken' });
          }
        }
      },
      options,
    );
  }
}

function gather<T>(groups: Map<number, T[]>, group: number, item: T): void {
  const batch = groups.get(group);
  if (batch === undefined) groups.set(group, [item]);
  else batch.push(item);
}

function* batches<T>(all: readonly T[], bytesOf: (item: T) => number): Generator<readonly T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const item of all) {
    batch.push(item);
    bytes += bytesOf(item);
    if (batch.length < HOMES_BATCH.entries && bytes < HOMES_BATCH.bytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
