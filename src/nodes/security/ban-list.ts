/** The bans of a node, kept in the document store; those that are over are dropped when something changes. */

import { holds } from '../../actors/access/bans.ts';
import type { Ban } from '../../actors/access/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import { BANS_MAX } from '../../base/limits.ts';
import type { DocumentStore } from './document-store.ts';

export class BanList {
  readonly #store: DocumentStore;
  readonly #now: () => number;
  readonly #onChange: (bans: readonly Ban[]) => Promise<void>;
  #bans: readonly Ban[];

  /** `now` is milliseconds since the epoch; `onChange` puts the bans into force; throws when the store holds something else than bans. */
  constructor(store: DocumentStore, now: () => number, onChange: (bans: readonly Ban[]) => Promise<void>) {
    this.#store = store;
    this.#now = now;
    this.#onChange = onChange;
    this.#bans = readBans(store.read('bans'));
  }

  /** Those in force. */
  get bans(): readonly Ban[] {
    const now = this.#now();
    return this.#bans.filter((ban) => holds(ban, now));
  }

  /** Replaces a ban of the same kind and value. Resolves when it is in force. */
  async add(ban: Ban): Promise<void> {
    const others = this.bans.filter((each) => !isSame(each, ban));
    if (others.length >= BANS_MAX) throw new SluiceError('SLUICE_SECURITY_LIMIT', `there are ${BANS_MAX} bans already`);
    await this.#save([...others, ban]);
  }

  /** False when there is no such ban. */
  async remove(ban: Pick<Ban, 'kind' | 'value'>): Promise<boolean> {
    const bans = this.bans;
    const rest = bans.filter((each) => !isSame(each, ban));
    if (rest.length === bans.length) return false;
    await this.#save(rest);
    return true;
  }

  async #save(bans: readonly Ban[]): Promise<void> {
    const before = this.#bans;
    this.#bans = bans;
    try {
      await this.#store.write('bans', bans);
    } catch (error) {
      if (this.#bans === bans) this.#bans = before;
      throw error;
    }
    await this.#onChange(this.bans);
  }
}

function isSame(one: Pick<Ban, 'kind' | 'value'>, other: Pick<Ban, 'kind' | 'value'>): boolean {
  return one.kind === other.kind && one.value === other.value;
}

function readBans(document: unknown): readonly Ban[] {
  if (document === undefined) return [];
  const bans = Array.isArray(document) ? (document as Partial<Ban>[]) : [{}];
  const isSound = bans.every(
    ({ kind, value, until, reason }) =>
      ['client', 'user', 'address'].includes(String(kind)) &&
      typeof value === 'string' &&
      (until === null || Number.isFinite(until)) &&
      typeof reason === 'string',
  );
  if (!isSound) throw new SluiceError('SLUICE_SECURITY_STORE', 'the stored bans are not what this version writes');
  return bans as readonly Ban[];
}
