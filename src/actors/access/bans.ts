/** Who may not connect: by client id, user name, address or block of addresses, each for a time or until it is lifted. */
import { AddressList } from './address-list.ts';
import type { Ban, Identity } from './messages.ts';

export class BanTable {
  readonly #bans: readonly Ban[];
  readonly #names = new Map<string, Ban[]>();
  readonly #addresses: { readonly ban: Ban; readonly list: AddressList }[] = [];

  constructor(bans: readonly Ban[] = []) {
    this.#bans = bans;
    for (const ban of bans) {
      if (ban.kind === 'address') this.#addresses.push({ ban, list: new AddressList([ban.value]) });
      else this.#names.set(key(ban.kind, ban.value), [...(this.#names.get(key(ban.kind, ban.value)) ?? []), ban]);
    }
  }

  get size(): number {
    return this.#bans.length;
  }

  /** `now` is milliseconds since the epoch. */
  forbidsAddress(address: string, now: number): boolean {
    return this.#addresses.some(({ ban, list }) => holds(ban, now) && list.has(address));
  }

  forbids({ clientId, username, address }: Identity, now: number): boolean {
    if (this.#bans.length === 0) return false;
    return (
      this.#names.get(key('client', clientId))?.some((ban) => holds(ban, now)) === true ||
      (username !== '' && this.#names.get(key('user', username))?.some((ban) => holds(ban, now)) === true) ||
      this.forbidsAddress(address, now)
    );
  }
}

/** Whether a ban is still in force. */
export function holds({ until }: Ban, now: number): boolean {
  return until === null || until > now;
}

function key(kind: string, value: string): string {
  return `${kind} ${value}`;
}
