/**
 * The controller of a cluster: the one beside the leader of `metadata/0`. It watches the nodes' registrations and records who is up and who is down, under an epoch of its own: what a
 * controller writes that has been followed by another is void. Each node has one; those beside followers wait.
 */
import { CONTROLLER_RETRY_MS, CONTROLLER_TICK_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { MetaClient } from '../meta/client/client.ts';
import type { Page } from '../meta/client/open-call.ts';
import type { Outcome } from '../meta/client/outcome.ts';
import type { WatchHandle } from '../meta/client/watch.ts';
import type { WatchedStep } from '../meta/codec/answer-codec.ts';
import { ANY, type MetaReply } from '../meta/command.ts';
import { endOfPrefix, type MetaRecord } from '../meta/state/record.ts';
import type { GroupStatus, RaftRequest } from '../raft/messages.ts';
import { NodeStates } from './machine.ts';
import {
  CONTROLLER_KEY,
  decodeNodeRecord,
  encodeJson,
  LIVE_PREFIX,
  NODE_PREFIX,
  NODES_GROUP,
  type NodeRecord,
  nodeOfKey,
} from './messages.ts';

const TICK = 1;
const RETRY = 2;

export interface ControllerOptions {
  readonly node: number;
  readonly client: MetaClient;
  /** The groups of this node. */
  readonly raft: ActorRef<RaftRequest>;
  /** A node has come, or has gone. */
  readonly onChange: (record: NodeRecord) => void;
}

export class ControllerActor implements Actor<never> {
  readonly #options: ControllerOptions;
  /** Of the leadership beside which it is at work; 0: it waits. */
  #term = 0;
  /** Under which it writes; 0: none yet. */
  #epoch = 0;
  #states = new NodeStates();
  #watch: WatchHandle | undefined;
  #ctx!: ActorContext<never>;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  started(ctx: ActorContext<never>): void {
    this.#ctx = ctx;
    ctx.startTimer(CONTROLLER_TICK_MS, TICK);
  }

  receive(): void {}

  onTimer(key: number, ctx: ActorContext<never>): void {
    if (key === RETRY) return this.#begin(this.#term);
    ctx.startTimer(CONTROLLER_TICK_MS, TICK);
    ctx.ask<RaftRequest, GroupStatus>(
      this.#options.raft,
      { type: 'status', group: NODES_GROUP },
      CONTROLLER_TICK_MS,
      (status) => {
        const term = status?.role === 'leader' ? status.term : 0;
        if (term === this.#term) return;
        this.#end();
        this.#term = term;
        if (term > 0) this.#begin(term);
      },
    );
  }

  onIo(_event: number, argument: unknown): void {
    (argument as () => void)();
  }

  stopping(): void {
    this.#end();
  }

  inspect(): unknown {
    return { term: this.#term, epoch: this.#epoch };
  }

  // Every step belongs to a term: when that is over, what was begun in it goes no further.

  #begin(term: number): void {
    if (term === 0) return;
    const { node, client } = this.#options;
    const claims = [{ key: CONTROLLER_KEY, expected: ANY, value: encodeJson({ node }), lease: 0 }];
    client.command(
      NODES_GROUP,
      { type: 'claim', claims, wantsBefore: false },
      this.#within<Outcome<MetaReply>>(term, (outcome) => {
        if (!outcome.isOk || outcome.value.type !== 'claimed') return this.#retry();
        this.#epoch = outcome.value.results[0]!.modified;
        this.#states = new NodeStates();
        this.#list(term, NODE_PREFIX, 0, (records, revision) => {
          for (const { value } of records) {
            const record = decodeNodeRecord(value!);
            if (record !== undefined) this.#states.remember(record);
          }
          this.#list(term, LIVE_PREFIX, revision, (live) => this.#goOn(term, live, revision));
        });
      }),
    );
  }

  #goOn(term: number, live: readonly MetaRecord[], revision: number): void {
    const now = this.#ctx.wallClock();
    for (const { key, created } of live) this.#came(term, key, created);
    for (const record of this.#states.missing(now)) this.#record(term, record);
    const request = { group: NODES_GROUP, from: LIVE_PREFIX, to: endOfPrefix(LIVE_PREFIX), since: revision + 1 };
    this.#watch?.stop();
    this.#watch = this.#options.client.watch(request, {
      changed: this.#within<readonly WatchedStep[]>(term, (steps) => this.#changed(term, steps)),
      // It has slept for long: it begins anew.
      compacted: this.#within<number>(term, () => this.#retry()),
    });
  }

  #changed(term: number, steps: readonly WatchedStep[]): void {
    for (const { changes } of steps) {
      for (const { key, created } of changes.map(({ key: name, record }) => ({ key: name, created: record?.created }))) {
        if (created !== undefined) this.#came(term, key, created);
        else this.#went(term, key);
      }
    }
  }

  #came(term: number, key: string, created: number): void {
    const node = nodeOfKey(key, LIVE_PREFIX);
    const record = node === undefined ? undefined : this.#states.came(node, created, this.#ctx.wallClock());
    if (record !== undefined) this.#record(term, record);
  }

  #went(term: number, key: string): void {
    const node = nodeOfKey(key, LIVE_PREFIX);
    const record = node === undefined ? undefined : this.#states.went(node, this.#ctx.wallClock());
    if (record !== undefined) this.#record(term, record);
  }

  /** Under the epoch: when another controller has followed, nothing is written, and this one is at its end. */
  #record(term: number, record: NodeRecord): void {
    const epoch = this.#epoch;
    const isOurs = { key: CONTROLLER_KEY, target: 'modified', relation: '=', operand: epoch } as const;
    const put = { key: `${NODE_PREFIX}${record.node}`, value: encodeJson(record), lease: 0 };
    this.#options.client.command(
      NODES_GROUP,
      { type: 'txn', compares: [isOurs], success: [{ type: 'put', put }], failure: [] },
      this.#within<Outcome<MetaReply>>(term, (outcome) => {
        if (!outcome.isOk) return this.#retry();
        if (outcome.value.type === 'txn' && outcome.value.isSuccess) this.#options.onChange(record);
        else if (this.#epoch === epoch) this.#depose();
      }),
    );
  }

  /** All keys of a prefix, as of `revision`; 0: as of now. */
  #list(term: number, prefix: string, revision: number, then: (records: readonly MetaRecord[], revision: number) => void): void {
    const all: MetaRecord[] = [];
    const next = (from: string, at: number): void => {
      const request = { from, to: endOfPrefix(prefix), limit: 0, revision: at };
      const done = this.#within<Outcome<Page>>(term, (outcome) => {
        if (!outcome.isOk) return this.#retry();
        // Their values are views of what has been received.
        all.push(...outcome.value.records.map((record) => ({ ...record, value: Uint8Array.from(record.value!) })));
        if (outcome.value.isMore) next(`${all.at(-1)!.key}\0`, outcome.value.revision);
        else then(all, outcome.value.revision);
      });
      this.#options.client.range(NODES_GROUP, request, false, done);
    };
    next(prefix, revision);
  }

  /** Goes on if that is still the term. */
  #within<T>(term: number, then: (value: T) => void): (value: T) => void {
    return (value) => {
      if (this.#term === term) then(value);
    };
  }

  #retry(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    this.#ctx.startTimer(CONTROLLER_RETRY_MS, RETRY);
  }

  /** Another one has followed. If this is still the place for one, the next tick says so. */
  #depose(): void {
    this.#end();
    this.#term = 0;
  }

  #end(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    this.#epoch = 0;
  }
}
