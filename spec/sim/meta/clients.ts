/** Clients with one operation under way each. What they saw is a history; who saw no answer looks up in the one story whether it has happened. */
import type { MetaClient } from '../../../src/actors/meta/client/client.ts';
import type { MetaCommand, MetaReply } from '../../../src/actors/meta/command.ts';
import type { Prng } from '../../../src/base/prng.ts';
import type { Model, Operation } from '../raft/linearizability.ts';
import { must, type Oracle } from './oracle.ts';

export interface Input {
  readonly key: string;
  /** A `claim` is a `cas` that names the revision instead of the value: no two revisions have the same. */
  readonly type: 'get' | 'put' | 'cas' | 'claim' | 'delete';
  /** What a `cas` expects. */
  readonly expected: string;
  readonly value: string;
}

/** What a client believes of a key. */
interface Known {
  readonly value: string;
  /** The revision that has changed it last; 0: it is not there. */
  readonly modified: number;
}

const ABSENT: Known = { value: '', modified: 0 };

/** `get`: the value, empty when there is none. `cas`: yes or no. Undefined: nobody saw the answer. */
export type Output = string | undefined;

export const MODEL: Model<string, Input, Output> = {
  initial: '',
  step(state, { type, expected, value }, output) {
    switch (type) {
      case 'get':
        return output === state ? state : undefined;
      case 'put':
        return value;
      case 'delete':
        return '';
      case 'cas':
      case 'claim': {
        const isYes = state === expected;
        if (output !== undefined && (output === 'yes') !== isYes) return undefined;
        return isYes ? value : state;
      }
    }
  },
};

export interface ClientWorld {
  readonly prng: Prng;
  readonly oracle: Oracle;
  nowMs(): number;
  at(afterMs: number, then: () => void): void;
  guard(run: () => void): void;
}

const GROUP = 1;

export class Client {
  readonly history: Operation<Input, Output>[] = [];
  readonly #unsure: { readonly input: Input; readonly callMs: number }[] = [];
  readonly #world: ClientWorld;
  readonly #client: MetaClient;
  readonly #name: string;
  readonly #keys: number;
  readonly #known = new Map<string, Known>();
  #count = 0;
  isIdle = true;
  isStopped = false;
  /** The newest revision that any client has been told of. */
  readonly #told: { revision: number };

  constructor(world: ClientWorld, client: MetaClient, name: string, keys: number, told: { revision: number }) {
    this.#world = world;
    this.#client = client;
    this.#name = name;
    this.#keys = keys;
    this.#told = told;
  }

  start(): void {
    this.#next();
  }

  /** What was seen, and what has happened although nobody saw it. */
  whole(): Operation<Input, Output>[] {
    const happened = this.#unsure.filter(({ input }) => input.type === 'delete' || this.#world.oracle.values.has(input.value));
    return [
      ...this.history,
      ...happened.map(({ input, callMs }) => ({ input, output: undefined, callMs, returnMs: Number.POSITIVE_INFINITY })),
    ];
  }

  #next(): void {
    const { prng } = this.#world;
    this.#world.at(prng.chance(0.05) ? 500 : prng.next() * 60, () => {
      if (this.isStopped) return;
      this.isIdle = false;
      this.#begin();
    });
  }

  #begin(): void {
    const { prng } = this.#world;
    const key = `k${prng.below(this.#keys)}`;
    const value = `${this.#name}.${++this.#count}`;
    const choice = prng.next();
    const type = choice < 0.4 ? 'get' : choice < 0.65 ? 'put' : choice < 0.8 ? 'cas' : choice < 0.95 ? 'claim' : 'delete';
    const known = this.#known.get(key) ?? ABSENT;
    const input: Input = { key, type, expected: type === 'cas' || type === 'claim' ? known.value : '', value };
    const callMs = this.#world.nowMs();
    const deadlineMs = prng.chance(0.4) ? 300 + prng.below(1500) : 8000;
    if (type === 'get') return this.#get(input, callMs, deadlineMs);
    this.#client.command(
      GROUP,
      commandOf(input, known),
      (outcome) =>
        this.#world.guard(() => {
          if (outcome.isOk) {
            if ('revision' in outcome.value) this.#told.revision = Math.max(this.#told.revision, outcome.value.revision);
            const output = outputOf(outcome.value);
            this.#learn(input, outcome.value, output);
            this.#seen(input, callMs, output);
          } else {
            must(['unknown', 'unavailable', 'busy'].includes(outcome.failure), `a command failed as ${outcome.failure}`);
            if (outcome.failure === 'unknown') this.#unsure.push({ input, callMs });
            else
              must(type === 'delete' || !this.#world.oracle.values.has(value), `${value} was done, though it was said not to be`);
            this.#over();
          }
        }),
      { deadlineMs },
    );
  }

  #learn({ key, type, expected, value }: Input, reply: MetaReply, output: string): void {
    if (type === 'delete') this.#known.set(key, ABSENT);
    else if (output !== 'no' && 'revision' in reply) this.#known.set(key, { value, modified: reply.revision });
    if (reply.type !== 'claimed') return;
    const { isDone, modified, before } = reply.results[0]!;
    if (!isDone) return;
    must(modified === reply.revision, `a claim that is done says revision ${modified} and not ${reply.revision}`);
    const was = before === undefined ? '' : Buffer.from(before.value!).toString();
    must(was === expected, `a claim of '${expected}' took '${was}'`);
  }

  #get(input: Input, callMs: number, deadlineMs: number): void {
    const before = this.#told.revision;
    this.#client.get(
      GROUP,
      [input.key],
      false,
      (outcome) =>
        this.#world.guard(() => {
          if (!outcome.isOk) return this.#over();
          const { revision, records } = outcome.value;
          must(revision >= before, `a read saw revision ${revision}, and ${before} was acknowledged before it began`);
          this.#told.revision = Math.max(this.#told.revision, revision);
          const [record] = records;
          const known =
            record === undefined ? ABSENT : { value: Buffer.from(record.value!).toString(), modified: record.modified };
          this.#known.set(input.key, known);
          this.#seen(input, callMs, known.value);
        }),
      { deadlineMs },
    );
  }

  #seen(input: Input, callMs: number, output: string): void {
    this.history.push({ input, output, callMs, returnMs: this.#world.nowMs() });
    this.#over();
  }

  #over(): void {
    this.isIdle = true;
    this.#next();
  }
}

function commandOf({ type, key, expected, value }: Input, { modified }: Known): MetaCommand {
  const bytes = Buffer.from(value);
  if (type === 'put') return { type: 'write', puts: [{ key, value: bytes, lease: 0 }], deletes: [] };
  if (type === 'delete') return { type: 'write', puts: [], deletes: [key] };
  if (type === 'claim')
    return { type: 'claim', claims: [{ key, expected: modified, value: bytes, lease: 0 }], wantsBefore: true };
  const isThere =
    expected === ''
      ? ({ key, target: 'version', relation: '=', operand: 0 } as const)
      : ({ key, target: 'value', relation: '=', operand: Buffer.from(expected) } as const);
  return { type: 'txn', compares: [isThere], success: [{ type: 'put', put: { key, value: bytes, lease: 0 } }], failure: [] };
}

function outputOf(reply: MetaReply): string {
  if (reply.type === 'txn') return reply.isSuccess ? 'yes' : 'no';
  return reply.type === 'claimed' ? (reply.results[0]!.isDone ? 'yes' : 'no') : '';
}
