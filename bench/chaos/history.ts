/** What clients have asked and heard, and whether one register after the other could have answered so. */
import { checkByKey, type LinearizabilityVerdict, type Model, type Operation } from '../../spec/sim/raft/linearizability.ts';
import { registerStep } from '../cluster/register-machine.ts';

export interface RegisterInput {
  readonly key: string;
  readonly op: 'get' | 'put' | 'cas';
  readonly expected: string;
  readonly value: string;
}

/** Undefined: nobody has heard the answer. */
export type RegisterOutput = string | undefined;

const REGISTER: Model<string, RegisterInput, RegisterOutput> = {
  initial: '',
  step: (state, input, output) => {
    if (input.op === 'get') return output === undefined || output === state ? state : undefined;
    const { after, answer } = registerStep(state, { ...input, op: input.op });
    return output === undefined || output === answer ? after : undefined;
  },
};

export type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

export class History {
  readonly #operations: RegisterOperation[] = [];
  ok = 0;
  unknown = 0;

  /** Answered. */
  done(input: RegisterInput, output: string, callMs: number, returnMs: number): void {
    this.ok++;
    this.#operations.push({ input, output, callMs, returnMs });
  }

  /** It may have happened, or may still happen. A read that nobody heard says nothing. */
  lost(input: RegisterInput, callMs: number): void {
    this.unknown++;
    if (input.op !== 'get') this.#operations.push({ input, output: undefined, callMs, returnMs: Number.POSITIVE_INFINITY });
  }

  get size(): number {
    return this.#operations.length;
  }

  check(): { readonly verdict: LinearizabilityVerdict; readonly key: string; readonly part: readonly RegisterOperation[] } {
    const { verdict, key } = checkByKey(REGISTER, this.#operations, (input) => input.key);
    return { verdict, key, part: this.#operations.filter(({ input }) => input.key === key) };
  }
}
