/**
 * The entries of the sessions whose home is this node, as they are to be in the directory. Changes of one entry follow each other; what comes while one is under way is put together, the last record counts. Bound: HOMES_WAITING_MAX
 * changes that wait.
 */
import { cloneBytes } from '../../base/bytes.ts';
import { HOMES_WAITING_MAX } from '../../base/limits.ts';
import { decodeSession } from '../session/record.ts';
import type { Claimed, Directory } from './directory.ts';
import { encodeEntry, type HomeEntry, type Identity } from './entry.ts';

export interface EntryPorts {
  readonly node: number;
  readonly directory: Directory;
  readonly newLife: () => string;
  /** It is to be known after a restart that the session has been in the directory. */
  readonly noteLife: (clientId: string, identity: Identity | undefined) => void;
  /** Somebody else has changed the entry. */
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
  move: string | undefined;
  /** 0: not in the directory. */
  revision: number;
  isUnderWay: boolean;
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
  /** The deletions of these have failed. */
  readonly #doomed = new Set<string>();
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
    { life, epoch, move, isMourned = false }: Identity & Pick<HomeEntry, 'isMourned'>,
    revision: number,
  ): void {
    const idle = { isUnderWay: false, isFrozen: false, next: null, onIdle: null };
    this.#entries.set(clientId, { life, epoch, move, revision, isMourned, ...idle });
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
    entry.move = undefined;
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
      this.adopt(clientId, { life: this.#ports.newLife(), epoch: 1 }, 0);
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

  /** Time has passed: what could not be removed is tried again. */
  tick(): void {
    for (const clientId of this.#doomed) {
      const entry = this.#entries.get(clientId);
      if (entry?.next && !entry.isUnderWay) this.#send(clientId, entry);
    }
    this.#doomed.clear();
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
    const { life, epoch, move, revision, isMourned } = entry;
    const { node, directory } = this.#ports;
    const value = change.record && encodeEntry({ home: node, life, epoch, move, isMourned, record: change.record });
    directory.claim(clientId, revision, value, (claimed) => this.#done(clientId, entry, change, claimed));
  }

  #done(clientId: string, entry: Entry, change: Change, claimed: Claimed): void {
    entry.isUnderWay = false;
    const isCurrent = this.#entries.get(clientId) === entry;
    if (claimed.type === 'done') entry.revision = change.record === undefined ? 0 : claimed.revision;
    for (const waiter of change.waiters) waiter(claimed.type === 'done');
    if (isCurrent && (claimed.type === 'taken' || claimed.type === 'unknown')) this.#ports.onTaken(clientId);
    entry.onIdle?.();
    entry.onIdle = null;
    if (!isCurrent) return;
    // What is over must not be found there.
    if (change.record === undefined && claimed.type === 'unavailable' && entry.next === null) {
      this.#waiting++;
      entry.next = { record: undefined, waiters: [] };
      this.#doomed.add(clientId);
      return;
    }
    if (entry.next !== null) this.#send(clientId, entry);
    else if (change.record === undefined && claimed.type === 'done') {
      this.#entries.delete(clientId);
      this.#ports.noteLife(clientId, undefined);
    }
  }

  #settle(change: Change, isKept: boolean): void {
    this.#waiting--;
    for (const waiter of change.waiters) waiter(isKept);
  }
}
