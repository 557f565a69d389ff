/**
 * The shared subscriptions of a node as one reactor knows them, one table per reactor. It joins and parts its clients with groups, tells the other reactors how many members are
 * here, and carries messages to those chosen elsewhere. Costs nothing for topics that no group matches: a group is an entry of the router's tries.
 *
 * Soft state: a group is here as long as it has a member on any live reactor. Until a reactor that was heard of before has told everything anew, what it said
 * before counts; of one that died nothing does. A client is not accepted before its reactor has heard of all others (`whenKnown`), so a publisher never meets
 * a reactor that overlooks a group.
 */
import { assert } from '../../base/assert.ts';
import { INTEREST_RETRY_MS, INTEREST_WAIT_RETRIES, SHARE_HOPS_MAX } from '../../base/limits.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import { packetTopic } from '../../wire/mqtt/publish-run.ts';
import { InterestMachine } from '../router/interest-machine.ts';
import { ROUTER_BYTES } from '../router/messages.ts';
import { type Publisher, UNIT_BYTES } from '../router/publisher.ts';
import type { Router } from '../router/router.ts';
import type { Run, SubscribeOptions } from '../router/sink.ts';
import { type GroupHost, ShareGroup } from './group.ts';
import { KnownEntries } from './known-entries.ts';
import { ShareMember, type ShareSink } from './member.ts';
import { encodeEntry, encodeSharedRun, parseEntry, readSharedRunHead, sharedRunSize } from './messages.ts';
import { SHARE_PROBE } from './probe.ts';
import { type ShareSettings, strategyOf } from './strategy.ts';

const { slot } = SHARE_PROBE;

/** Messages that can be given to another member. */
export type Returned = Pick<Run, 'dialect' | 'buffer' | 'start' | 'end' | 'count' | 'expiresAt'> & {
  readonly share: string | null;
};

export class ShareTable implements GroupHost {
  readonly thread: number;
  readonly interest: InterestMachine;
  readonly #system: ActorSystem;
  readonly #router: Router;
  readonly #publisher: Publisher;
  #settings: ShareSettings;
  readonly #groups = new Map<string, ShareGroup>();
  /** By sink and key. */
  readonly #members = new Map<ShareSink, Map<string, ShareMember>>();
  /** What each other reactor has said about a group, by thread and key: the entry in effect. */
  readonly #told: Map<string, string>[];
  readonly #keyBytes = new WeakMap<ShareGroup, Uint8Array>();
  #waiting: { then: () => void; untilMs: number }[] = [];
  #wake: () => void = () => {};
  /** Null for a node by itself. */
  #onGroup: ((key: string) => void) | null = null;

  constructor(system: ActorSystem, router: Router, publisher: Publisher, settings: ShareSettings) {
    const { thread, reactors, incarnation } = system;
    this.thread = thread;
    this.#system = system;
    this.#router = router;
    this.#publisher = publisher;
    this.#settings = settings;
    this.#told = Array.from({ length: reactors + 1 }, () => new Map());
    this.interest = new InterestMachine({
      thread,
      reactors,
      incarnation,
      local: { has: (entry) => this.#isAnnounced(entry), filters: () => this.#announcements() },
      newKnown: () => new KnownEntries(),
      changed: (entry, from) => (entry === undefined ? this.#allChanged() : this.#entryChanged(from, entry)),
      wake: () => this.#wake(),
    });
  }

  get size(): number {
    return this.#groups.size;
  }

  /** Makes `sink` a member, or changes what it is one by. */
  join(sink: ShareSink, name: string, filter: string, options: SubscribeOptions, online: boolean): { isNew: boolean } {
    const group = this.#groupOf(`${name}/${filter}`, name, filter);
    let mine = this.#members.get(sink);
    const member = mine?.get(group.key);
    if (member !== undefined) {
      member.change(options);
      return { isNew: false };
    }
    if (mine === undefined) this.#members.set(sink, (mine = new Map()));
    const joined = new ShareMember(sink, group, online, options);
    mine.set(group.key, joined);
    this.#enter(joined);
    this.#system.slots[slot.members]!++;
    return { isNew: true };
  }

  /** False when it was no member. */
  part(sink: ShareSink, name: string, filter: string): boolean {
    const mine = this.#members.get(sink);
    const member = mine?.get(`${name}/${filter}`);
    if (member === undefined) return false;
    this.#leave(member);
    mine!.delete(member.group.key);
    if (mine!.size === 0) this.#members.delete(sink);
    return true;
  }

  /** Leaves all groups. False when it was in none. */
  partAll(sink: ShareSink): boolean {
    const mine = this.#members.get(sink);
    if (mine === undefined) return false;
    this.#members.delete(sink);
    for (const member of mine.values()) this.#leave(member);
    return true;
  }

  /** Its connection came or went. False when it is in no group. */
  setOnline(sink: ShareSink, online: boolean): boolean {
    const mine = this.#members.get(sink);
    if (mine === undefined) return false;
    for (const member of mine.values()) {
      if (member.online === online) continue;
      const { group } = member;
      (member.online ? group.online : group.offline).remove(member);
      member.online = online;
      this.#enter(member);
    }
    return true;
  }

  /** Gives all memberships of one sink to another that has none. */
  move(from: ShareSink, to: ShareSink): void {
    const mine = this.#members.get(from);
    if (mine === undefined) return;
    assert(!this.#members.has(to), 'only a sink without memberships takes over those of another');
    this.#members.delete(from);
    this.#members.set(to, mine);
    for (const member of mine.values()) member.sink = to;
  }

  membersOf(sink: ShareSink): Iterable<ShareMember> {
    return this.#members.get(sink)?.values() ?? [];
  }

  count(sink: ShareSink): number {
    return this.#members.get(sink)?.size ?? 0;
  }

  has(sink: ShareSink, name: string, filter: string): boolean {
    return this.#members.get(sink)?.has(`${name}/${filter}`) ?? false;
  }

  /** Whether a member with a connection could take what one without keeps. */
  hasOnline(key: string): boolean {
    return (this.#groups.get(key)?.online.total ?? 0) > 0;
  }

  /** Whether it has members at all. */
  hasGroup(key: string): boolean {
    return this.#groups.has(key);
  }

  /** Gives messages that a member has not acknowledged, or not been sent, to another one. */
  redeliver(returned: readonly Returned[]): void {
    for (const { share, dialect, buffer, start, end, count, expiresAt } of returned) {
      const name = packetTopic(buffer, start);
      const topic = this.#router.topics.intern(buffer, name.start, name.end);
      const group = share === null ? undefined : this.#groups.get(share);
      if (topic === undefined || group === undefined) {
        this.drop(count);
        continue;
      }
      const header = buffer[start]!;
      const qos = ((header >> 1) & 3) as Qos;
      this.#system.slots[slot.redelivered]! += count;
      group.dispatch(
        { topic, publisher: null, dialect, qos, retain: (header & 1) !== 0, count, buffer, start, end, expiresAt },
        0,
      );
    }
  }

  /** A `sharedRun` record. `run` is refilled by `decode` from where it begins. */
  receive(bytes: Uint8Array, start: number, end: number, decode: (runStart: number) => Run): void {
    const { key, place, hops, runStart } = readSharedRunHead(bytes, start, end);
    const run = decode(runStart);
    const group = this.#groups.get(key);
    if (group === undefined) this.drop(run.count);
    else group.receive(place, run, hops + 1);
  }

  /** A run that was published on another node, whose relay has chosen this one. */
  deliverRelayed(key: string, run: Run): void {
    const group = this.#groups.get(key);
    if (group === undefined) this.drop(run.count);
    else group.dispatch(run, 0);
  }

  /** Calls `then` with the key of a group that has its first member on this node, or has lost its last. */
  onGroups(then: (key: string) => void): void {
    this.#onGroup = then;
  }

  /** A member of it is on this node, on whichever reactor. */
  isKnownGroup(key: string): boolean {
    return this.#groups.has(key);
  }

  groupKeys(): Iterable<string> {
    return this.#groups.keys();
  }

  /** See `InterestMachine.whenApplied`. */
  whenApplied(then: () => void): void {
    this.interest.whenApplied(then);
  }

  /** The groups of every live reactor are known. */
  get isKnown(): boolean {
    return this.interest.synced;
  }

  /** Calls `then` when that is so, and in the end anyway. */
  whenKnown(then: () => void): void {
    this.#waiting.push({ then, untilMs: this.#system.now() + INTEREST_WAIT_RETRIES * INTEREST_RETRY_MS });
  }

  onWake(wake: () => void): void {
    this.#wake = wake;
  }

  /** Groups that are there choose their members in the new way from now on. */
  change(settings: ShareSettings): void {
    this.#settings = settings;
    for (const group of this.#groups.values()) group.strategy = strategyOf(settings, group.name);
  }

  /** Called by the actor after everything that it does. */
  report(): void {
    if (this.#waiting.length === 0) return;
    const { isKnown } = this;
    const now = this.#system.now();
    const due = this.#waiting.filter(({ untilMs }) => isKnown || untilMs <= now);
    this.#waiting = this.#waiting.filter((each) => !due.includes(each));
    for (const { then } of due) then();
  }

  random(): number {
    return this.#system.random();
  }

  publishedHere(): boolean {
    return this.#router.source === this.thread && !this.#router.isRelayed;
  }

  forward(group: ShareGroup, thread: number, place: number, run: Run, hops: number): void {
    if (hops >= SHARE_HOPS_MAX) return this.drop(run.count);
    let key = this.#keyBytes.get(group);
    if (key === undefined) this.#keyBytes.set(group, (key = Buffer.from(group.key)));
    const isAwaited = run.qos > 0 && this.#publisher.isAwaited(thread);
    const unit = isAwaited ? UNIT_BYTES : 0;
    const record = this.#publisher.scratch(unit + sharedRunSize(key, run));
    encodeSharedRun(run, this.#publisher.passing.from || this.thread, key, place, hops, record.subarray(unit));
    if (isAwaited) this.#publisher.sendAwaited(thread, ROUTER_BYTES.awaitedSharedRun, record);
    else this.#publisher.send(thread, ROUTER_BYTES.sharedRun, record);
    this.#system.slots[slot.forwarded]! += run.count;
  }

  drop(messages: number): void {
    this.#system.slots[slot.dropped]! += messages;
  }

  #groupOf(key: string, name: string, filter: string): ShareGroup {
    let group = this.#groups.get(key);
    if (group !== undefined) return group;
    group = new ShareGroup(this, this.#system.reactors, name, filter, strategyOf(this.#settings, name));
    this.#groups.set(key, group);
    this.#router.addShared(group.subscription);
    this.#onGroup?.(key);
    return group;
  }

  #enter(member: ShareMember): void {
    const { group } = member;
    const first = member.online && group.online.total === 0;
    (member.online ? group.online : group.offline).add(member);
    this.#announce(group);
    if (first) this.#releaseWaiting(group);
  }

  #leave(member: ShareMember): void {
    const { group } = member;
    (member.online ? group.online : group.offline).remove(member);
    this.#system.slots[slot.members]!--;
    this.#announce(group);
    this.#forgetIfEmpty(group);
  }

  /** Somebody can take what members without a connection keep. */
  #releaseWaiting(group: ShareGroup): void {
    for (const { sink } of [...group.offline.members]) sink.release?.(group.key);
  }

  #forgetIfEmpty(group: ShareGroup): void {
    if (!group.isEmpty) return;
    this.#groups.delete(group.key);
    this.#router.removeShared(group.subscription);
    this.#onGroup?.(group.key);
  }

  #announce(group: ShareGroup): void {
    const before = group.announced;
    const [online, offline] = [group.online.members.length, group.offline.members.length];
    group.announced = online + offline === 0 ? '' : encodeEntry(online, offline, group.key);
    if (before !== '') this.interest.filterChanged(before);
    if (group.announced !== '') this.interest.filterChanged(group.announced);
  }

  #isAnnounced(entry: string): boolean {
    return this.#groups.get(parseEntry(entry).key)?.announced === entry;
  }

  *#announcements(): Iterator<string> {
    for (const { announced } of this.#groups.values()) if (announced !== '') yield announced;
  }

  #entryChanged(thread: number, entry: string): void {
    const told = this.#told[thread]!;
    const { key } = parseEntry(entry);
    if (this.interest.knows(thread, entry)) this.#tell(thread, key, entry);
    else if (told.get(key) === entry) this.#untell(thread, key);
  }

  /** A reactor died, came, or has told everything anew. */
  #allChanged(): void {
    for (let thread = 1; thread < this.#told.length; thread++) {
      if (thread === this.thread) continue;
      const entries = this.interest.filtersOf(thread);
      const isGone = !this.interest.isLive(thread);
      if (entries === undefined && !isGone) continue; // what it said before counts until it has said everything
      const now = new Map<string, string>();
      if (!isGone) for (const entry of entries ?? []) now.set(parseEntry(entry).key, entry);
      for (const key of [...this.#told[thread]!.keys()]) if (!now.has(key)) this.#untell(thread, key);
      for (const [key, entry] of now) if (this.#told[thread]!.get(key) !== entry) this.#tell(thread, key, entry);
    }
  }

  #tell(thread: number, key: string, entry: string): void {
    this.#told[thread]!.set(key, entry);
    const slash = key.indexOf('/');
    const group = this.#groupOf(key, key.slice(0, slash), key.slice(slash + 1));
    const { online, offline } = parseEntry(entry);
    const first = online > 0 && group.online.total === 0;
    group.online.setCount(thread, online);
    group.offline.setCount(thread, offline);
    if (first) this.#releaseWaiting(group);
  }

  #untell(thread: number, key: string): void {
    this.#told[thread]!.delete(key);
    const group = this.#groups.get(key);
    if (group === undefined) return;
    group.online.setCount(thread, 0);
    group.offline.setCount(thread, 0);
    this.#forgetIfEmpty(group);
  }
}
