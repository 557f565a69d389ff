/** What the simulation knows and no node does: the one history of the group, made of what its replicas say that they have done. */
import type { MetaReplica } from '../../../src/actors/meta/replica.ts';
import type { Step } from '../../../src/actors/meta/state/history.ts';

export interface KnownChange {
  readonly key: string;
  /** Undefined: deleted. */
  readonly value: string | undefined;
}

export interface KnownStep {
  readonly revision: number;
  readonly changes: readonly KnownChange[];
  /** When the first replica had it. */
  readonly atMs: number;
}

export class Oracle {
  readonly #steps: KnownStep[] = [];
  readonly #texts: string[] = [];
  readonly #nowMs: () => number;
  /** Every value that was ever in force. */
  readonly values: Set<string> = new Set();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get last(): number {
    return this.#steps.length;
  }

  step(revision: number): KnownStep {
    return this.#steps[revision - 1]!;
  }

  /** Keys and values as of a revision, in order. */
  stateAt(revision: number): (readonly [key: string, value: string])[] {
    const state = new Map<string, string>();
    for (const { changes } of this.#steps.slice(0, revision)) {
      for (const { key, value } of changes) {
        if (value === undefined) state.delete(key);
        else state.set(key, value);
      }
    }
    return [...state].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  watch(node: number, replica: MetaReplica): void {
    replica.machine.observe({ stepped: (step) => this.#stepped(node, step), leased: () => {} });
  }

  /** All replicas tell the same story, each from where it began. */
  #stepped(node: number, { revision, changes }: Step): void {
    const text = JSON.stringify(
      changes.map(({ key, after }) => [key, after && { ...after, value: Buffer.from(after.value!).toString() }]),
    );
    if (revision <= this.#steps.length) {
      must(this.#texts[revision - 1] === text, `node ${node} has made another revision ${revision}: ${text}`);
      return;
    }
    must(revision === this.#steps.length + 1, `node ${node} has skipped to revision ${revision}`);
    this.#texts.push(text);
    const known = changes.map(({ key, after }) => ({ key, value: after && Buffer.from(after.value!).toString() }));
    for (const { value } of known) if (value !== undefined) this.values.add(value);
    this.#steps.push({ revision, changes: known, atMs: this.#nowMs() });
  }
}

export class Violation extends Error {
  override readonly name = 'Violation';
}

export function must(holds: boolean, what: string): void {
  if (!holds) throw new Violation(what);
}
