/**
 * What lies on this node, and whether it belongs here: at start all of it is compared with the directory, later what may have been followed while this node was alone. What is another node's goes after its session (away.ts); what is
 * nobody's goes. Lives in the homes actor.
 */
import { META_TABLE_PAGE, STORE_ASK_MS } from '../../base/limits.ts';
import { KEYS, type MetadataFailure, type MetadataMessage, type MetadataPage, metadataRef } from '../metadata/messages.ts';
import type { SessionMessage } from '../session/messages.ts';
import type { Arrivals } from './arrivals.ts';
import { Away, type AwayPorts } from './away.ts';
import type { HomesCore } from './core.ts';
import type { Found } from './directory.ts';
import { Emigrant } from './emigrant.ts';
import type { Entry } from './entries.ts';
import { decodeEntry, decodeIdentity, type Identity } from './entry.ts';

export class Residents {
  readonly #core: HomesCore;
  readonly #arrivals: Arrivals;
  readonly #away = new Map<string, Away>();
  #onConfirmed: (() => void)[] = [];
  /** What sessions that have been made again say before it is known whether they live here; and those that do not. */
  #early: (() => void)[] = [];
  readonly #strangers = new Set<string>();

  constructor(core: HomesCore, arrivals: Arrivals) {
    this.#core = core;
    this.#arrivals = arrivals;
  }

  get away(): number {
    return this.#away.size;
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

  /** A fence of a session that has moved without this node. */
  passed(identity: Identity, node: number): void {
    for (const away of this.#away.values()) away.passed(identity, node);
  }

  tick(): void {
    for (const away of [...this.#away.values()]) away.tick();
  }

  /** The sessions of all reactors have been made again. */
  begin(): void {
    this.#scan(undefined);
  }

  /** Another node is reached again: who has been alone may have been followed. */
  compareAll(): void {
    if (!this.#core.isConfirmed) return;
    for (const clientId of this.#core.entries.clientIds()) this.compare(clientId);
  }

  /** Looks whether the entry is still ours. */
  compare(clientId: string): void {
    const { entries, directory, node } = this.#core;
    const entry: Entry | undefined = entries.get(clientId);
    if (entry === undefined) return;
    directory.get(clientId, (found) => {
      if (found === undefined || entries.get(clientId) !== entry || entry.isFrozen || entry.isUnderWay) return;
      if (found.revision === entry.revision) return;
      const there = found.value === undefined ? undefined : decodeEntry(found.value);
      if (there?.home === node) {
        entry.revision = found.revision;
        entry.isMourned = there.isMourned === true;
      } else this.#place(clientId, { life: entry.life, epoch: entry.epoch }, found, () => {});
    });
  }

  /** The session is not of this node any more. `identity`: what is here for it is to follow it; undefined: is nobody's. */
  evict(clientId: string, identity: Identity | undefined, then: () => void = () => {}): void {
    const { entries, leaving, isConfirmed } = this.#core;
    entries.leave(clientId);
    leaving.add(clientId);
    if (!isConfirmed) this.#strangers.add(clientId);
    this.emigrate(clientId, identity === undefined, (emigrant) => {
      leaving.delete(clientId);
      if (emigrant === undefined || identity === undefined) {
        const deletes = [KEYS.home + clientId, KEYS.session + clientId];
        this.#core.tellMetadata({ type: 'write', puts: [], deletes, sync: false });
      } else {
        this.follow(emigrant, identity);
      }
      then();
      this.#arrivals.resume(clientId);
    });
  }

  /** What is here goes after the session. */
  follow(emigrant: Emigrant, identity: Identity): void {
    const { clientId } = emigrant;
    const away = new Away(this.#awayPorts(), emigrant, identity, () => {
      this.#away.delete(clientId);
      this.#core.gauge('away', this.#away.size);
    });
    this.#away.set(clientId, away);
    this.#core.gauge('away', this.#away.size);
  }

  /** Takes the session from where it is on this node. */
  emigrate(clientId: string, discard: boolean, ready: (emigrant: Emigrant | undefined) => void): void {
    const core = this.#core;
    const terms = { clientId, discard, ready: (emigrant: Emigrant | undefined) => core.later(() => ready(emigrant)) };
    core.services.system.spawn<SessionMessage>(() => new Emigrant(core.services, terms), { name: 'emigrant' });
  }

  // ---- at start ----

  #scan(after: string | undefined): void {
    const page: MetadataMessage = {
      type: 'scan',
      prefix: KEYS.home,
      limit: META_TABLE_PAGE,
      ...(after === undefined ? {} : { after }),
    };
    const { ctx, services } = this.#core;
    const metadata = metadataRef(services.system);
    ctx.ask<MetadataMessage, MetadataPage | MetadataFailure>(metadata, page, STORE_ASK_MS, (answer) => {
      if (answer === undefined || 'code' in answer) return this.#scan(after);
      let left = answer.entries.length;
      const done = (): void => {
        if (--left > 0) return;
        if (answer.isLast) this.#confirmed();
        else this.#scan(answer.entries.at(-1)![0]);
      };
      if (left === 0) return this.#confirmed();
      for (const [key, value] of answer.entries) this.#confirm(key.slice(KEYS.home.length), decodeIdentity(value), done);
    });
  }

  #confirm(clientId: string, identity: Identity | undefined, done: () => void): void {
    if (identity === undefined) return done();
    this.#core.directory.get(clientId, (found) => {
      // Until the metadata answers nobody knows; the session gathers messages meanwhile.
      if (found === undefined) return this.#confirm(clientId, identity, done);
      this.#place(clientId, identity, found, done);
    });
  }

  /** The session lies here; whose is it? */
  #place(clientId: string, identity: Identity, found: Found, then: () => void): void {
    const { entries, node } = this.#core;
    const entry = found.value === undefined ? undefined : decodeEntry(found.value);
    if (entry?.home === node) {
      entries.adopt(clientId, entry, found.revision);
      return then();
    }
    entries.leave(clientId);
    const hasMoved = entry?.life === identity.life && entry.epoch > identity.epoch;
    this.evict(clientId, hasMoved ? identity : undefined, then);
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

  #awayPorts(): AwayPorts {
    const core = this.#core;
    return {
      node: core.node,
      nodes: core.nodes,
      find: (clientId, then) => core.directory.get(clientId, then),
      ask: (node, message, then) => core.ask(node, message, then),
      later: (then) => core.later(then),
      forwarded: (messages) => core.count('further', messages),
    };
  }
}
