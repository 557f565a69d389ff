/**
 * The homes of persistent sessions, one actor on reactor 1 of each node that `cluster.meta` names: which sessions live here, as the directory has it, and how one comes here or leaves. A session has one home at any time: the node that
 * its entry in the metadata names; whoever wants to be it claims the entry under the condition of its last revision.
 *
 *   arrivals.ts     clients that connect here, and the sessions that come for them
 *   departures.ts   what other nodes ask of the sessions that are here
 *   residents.ts    what lies here: at start, and when this node has been alone
 *   undertaker.ts   sessions whose home is dead: their wills, and their end
 *   will-book.ts    wills of clients that leave no session
 *   core.ts         what they share
 */
import { cloneBytes } from '../../base/bytes.ts';
import { HOMES_TICK_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import type { RelayActor } from '../relay/actor.ts';
import type { SessionServices } from '../session/services.ts';
import { readAwayFence } from './arrival.ts';
import { Arrivals } from './arrivals.ts';
import { HomesCore, type HomesOptions } from './core.ts';
import { Departures } from './departures.ts';
import type { HomesMessage, WillVerdict } from './messages.ts';
import { claimOwnWill } from './own-wills.ts';
import { Residents } from './residents.ts';
import { Undertaker } from './undertaker.ts';
import { WillBook } from './will-book.ts';

const TICK = 1;
/** Ticks between two steps of what has time. */
const SLOW_TICKS = 5;

export class HomesActor implements Actor<HomesMessage> {
  readonly #core: HomesCore;
  readonly #arrivals: Arrivals;
  readonly #residents: Residents;
  readonly #departures: Departures;
  readonly #undertaker: Undertaker;
  readonly #wills: WillBook;
  #ticks = 0;

  constructor(services: SessionServices, options: HomesOptions) {
    this.#core = new HomesCore(services, options, (clientId) => this.#residents.compare(clientId));
    this.#arrivals = new Arrivals(this.#core);
    this.#residents = new Residents(this.#core, this.#arrivals);
    this.#departures = new Departures(this.#core, this.#arrivals, this.#residents);
    const { system } = services;
    this.#wills = new WillBook({
      node: system.node,
      register: this.#core.wills,
      publish: (clientId, will) => this.#core.publishWill(clientId, will),
      // A reactor that is made anew knows nothing of the clients of others.
      isGone: (thread) => system.incarnation === 0 || thread === system.thread,
    });
    this.#undertaker = new Undertaker({
      registers: [this.#core.directory, this.#core.wills],
      lostNodes: (then) => options.lostNodes((lost) => this.#core.later(() => then(lost))),
      wallClock: () => services.system.wallClock(),
      publish: (clientId, will) => this.#core.publishWill(clientId, will),
      count: (what) => this.#core.count(what),
    });
  }

  started(ctx: ActorContext<HomesMessage>): void {
    this.#core.ctx = ctx;
    ctx.startTimer(HOMES_TICK_MS, TICK);
  }

  /** Calls `then` when all that lies here is a session of this node, or known to have left. */
  whenConfirmed(then: () => void): void {
    this.#residents.whenConfirmed(then);
  }

  set relay(relay: RelayActor) {
    this.#core.relay = relay;
  }

  /** From the relay, between two messages of that node. */
  passed(name: string, node: number): void {
    this.#core.fences.get(name)?.passed(node);
    const identity = this.#residents.left === 0 ? undefined : readAwayFence(name);
    if (identity !== undefined) this.#residents.passed(identity, node);
  }

  receive(message: HomesMessage, ctx: ActorContext<HomesMessage>): void {
    const to = ctx.replyTo();
    const { entries } = this.#core;
    switch (message.type) {
      case 'settle': {
        if (to === undefined) break;
        const { clientId, isClean, isLasting } = message;
        this.#arrivals.settle({ clientId, isClean, isLasting, to, tries: 0 });
        break;
      }
      case 'keep':
        this.#residents.whenOurs(message.clientId, (isOurs) => {
          const answer = to && ((isKept: boolean): void => ctx.respond(to, isKept));
          if (isOurs) entries.keep(message.clientId, message.record, answer);
          else answer?.(false);
        });
        break;
      case 'forget':
        this.#residents.whenOurs(message.clientId, (isOurs) => {
          if (isOurs) entries.forget(message.clientId);
        });
        break;
      case 'will': {
        const { clientId, record } = message;
        // Lent for this turn.
        const without = cloneBytes(record, 0, record.length);
        const answer = (verdict: WillVerdict): void => void (to !== undefined && ctx.respond(to, verdict));
        if (!this.#core.reachesOthers(ctx.now())) {
          answer('later');
          break;
        }
        this.#residents.whenOurs(clientId, (isOurs) => {
          if (isOurs) claimOwnWill(this.#core, clientId, without, answer);
          else answer('done');
        });
        break;
      }
      case 'begin':
        this.#residents.begin();
        break;
      case 'nodeUp':
        this.#residents.compareAll();
        this.#wills.compareAll();
        break;
      case 'flush':
        this.#core.flush();
        break;
      case 'end':
        this.#arrivals.end(message.clientId, (isDone) => void (to !== undefined && ctx.respond(to, isDone)));
        break;
      case 'noteWill':
        this.#wills.note(message.clientId, message.by, message.will);
        break;
      case 'strikeWill':
        this.#wills.strike(message.clientId, message.by);
        break;
      case 'threadDied':
        this.#wills.threadDied(message.thread);
        break;
      default:
        this.#departures.receive(message, to);
    }
    this.#core.gauge('sessions', entries.size);
  }

  onIo(_event: number, argument: unknown): void {
    (argument as () => void)();
  }

  onTimer(_key: number, ctx: ActorContext<HomesMessage>): void {
    ctx.startTimer(HOMES_TICK_MS, TICK);
    const now = ctx.now();
    this.#departures.tick(now);
    this.#arrivals.tick(now);
    if (++this.#ticks % SLOW_TICKS !== 0) return;
    this.#core.entries.tick();
    this.#residents.tick();
    this.#arrivals.slowTick();
    if (!this.#core.reachesOthers(now)) return;
    this.#wills.begin();
    this.#undertaker.tick();
  }

  inspect(): unknown {
    return {
      isConfirmed: this.#core.isConfirmed,
      sessions: this.#core.entries.size,
      arriving: this.#arrivals.inspect(),
      leaving: this.#departures.inspect(),
      left: this.#residents.left,
      wills: this.#wills.size,
      undertaker: this.#undertaker.inspect(),
    };
  }
}
