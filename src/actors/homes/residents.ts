/**
 * What lies on this node, and whether it belongs here: at start all of it is compared with the directory, then again and again a few, since this node may have been alone. What is another node's
 * goes after its session (left.ts); what is nobody's goes. Lives in the homes actor.
 */
import { HOMES_COMPARED_AT_ONCE, META_TABLE_PAGE, STORE_ASK_MS } from '../../base/limits.ts';
import { KEYS, type MetadataFailure, type MetadataMessage, type MetadataPage, metadataRef } from '../metadata/messages.ts';
import type { SessionMessage } from '../session/messages.ts';
import type { ShardFacts } from '../store/messages.ts';
import type { Arrivals } from './arrivals.ts';
import type { HomesCore } from './core.ts';
import type { Found } from './directory.ts';
import { Emigrant, type EmigrantTerms } from './emigrant.ts';
import type { Entry } from './entries.ts';
import { entryIn, type HomeEntry } from './entry.ts';
import { Left, type LeftPorts } from './left.ts';
import { decodeHomeNote, decodeLeftNote, type HomeNote, type LeftNote, leftKey } from './notes.ts';

export class Residents {
  readonly #core: HomesCore;
  readonly #arrivals: Arrivals;
  /** Of sessions that have left, by life. */
  readonly #left = new Map<string, Set<Left>>();
  #leftCount = 0;
  /** Where the comparison is. */
  #compared: Iterator<string> | null = null;
  #onConfirmed: (() => void)[] = [];
  /** What sessions that have been made again say before it is known whether they live here; and those that do not. */
  #early: (() => void)[] = [];
  readonly #strangers = new Set<string>();

  constructor(core: HomesCore, arrivals: Arrivals) {
    this.#core = core;
    this.#arrivals = arrivals;
    core.onBegin = (life) => {
      for (const left of this.#left.get(life) ?? []) left.returned();
    };
  }

  get left(): number {
    return this.#leftCount;
  }

  /** Calls `then` when all that lies here is a session of this node, or known to have left. */
  whenConfirmed(then: () => void): void {
    if (this.#core.isConfirmed) then();
    else this.#onConfirmed.push(then);
  }

  /** Nothing is said in the name of a session that has left. */
  whenOurs(clientId: string, then: (isOurs: boolean) => void): void {
    if (!this.#core.isConfirmed) this.#early.push(() => then(!this.#strangers.has(clientId)));
    else then(!this.#core.leaving.has(clientId));
  }

  /** A fence of a session, whose home is another one since. */
  passed({ life, epoch }: { readonly life: string; readonly epoch: number }, node: number): void {
    for (const left of this.#left.get(life) ?? []) left.passed(epoch, node);
  }

  tick(): void {
    for (const all of [...this.#left.values()]) for (const left of [...all]) left.tick();
    if (this.#core.isConfirmed) this.#compareSome();
  }

  /** The sessions of all reactors have been made again. */
  begin(): void {
    this.#scanLeft(() => this.#scanHomes());
  }

  /** Another node is reached again: who has been alone may have been followed. */
  compareAll(): void {
    for (const all of this.#left.values()) for (const left of all) left.wake();
    if (!this.#core.isConfirmed) return;
    for (const clientId of this.#core.entries.clientIds()) this.compare(clientId);
  }

  /** Whoever has become the home may not have been able to say so. */
  #compareSome(): void {
    const compared = (this.#compared ??= this.#core.entries.clientIds()[Symbol.iterator]());
    for (let i = 0; i < HOMES_COMPARED_AT_ONCE; i++) {
      const { value, done } = compared.next();
      if (done === true) {
        this.#compared = null;
        return;
      }
      this.compare(value);
    }
  }

  /** Looks whether the entry is still ours. */
  compare(clientId: string): void {
    const { entries, directory, node } = this.#core;
    const entry: Entry | undefined = entries.get(clientId);
    if (entry === undefined) return;
    directory.get(clientId, (found) => {
      if (found === undefined || entries.get(clientId) !== entry || entry.isFrozen || entry.isUnderWay) return;
      // Claimed, and still on its way: what has come for it can be given on when it is a session; it is looked at again then.
      if (this.#arrivals.has(clientId)) return;
      if (found.revision === entry.revision) return;
      const there = entryIn(found);
      if (there?.home === node) {
        entry.revision = found.revision;
        entry.isMourned = there.isMourned === true;
      } else this.#place(clientId, entry, found, () => {});
    });
  }

  /** The session is not of this node any more. `note`: what is here for it is to follow it; undefined: is nobody's. */
  evict(clientId: string, note: HomeNote | undefined, then: () => void = () => {}): void {
    const { entries, leaving, isConfirmed } = this.#core;
    entries.leave(clientId);
    leaving.add(clientId);
    if (!isConfirmed) this.#strangers.add(clientId);
    const done = (): void => {
      leaving.delete(clientId);
      then();
      this.#arrivals.resume(clientId);
    };
    this.#bringOut(clientId, note, done);
  }

  #bringOut(clientId: string, note: HomeNote | undefined, done: () => void): void {
    const core = this.#core;
    this.emigrate(clientId, note === undefined, (emigrant) => {
      if (emigrant === 'later')
        return core.services.inboxes!.inAWhile(() => core.later(() => this.#bringOut(clientId, note, done)));
      if (emigrant !== 'none' && note !== undefined) return this.follow(emigrant, note, done);
      const deletes = [KEYS.home + clientId, KEYS.session + clientId];
      this.#core.tellMetadata({ type: 'write', puts: [], deletes, sync: false });
      done();
    });
  }

  /** What is here, and what comes, goes after the session. Calls `then` when the session can come here again. */
  follow(emigrant: Emigrant, note: HomeNote, then: () => void): void {
    this.#add(Left.by(this.#leftPorts(), emigrant, note, then));
  }

  #add(left: Left): void {
    const all = this.#left.get(left.life);
    if (all === undefined) this.#left.set(left.life, new Set([left]));
    else all.add(left);
    this.#core.gauge('away', ++this.#leftCount);
  }

  #remove(left: Left): void {
    const all = this.#left.get(left.life);
    if (all?.delete(left) !== true) return;
    if (all.size === 0) this.#left.delete(left.life);
    this.#core.gauge('away', --this.#leftCount);
  }

  /** Takes the session from where it is on this node. */
  emigrate(clientId: string, discard: boolean, ready: EmigrantTerms['ready']): void {
    const core = this.#core;
    const terms: EmigrantTerms = { clientId, discard, ready: (emigrant) => core.later(() => ready(emigrant)) };
    core.services.system.spawn<SessionMessage>(() => new Emigrant(core.services, terms), { name: 'emigrant' });
  }

  // ---- at start ----

  #scanLeft(then: () => void): void {
    const make = (entries: MetadataPage['entries'], done: () => void): void => {
      const notes = entries.flatMap(([, value]) => decodeLeftNote(value) ?? []);
      const shards = notes.map(({ shard }) => shard);
      this.#core.services.inboxes!.know(shards, [], (facts) =>
        this.#core.later(() => {
          for (const [i, note] of notes.entries()) this.#restore(note, facts[i] ?? null);
          done();
        }),
      );
    };
    this.#scan(KEYS.left, undefined, make, then);
  }

  #restore(note: LeftNote, facts: ShardFacts | null): void {
    if (facts !== null) this.#add(Left.restored(this.#leftPorts(), note, facts));
    else this.#core.tellMetadata({ type: 'write', puts: [], deletes: [leftKey(note)], sync: false });
  }

  #scanHomes(): void {
    const confirm = (entries: MetadataPage['entries'], done: () => void): void => {
      let left = entries.length;
      const one = (): void => {
        if (--left === 0) done();
      };
      for (const [key, value] of entries) this.#confirm(key.slice(KEYS.home.length), decodeHomeNote(value), one);
    };
    this.#scan(KEYS.home, undefined, confirm, () => this.#confirmed());
  }

  /** Everything with that prefix, a page at a time. */
  #scan(
    prefix: string,
    after: string | undefined,
    take: (entries: MetadataPage['entries'], done: () => void) => void,
    then: () => void,
  ): void {
    const page: MetadataMessage = { type: 'scan', prefix, limit: META_TABLE_PAGE, ...(after === undefined ? {} : { after }) };
    const { ctx, services } = this.#core;
    const metadata = metadataRef(services.system);
    ctx.ask<MetadataMessage, MetadataPage | MetadataFailure>(metadata, page, STORE_ASK_MS, (answer) => {
      if (answer === undefined || 'code' in answer) return this.#scan(prefix, after, take, then);
      const { entries, isLast } = answer;
      const next = (): void => (isLast ? then() : this.#scan(prefix, entries.at(-1)![0], take, then));
      if (entries.length === 0) next();
      else take(entries, next);
    });
  }

  #confirm(clientId: string, note: HomeNote | undefined, done: () => void): void {
    if (note === undefined) return done();
    const { node } = this.#core;
    // Somebody may be about to claim it from here; or this node was about to, in a former life: that must not be done any more.
    const isOpen = (entry: HomeEntry | undefined): boolean =>
      entry?.home === node ? note.leaving !== undefined : entry?.life === note.life && entry.epoch < note.epoch;
    this.#core.secure(clientId, isOpen, (found) => {
      // Until the metadata answers nobody knows; the session gathers messages meanwhile.
      if (found === undefined) return this.#confirm(clientId, note, done);
      this.#place(clientId, note, found, done);
    });
  }

  /** The session lies here; whose is it? */
  #place(clientId: string, note: HomeNote, found: Found, then: () => void): void {
    const { entries, node } = this.#core;
    const entry = entryIn(found);
    if (entry?.home === node) {
      entries.adopt(clientId, entry, found.revision);
      if (note.leaving !== undefined) this.#core.noteLife(clientId, entry);
      return then();
    }
    const { life, epoch, leaving } = note;
    const hasMoved = entry?.life === life && entry.epoch > epoch;
    const hasMovedSo = leaving !== undefined && entry?.moves.includes(leaving.move) === true;
    const isLeft = hasMoved && !(hasMovedSo && leaving.isWhole);
    this.evict(clientId, isLeft ? { life, epoch, leaving: hasMovedSo ? leaving : undefined } : undefined, then);
  }

  #confirmed(): void {
    this.#core.isConfirmed = true;
    const early = this.#early;
    this.#early = [];
    for (const say of early) say();
    this.#strangers.clear();
    const waiting = this.#onConfirmed;
    this.#onConfirmed = [];
    for (const then of waiting) then();
    this.#arrivals.confirmed();
  }

  #leftPorts(): LeftPorts {
    const core = this.#core;
    return {
      services: core.services,
      nodes: core.nodes,
      find: (clientId, then) => core.directory.get(clientId, then),
      ask: (node, message, then) => core.ask(node, message, then),
      later: (then) => core.later(then),
      tellMetadata: (write) => core.tellMetadata(write),
      forwarded: (messages) => core.count('further', messages),
      ended: (left) => this.#remove(left),
    };
  }
}
