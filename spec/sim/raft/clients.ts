/**
 * Clients of the simulated cluster: each has one operation under way, finds the leader by trying, and never gives up a command of its session, which is done once however often it is
 * sent. What is not in a session is tried once. The history that they leave is checked for linearizability.
 */

import type { ProposalOutcome } from '../../../src/actors/raft/node/proposals.ts';
import { nodeOfReplica } from '../../../src/actors/raft/replica.ts';
import { type Command, encodeCommands } from '../../../src/actors/raft/sessions/command-codec.ts';
import type { CommandReply } from '../../../src/actors/raft/sessions/session-machine.ts';
import type { Prng } from '../../../src/base/prng.ts';
import { encodeKv, type KvCommand, kvStep } from './kv.ts';
import type { Model, Operation } from './linearizability.ts';
import { must, type Oracle } from './oracle.ts';
import type { SimNode } from './sim-node.ts';

export type KvInput = { readonly group: number; readonly key: string } & (
  | { readonly type: 'get' }
  | { readonly type: 'command'; readonly command: KvCommand }
);

/** Undefined: nobody saw the answer. */
export type KvOutput = string | undefined;

export const KV_MODEL: Model<string, KvInput, KvOutput> = {
  initial: '',
  step(state, input, output) {
    if (input.type === 'get') return output === state ? state : undefined;
    const { after, answer } = kvStep(state, input.command);
    return output === undefined || output === answer ? after : undefined;
  },
};

export interface ClientWorld {
  readonly prng: Prng;
  readonly nodes: readonly SimNode[];
  readonly oracle: Oracle;
  nowMs(): number;
  at(afterMs: number, then: () => void): void;
  /** Runs `then` in the node's process, if it lives then. */
  enter(node: SimNode, then: () => void): void;
  /** A message between client and node: delayed, or lost. */
  carry(then: () => void): void;
  tell(who: string, what: string): void;
}

interface Open {
  readonly id: string;
  readonly input: KvInput;
  readonly callMs: number;
  /** Undefined: a read. */
  readonly command: Command | undefined;
  readonly mode: 'index' | 'lease';
  attempt: number;
  /** An attempt may have had an effect. */
  isUnsure: boolean;
}

export interface Unsure {
  readonly id: string;
  readonly input: KvInput;
  readonly callMs: number;
}

const ATTEMPT_MS = 500;
const decoder = new TextDecoder();

export interface ClientOptions {
  readonly name: string;
  readonly group: number;
  readonly keys: number;
  readonly leaseReads: boolean;
}

export class Client {
  readonly history: Operation<KvInput, KvOutput>[] = [];
  /** Commands whose answer never came, and sessions that expired under them. */
  readonly unsure: Unsure[] = [];
  readonly #world: ClientWorld;
  readonly #options: ClientOptions;
  #session = 0;
  #seq = 0;
  #count = 0;
  #open: Open | undefined;
  #node: number;
  isStopped = false;

  constructor(world: ClientWorld, options: ClientOptions) {
    this.#world = world;
    this.#options = options;
    this.#node = world.prng.below(world.nodes.length);
  }

  get isIdle(): boolean {
    return this.#open === undefined;
  }

  start(): void {
    this.#next(this.#world.prng.next() * 100);
  }

  /** Whatever is open will not be answered. */
  end(): void {
    const open = this.#open;
    if (open?.command !== undefined && open.command.type !== 'open') this.#unsure(open);
    this.#open = undefined;
    this.isStopped = true;
  }

  #unsure({ id, input, callMs }: Open): void {
    this.unsure.push({ id, input, callMs });
  }

  #next(afterMs: number): void {
    this.#world.at(afterMs, () => {
      if (this.isStopped || this.#open !== undefined) return;
      this.#open = this.#choose();
      this.#try();
    });
  }

  #choose(): Open {
    const { prng } = this.#world;
    const { name, group, keys, leaseReads } = this.#options;
    const id = `${name}.${++this.#count}`;
    const key = `k${prng.below(keys)}`;
    const callMs = this.#world.nowMs();
    const rest = {
      id,
      callMs,
      attempt: 0,
      isUnsure: false,
      mode: leaseReads && prng.chance(0.7) ? ('lease' as const) : ('index' as const),
    };
    if (prng.chance(0.4)) return { ...rest, input: { group, key, type: 'get' }, command: undefined };
    if (this.#session === 0) return { ...rest, input: { group, key, type: 'get' }, command: { type: 'open' } };
    const op = prng.chance(0.5) ? 'append' : prng.chance(0.5) ? 'put' : 'cas';
    const command: KvCommand = { op, key, expected: this.#lastSeen(key), value: `${id};` };
    const bytes = encodeKv(command);
    const isPlain = prng.chance(0.15);
    return {
      ...rest,
      input: { group, key, type: 'command', command },
      command: isPlain
        ? { type: 'plain', bytes }
        : { type: 'session', session: this.#session, seq: ++this.#seq, answeredTo: this.#seq, bytes },
    };
  }

  #lastSeen(key: string): string {
    return this.history.findLast(({ input }) => input.key === key && input.type === 'get')?.output ?? '';
  }

  #try(): void {
    const open = this.#open!;
    const attempt = ++open.attempt;
    const node = this.#world.nodes[this.#node]!;
    this.#world.carry(() => {
      this.#world.enter(node, () => {
        if (open.command === undefined) this.#read(node, open, attempt);
        else this.#propose(node, open, open.command, attempt);
      });
    });
    this.#world.at(ATTEMPT_MS, () => this.#onTimeout(open, attempt));
  }

  #propose(node: SimNode, open: Open, command: Command, attempt: number): void {
    const group = node.group(this.#options.group);
    if (group === undefined) return;
    const data = encodeCommands({ timeMs: node.now(), commands: [command] });
    group.propose(data, (outcome) => this.#world.carry(() => this.#onOutcome(open, attempt, outcome)));
  }

  #onOutcome(open: Open, attempt: number, outcome: ProposalOutcome): void {
    if (this.#open !== open) return;
    if (outcome.result === 'ok') return this.#onReply(open, (outcome.reply as CommandReply[])[0]!);
    if (outcome.result === 'unknown') open.isUnsure = true;
    if (open.attempt === attempt) this.#retry(open, outcome.result === 'not');
  }

  #onReply(open: Open, reply: CommandReply): void {
    if (reply.status === 'opened') {
      this.#session = reply.session;
      this.#seq = 0;
      return this.#close();
    }
    if (reply.status === 'expired') {
      this.#world.tell(this.#options.name, `${open.id}: session ${this.#session} has expired`);
      this.#unsure(open);
      this.#session = 0;
      return this.#close();
    }
    this.#finish(open, decoder.decode(reply.reply));
  }

  #read(node: SimNode, open: Open, attempt: number): void {
    const { group: id } = this.#options;
    const group = node.group(id);
    if (group === undefined) return;
    const committedBefore = this.#world.oracle.committedIndex(id);
    const { prng } = this.#world;
    let expiredMs = Number.POSITIVE_INFINITY;
    group.read(open.mode, {
      look: ({ leaseUntilMs }) => {
        expiredMs = leaseUntilMs;
        must(
          group.state.applied >= committedBefore,
          `a read sees what any leader had committed when it began (${committedBefore})`,
        );
        const seen = node.kv(id)!.get(open.input.key);
        // The process may be stopped right here, as long as anything.
        if (open.mode === 'lease' && prng.chance(0.1)) {
          node.stallMs += prng.next() * 3 * group.state.settings.electionMinMs;
        }
        return seen;
      },
      done: (isOk, seen) => {
        if (isOk) must(node.now() < expiredMs, 'a read counts only within its lease');
        this.#world.carry(() => {
          if (this.#open !== open || this.#world.nowMs() < open.callMs) return;
          if (isOk) this.#finish(open, seen as string);
          else if (open.attempt === attempt) this.#retry(open, true);
        });
      },
    });
  }

  #onTimeout(open: Open, attempt: number): void {
    if (this.#open !== open || open.attempt !== attempt) return;
    open.isUnsure = true;
    this.#retry(open, false);
  }

  /** The same again, elsewhere; what has no session and may have happened is left open. */
  #retry(open: Open, isSafe: boolean): void {
    const { prng, nodes } = this.#world;
    const group = nodes[this.#node]!.group(this.#options.group);
    const lead = nodeOfReplica(group?.state.lead ?? 0);
    const known = nodes.findIndex(({ id }) => id === lead);
    this.#node = known >= 0 && known !== this.#node && prng.chance(0.7) ? known : prng.below(nodes.length);
    if (open.command?.type === 'plain' && !isSafe) {
      this.#unsure(open);
      return this.#close();
    }
    const attempt = ++open.attempt;
    this.#world.at(5 + prng.next() * 40, () => {
      if (this.#open === open && open.attempt === attempt) this.#try();
    });
  }

  #finish(open: Open, output: string): void {
    this.history.push({ input: open.input, output, callMs: open.callMs, returnMs: this.#world.nowMs() });
    this.#close();
  }

  #close(): void {
    this.#open = undefined;
    const { prng } = this.#world;
    // Now and then a client is quiet: some faults show only when nothing else is said.
    this.#next(prng.chance(0.05) ? 400 : prng.next() * 30);
  }
}
