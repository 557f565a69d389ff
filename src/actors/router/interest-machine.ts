/**
 * What each reactor knows of the topic filters of the others, so that a publish crosses to another reactor exactly if someone there wants it.
 * Pure: messages, thread events and ticks in, messages out (`outbox`); one machine per reactor, no clock of its own.
 *
 *     B (wants to know)                                   A (has filters)
 *        | pull 7 ------------------------------------------> |  iterates its filters, base = its change number
 *        | <-------------------- sync 7 part 0 (base 41, …)   |
 *        | ack 7 parts 1 -----------------------------------> |  one part under way at a time
 *        | <-------------------- delta 7 (41, 43]             |  deltas need not wait for the sync
 *        | <-------------------- sync 7 part 1, last          |
 *        | ack 7 parts 2 applied 43 ------------------------> |
 *
 * Rules that make it converge, given that messages between two threads may get lost but not change places:
 *  1. Every message says how things stand when it is *sent*: a delta lists the filters that changed and whether each is there now; a
 *     part that is sent again leaves out what is gone. So what arrives later is never older.
 *  2. A delta is applied only if nothing is missing before it; acknowledgements are cumulative; what is not acknowledged is sent again.
 *  3. Until a reactor is synced it takes the other to want everything: an unknown interest costs traffic, never a message.
 *  4. A pull has a number that its receiver chose and never chooses again; messages of any other pull are stale and ignored.
 *  5. A reactor that forgot another (its death was heard of, or its own log overflowed) begins an era, which its pulls carry: the other, which
 *     may be alive and believe itself synced, then pulls again.
 *
 * Bounds: a log of INTEREST_LOG_MAX changes, shared by all receivers (one that lags further pulls anew), INTEREST_INFLIGHT_MAX changes and
 * one part under way per receiver, and a wait of INTEREST_WAIT_RETRIES ticks for a reactor that does not answer.
 */
import { assert } from '../../base/assert.ts';
import {
  INTEREST_BATCH_CHARACTERS_MAX,
  INTEREST_BATCH_FILTERS_MAX,
  INTEREST_INFLIGHT_MAX,
  INTEREST_LOG_MAX,
  INTEREST_WAIT_RETRIES,
  INTEREST_WAITERS_MAX,
  REACTORS_MAX,
} from '../../base/limits.ts';
import type { InterestAck, InterestDelta, InterestPull, InterestSync } from '../../wire/schema-types.ts';
import { FilterTrie } from './filter-trie.ts';
import type { InterestMessage } from './messages.ts';

/** The filters of this reactor's own subscribers. */
export interface LocalFilters {
  has(filter: string): boolean;
  /** Survives changes: what is removed meanwhile is not visited, what is added may be. */
  filters(): Iterator<string>;
}

/** What is known of the filters of one other reactor. */
export interface KnownFilters {
  readonly size: number;
  set(filter: string): void;
  delete(filter: string): boolean;
  has(filter: string): boolean;
  filters(): Iterable<string>;
  /** Whether a topic matches one of them. */
  matches(topicName: string): boolean;
}

export interface InterestOptions {
  readonly thread: number;
  readonly reactors: number;
  /** Of this thread's incarnations; keeps pulls of one apart from those of another. */
  readonly incarnation: number;
  readonly local: LocalFilters;
  /** Where what a reactor says is kept; default: a trie, so that topics can be matched. */
  readonly newKnown?: () => KnownFilters;
  /** The interest of `thread` in topics that match the filter changed; undefined: of any reactor in any topic. */
  changed(filter: string | undefined, thread: number): void;
  /** There is something to flush. */
  wake(): void;
}

export interface Outgoing {
  readonly to: number;
  readonly message: InterestMessage;
}

interface Waiter {
  readonly change: number;
  readonly then: () => void;
  retriesLeft: number;
}

const PULLS_PER_INCARNATION = 2 ** 24;

/** Another reactor: what we know of it and what it knows of us. */
class Peer {
  readonly thread: number;
  live = true;

  // What we know of it.
  known: KnownFilters;
  pull = 0;
  parts = 0;
  applied = 0;
  synced = false;
  pullDue = false;
  ackDue = false;
  /** The pull with which we last forgot everything about it. */
  era = 0;

  // What it knows of us; `theirPull` is 0 until it has pulled.
  theirPull = 0;
  theirEra = 0;
  acked = 0;
  sent = 0;
  /** Null once the last part is acknowledged. */
  sync: SyncProgress | null = null;

  /** Something moved since the last tick. */
  progressed = false;

  constructor(thread: number, known: KnownFilters) {
    this.thread = thread;
    this.known = known;
  }
}

interface SyncProgress {
  readonly filters: Iterator<string>;
  readonly base: number;
  index: number;
  part: readonly string[] | null;
  last: boolean;
  sendDue: boolean;
}

export class InterestMachine {
  readonly #options: InterestOptions;
  readonly #peers: (Peer | undefined)[] = [];
  /** Filters that changed, oldest first; the change numbers are (#logBase, #changes]. */
  #log: string[] = [];
  #logBase = 0;
  #changes = 0;
  #pulls = 0;
  #waiters: Waiter[] = [];
  #awake = false;
  retries = 0;
  fullSyncs = 0;
  waitsGivenUp = 0;
  /** What `flush` and `tick` want sent; the shell empties it. */
  readonly outbox: Outgoing[] = [];

  constructor(options: InterestOptions) {
    assert(options.reactors <= REACTORS_MAX, 'the interest mask has a bit for each reactor');
    this.#options = options;
    for (let thread = 1; thread <= options.reactors; thread++) {
      this.#peers.push(thread === options.thread ? undefined : new Peer(thread, this.#newKnown()));
    }
  }

  /** Asks every other reactor for its filters. Also right after the shell was restarted. */
  start(): void {
    for (const peer of this.#peers) if (peer !== undefined) this.#forget(peer);
    this.#afterForgetting();
  }

  peerUp(thread: number): void {
    const peer = this.#peer(thread);
    if (peer === undefined) return;
    peer.live = true;
    this.#forget(peer);
    this.#afterForgetting();
  }

  peerDown(thread: number): void {
    const peer = this.#peer(thread);
    if (peer === undefined) return;
    peer.live = false;
    this.#forget(peer);
    this.#afterForgetting();
  }

  /** A filter got its first or lost its last local subscriber. */
  filterChanged(filter: string): void {
    this.#changes++;
    if (!this.#peers.some(listens)) {
      assert(this.#log.length === 0, 'without listeners there is nothing to remember');
      this.#logBase = this.#changes;
      return;
    }
    this.#log.push(filter);
    if (this.#log.length > INTEREST_LOG_MAX) this.#dropLaggards();
    this.#wake();
  }

  /** Bit `thread - 1` for each other reactor that wants the topic or may want it. */
  interestIn(topicName: string): number {
    let mask = 0;
    for (const peer of this.#peers) {
      if (peer?.live && (!peer.synced || peer.known.matches(topicName))) mask |= 1 << (peer.thread - 1);
    }
    return mask;
  }

  /** Calls `then` when every live reactor has the changes made so far: now, if that is the case. */
  whenApplied(then: () => void): void {
    const applied = this.#appliedEverywhere() >= this.#changes;
    if (!applied && this.#waiters.length < INTEREST_WAITERS_MAX) {
      this.#waiters.push({ change: this.#changes, then, retriesLeft: INTEREST_WAIT_RETRIES });
      return;
    }
    if (!applied) this.waitsGivenUp++;
    then();
  }

  receive(message: InterestMessage): void {
    const peer = this.#peer(message.from);
    if (peer === undefined || !peer.live) return;
    switch (message.type) {
      case 'InterestPull':
        this.#onPull(peer, message);
        break;
      case 'InterestSync':
        this.#onSync(peer, message);
        break;
      case 'InterestDelta':
        this.#onDelta(peer, message);
        break;
      case 'InterestAck':
        this.#onAck(peer, message);
        break;
    }
  }

  /** Puts what is due into the outbox. */
  flush(): void {
    this.#awake = false;
    for (const peer of this.#peers) if (peer?.live) this.#flushPeer(peer);
  }

  /** Time has passed without news: sends again what nobody answered. Due every INTEREST_RETRY_MS while `busy`. */
  tick(): void {
    for (const peer of this.#peers) {
      if (!peer?.live || this.#settled(peer)) continue;
      if (!peer.progressed) this.#retry(peer);
      peer.progressed = false;
    }
    for (const waiter of this.#waiters) waiter.retriesLeft--;
    this.#settleWaiters();
    this.flush();
  }

  /** Whether an answer is outstanding, so that ticks are needed. */
  get busy(): boolean {
    return this.#waiters.length > 0 || this.#peers.some((peer) => peer?.live && !this.#settled(peer));
  }

  /** Whether the filters of every live reactor are known. */
  get synced(): boolean {
    return this.#peers.every((peer) => peer === undefined || !peer.live || peer.synced);
  }

  /** Filters known of the other reactors. */
  get filtersKnown(): number {
    return this.#peers.reduce((sum, peer) => sum + (peer?.known.size ?? 0), 0);
  }

  /** Whether that filter of `thread` is known. */
  knows(thread: number, filter: string): boolean {
    return this.#peer(thread)?.known.has(filter) === true;
  }

  /** What is known of the filters of `thread`, which may be kept when it dies; undefined while it is taken to want everything. */
  knownOf(thread: number): KnownFilters | undefined {
    const peer = this.#peer(thread);
    return peer?.synced ? peer.known : undefined;
  }

  /** Whether any other reactor is known to have the filter. */
  isKnown(filter: string): boolean {
    return this.#peers.some((peer) => peer?.known.has(filter) === true);
  }

  /** All filters known of the other reactors. */
  *known(): Generator<string> {
    for (const peer of this.#peers) if (peer !== undefined) yield* peer.known.filters();
  }

  /** The filters that `thread` has, as far as known; undefined while it is taken to want everything. */
  filtersOf(thread: number): Iterable<string> | undefined {
    const peer = this.#peer(thread);
    return peer?.synced ? peer.known.filters() : undefined;
  }

  inspect(): unknown {
    const peers = this.#peers.filter((peer) => peer !== undefined);
    return {
      changes: this.#changes,
      logged: this.#log.length,
      waiting: this.#waiters.length,
      peers: peers.map((peer) => ({
        thread: peer.thread,
        live: peer.live,
        synced: peer.synced,
        filters: peer.known.size,
        lag: peer.theirPull === 0 ? null : this.#changes - peer.acked,
      })),
    };
  }

  /** False when the thread is known to be dead. */
  isLive(thread: number): boolean {
    return this.#peer(thread)?.live === true;
  }

  #newKnown(): KnownFilters {
    return this.#options.newKnown?.() ?? new FilterTrie<string>((filter) => filter);
  }

  #peer(thread: number): Peer | undefined {
    return this.#peers[thread - 1];
  }

  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#options.wake();
  }

  /** Back to knowing nothing of each other; the new era tells the peer, so that it pulls again as well. */
  #forget(peer: Peer): void {
    peer.theirPull = 0;
    peer.sync = null;
    this.#pullFrom(peer);
    peer.era = peer.pull;
  }

  #afterForgetting(): void {
    this.#options.changed(undefined, 0);
    this.#trimLog();
    this.#settleWaiters();
    this.#wake();
  }

  #pullFrom(peer: Peer): void {
    assert(this.#pulls < PULLS_PER_INCARNATION - 1, 'pull numbers are used once');
    peer.pull = this.#options.incarnation * PULLS_PER_INCARNATION + ++this.#pulls;
    peer.known = this.#newKnown();
    peer.parts = 0;
    peer.applied = 0;
    peer.synced = false;
    peer.pullDue = true;
    peer.ackDue = false;
  }

  #onPull(peer: Peer, message: InterestPull): void {
    if (message.era !== peer.theirEra) {
      peer.theirEra = message.era;
      if (peer.parts === 0) {
        // It may have forgotten our pull, but it has answered nothing to it.
        peer.pullDue = true;
      } else {
        this.#pullFrom(peer);
        this.#options.changed(undefined, 0);
      }
    }
    // The same pull again: its sync is under way and sees to its own retries.
    if (message.pull !== peer.theirPull) {
      peer.theirPull = message.pull;
      peer.acked = this.#changes;
      peer.sent = this.#changes;
      const filters = this.#options.local.filters();
      peer.sync = { filters, base: this.#changes, index: 0, part: null, last: false, sendDue: true };
      peer.progressed = true;
      this.fullSyncs++;
      this.#trimLog();
      this.#settleWaiters();
    }
    this.#wake();
  }

  #onSync(peer: Peer, message: InterestSync): void {
    if (message.pull !== peer.pull) return;
    peer.pullDue = false;
    peer.ackDue = true;
    if (message.index === peer.parts && !peer.synced) {
      if (message.index === 0) peer.applied = message.base;
      for (const filter of message.filters) peer.known.set(filter);
      peer.parts++;
      peer.progressed = true;
      if (message.last) {
        peer.synced = true;
        this.#options.changed(undefined, 0);
      }
    }
    this.#wake();
  }

  #onDelta(peer: Peer, message: InterestDelta): void {
    if (message.pull !== peer.pull || peer.parts === 0) return;
    peer.ackDue = true;
    this.#wake();
    if (message.after > peer.applied || message.upTo <= peer.applied) return;
    peer.applied = message.upTo;
    for (const filter of message.added) {
      if (peer.known.has(filter)) continue;
      peer.known.set(filter);
      if (peer.synced) this.#options.changed(filter, peer.thread);
    }
    for (const filter of message.removed) {
      if (peer.known.delete(filter) && peer.synced) this.#options.changed(filter, peer.thread);
    }
  }

  #onAck(peer: Peer, message: InterestAck): void {
    if (message.pull !== peer.theirPull) return;
    const { sync } = peer;
    if (sync !== null && message.parts === sync.index + 1) {
      peer.progressed = true;
      if (sync.last) {
        peer.sync = null;
      } else {
        sync.index++;
        sync.part = null;
        sync.sendDue = true;
      }
      this.#wake();
    }
    if (message.applied <= peer.acked) return;
    assert(message.applied <= this.#changes, 'nobody has applied what has not happened');
    peer.acked = message.applied;
    if (peer.sent < peer.acked) peer.sent = peer.acked;
    peer.progressed = true;
    this.#trimLog();
    this.#settleWaiters();
    if (peer.sent < this.#changes) this.#wake();
  }

  #flushPeer(peer: Peer): void {
    const from = this.#options.thread;
    if (peer.pullDue) {
      peer.pullDue = false;
      this.#send(peer, { type: 'InterestPull', from, pull: peer.pull, era: peer.era });
    }
    if (peer.ackDue) {
      peer.ackDue = false;
      this.#send(peer, { type: 'InterestAck', from, pull: peer.pull, parts: peer.parts, applied: peer.applied });
    }
    if (peer.theirPull === 0) return;
    // The part first: the receiver takes no delta before it knows the base.
    if (peer.sync?.sendDue) this.#sendPart(peer, peer.sync);
    while (peer.sent < this.#changes && peer.sent - peer.acked < INTEREST_INFLIGHT_MAX) this.#sendDelta(peer);
  }

  #sendDelta(peer: Peer): void {
    const { thread: from, local } = this.#options;
    const after = peer.sent;
    assert(after >= this.#logBase, 'what is not acknowledged is in the log');
    const added = new Set<string>();
    const removed = new Set<string>();
    let characters = 0;
    while (peer.sent < this.#changes && added.size + removed.size < INTEREST_BATCH_FILTERS_MAX) {
      const filter = this.#log[peer.sent - this.#logBase]!;
      characters += filter.length;
      if (characters > INTEREST_BATCH_CHARACTERS_MAX && peer.sent > after) break;
      (local.has(filter) ? added : removed).add(filter);
      peer.sent++;
    }
    const upTo = peer.sent;
    this.#send(peer, {
      type: 'InterestDelta',
      from,
      pull: peer.theirPull,
      after,
      upTo,
      added: [...added],
      removed: [...removed],
    });
  }

  #sendPart(peer: Peer, sync: SyncProgress): void {
    const { thread: from, local } = this.#options;
    if (sync.part === null) this.#readPart(sync);
    const filters = sync.part!.filter((filter) => local.has(filter));
    sync.sendDue = false;
    const { index, last, base } = sync;
    this.#send(peer, { type: 'InterestSync', from, pull: peer.theirPull, index, last, base, filters });
  }

  #readPart(sync: SyncProgress): void {
    const part: string[] = [];
    let characters = 0;
    while (part.length < INTEREST_BATCH_FILTERS_MAX && characters < INTEREST_BATCH_CHARACTERS_MAX) {
      const next = sync.filters.next();
      if (next.done) {
        sync.last = true;
        break;
      }
      part.push(next.value);
      characters += next.value.length;
    }
    sync.part = part;
  }

  #send(peer: Peer, message: InterestMessage): void {
    this.outbox.push({ to: peer.thread, message });
  }

  /** Nothing outstanding in either direction. */
  #settled(peer: Peer): boolean {
    return peer.synced && peer.sync === null && (peer.theirPull === 0 || peer.acked === this.#changes);
  }

  #retry(peer: Peer): void {
    this.retries++;
    if (peer.parts === 0) peer.pullDue = true;
    peer.sent = peer.acked;
    if (peer.sync !== null) peer.sync.sendDue = true;
  }

  /**
   * Number of the last change that every live reactor has applied. One that is to pull (again) may believe itself synced until it does, so
   * what it has acknowledged before still counts and nothing more.
   */
  #appliedEverywhere(): number {
    let applied = this.#changes;
    for (const peer of this.#peers) if (peer?.live && peer.acked < applied) applied = peer.acked;
    return applied;
  }

  #settleWaiters(): void {
    if (this.#waiters.length === 0) return;
    const applied = this.#appliedEverywhere();
    const settled: Waiter[] = [];
    const waiting: Waiter[] = [];
    for (const waiter of this.#waiters) {
      const given = waiter.change > applied && waiter.retriesLeft <= 0;
      if (given) this.waitsGivenUp++;
      (given || waiter.change <= applied ? settled : waiting).push(waiter);
    }
    this.#waiters = waiting;
    for (const waiter of settled) waiter.then();
  }

  #trimLog(): void {
    let needed = this.#changes;
    for (const peer of this.#peers) if (peer !== undefined && listens(peer) && peer.acked < needed) needed = peer.acked;
    const done = needed - this.#logBase;
    if (done <= 0 || (done < this.#log.length && done < this.#log.length / 2)) return;
    this.#log = this.#log.slice(done);
    this.#logBase += done;
  }

  /** The log is full: who still needs its older half has to start over. */
  #dropLaggards(): void {
    const keepFrom = this.#logBase + INTEREST_LOG_MAX / 2;
    for (const peer of this.#peers) {
      if (peer === undefined || !listens(peer) || peer.acked >= keepFrom) continue;
      this.#forget(peer);
    }
    this.#afterForgetting();
  }
}

function listens(peer: Peer | undefined): boolean {
  return peer?.live === true && peer.theirPull !== 0;
}
