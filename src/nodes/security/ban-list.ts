/** Bans, by kind and value; those that are over are dropped, some at a time, when one is added. */

import { holds } from '../../actors/access/bans.ts';
import type { Ban } from '../../actors/access/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import { BANS_MAX } from '../../base/limits.ts';
import type { DocumentStore } from './document-store.ts';
import { KeptEntries } from './kept-entries.ts';

const DROPPED_AT_ONCE = 16;

export class BanList {
  readonly kept: KeptEntries<Ban>;
  readonly #now: () => number;

  /** `now` is milliseconds since the epoch; `onChange` puts the bans into force; throws when the store holds something else than bans. */
  constructor(store: DocumentStore, now: () => number, onChange: (bans: readonly Ban[]) => Promise<void>, isShared = false) {
    this.#now = now;
    this.kept = new KeptEntries<Ban>({
      store,
      document: 'bans',
      isShared,
      read: readBans,
      write: (bans) => [...bans.values()],
      parse: (value, name) => (isBan(value) && nameOf(value) === name ? value : undefined),
      onChange: () => onChange(this.bans),
    });
  }

  /** Those in force. */
  get bans(): readonly Ban[] {
    const now = this.#now();
    return [...this.kept.entries.values()].filter((ban) => holds(ban, now));
  }

  /** Replaces a ban of the same kind and value. Resolves when it is in force. */
  async add(ban: Ban): Promise<void> {
    await this.#dropOver();
    await this.kept.update(nameOf(ban), () => {
      const isMore = !this.kept.entries.has(nameOf(ban));
      if (isMore && this.kept.entries.size >= BANS_MAX)
        throw new SluiceError('SLUICE_SECURITY_LIMIT', `there are ${BANS_MAX} bans already`);
      return ban;
    });
  }

  /** False when there is no such ban. */
  remove(ban: Pick<Ban, 'kind' | 'value'>): Promise<boolean> {
    const now = this.#now();
    return this.kept.update(nameOf(ban), (before) => (before !== undefined && holds(before, now) ? null : undefined));
  }

  async #dropOver(): Promise<void> {
    const now = this.#now();
    const over: string[] = [];
    for (const [name, ban] of this.kept.entries) if (over.length < DROPPED_AT_ONCE && !holds(ban, now)) over.push(name);
    for (const name of over) {
      await this.kept.update(name, (before) => (before !== undefined && !holds(before, now) ? null : undefined));
    }
  }
}

function nameOf({ kind, value }: Pick<Ban, 'kind' | 'value'>): string {
  return `${kind}/${value}`;
}

function readBans(document: unknown): Map<string, Ban> {
  if (document === undefined) return new Map();
  const bans: readonly unknown[] = Array.isArray(document) ? document : [undefined];
  if (!bans.every(isBan)) throw new SluiceError('SLUICE_SECURITY_STORE', 'the stored bans are not what this version writes');
  return new Map(bans.map((ban) => [nameOf(ban), ban]));
}

function isBan(each: unknown): each is Ban {
  const { kind, value, until, reason } = (each ?? {}) as Partial<Ban>;
  return (
    ['client', 'user', 'address'].includes(String(kind)) &&
    typeof value === 'string' &&
    (until === null || Number.isFinite(until)) &&
    typeof reason === 'string'
  );
}
