/**
 * The subscriptions of one session that replay declared topics (`sluice-from`). They are fed from the log alone, before and after they have caught up: the router knows nothing of
 * them, so there is no seam at which a message could be missed or come twice, and each message carries its offset.
 *
 *   SUBSCRIBE ─▶ request (from.ts) ─▶ places (describe, time) ─▶ SUBACK
 *   feed: room in the client's window ─▶ runs of what was read ─▶ client
 *                                     └▶ read the next piece ─▶ at the end: wait until the shard has grown
 *
 * Bounds: REPLAYS_MAX subscriptions, one read under way and one piece of REPLAY_READ_BYTES in memory for all of them. When all is read they wait for their partitions.
 */
import { REPLAYS_MAX } from '../../base/limits.ts';
import { decompressBatch } from '../../storage/compression/batch.ts';
import { loadCodec } from '../../storage/compression/codecs.ts';
import { batchBytes, codecOf } from '../../storage/record-batch.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { SubscribeEntry, SubscribePacket } from '../../wire/mqtt/packets.ts';
import { Reason, reasonName } from '../../wire/mqtt/reason-codes.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import { hasWildcard } from '../router/filter-match.ts';
import type { SessionLimits } from '../session/limits.ts';
import { type Outgoing, splitOutgoing } from '../session/outgoing.ts';
import type { Declaration } from '../shard/messages.ts';
import type { ShardBytes, ShardFacts, StoreRefusal } from '../store/messages.ts';
import { choosePartitions, chooseTopic, invalid, type ReplayRefusal, type ReplayRequest } from './from.ts';
import { ReplayMachine, type ReplayState } from './machine.ts';
import type { ReplayReads } from './reads.ts';
import { RecordPackets, type ReplayRun } from './record-packets.ts';

/** The session and its client. */
export interface ReplayHost {
  /** Messages of this QoS that may leave now; 0 without a client. */
  replayRoom(qos: Qos): number;
  /** Sends as many messages as there are, with ids by `ids`. */
  sendReplayed(outgoing: Outgoing, ids: ReplayIds): void;
  isOut(packetId: number): boolean;
  mayReceive(topic: string): boolean;
  /** Something has been sent: where the replay is has changed. */
  replayMoved(): void;
  /** A declared topic is gone, or cannot be read: the subscription has ended. */
  replayFailed(code: string): void;
  /** Calls `then` in a turn of the session. */
  soon(then: () => void): void;
}

/** Hears of each message of an `Outgoing` in order. */
export interface ReplayIds {
  sent(packetId: number): void;
  skipped(): void;
}

/** The entry of SUBSCRIBE. */
export type ReplayEntry = Pick<ReplayState, 'filter' | 'qos' | 'subscriptionId'>;

interface Replay {
  readonly entry: ReplayEntry;
  readonly declaration: Declaration;
  readonly machine: ReplayMachine;
  readonly packets: RecordPackets;
  readonly unfollow: Set<() => void>;
}

/** What has been read and not been sent. */
interface Piece {
  readonly replay: Replay;
  readonly index: number;
  readonly runs: ReplayRun[];
  /** Behind its last record. */
  readonly next: number;
}

export class Replays {
  /** Null on a node without a store. */
  readonly #reads: ReplayReads | null;
  readonly #host: ReplayHost;
  /** By filter. */
  readonly #replays = new Map<string, Replay>();
  #turn = 0;
  #piece: Piece | null = null;
  #isReading = false;
  #isConnected = false;

  constructor(reads: ReplayReads | null, host: ReplayHost) {
    this.#reads = reads;
    this.#host = host;
  }

  get count(): number {
    return this.#replays.size;
  }

  /** Each entry of the packet becomes a replay; `then` gets the reason codes for SUBACK, and why one was refused. */
  subscribe(
    packet: SubscribePacket,
    request: ReplayRequest | ReplayRefusal,
    terms: ReplayTerms,
    then: (reasons: readonly number[], why: string | undefined) => void,
  ): void {
    const reasons: number[] = [];
    let why: string | undefined;
    let waiting = packet.entries.length;
    for (const [i, entry] of packet.entries.entries()) {
      const settle = (refusal: ReplayRefusal | null, granted: number): void => {
        reasons[i] = refusal?.reason ?? granted;
        why ??= refusal?.why;
        if (--waiting === 0) then(reasons, why);
      };
      const qos = (entry.qos < terms.limits.offer.qosMax ? entry.qos : terms.limits.offer.qosMax) as Qos; // [MQTT-3.2.2-10]
      const subscriptionId = packet.subscriptionId ?? 0;
      const refusal =
        'why' in request
          ? request
          : terms.allowed?.[i] === false
            ? DENIED
            : refusalOf(entry, subscriptionId, terms, this.#replays);
      if (refusal !== null || 'why' in request) settle(refusal, qos);
      else this.#begin({ filter: entry.filter, qos, subscriptionId }, request, (refused) => settle(refused, qos));
    }
  }

  /** Finds out where to begin; `then` hears when the subscription is there, or why it is not. */
  #begin(entry: ReplayEntry, request: ReplayRequest, then: (refusal: ReplayRefusal | null) => void): void {
    if (this.#reads === null) return then(NOTHING_KEPT);
    const declaration = chooseTopic(this.#reads!.declarations(), entry.filter, request.topic);
    if ('why' in declaration) return then(declaration);
    const partitions = choosePartitions(declaration, request);
    if ('why' in partitions) return then(partitions);
    if (!this.#replays.has(entry.filter) && this.#replays.size >= REPLAYS_MAX) {
      return then({ reason: Reason.QUOTA_EXCEEDED, why: `a session has at most ${REPLAYS_MAX} replays` });
    }
    this.#reads!.describe(declaration, (facts) => {
      const chosen = partitions.map((partition) => facts?.[partition] ?? null);
      if (chosen.includes(null)) return then(UNREADABLE);
      this.#place(declaration, partitions, chosen as ShardFacts[], request, (next) => {
        if ('why' in next) return then(next);
        const { name: topic } = declaration;
        const sinceMs = request.from.at === 'time' ? request.from.timestampMs : 0;
        this.#add({ ...entry, topic, partitions, next, inFlight: [] }, declaration, sinceMs);
        then(null);
      });
    });
  }

  #place(
    declaration: Declaration,
    partitions: readonly number[],
    facts: readonly ShardFacts[],
    { from }: ReplayRequest,
    then: (next: readonly number[] | ReplayRefusal) => void,
  ): void {
    switch (from.at) {
      case 'earliest':
        return then(facts.map(({ start }) => start));
      case 'latest':
        return then(facts.map(({ next }) => next));
      case 'time':
        return this.#reads!.findTime(declaration, partitions, from.timestampMs, (next) => then(next ?? UNREADABLE));
      default: {
        const wanted = partitions.map((partition, i) =>
          from.at === 'offset' ? from.offset : (from.offsets.get(partition) ?? facts[i]!.start),
        );
        const beyond = wanted.findIndex((offset, i) => offset > facts[i]!.next);
        if (beyond >= 0) {
          const { next } = facts[beyond]!;
          return then(invalid(`partition ${partitions[beyond]} ends at ${next}, there is no offset ${wanted[beyond]} yet`));
        }
        // What retention has taken is not there to be replayed.
        return then(wanted.map((offset, i) => Math.max(offset, facts[i]!.start)));
      }
    }
  }

  /** Goes on where a former life of the session has been. A topic that is not declared any more is not replayed. */
  restore(states: readonly ReplayState[]): void {
    for (const state of states) {
      const declaration = this.#reads!.declaration(state.topic);
      if (declaration !== undefined && state.partitions.every((partition) => partition < declaration.shards.length)) {
        this.#add(state, declaration);
      }
    }
  }

  /** For another session on another thread, which also gets what is in flight. */
  states(): ReplayState[] {
    return this.#statesBy((machine) => ({ next: machine.positions.map(({ next }) => next), inFlight: machine.inFlight() }));
  }

  /** For another life of this node: what is in flight is to be sent again. */
  record(): ReplayState[] {
    return this.#statesBy((machine) => ({ next: machine.acknowledgedTo(), inFlight: [] }));
  }

  /** The subscription is over, or replaced. False: there was none. */
  end(filter: string): boolean {
    const replay = this.#replays.get(filter);
    if (replay === undefined) return false;
    this.#replays.delete(filter);
    if (this.#piece?.replay === replay) this.#piece = null;
    unfollow(replay);
    return true;
  }

  connected(): void {
    this.#isConnected = true;
    this.feed();
  }

  /** What was read is read again when the client is back. */
  disconnected(): void {
    this.#isConnected = false;
    this.#piece = null;
    for (const replay of this.#replays.values()) unfollow(replay);
  }

  /** Sends what there is room for, and reads on. */
  feed(): void {
    while (this.#isConnected) {
      const piece = this.#piece;
      if (piece === null) return this.#read();
      const run = piece.runs[0];
      if (run === undefined) {
        piece.replay.machine.passedTo(piece.index, piece.next);
        this.#piece = null;
      } else if (!this.#send(piece, run)) return;
    }
  }

  inspect(): unknown {
    return Array.from(this.#replays.values(), ({ entry, declaration, machine }) => ({
      filter: entry.filter,
      topic: declaration.name,
      positions: machine.positions.map(({ partition, next }) => [partition, next]),
    }));
  }

  #statesBy(places: (machine: ReplayMachine) => Pick<ReplayState, 'next' | 'inFlight'>): ReplayState[] {
    return Array.from(this.#replays.values(), ({ entry, declaration, machine }) => {
      machine.prune((packetId) => this.#host.isOut(packetId));
      const partitions = machine.positions.map(({ partition }) => partition);
      return { ...entry, topic: declaration.name, partitions, ...places(machine) };
    });
  }

  #add(state: ReplayState, declaration: Declaration, sinceMs = 0): void {
    this.end(state.filter);
    const { filter, qos, subscriptionId } = state;
    this.#replays.set(filter, {
      entry: { filter, qos, subscriptionId },
      declaration,
      machine: new ReplayMachine(state, sinceMs),
      packets: new RecordPackets({ filter, qos, subscriptionIds: subscriptionId === 0 ? null : [subscriptionId] }),
      unfollow: new Set(),
    });
  }

  /** Sends what there is room for of a run. False: there is none. */
  #send(piece: Piece, run: ReplayRun): boolean {
    const { replay, index, runs } = piece;
    const { outgoing, offsets } = run;
    const { machine } = replay;
    if (!this.#host.mayReceive(run.topic)) {
      machine.passed(index, offsets.at(-1)!);
      runs.shift();
      return true;
    }
    const room = this.#host.replayRoom(outgoing.qos);
    if (room <= 0) return false;
    const { head, rest } = splitOutgoing(outgoing, room);
    let at = 0;
    this.#host.sendReplayed(head, {
      sent: (packetId) => {
        machine.sent(packetId, index, offsets[at]!);
        machine.passed(index, offsets[at++]!);
      },
      skipped: () => machine.passed(index, offsets[at++]!),
    });
    if (rest === null) runs.shift();
    else runs[0] = { topic: run.topic, outgoing: rest, offsets: offsets.slice(head.count) };
    this.#host.replayMoved();
    return true;
  }

  /** Reads the next piece of any partition that has more, or waits until one has. */
  #read(): void {
    if (this.#isReading) return;
    const replays = [...this.#replays.values()];
    for (let i = 0; i < replays.length; i++) {
      const replay = replays[(this.#turn + i) % replays.length]!;
      const index = replay.machine.choose();
      if (index === undefined) this.#follow(replay);
      else {
        this.#turn = (this.#turn + i + 1) % replays.length;
        return this.#readPiece(replay, index);
      }
    }
  }

  #readPiece(replay: Replay, index: number): void {
    const { declaration, machine } = replay;
    const position = machine.positions[index]!;
    const from = position.next;
    this.#isReading = true;
    const failed = (error: { readonly code: string }): void => {
      this.#isReading = false;
      if (this.#isCurrent(replay)) this.#fail(replay, error.code);
      else this.feed();
    };
    const taken = (bytes: Uint8Array, end: number): void => {
      this.#isReading = false;
      // While it was read the client may have gone, or have asked for something else.
      if (!this.#isConnected || !this.#isCurrent(replay)) return this.feed();
      position.end = end;
      const { runs, next } = replay.packets.read(bytes, position.partition, from, position.sinceMs);
      this.#piece = { replay, index, runs, next };
      this.feed();
    };
    this.#reads!.read(declaration, position.partition, from, (answer) => {
      if ('code' in answer) this.#readFailed(replay, position, answer, failed);
      else this.#take(answer, taken, failed);
    });
  }

  #take({ bytes, end }: ShardBytes, taken: (bytes: Uint8Array, end: number) => void, failed: (error: Coded) => void): void {
    const guarded = (plain: Uint8Array): void => {
      try {
        taken(plain, end);
      } catch (error) {
        failed(codedOf(error));
      }
    };
    if (!isCompressed(bytes)) return guarded(bytes);
    plainBatches(bytes).then(
      (plain) => this.#host.soon(() => guarded(plain)),
      (error: unknown) => this.#host.soon(() => failed(codedOf(error))),
    );
  }

  /** What retention has taken meanwhile is passed over; anything else ends the replay. */
  #readFailed(
    replay: Replay,
    position: { next: number; partition: number },
    refusal: StoreRefusal,
    failed: (error: Coded) => void,
  ): void {
    if (refusal.code !== 'SLUICE_STORAGE_OFFSET_OUT_OF_RANGE') return failed(refusal);
    this.#reads!.describe(replay.declaration, (facts) => {
      const fact = facts?.[position.partition] ?? null;
      if (fact === null || fact.start <= position.next) return failed(refusal);
      position.next = fact.start;
      this.#isReading = false;
      this.feed();
    });
  }

  #follow({ declaration, machine, unfollow }: Replay): void {
    for (const position of machine.positions) {
      if (position.isFollowed) continue;
      position.isFollowed = true;
      let forget: (() => void) | null = null;
      const grown = (): void => {
        if (forget !== null) unfollow.delete(forget);
        position.isFollowed = false;
        position.end = Number.POSITIVE_INFINITY;
        this.#host.soon(() => this.feed());
      };
      forget = this.#reads!.whenGrown(declaration, position.partition, position.next, grown);
      if (position.isFollowed) unfollow.add(forget);
    }
  }

  #isCurrent(replay: Replay): boolean {
    return this.#replays.get(replay.entry.filter) === replay;
  }

  #fail(replay: Replay, code: string): void {
    this.end(replay.entry.filter);
    this.#host.replayFailed(code);
  }
}

type Coded = { readonly code: string };

/** What is common to all that a session may subscribe to. */
export interface ReplayTerms {
  /** Of each entry; null: all. */
  readonly allowed: readonly boolean[] | null;
  readonly limits: SessionLimits;
  /** Subscriptions that the session has. */
  readonly count: number;
}

/** Why there can be no such subscription, whatever is declared. */
function refusalOf(
  { filter, noLocal }: SubscribeEntry,
  subscriptionId: number,
  { limits, count }: ReplayTerms,
  known: ReadonlyMap<string, unknown>,
): ReplayRefusal | null {
  const { offer, subscriptionsMax, topicLevelsMax } = limits;
  const parsed = parseFilter(filter);
  if (parsed === undefined || parsed.levels.length > topicLevelsMax) return refused(Reason.TOPIC_FILTER_INVALID);
  if (!offer.wildcards && hasWildcard(filter)) return refused(Reason.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED);
  if (subscriptionId !== 0 && !offer.subscriptionIds) return refused(Reason.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED);
  if (!known.has(filter) && count >= subscriptionsMax) return refused(Reason.QUOTA_EXCEEDED);
  if (parsed.shareGroup !== undefined) return invalid('a shared subscription is not replayed');
  // Who has published a record is not known [MQTT-3.8.3-3].
  return noLocal ? invalid('a replay cannot leave out what the client has published itself') : null;
}

function refused(reason: number): ReplayRefusal {
  return { reason, why: reasonName(reason) };
}

const DENIED = refused(Reason.NOT_AUTHORIZED);
const NOTHING_KEPT: ReplayRefusal = {
  reason: Reason.IMPLEMENTATION_SPECIFIC_ERROR,
  why: 'SLUICE_REPLAY_NO_TOPIC: this node keeps nothing',
};
const UNREADABLE: ReplayRefusal = { reason: Reason.UNSPECIFIED_ERROR, why: 'the declared topic cannot be read' };

function unfollow(replay: Replay): void {
  for (const forget of replay.unfollow) forget();
  replay.unfollow.clear();
  for (const position of replay.machine.positions) {
    position.isFollowed = false;
    position.end = Number.POSITIVE_INFINITY;
  }
}

function isCompressed(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += batchBytes(bytes, at)) if (codecOf(bytes, at) !== 0) return true;
  return false;
}

async function plainBatches(bytes: Uint8Array): Promise<Uint8Array> {
  const plain: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += batchBytes(bytes, at)) {
    plain.push(decompressBatch(bytes, at, await loadCodec(codecOf(bytes, at))));
  }
  return Buffer.concat(plain);
}

function codedOf(error: unknown): Coded {
  if (error instanceof Error && 'code' in error) return { code: String(error.code) };
  throw error;
}
