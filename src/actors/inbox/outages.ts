/**
 * While a reactor is dead and its persistent sessions are not there again, nobody knows their subscriptions, and a message for them would be acknowledged and lost. So its filters are
 * remembered, and clients that publish at QoS 1 or 2 what matches them are not read on until the sessions are back. One per reactor.
 *
 *   reactor 2 dies ── its filters are kept here ──▶ a PUBLISH that matches waits in its connection
 *                     every reactor whose registry has ids of its sessions makes them again, and tells all others: recovered
 *                     reactor 2 comes back, makes those whose ids are its own, and says the same
 *                     all have said so ──▶ clients are read on
 *
 * A reactor that comes back knows nothing of what it had: until the others have told it, it takes all to be wanted. Whether somebody was told is not remembered anywhere but here; a reactor
 * that sees another one come up says again that it has nothing more to make. Bounded by OUTAGE_MS_MAX.
 */
import { OUTAGE_MS_MAX } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { FilterTrie } from '../router/filter-trie.ts';
import type { KnownFilters } from '../router/interest-machine.ts';
import { ROUTER_BYTES } from '../router/messages.ts';
import type { Router } from '../router/router.ts';
import { parseEntry } from '../share/messages.ts';
import type { ShareTable } from '../share/table.ts';
import type { RecordSender } from './joint-units.ts';

export class Outages implements Actor<never> {
  /** Some messages have to wait. */
  isOpen = false;
  readonly #system: ActorSystem;
  readonly #sender: RecordSender;
  readonly #router: Router;
  readonly #shares: ShareTable;
  /** Whether a reactor that lives has persistent sessions. */
  readonly #isDurable: (thread: number) => boolean;
  readonly #live = new Set<number>();
  /** By reactor that has died: those that have yet to say that its sessions are there again. */
  readonly #missing = new Map<number, Set<number>>();
  /** Reactors that have died and whose sessions this one is making again. */
  readonly #making = new Set<number>();
  /** What those that have died wanted; null: who knows. */
  #wanted: KnownFilters[] | null = [];
  #waiting: (() => void)[] = [];
  #ctx: ActorContext<never> | null = null;
  #openedAt = 0;

  constructor(
    system: ActorSystem,
    sender: RecordSender,
    router: Router,
    shares: ShareTable,
    isDurable: (thread: number) => boolean,
  ) {
    this.#system = system;
    this.#sender = sender;
    this.#router = router;
    this.#shares = shares;
    this.#isDurable = isDurable;
    for (let thread = 1; thread <= system.reactors; thread++) this.#live.add(thread);
    system.onThreadChange((thread, state) => (state === 'down' ? this.#down(thread) : this.#up(thread)));
  }

  started(ctx: ActorContext<never>): void {
    this.#ctx = ctx;
    if (this.#system.incarnation > 0) {
      this.#wanted = null;
      this.#open(this.#system.thread);
    }
  }

  receive(): void {}

  onTimer(_key: number, ctx: ActorContext<never>): void {
    const leftMs = this.#openedAt + OUTAGE_MS_MAX - ctx.now();
    if (leftMs > 0) ctx.startTimer(leftMs, 0);
    else this.#close();
  }

  inspect(): unknown {
    return { open: this.isOpen, missing: [...this.#missing].map(([dead, from]) => ({ dead, from: [...from] })) };
  }

  /** Whether a session that is not there may want the topic. Only while `isOpen`. */
  concerns(topic: string): boolean {
    return this.#wanted === null || this.#wanted.some((filters) => filters.matches(topic));
  }

  /** Calls `then` when all sessions are there again. */
  whenOver(then: () => void): void {
    if (this.isOpen) this.#waiting.push(then);
    else then();
  }

  /** This reactor, which may be the one that had died, has made the sessions of `thread` again that are its to make, and the others know their subscriptions. */
  recovered(thread: number): void {
    this.#making.delete(thread);
    this.#heard(this.#system.thread, thread);
    for (const other of this.#live) if (other !== this.#system.thread) this.#tell(other, thread);
  }

  /** A record `recovered`: sender u32 · reactor that had died u32. */
  onRecovered(bytes: Uint8Array, start: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start);
    this.#heard(view.getUint32(0, true), view.getUint32(4, true));
  }

  #down(thread: number): void {
    this.#live.delete(thread);
    this.#making.add(thread);
    for (const from of this.#missing.values()) from.delete(thread);
    if (!this.#isDurable(thread)) return this.#settle();
    const filters = this.#router.interest.knownOf(thread);
    const entries = this.#shares.interest.filtersOf(thread);
    if (filters === undefined || entries === undefined) this.#wanted = null;
    else if (this.#wanted !== null) {
      const shared = new FilterTrie<string>((filter) => filter);
      for (const entry of entries) {
        const { key } = parseEntry(entry);
        shared.set(key.slice(key.indexOf('/') + 1));
      }
      this.#wanted.push(filters, shared);
    }
    this.#open(thread);
  }

  #up(thread: number): void {
    this.#live.add(thread);
    if (!this.#making.has(thread)) this.#tell(thread, thread);
  }

  #tell(to: number, thread: number): void {
    const record = new Uint8Array(8);
    const view = new DataView(record.buffer);
    view.setUint32(0, this.#system.thread, true);
    view.setUint32(4, thread, true);
    this.#sender.sendAnyway(to, ROUTER_BYTES.recovered, record);
  }

  #open(thread: number): void {
    this.#missing.set(thread, new Set([...this.#live, thread]));
    if (!this.isOpen) {
      this.isOpen = true;
      this.#openedAt = this.#system.now();
      this.#ctx?.startTimer(OUTAGE_MS_MAX, 0);
    }
    this.#settle();
  }

  #heard(from: number, thread: number): void {
    this.#missing.get(thread)?.delete(from);
    this.#settle();
  }

  #settle(): void {
    for (const from of this.#missing.values()) if (from.size > 0) return;
    this.#close();
  }

  #close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#missing.clear();
    this.#wanted = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const then of waiting) then();
  }
}
