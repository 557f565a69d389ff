/**
 * The newest changes of a group, a step per revision: what watchers are told, and how the keys of an earlier revision are found. Bounded by revisions and bytes; what
 * has been dropped is compacted, and nobody gets a part of it.
 */
import { assert } from '../../../base/assert.ts';
import { type MetaKey, type MetaRecord, recordBytes } from './record.ts';

export interface Change {
  readonly key: MetaKey;
  /** Undefined: the key was not there. */
  readonly before: MetaRecord | undefined;
  /** Undefined: the key has been deleted. */
  readonly after: MetaRecord | undefined;
}

export interface Step {
  readonly revision: number;
  readonly changes: readonly Change[];
  /** Of what it left, about. */
  readonly bytes: number;
}

export interface HistoryBounds {
  readonly revisionsMax: number;
  readonly bytesMax: number;
}

export class History {
  readonly #bounds: HistoryBounds;
  /** Revisions without gaps, the oldest at `#first`. */
  #steps: Step[] = [];
  #first = 0;
  #bytes = 0;
  /** Up to here nothing is known any more. */
  #compacted = 0;

  constructor(bounds: HistoryBounds) {
    this.#bounds = bounds;
  }

  /** Revisions up to this one are compacted: changes after it are all here. */
  get compacted(): number {
    return this.#compacted;
  }

  get last(): number {
    return this.#compacted + this.#steps.length - this.#first;
  }

  push(step: Step): void {
    assert(step.revision === this.last + 1, 'revisions have no gaps');
    this.#steps.push(step);
    this.#bytes += step.bytes;
    const { revisionsMax, bytesMax } = this.#bounds;
    while (this.#steps.length - this.#first > revisionsMax || (this.#bytes > bytesMax && this.#first < this.#steps.length - 1)) {
      this.#drop();
    }
  }

  /** The change that made `revision`; it is not compacted. */
  step(revision: number): Step {
    return this.#steps[this.#first + revision - this.#compacted - 1]!;
  }

  /** What was before, of every key that has changed after `revision`, which is not compacted. */
  changedAfter(revision: number): Map<MetaKey, MetaRecord | undefined> {
    const before = new Map<MetaKey, MetaRecord | undefined>();
    for (let at = revision + 1; at <= this.last; at++) {
      for (const change of this.step(at).changes) if (!before.has(change.key)) before.set(change.key, change.before);
    }
    return before;
  }

  /** Begins behind `revision`, knowing nothing of what was before. */
  reset(revision: number): void {
    this.#steps = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#compacted = revision;
  }

  /** The steps as they are now. */
  steps(): readonly Step[] {
    return this.#steps.slice(this.#first);
  }

  #drop(): void {
    this.#bytes -= this.#steps[this.#first]!.bytes;
    this.#compacted++;
    this.#first++;
    if (this.#first < 1024 || this.#first * 2 < this.#steps.length) return;
    this.#steps = this.#steps.slice(this.#first);
    this.#first = 0;
  }
}

export function stepBytes(changes: readonly Change[]): number {
  let bytes = 0;
  for (const { key, after } of changes) bytes += recordBytes(key.length, after?.valueBytes ?? 0);
  return bytes;
}
