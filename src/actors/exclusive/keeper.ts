/**
 * Has the exclusive subscriptions of this node known to the cluster. Each change of an entry is under the revision that it was found with, so of two nodes that want one filter one gets it; an entry of a node whose registration is gone, or another
 * one, is void. What another node has taken while this one was cut off is lost here: a watch tells.
 *
 * Bounds: what the exclusive actors of the reactors hold; what is done about one filter is done in turn.
 */
import { EXCLUSIVE_META_MS, EXCLUSIVE_RETRY_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';
import { placeKey } from '../../runtime/placement.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { NODES_GROUP } from '../controller/messages.ts';
import type { MetaClient } from '../meta/client/client.ts';
import type { WatchHandle } from '../meta/client/watch.ts';
import { endOfPrefix, keyOf, type MetaRecord, textOf } from '../meta/state/record.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { EXCLUSIVE_PREFIX, type Holding, KEEPER_PREFIX, type KeeperAnswer, type KeeperMessage } from './keeper-messages.ts';
import type { ExclusiveMessage } from './messages.ts';

/** Somebody else changed the entry in between: it is looked at again. */
const ATTEMPTS_MAX = 3;
const PREFIX_KEY = keyOf(EXCLUSIVE_PREFIX);

type Context = ActorContext<KeeperMessage>;
type Then = (answer: KeeperAnswer) => void;

export class ExclusiveKeeper implements Actor<KeeperMessage> {
  readonly #system: ActorSystem;
  readonly #client: MetaClient;
  /** Filter → who has it here, and the revision of its entry. */
  readonly #held = new Map<string, { readonly clientId: string; readonly revision: number }>();
  /** What is to be done about a filter after what is being done about it. */
  readonly #queues = new Map<string, ((done: () => void) => void)[]>();
  /** Told ones that the metadata has not answered about, by the timer that tries again. */
  readonly #retries = new Map<number, Extract<KeeperMessage, { type: 'keep' }>>();
  #lastTimer = 0;
  #watching: WatchHandle | undefined;
  #ctx!: Context;

  constructor(system: ActorSystem, client: MetaClient) {
    this.#system = system;
    this.#client = client;
  }

  started(ctx: Context): void {
    this.#ctx = ctx;
    this.#watch();
  }

  receive(message: KeeperMessage, ctx: Context): void {
    const to = ctx.replyTo();
    if (message.type === 'drop') this.#inTurn(message.filter, (done) => this.#drop(message.filter, done));
    else this.#keep(message, to);
  }

  onTimer(key: number): void {
    const message = this.#retries.get(key);
    this.#retries.delete(key);
    if (message !== undefined) this.#keep(message, undefined);
  }

  onIo(_event: number, argument: unknown): void {
    (argument as () => void)();
  }

  inspect(): unknown {
    return { held: this.#held.size, busy: this.#queues.size, unanswered: this.#retries.size };
  }

  #keep(message: Extract<KeeperMessage, { type: 'keep' }>, to: ReplyTo | undefined): void {
    const { filter, clientId } = message;
    this.#inTurn(filter, (done) =>
      this.#claim(filter, clientId, ATTEMPTS_MAX, (answer) => {
        if (to !== undefined) this.#ctx.respond(to, answer);
        else if (answer === 'taken') this.#lose(filter);
        else if (answer === 'unknown') {
          const timer = ++this.#lastTimer;
          this.#retries.set(timer, message);
          this.#ctx.startTimer(EXCLUSIVE_RETRY_MS, timer);
        }
        done();
      }),
    );
  }

  #claim(filter: string, clientId: string, attempts: number, then: Then): void {
    const { node } = this.#system;
    this.#read([EXCLUSIVE_PREFIX + filter, `${KEEPER_PREFIX}${node}`], (records) => {
      const own = replicaOf(records?.[1]);
      if (records === undefined || own === undefined) return then('unknown');
      const found = records[0];
      const holding = holdingOf(found);
      const take = (): void => {
        const value = Buffer.from(JSON.stringify({ node, replica: own, clientId } satisfies Holding));
        this.#write(filter, found?.modified ?? 0, value, (outcome) => {
          if (outcome === 'unknown') return then('unknown');
          if (outcome === 'changed') return attempts > 1 ? this.#claim(filter, clientId, attempts - 1, then) : then('unknown');
          this.#held.set(filter, { clientId, revision: outcome });
          then('granted');
        });
      };
      // Within the node it is decided already who has it, and a client has one session in the cluster.
      if (holding === undefined || holding.node === node || holding.clientId === clientId) return take();
      this.#read([`${KEEPER_PREFIX}${holding.node}`], (live) => {
        if (live === undefined) then('unknown');
        else if (replicaOf(live[0]) === holding.replica) then('taken');
        else take();
      });
    });
  }

  #drop(filter: string, done: () => void): void {
    for (const [timer, message] of this.#retries) if (message.filter === filter) this.#retries.delete(timer);
    const held = this.#held.get(filter);
    if (held === undefined) return done();
    this.#held.delete(filter);
    // When nobody answers, the entry is this node's until the next one here wants it, or the node ends.
    this.#write(filter, held.revision, undefined, () => done());
  }

  /** The session that has it is told that it has not. */
  #lose(filter: string): void {
    this.#held.delete(filter);
    const { node, reactors } = this.#system;
    const home = wellKnownRef<ExclusiveMessage>(node, placeKey(filter, reactors), WELL_KNOWN.exclusive);
    this.#ctx.tell<ExclusiveMessage>(home, { type: 'lost', filter });
  }

  #watch(): void {
    const request = { group: NODES_GROUP, from: PREFIX_KEY, to: endOfPrefix(PREFIX_KEY), since: 0 };
    this.#watching?.stop();
    this.#watching = this.#client.watch(request, {
      changed: (steps) => {
        const theirs = steps.flatMap(({ changes }) =>
          changes.flatMap(({ key, record }) => {
            const holding = holdingOf(record);
            return holding === undefined || holding.node === this.#system.node
              ? []
              : [textOf(key).slice(EXCLUSIVE_PREFIX.length)];
          }),
        );
        if (theirs.length > 0) this.#ctx.io(0, () => this.#taken(theirs));
      },
      // Some changes were missed: what is held is claimed anew, which shows who has it.
      compacted: () => this.#ctx.io(0, () => this.#reclaim()),
    });
  }

  #taken(filters: readonly string[]): void {
    for (const filter of filters) if (this.#held.has(filter)) this.#lose(filter);
  }

  #reclaim(): void {
    this.#watch();
    for (const [filter, { clientId }] of this.#held) this.#keep({ type: 'keep', filter, clientId }, undefined);
  }

  #read(keys: readonly string[], then: (records: readonly (MetaRecord | undefined)[] | undefined) => void): void {
    this.#client.get(NODES_GROUP, keys.map(keyOf), false, (outcome) => then(outcome.isOk ? outcome.value.records : undefined), {
      deadlineMs: EXCLUSIVE_META_MS,
    });
  }

  /** The new revision. `changed`: the entry is not as it was found. */
  #write(
    filter: string,
    expected: number,
    value: Uint8Array | undefined,
    then: (outcome: number | 'changed' | 'unknown') => void,
  ): void {
    const claims = [{ key: keyOf(EXCLUSIVE_PREFIX + filter), expected, value, lease: 0 }];
    this.#client.command(
      NODES_GROUP,
      { type: 'claim', claims, wantsBefore: false },
      (outcome) => {
        const result = outcome.isOk && outcome.value.type === 'claimed' ? outcome.value.results[0] : undefined;
        if (result === undefined) then('unknown');
        else then(result.isDone ? result.modified : 'changed');
      },
      { deadlineMs: EXCLUSIVE_META_MS },
    );
  }

  #inTurn(filter: string, work: (done: () => void) => void): void {
    const queue = this.#queues.get(filter);
    if (queue !== undefined) return void queue.push(work);
    const waiting: ((done: () => void) => void)[] = [];
    this.#queues.set(filter, waiting);
    const next = (): void => {
      const following = waiting.shift();
      if (following === undefined) this.#queues.delete(filter);
      // The client answers in turns of its own actor.
      else this.#ctx.io(0, () => following(next));
    };
    work(next);
  }
}

function holdingOf(record: Pick<MetaRecord, 'value'> | undefined): Holding | undefined {
  const parsed = jsonOf(record);
  const { node, replica, clientId } = (parsed ?? {}) as Partial<Holding>;
  return typeof node === 'number' && typeof replica === 'string' && typeof clientId === 'string'
    ? { node, replica, clientId }
    : undefined;
}

function replicaOf(record: MetaRecord | undefined): string | undefined {
  const { replica } = (jsonOf(record) ?? {}) as { replica?: unknown };
  return typeof replica === 'string' ? replica : undefined;
}

/** Undefined: absent, or not of this version. */
function jsonOf(record: Pick<MetaRecord, 'value'> | undefined): object | undefined {
  if (record?.value === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(record.value).toString());
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
