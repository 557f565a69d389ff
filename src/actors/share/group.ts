/**
 * One shared subscription (`$share/<name>/<filter>`) as one reactor sees it: its own members, how many there are elsewhere, and whose turn it is. It is a sink of
 * this reactor's router, which hands it the runs that are published here, and only those: so each message is given to one member in the whole node, and a
 * publisher's reactor is the only one that decides about it.
 *
 *   run published here ──deliver──▶ group ──┬─ a member here: a call
 *                                           └─ elsewhere: one ring record, `sharedRun`, that names the group and the place of the member there
 *
 * Where nothing ties a message to a member, one that cannot take it at present (its window is full, or it does not read) is passed over for the next on its reactor that can; when none can, it is
 * the one whose turn it is.
 *
 * Members with a connection come first. If none has one, QoS 1 and 2 messages go to a session that waits for its client. A reactor that has lost its last member
 * meanwhile passes the record on.
 */
import { assert } from '../../base/assert.ts';
import { packetEnd } from '../../wire/mqtt/publish-run.ts';
import type { Run, Sink } from '../router/sink.ts';
import { Subscription } from '../router/subscription.ts';
import type { ShareMember } from './member.ts';
import { Pool } from './pool.ts';
import { hashName, type ShareStrategy } from './strategy.ts';

/** Runs up to this long are dealt out message by message; longer ones in as many parts as there are members, which are then blocks to copy. */
const DEALT_MAX = 32;
/** A place that means "whoever you stick to". */
export const STICKY_PLACE = 0xffff_ffff;

/** What a group asks of its reactor's table. */
export interface GroupHost {
  readonly thread: number;
  random(): number;
  /** Whether the run in hand was published on this reactor. */
  publishedHere(): boolean;
  /** Sends the run to the members of another reactor. */
  forward(group: ShareGroup, thread: number, place: number, run: Run, hops: number): void;
  /** Nobody can have it. */
  drop(messages: number): void;
}

export class ShareGroup implements Sink {
  readonly name: string;
  /** `name/filter`; names no other group, since a name has no slash. */
  readonly key: string;
  readonly online: Pool;
  readonly offline: Pool;
  /** Its place in the router. */
  readonly subscription: Subscription;
  /** What the other reactors have been told about the members here; empty when there are none. */
  announced = '';
  readonly #host: GroupHost;
  #strategy!: ShareStrategy;
  /** Which member a message goes to is more than whose turn it is. */
  #ties = false;
  #turn: number;
  #stuckThread = 0;
  #stuckMember: ShareMember | null = null;

  constructor(host: GroupHost, reactors: number, name: string, filter: string, strategy: ShareStrategy) {
    this.#host = host;
    this.strategy = strategy;
    this.name = name;
    this.key = `${name}/${filter}`;
    this.online = new Pool(host.thread, reactors);
    this.offline = new Pool(host.thread, reactors);
    this.subscription = new Subscription(this, filter, { qos: 2, retainAsPublished: true });
    // Reactors that took turns in step would all begin with the same member.
    this.#turn = host.thread - 1;
  }

  set strategy(strategy: ShareStrategy) {
    if (strategy === this.#strategy) return;
    this.#strategy = strategy;
    this.#ties = strategy === 'hash_client' || strategy === 'hash_topic' || strategy === 'sticky';
    this.#stuckThread = 0;
    this.#stuckMember = null;
  }

  get filter(): string {
    return this.subscription.filter;
  }

  /** No member on any reactor. */
  get isEmpty(): boolean {
    return this.online.total + this.offline.total === 0;
  }

  deliver(run: Run): void {
    if (this.#host.publishedHere()) this.dispatch(run, 0);
  }

  deliveryFailed(error: unknown): void {
    throw error; // members' failures are told to them, so this is ours
  }

  /** Gives each message of the run to one member. `hops`: reactors that have had it before. */
  dispatch(run: Run, hops: number): void {
    const pool = this.#pool();
    if (pool.total === 0 || (pool === this.offline && run.qos === 0)) return this.#host.drop(run.count);
    switch (this.#strategy) {
      case 'sticky':
        return this.#toSticky(pool, run, hops);
      case 'hash_client':
        return this.#to(pool, hashName(run.publisher?.clientId ?? '') % pool.total, run, hops);
      case 'hash_topic':
        return this.#to(pool, hashName(run.topic.name) % pool.total, run, hops);
      default:
        return this.#deal(pool, run, hops);
    }
  }

  /** A run that another reactor has sent to a member here. */
  receive(place: number, run: Run, hops: number): void {
    const { members } = this.#pool();
    if (members.length === 0) return this.dispatch(run, hops);
    if (place === STICKY_PLACE) hand(run, this.#sticky(members));
    else hand(run, this.#ready(members, place % members.length, run));
  }

  #pool(): Pool {
    return this.online.total > 0 ? this.online : this.offline;
  }

  #to(pool: Pool, position: number, run: Run, hops: number): void {
    const thread = pool.place(position);
    if (thread === this.#host.thread) hand(run, this.#ready(pool.members, pool.placed, run));
    else this.#host.forward(this, thread, pool.placed, run, hops);
  }

  /** Who can take it now, from that place on. */
  #ready(members: readonly ShareMember[], place: number, run: Run): ShareMember {
    const first = members[place]!;
    if (this.#ties || hasRoom(first, run)) return first;
    for (let i = 1; i < members.length; i++) {
      const other = members[(place + i) % members.length]!;
      if (hasRoom(other, run)) return other;
    }
    return first;
  }

  /** Parts the run. It is given back as it was: others are still to get it. */
  #deal(pool: Pool, run: Run, hops: number): void {
    const { start, end, count, buffer } = run;
    if (count === 1) return this.#to(pool, this.#next(pool), run, hops);
    const part = count <= DEALT_MAX ? 1 : Math.ceil(count / pool.total);
    let at = start;
    for (let left = count; left > 0; ) {
      run.start = at;
      run.count = Math.min(part, left);
      for (let i = 0; i < run.count; i++) at = packetEnd(buffer, at);
      run.end = at;
      left -= run.count;
      this.#to(pool, this.#next(pool), run, hops);
    }
    assert(at === end, 'the parts of a run are the whole');
    run.start = start;
    run.end = end;
    run.count = count;
  }

  #next(pool: Pool): number {
    if (this.#strategy === 'random') return Math.floor(this.#host.random() * pool.total);
    const turn = this.#turn;
    this.#turn = turn === 0x3fff_ffff ? 0 : turn + 1;
    const here = pool.count(this.#host.thread);
    if (this.#strategy !== 'local_first' || here === 0) return turn % pool.total;
    let before = 0;
    for (let thread = 1; thread < this.#host.thread; thread++) before += pool.count(thread);
    return before + (turn % here);
  }

  #toSticky(pool: Pool, run: Run, hops: number): void {
    const self = this.#host.thread;
    if (this.#stuckThread === 0 || pool.count(this.#stuckThread) === 0) this.#stuckThread = pool.place(0);
    if (this.#stuckThread === self) hand(run, this.#sticky(pool.members));
    else this.#host.forward(this, this.#stuckThread, STICKY_PLACE, run, hops);
  }

  #sticky(members: readonly ShareMember[]): ShareMember {
    const stuck = this.#stuckMember;
    if (stuck !== null && members[stuck.index] === stuck) return stuck;
    return (this.#stuckMember = members[0]!);
  }
}

function hasRoom({ sink, qos }: ShareMember, run: Run): boolean {
  return sink.hasRoom?.(run.qos < qos ? run.qos : qos) !== false;
}

function hand(run: Run, member: ShareMember): void {
  try {
    member.sink.deliver(run, member);
  } catch (error) {
    member.sink.deliveryFailed(error);
  }
}
