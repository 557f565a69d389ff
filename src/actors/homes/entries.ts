/**
 * The entries of the sessions whose home is this node, as they are to be in the directory. Changes of one entry follow each other; what comes while one is under way is put together, the last record counts. Bound: HOMES_WAITING_MAX
 * changes that wait.
 */
import { cloneBytes } from '../../base/bytes.ts';
import { HOMES_WAITING_MAX } from '../../base/limits.ts';
import { decodeSession } from '../session/record.ts';
import type { Claimed, Directory, Found } from './directory.ts';
import { decodeEntry, encodeEntry, type HomeEntry, type Identity } from './entry.ts';
import type { HomeNote } from './notes.ts';

export interface EntryPorts {
  readonly node: number;
  readonly directory: Directory;
  readonly newLife: () => string;
  /** It is to be known after a restart that the session has been in the directory. */
  readonly noteLife: (clientId: string, note: HomeNote | undefined) => void;
  /** Somebody else has the session. */
  readonly onTaken: (clientId: string) => void;
}

interface Change {
  /** Undefined: the session is over. */
  readonly record: Uint8Array | undefined;
  readonly waiters: ((isKept: boolean) => void)[];
}

export interface Entry extends Identity {
  life: string;
  epoch: number;
  moves: readonly string[];
  /** 0: not in the directory. */
  revision: number;
  isUnderWay: boolean;
  /** The last change that was asked for ends the session. */
  isRemoving: boolean;
  /** It is leaving: nothing is changed any more. */
  isFrozen: boolean;
  /** The directory has said that the will has been published while this node was taken for dead. */
  isMourned: boolean;
  next: Change | null;
  onIdle: (() => void) | null;
}

export class Entries {
  readonly #ports: EntryPorts;
  readonly #entries = new Map<string, Entry>();
  /** To be tried again: the directory has not answered, and they must be done. */
  readonly #stuck = new Set<string>();
  #waiting = 0;

  constructor(ports: EntryPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(clientId: string): Entry | undefined {
    return this.#entries.get(clientId);
  }

  clientIds(): Iterable<string> {
    return this.#entries.keys();
  }

  /** It is in the directory as that. */
  adopt(
    clientId: string,
    { life, epoch, moves, isMourned = false }: Identity & Pick<HomeEntry, 'isMourned'>,
    revision: number,
  ): void {
    const idle = { isUnderWay: false, isRemoving: false, isFrozen: false, next: null, onIdle: null };
    this.#entries.set(clientId, { life, epoch, moves, revision, isMourned, ...idle });
  }

  /** The home is elsewhere. */
  leave(clientId: string): void {
    const entry = this.#entries.get(clientId);
    this.#entries.delete(clientId);
    if (entry?.next != null) this.#settle(entry.next, false);
  }

  /** The client begins anew: what is kept next is another session. */
  renew(clientId: string): void {
    const entry = this.#entries.get(clientId);
    if (entry === undefined) return;
    entry.life = this.#ports.newLife();
    entry.epoch = 1;
    entry.moves = [];
    entry.isMourned = false;
    this.#ports.noteLife(clientId, entry);
  }

  /** Calls `then` when no change is under way; there is none from then on. */
  freeze(entry: Entry, then: () => void): void {
    entry.isFrozen = true;
    if (entry.next !== null) this.#settle(entry.next, false);
    entry.next = null;
    if (entry.isUnderWay) entry.onIdle = then;
    else then();
  }

  keep(clientId: string, record: Uint8Array, then: ((isKept: boolean) => void) | undefined): void {
    let entry = this.#entries.get(clientId);
    if (entry === undefined) {
      this.adopt(clientId, { life: this.#ports.newLife(), epoch: 1, moves: [] }, 0);
      entry = this.#entries.get(clientId)!;
      this.#ports.noteLife(clientId, entry);
    }
    // A client has come back: there may be a will again.
    if (entry.isMourned && decodeSession(record)?.offlineSince === 0) entry.isMourned = false;
    this.#change(clientId, entry, record, then);
  }

  forget(clientId: string): void {
    const entry = this.#entries.get(clientId);
    if (entry !== undefined) this.#change(clientId, entry, undefined, undefined);
  }

  /** Time has passed: what could not be done is tried again. */
  tick(): void {
    const stuck = [...this.#stuck];
    this.#stuck.clear();
    for (const clientId of stuck) {
      const entry = this.#entries.get(clientId);
      if (entry?.isUnderWay) this.#lookAgain(clientId, entry);
      else if (entry?.next) this.#send(clientId, entry);
    }
  }

  #change(clientId: string, entry: Entry, record: Uint8Array | undefined, then?: (isKept: boolean) => void): void {
    if (entry.isFrozen || (entry.next === null && this.#waiting >= HOMES_WAITING_MAX)) return then?.(false);
    const waiters = entry.next?.waiters ?? [];
    if (entry.next === null) this.#waiting++;
    if (then !== undefined) waiters.push(then);
    // Of a message: lent for this turn.
    entry.next = { record: record && cloneBytes(record, 0, record.length), waiters };
    if (!entry.isUnderWay) this.#send(clientId, entry);
  }

  #send(clientId: string, entry: Entry): void {
    const change = entry.next!;
    entry.next = null;
    this.#waiting--;
    entry.isUnderWay = true;
    entry.isRemoving = change.record === undefined;
    const { life, epoch, moves, revision, isMourned } = entry;
    const { node, directory } = this.#ports;
    const value = change.record && encodeEntry({ home: node, life, epoch, moves, isMourned, record: change.record });
    directory.claim(clientId, revision, value, (claimed) => this.#done(clientId, entry, change, claimed));
  }

  #done(clientId: string, entry: Entry, change: Change, claimed: Claimed): void {
    const isCurrent = this.#entries.get(clientId) === entry;
    const isLost = claimed.type === 'taken' || claimed.type === 'unknown';
    if (isCurrent && isLost) {
      this.#putBack(entry, change);
      return this.#lookAgain(clientId, entry);
    }
    if (claimed.type === 'done') entry.revision = change.record === undefined ? 0 : claimed.revision;
    for (const waiter of change.waiters) waiter(claimed.type === 'done');
    this.#idle(entry);
    if (!isCurrent) return;
    // What is over must not be found there.
    if (change.record === undefined && claimed.type === 'unavailable' && entry.next === null) {
      this.#putBack(entry, { record: undefined, waiters: [] });
      this.#stuck.add(clientId);
      return;
    }
    if (entry.next !== null) this.#send(clientId, entry);
    else if (change.record === undefined && claimed.type === 'done') this.#over(clientId);
  }

  /** Somebody has written the entry meanwhile, or nobody can say whether the change was done: it is made again, if the entry is still ours. */
  #lookAgain(clientId: string, entry: Entry): void {
    this.#ports.directory.get(clientId, (found) => {
      if (this.#entries.get(clientId) !== entry) return this.#idle(entry);
      if (found === undefined) return void this.#stuck.add(clientId);
      const isOurs = this.#isOurs(entry, found);
      if (isOurs) entry.revision = found.revision;
      this.#idle(entry);
      const change = entry.next;
      // Frozen meanwhile, which has settled it.
      if (change === null) return;
      if (isOurs) return this.#send(clientId, entry);
      entry.next = null;
      const isRemoved = change.record === undefined && found.value === undefined;
      this.#settle(change, isRemoved);
      if (isRemoved) this.#over(clientId);
      else this.#ports.onTaken(clientId);
    });
  }

  /** It was not changed by others in anything, or not at all; that the will has been published is a change. */
  #isOurs(entry: Entry, { value }: Found): boolean {
    // Not there yet, or by our own wish not any more: what is kept next begins anew.
    if (value === undefined) return (entry.revision === 0 || entry.isRemoving) && entry.next?.record !== undefined;
    const there = decodeEntry(value);
    return there?.home === this.#ports.node && (there.isMourned !== true || entry.isMourned);
  }

  #putBack(entry: Entry, change: Change): void {
    const { next } = entry;
    if (next === null) this.#waiting++;
    entry.next = next === null ? change : { record: next.record, waiters: [...change.waiters, ...next.waiters] };
  }

  #idle(entry: Entry): void {
    entry.isUnderWay = false;
    entry.onIdle?.();
    entry.onIdle = null;
  }

  #over(clientId: string): void {
    this.#entries.delete(clientId);
    this.#ports.noteLife(clientId, undefined);
  }

  #settle(change: Change, isKept: boolean): void {
    this.#waiting--;
    for (const waiter of change.waiters) waiter(isKept);
  }
}
