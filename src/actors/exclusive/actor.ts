/**
 * The exclusive actor of a reactor: gives the filters that belong to it to one client each, and takes back those of threads that have died. In a cluster a client has a filter when the node's keeper says so as well.
 */
import { EXCLUSIVE_ASK_MS, EXCLUSIVE_LOSE_ATTEMPTS, EXCLUSIVE_RETRY_MS, EXCLUSIVE_TOPICS_MAX } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { type ActorRef, threadOf } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { exclusiveFilter } from '../../wire/mqtt/topics.ts';
import type { SessionMessage } from '../session/messages.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { KEEPER_THREAD, type KeeperAnswer, type KeeperMessage } from './keeper-messages.ts';
import { ExclusiveMachine } from './machine.ts';
import type { ClaimExclusive, ExclusiveAnswer, ExclusiveMessage } from './messages.ts';
import { EXCLUSIVE_PROBE } from './probe.ts';

const { slot } = EXCLUSIVE_PROBE;

type Context = ActorContext<ExclusiveMessage>;

/** Filters of clients here, and whether the keeper has granted them or has only been told: then it may still say that another node has them. */
type Kept = Map<string, 'granted' | 'told'>;

/** A session that is to be unsubscribed, since another client of the cluster has what it had. */
interface Loser {
  readonly filter: string;
  readonly session: ActorRef<SessionMessage>;
  readonly attempts: number;
}

export class ExclusiveActor implements Actor<ExclusiveMessage> {
  readonly #machine: ExclusiveMachine;
  readonly #slots: Float64Array;
  /** Null: the node shares with nobody. */
  readonly #keeper: ActorRef<KeeperMessage> | null;
  readonly #kept: Kept;
  /** Those that could not be unsubscribed just then, by the timer that tries again. */
  readonly #losers = new Map<number, Loser>();
  #lastTimer = 0;

  /** `machine` and `kept` outlive a restart of the actor. */
  constructor(
    machine: ExclusiveMachine,
    slots: Float64Array,
    keeper: ActorRef<KeeperMessage> | null = null,
    kept: Kept = new Map(),
  ) {
    this.#kept = kept;
    this.#machine = machine;
    this.#slots = slots;
    this.#keeper = keeper;
  }

  receive(message: ExclusiveMessage, ctx: Context): void {
    switch (message.type) {
      case 'release':
        if (this.#machine.release(message.filter, message.session)) this.#drop(message.filter, ctx);
        break;
      case 'lost':
        this.#lose(message.filter, ctx);
        break;
      case 'claim':
        this.#claim(message, ctx);
        break;
    }
    this.#slots[slot.held] = this.#machine.size;
  }

  onTimer(key: number, ctx: Context): void {
    const loser = this.#losers.get(key);
    this.#losers.delete(key);
    // Whoever has it by now has been granted it.
    if (loser !== undefined && this.#machine.holderOf(loser.filter) === undefined) this.#unsubscribe(loser, ctx);
  }

  inspect(): unknown {
    return { held: this.#machine.size, kept: this.#kept.size, losers: this.#losers.size };
  }

  #claim(claim: ClaimExclusive, ctx: Context): void {
    const { filter, clientId, session } = claim;
    const to = ctx.replyTo();
    const answer = (said: ExclusiveAnswer): void => {
      if (said !== 'granted') this.#slots[slot.refused]!++;
      if (to !== undefined) ctx.respond(to, said);
    };
    const granted = this.#machine.claim(claim);
    if (granted !== 'granted' || this.#keeper === null || this.#kept.get(filter) === 'granted') return answer(granted);
    if (to === undefined) return this.#tell(filter, clientId, ctx);
    ctx.ask<KeeperMessage, KeeperAnswer>(
      this.#keeper,
      { type: 'keep', filter, clientId },
      EXCLUSIVE_ASK_MS,
      (said = 'unknown') => {
        const isStill = this.#machine.holderOf(filter)?.clientId === clientId;
        if (said === 'granted' && isStill) this.#kept.set(filter, 'granted');
        else if (isStill && (said === 'taken' || !this.#kept.has(filter))) {
          this.#machine.release(filter, session);
          this.#kept.delete(filter);
        }
        // Granted, or perhaps, and not wanted any more.
        if (said !== 'taken' && !this.#kept.has(filter)) this.#drop(filter, ctx);
        this.#slots[slot.held] = this.#machine.size;
        answer(said);
      },
    );
  }

  /** A session has it already: the keeper says `lost` if it cannot. */
  #tell(filter: string, clientId: string, ctx: Context): void {
    if (this.#kept.has(filter)) return;
    this.#kept.set(filter, 'told');
    ctx.tell<KeeperMessage>(this.#keeper!, { type: 'keep', filter, clientId });
  }

  #drop(filter: string, ctx: Context): void {
    this.#kept.delete(filter);
    if (this.#keeper !== null) ctx.tell<KeeperMessage>(this.#keeper, { type: 'drop', filter });
  }

  /** Its session is unsubscribed: another client of the cluster has it. */
  #lose(filter: string, ctx: Context): void {
    this.#kept.delete(filter);
    const holder = this.#machine.holderOf(filter);
    if (holder === undefined) return;
    this.#slots[slot.lost]!++;
    this.#machine.release(filter, holder.session);
    this.#unsubscribe({ filter, session: holder.session as ActorRef<SessionMessage>, attempts: EXCLUSIVE_LOSE_ATTEMPTS }, ctx);
  }

  /** A session that is being taken over, or takes over, does not do what it is asked: it is asked again until it is at home, or gone. */
  #unsubscribe({ filter, session, attempts }: Loser, ctx: Context): void {
    const request: SessionMessage = { type: 'unsubscribe', filters: [exclusiveFilter(filter)] };
    ctx.ask<SessionMessage, readonly number[] | null>(session, request, EXCLUSIVE_ASK_MS, (done = null) => {
      if (done !== null || attempts === 1) return;
      const timer = ++this.#lastTimer;
      this.#losers.set(timer, { filter, session, attempts: attempts - 1 });
      ctx.startTimer(EXCLUSIVE_RETRY_MS, timer);
    });
  }
}

export function spawnExclusive(system: ActorSystem, keeper: ActorRef<KeeperMessage> | null = null): ActorRef<ExclusiveMessage> {
  const machine = new ExclusiveMachine(EXCLUSIVE_TOPICS_MAX);
  const kept: Kept = new Map();
  const ref = system.spawn<ExclusiveMessage>(() => new ExclusiveActor(machine, system.slots, keeper, kept), {
    name: 'exclusive',
    wellKnown: WELL_KNOWN.exclusive,
  });
  system.onThreadChange((thread, state) => {
    if (state === 'down') {
      const gone = machine.forget((session) => threadOf(session) === thread);
      if (keeper === null) return;
      for (const filter of gone) {
        kept.delete(filter);
        system.tell<KeeperMessage>(keeper, { type: 'drop', filter });
      }
    } else if (keeper !== null && thread === KEEPER_THREAD) {
      // It begins with nothing.
      for (const { filter, clientId } of machine.holders())
        system.tell<KeeperMessage>(keeper, { type: 'keep', filter, clientId });
    }
  });
  return ref;
}
