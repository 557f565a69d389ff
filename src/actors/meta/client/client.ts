/**
 * The metadata as actors see it: calls for a group go to whoever leads it, again and elsewhere until they are answered or their time is over; commands are in sessions, so
 * that again is not twice. Continuations run in the turns of the client's actor. Bounds: META_CLIENT_CALLS_MAX calls; a further one fails at once.
 */
import {
  META_ATTEMPT_MS,
  META_CLIENT_CALLS_MAX,
  META_CLIENT_TICK_MS,
  META_COMMAND_BYTES_MAX,
  META_DEADLINE_MS,
} from '../../../base/limits.ts';
import type { Actor, ActorContext } from '../../../runtime/actor.ts';
import { type ActorRef, NOBODY } from '../../../runtime/ref.ts';
import { type ByteReader, MalformedBytes } from '../../raft/codec/byte-reader.ts';
import { type Answer, readAnswer } from '../codec/answer-codec.ts';
import { writeCall } from '../codec/call-codec.ts';
import { encodeCommand } from '../codec/command-codec.ts';
import { Packer, unpack } from '../codec/packing.ts';
import { decodeReply } from '../codec/reply-codec.ts';
import type { MetaCommand, MetaReply } from '../command.ts';
import { FLUSH, type Flush, META_ANSWERS, META_CALLS } from '../messages.ts';
import type { RangeRequest } from '../state/range.ts';
import type { MetaKey } from '../state/record.ts';
import { GroupLink } from './group-link.ts';
import type { OpenCall, Page, Values, Waiter } from './open-call.ts';
import { failed, type MetaFailure, type Outcome } from './outcome.ts';
import type { WatchHandle, WatchListener, WatchRequest } from './watch.ts';
import { ClientWatches } from './watches.ts';

const TICK = 1;
/** Redirects that are followed at once; then the groups are given time to find a leader. */
const HOPS_MAX = 3;
const BACKOFF_MS = 40;

/** What callers are given. */
type Given = MetaReply | Values | Page | readonly number[];

export interface MetaClientOptions {
  /** Services that may know a group, the nearest first. */
  readonly candidates: (group: number) => readonly ActorRef[];
}

export interface CallOptions {
  readonly deadlineMs?: number;
}

export class MetaClient {
  readonly #options: MetaClientOptions;
  readonly #links = new Map<number, GroupLink>();
  readonly #calls = new Map<number, OpenCall>();
  readonly #watches: ClientWatches;
  readonly #watched = new Set<ActorRef>();
  #packer!: Packer;
  #ctx!: ActorContext<Flush>;
  #nextId = 1;
  /** Of all calls together. */
  #attempts = 0;
  #isFlushDue = false;
  #isTicking = false;

  constructor(options: MetaClientOptions) {
    this.#options = options;
    this.#watches = new ClientWatches({
      candidates: options.candidates,
      newId: () => this.#nextId++,
      send: (to, header, call) => this.#send(to, header, call),
      now: () => this.#ctx.now(),
    });
  }

  /** Done once, unless the outcome is `unknown`. */
  command(group: number, command: MetaCommand, then: (outcome: Outcome<MetaReply>) => void, options: CallOptions = {}): void {
    const bytes = encodeCommand(command);
    if (bytes.length > META_COMMAND_BYTES_MAX) return then(failed('too_large'));
    const waiter: Waiter = { type: 'reply', then };
    const call = this.#open(group, { type: 'command', inSession: undefined, bytes }, waiter, options);
    if (call === undefined) return then(failed('busy'));
    const link = this.#link(group);
    link.wait(call);
    this.#advance(link);
  }

  /** `isStale`: what the nearest replica has will do. */
  get(
    group: number,
    keys: readonly MetaKey[],
    isStale: boolean,
    then: (outcome: Outcome<Values>) => void,
    options: CallOptions = {},
  ): void {
    const call = this.#open(group, { type: 'get', isStale, keys }, { type: 'values', then }, options);
    if (call === undefined) return then(failed('busy'));
    this.#attempt(call);
  }

  range(
    group: number,
    request: RangeRequest,
    isStale: boolean,
    then: (outcome: Outcome<Page>) => void,
    options: CallOptions = {},
  ): void {
    const call = this.#open(group, { type: 'range', isStale, ...request }, { type: 'page', then }, options);
    if (call === undefined) return then(failed('busy'));
    this.#attempt(call);
  }

  /** Holds leases for their whole time from now on. What is answered tells their times; 0: there is no such lease any more. */
  keepAlive(
    group: number,
    ids: readonly number[],
    then: (outcome: Outcome<readonly number[]>) => void,
    options: CallOptions = {},
  ): void {
    const call = this.#open(group, { type: 'keepAlive', ids }, { type: 'keptAlive', then }, options);
    if (call === undefined) return then(failed('busy'));
    this.#attempt(call);
  }

  watch(request: WatchRequest, listener: WatchListener): WatchHandle {
    const handle = this.#watches.add(request, listener);
    this.#tickOn();
    return handle;
  }

  inspect(): { readonly calls: number; readonly attempts: number; readonly watches: number } {
    return { calls: this.#calls.size, attempts: this.#attempts, watches: this.#watches.size };
  }

  // ---- for its actor ----

  started(ctx: ActorContext<Flush>): void {
    this.#ctx = ctx;
    this.#packer = new Packer((to, bytes) => ctx.tellBytes(to, META_CALLS, bytes, 0, bytes.length));
  }

  flush(): void {
    this.#isFlushDue = false;
    this.#packer.flush();
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    try {
      unpack(bytes, start, end, (item) => this.#receive(item));
    } catch (error) {
      // A service of another version: the call is not answered, and goes elsewhere.
      if (!(error instanceof MalformedBytes)) throw error;
    }
  }

  /** The service is gone, or out of reach: nobody knows what has become of what it was asked. */
  lost(service: ActorRef): void {
    this.#watched.delete(service);
    for (const link of this.#links.values()) if (link.service === service) link.rotate();
    const now = this.#ctx.now();
    for (const call of [...this.#calls.values()]) if (call.isUnderWay && call.sentTo === service) this.#unanswered(call, now);
    this.#watches.lost(service);
  }

  tick(): void {
    this.#isTicking = false;
    const now = this.#ctx.now();
    for (const call of [...this.#calls.values()]) {
      if (now >= call.deadlineMs) this.#giveUp(call);
      else if (now >= call.dueMs && call.isUnderWay) this.#timedOut(call, now);
      else if (now >= call.dueMs && call.attempts > 0) this.#attempt(call);
    }
    this.#watches.tick(now);
    if (this.#calls.size > 0 || this.#watches.size > 0) this.#tickOn();
  }

  // ---- calls ----

  #open(group: number, call: OpenCall['call'], waiter: Waiter, options: CallOptions): OpenCall | undefined {
    if (this.#calls.size >= META_CLIENT_CALLS_MAX) return undefined;
    const open: OpenCall = {
      id: this.#nextId++,
      group,
      call,
      waiter,
      deadlineMs: this.#ctx.now() + (options.deadlineMs ?? META_DEADLINE_MS),
      session: 0,
      seq: 0,
      sentTo: NOBODY,
      attempts: 0,
      hops: 0,
      dueMs: Number.POSITIVE_INFINITY,
      isUnderWay: false,
      isUnsure: false,
    };
    this.#calls.set(open.id, open);
    this.#tickOn();
    return open;
  }

  #link(group: number): GroupLink {
    let link = this.#links.get(group);
    if (link === undefined) this.#links.set(group, (link = new GroupLink(group, this.#options.candidates(group))));
    return link;
  }

  #advance(link: GroupLink): void {
    for (const call of link.admit()) this.#attempt(call);
    if (!link.wantsSession) return;
    link.isOpening = true;
    const call = this.#open(link.group, { type: 'open' }, { type: 'session' }, {});
    if (call === undefined) link.isOpening = false;
    else this.#attempt(call);
  }

  #attempt(call: OpenCall): void {
    const link = this.#link(call.group);
    call.attempts++;
    this.#attempts++;
    call.isUnderWay = true;
    call.sentTo = link.service;
    call.dueMs = this.#ctx.now() + META_ATTEMPT_MS;
    const { call: what } = call;
    const sent = what.type === 'command' ? { ...what, inSession: link.inSession(call) } : what;
    this.#send(link.service, call, sent);
  }

  #send(to: ActorRef, header: Parameters<typeof writeCall>[1], call: Parameters<typeof writeCall>[2]): void {
    if (to !== NOBODY && !this.#watched.has(to)) {
      this.#watched.add(to);
      this.#ctx.watch(to);
    }
    this.#packer.add(to, (writer) => writeCall(writer, header, call));
    if (!this.#isFlushDue) this.#isFlushDue = this.#ctx.tell(this.#ctx.self as ActorRef<Flush>, FLUSH);
  }

  #receive(item: ByteReader): void {
    const bytes = item.left;
    const { id, answer } = readAnswer(item);
    const call = this.#calls.get(id);
    if (call === undefined) return this.#watches.answered(id, answer, bytes);
    switch (answer.type) {
      case 'done':
        return this.#done(call, answer.reply);
      case 'opened':
        return this.#opened(call, answer.session);
      case 'values':
        if (call.waiter.type === 'values') this.#close(call, { isOk: true, value: answer });
        return;
      case 'page':
        if (call.waiter.type === 'page') this.#close(call, { isOk: true, value: answer });
        return;
      case 'keptAlive':
        if (call.waiter.type === 'keptAlive') this.#close(call, { isOk: true, value: answer.ttlMs });
        return;
      case 'compacted':
      case 'future':
        return this.#fail(call, answer.type, answer.revision);
      default:
        return this.#again(call, answer);
    }
  }

  #done(call: OpenCall, bytes: Uint8Array): void {
    if (call.waiter.type !== 'reply') return;
    const reply = decodeReply(bytes);
    if (reply.type === 'refused') return this.#fail(call, reply.reason);
    this.#close(call, { isOk: true, value: reply });
  }

  #opened(call: OpenCall, session: number): void {
    this.#calls.delete(call.id);
    const link = this.#link(call.group);
    link.opened(session);
    this.#advance(link);
  }

  /** Not answered yet: here or elsewhere, now or a little later. */
  #again(call: OpenCall, answer: Answer): void {
    const now = this.#ctx.now();
    const link = this.#link(call.group);
    call.isUnderWay = false;
    switch (answer.type) {
      case 'elsewhere':
        return this.#redirected(call, link, answer.service, now);
      case 'refused':
        if (answer.reason === 'malformed') return this.#fail(call, 'malformed');
        call.dueMs = now + BACKOFF_MS;
        return;
      case 'expired':
        return this.#expired(call, link);
      case 'unknown':
        call.isUnsure = true;
        call.dueMs = now + BACKOFF_MS;
        return;
      default:
        return;
    }
  }

  #redirected(call: OpenCall, link: GroupLink, service: ActorRef, now: number): void {
    // Somebody may have found the way since.
    const isNews = link.service === call.sentTo;
    if (isNews && service !== NOBODY) link.service = service;
    else if (isNews) link.rotate();
    if (service === NOBODY) call.hops = HOPS_MAX;
    this.#elsewhere(call, now);
  }

  /** What was sent once, and nobody has answered before, was not done; all else may have been. */
  #expired(call: OpenCall, link: GroupLink): void {
    link.expired(call.session);
    if (call.isUnsure) return this.#fail(call, 'unknown');
    link.closed(call);
    call.seq = 0;
    call.session = 0;
    call.attempts = 0;
    call.dueMs = Number.POSITIVE_INFINITY;
    link.wait(call);
    this.#advance(link);
  }

  #timedOut(call: OpenCall, now: number): void {
    const link = this.#link(call.group);
    if (link.service === call.sentTo) link.rotate();
    this.#unanswered(call, now);
  }

  #unanswered(call: OpenCall, now: number): void {
    call.isUnderWay = false;
    call.isUnsure = true;
    this.#elsewhere(call, now);
  }

  /** At once, a few times: who is out of reach is found lost in the same turn, and perhaps everybody is. */
  #elsewhere(call: OpenCall, now: number): void {
    if (++call.hops <= HOPS_MAX) return this.#attempt(call);
    call.hops = 0;
    call.dueMs = now + BACKOFF_MS;
  }

  #giveUp(call: OpenCall): void {
    const isUnsure = call.call.type === 'command' && (call.isUnsure || call.isUnderWay);
    this.#fail(call, isUnsure ? 'unknown' : 'unavailable');
  }

  #fail(call: OpenCall, failure: MetaFailure, revision = 0): void {
    this.#close(call, failed(failure, revision));
  }

  /** No more answers count. */
  #close(call: OpenCall, outcome: Outcome<Given>): void {
    this.#calls.delete(call.id);
    const link = this.#link(call.group);
    if (call.waiter.type === 'session') link.isOpening = false;
    else if (call.call.type === 'command') link.closed(call);
    this.#advance(link);
    // An answer of another kind than what was asked for does not come this far.
    if (call.waiter.type !== 'session') (call.waiter.then as (outcome: Outcome<Given>) => void)(outcome);
  }

  #tickOn(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.#ctx.startTimer(META_CLIENT_TICK_MS, TICK);
  }
}

/** Receives for a client. */
export class MetaClientActor implements Actor<Flush> {
  readonly #client: MetaClient;
  readonly #onStarted: () => void;

  /** `onStarted`: the client can be used. */
  constructor(client: MetaClient, onStarted: () => void = () => {}) {
    this.#client = client;
    this.#onStarted = onStarted;
  }

  started(ctx: ActorContext<Flush>): void {
    this.#client.started(ctx);
    this.#onStarted();
  }

  receive(): void {
    this.#client.flush();
  }

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (kind === META_ANSWERS) this.#client.receive(bytes, start, end);
  }

  onTimer(): void {
    this.#client.tick();
  }

  onTerminated(ref: ActorRef): void {
    this.#client.lost(ref);
  }

  inspect(): unknown {
    return this.#client.inspect();
  }
}
