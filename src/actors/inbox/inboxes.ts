/**
 * The inboxes of one reactor: what they share, and the way of their facts to the log. All that one turn says goes out at its end as one unit: the log has all of it or
 * nothing, so a message of QoS 2 is never there without the mark that it has been taken, nor the other way round.
 */
import { INBOX_SHARDS_AHEAD, STORE_ASK_MS } from '../../base/limits.ts';
import { CONTROL } from '../../storage/control.ts';
import type { MetadataFailure, MetadataValues } from '../metadata/messages.ts';
import { StagedWrite } from '../shard/staged.ts';
import type { StoreClient } from '../store/client.ts';
import {
  type CreatedShards,
  type DescribedShards,
  type MarkedShards,
  type ShardBytes,
  type ShardFacts,
  STORE_MORE,
  STORE_SYNC,
  type StoreErrorCode,
  type StoreRefusal,
} from '../store/messages.ts';
import { FanOuts } from './fan-outs.ts';
import type { Inbox } from './inbox.ts';
import type { JointUnits } from './joint-units.ts';
import type { InboxState } from './machine.ts';
import { MARK, takenBy } from './marks.ts';

/** By inbox: packet ids and the shards of dedicated logs that remember them. */
export type Taken = ReadonlyMap<number, readonly (readonly [packetId: number, shard: number])[]>;

export class Inboxes {
  readonly fanOuts: FanOuts;
  readonly #store: StoreClient;
  readonly #joint: JointUnits;
  #touched: Inbox[] = [];
  /** Facts of this turn that somebody waits for. */
  #write: StagedWrite | null = null;
  /** Shards without an owner, made ahead, so that a new session does not wait for one. */
  readonly #free: number[] = [];
  #isCreating = false;
  #wanting: ((shard: number | undefined) => void)[] = [];

  constructor(store: StoreClient, joint: JointUnits) {
    this.#store = store;
    this.#joint = joint;
    this.fanOuts = new FanOuts(store);
  }

  /** A session of this reactor has an inbox. */
  began(): void {
    this.#joint.becomeDurable();
  }

  /** States a fact; it is durable when the write is done. */
  control(shard: number, op: number, kind: number, value: number): StagedWrite {
    this.#write ??= new StagedWrite();
    this.#store.control('shared', shard, STORE_SYNC | STORE_MORE, op, kind, value, null);
    return this.#write;
  }

  /** Done when all is committed that this turn has led to so far, with what other reactors have part in it. */
  unitWrite(): StagedWrite {
    return this.#joint.currentWrite ?? (this.#write ??= new StagedWrite());
  }

  /** The message is released in dedicated logs as well; the result is done when it is everywhere: a mark that stays would swallow the next message with that id. */
  release(write: StagedWrite, shards: readonly number[], value: number): StagedWrite {
    const all = new StagedWrite();
    let code: StoreErrorCode | undefined;
    let waiting = 1 + shards.length;
    const done = (failed: StoreErrorCode | undefined): void => {
      code ??= failed;
      if (--waiting === 0) all.committed(code, []);
    };
    write.await({ written: done });
    for (const shard of shards) {
      this.#store.control('dedicated', shard, STORE_SYNC, CONTROL.unmark, MARK.taken, value, { committed: done });
    }
    return all;
  }

  /** By inbox: what its session had taken into these shards of dedicated logs and its client has not released. */
  describeTaken(shards: readonly number[], then: (taken: Taken | undefined) => void): void {
    if (shards.length === 0) return then(new Map());
    this.#store.ask<DescribedShards>({ type: 'describe', engine: 'dedicated', shards }, STORE_ASK_MS, (answer) => {
      if ('code' in answer) return then(undefined);
      const taken = new Map<number, [number, number][]>();
      for (const [i, fact] of answer.facts.entries()) {
        for (const { kind, value } of fact?.marks ?? []) {
          if (kind !== MARK.taken) continue;
          const { inbox, packetId } = takenBy(value);
          taken.set(inbox, [...(taken.get(inbox) ?? []), [packetId, shards[i]!]]);
        }
      }
      then(taken);
    });
  }

  /** Calls `then` with the inboxes that have a mark of that kind, and its value. */
  marked(kind: number, then: (marked: MarkedShards['marked'] | undefined) => void): void {
    this.#store.ask<MarkedShards>({ type: 'marked', engine: 'shared', kind }, STORE_ASK_MS, (answer) =>
      then('code' in answer ? undefined : answer.marked),
    );
  }

  /** States a fact that nobody waits for. */
  later(shard: number, op: number, kind: number, value: number): void {
    this.#store.control('shared', shard, STORE_MORE, op, kind, value, null);
  }

  /**
   * Calls `then` when everything that has been said so far is durable, or was refused to whoever said it; a log that fails is asked again, until its node ends. What a session's next connection is told may
   * rest on what the former one's had set going: a message that has been taken, a receipt, a release.
   */
  whenDurable(then: () => void): void {
    if (this.#store.isQuiet && this.#touched.length === 0 && !this.#store.hasFailed) return then();
    const written = (code: StoreErrorCode | undefined): void => {
      if (code === undefined) then();
      else this.#store.inAWhile(() => this.whenDurable(then));
    };
    this.control(NO_SHARD, 0, 0, 0).await({ written });
  }

  /** Calls `then` with what the log knows of inboxes, null for those that are not there, and with what dedicated logs of these shards remember for them; however long the store takes to say so. */
  know(
    shards: readonly number[],
    dedicated: readonly number[],
    then: (facts: readonly (ShardFacts | null)[], taken: Taken) => void,
  ): void {
    this.describe(shards, (facts) => {
      if (facts === undefined) return this.#store.inAWhile(() => this.know(shards, dedicated, then));
      this.describeTaken(dedicated, (taken) => {
        if (taken === undefined) this.#store.inAWhile(() => this.know(shards, dedicated, then));
        else then(facts, taken);
      });
    });
  }

  /** Reads from the metadata, however long that takes to answer. `then` gets null where there is nothing, outside of any actor's turn but the store client's. */
  recall(keys: readonly string[], then: (values: MetadataValues['values']) => void): void {
    this.#store.askMetadata<MetadataValues | MetadataFailure>({ type: 'read', keys }, STORE_ASK_MS, (answer) => {
      if (answer === undefined || 'code' in answer) this.#store.inAWhile(() => this.recall(keys, then));
      else then(answer.values);
    });
  }

  /** Calls `then` in a while. */
  inAWhile(then: () => void): void {
    this.#store.inAWhile(then);
  }

  /** What is written now is lost with this life of the node. */
  get hasFailed(): boolean {
    return this.#store.hasFailed;
  }

  /** The inbox has moved: the log is told at the end of the turn. */
  touch(inbox: Inbox): void {
    if (inbox.isTouched) return;
    inbox.isTouched = true;
    this.#touched.push(inbox);
  }

  /** Hands over what this turn has said, and ends the unit. */
  endTurn(): void {
    this.fanOuts.handOver();
    const touched = this.#touched;
    if (touched.length > 0) {
      this.#touched = [];
      for (const inbox of touched) {
        inbox.isTouched = false;
        inbox.keep();
      }
    }
    const write = this.#write;
    this.#write = null;
    if (!this.#joint.endUnit(write)) this.#store.endUnit(write);
  }

  /** Calls `then` with the number of a new inbox; undefined when the store cannot make one. */
  newShard(then: (shard: number | undefined) => void): void {
    const shard = this.#free.pop();
    if (shard === undefined) this.#wanting.push(then);
    if (this.#free.length < INBOX_SHARDS_AHEAD / 2) this.#create();
    if (shard !== undefined) then(shard);
  }

  /** The session is over: nobody comes back for its messages. */
  drop(shard: number): void {
    this.later(shard, CONTROL.drop, 0, 0);
  }

  read(shard: number, offset: number, bytesMax: number, then: (answer: ShardBytes | StoreRefusal) => void): void {
    const message = { type: 'read', engine: 'shared', shard, offset, bytesMax, raw: true } as const;
    this.#store.ask<ShardBytes>(message, STORE_ASK_MS, then);
  }

  /** What the log knows of inboxes; null for those that are not there. */
  describe(shards: readonly number[], then: (facts: readonly (ShardFacts | null)[] | undefined) => void): void {
    this.#store.ask<DescribedShards>({ type: 'describe', engine: 'shared', shards }, STORE_ASK_MS, (answer) =>
      then('code' in answer ? undefined : answer.facts),
    );
  }

  #create(): void {
    if (this.#isCreating) return;
    this.#isCreating = true;
    const message = { type: 'create', engine: 'shared', count: INBOX_SHARDS_AHEAD } as const;
    this.#store.ask<CreatedShards>(message, STORE_ASK_MS, (answer) => {
      this.#isCreating = false;
      if (!('code' in answer)) this.#free.push(...answer.shards);
      const wanting = this.#wanting;
      this.#wanting = [];
      for (const then of wanting) then(this.#free.pop());
      if (this.#wanting.length > 0) this.#create();
    });
  }
}

/** None has this number. */
const NO_SHARD = 0;

/** Where a session stands, out of what the log knows of its inbox. */
export function inboxStateOf(shard: number, { start, next, bytes, marks }: ShardFacts): InboxState {
  const of = (kind: number): number[] => marks.filter((mark) => mark.kind === kind).map(({ value }) => value);
  return {
    shard,
    ackedTo: start,
    sentTo: Math.max(start, ...of(MARK.sent)),
    end: next,
    bytes,
    done: of(MARK.moved),
    received: of(MARK.received),
    taken: [],
  };
}

/** Packet ids of QoS 2 messages from the client that it has not released. */
export function inboundOf({ marks }: ShardFacts): number[] {
  return marks.filter(({ kind }) => kind === MARK.inbound).map(({ value }) => value);
}
