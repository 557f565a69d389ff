/**
 * What one watcher has been told, across all nodes that have told it: every change of its keys once, in the order of revisions, and in the end what is there. A record says which change of its key it is, so one watcher finds many a hole
 * by itself; the others are found in the story that all clients have heard together.
 */
import type { WatchedStep } from '../../../src/actors/meta/codec/answer-codec.ts';
import type { MetaRecord } from '../../../src/actors/meta/state/record.ts';
import { GONE, type Story, said, type Tag } from './story.ts';
import { tagOf } from './value.ts';

export interface Seen {
  readonly tag: Tag;
  readonly created: number;
  readonly modified: number;
  readonly version: number;
  readonly lease: number;
}

/** Revisions without a gap. */
interface Span {
  readonly after: number;
  through: number;
}

export class WatchLog {
  readonly name: string;
  readonly from: string;
  /** Empty: the end. */
  readonly to: string;
  readonly #story: Story;
  readonly #onFault: (fault: string) => void;
  readonly #state = new Map<string, Seen>();
  readonly #spans: Span[] = [{ after: 0, through: 0 }];
  /** Changes that it was told of each revision. */
  readonly #told = new Map<number, number>();
  #last = 0;

  constructor(name: string, story: Story, from: string, to: string, onFault: (fault: string) => void) {
    this.name = name;
    this.from = from;
    this.to = to;
    this.#story = story;
    this.#onFault = onFault;
  }

  /** Up to here it was told everything, or has read it. */
  get through(): number {
    return this.#spans.at(-1)!.through;
  }

  get changes(): number {
    let sum = 0;
    for (const count of this.#told.values()) sum += count;
    return sum;
  }

  changed(steps: readonly WatchedStep[], through: number, atMs: number): void {
    const span = this.#spans.at(-1)!;
    if (through < span.through) this.#fault(`is told up to ${through}, after ${span.through}`);
    for (const { revision, changes } of steps) {
      if (revision <= span.through || revision <= this.#last)
        this.#fault(`is told revision ${revision}, after ${Math.max(span.through, this.#last)}`);
      if (revision > through) this.#fault(`is told revision ${revision} as one of those up to ${through}`);
      this.#last = Math.max(this.#last, revision);
      this.#told.set(revision, changes.length);
      for (const { key, record } of changes) this.#change(revision, key, record);
    }
    span.through = Math.max(span.through, through);
    this.#story.known(through, atMs);
  }

  /** What came next is compacted: it has read its keys instead, as of a revision behind that. */
  reset(records: readonly MetaRecord[], revision: number): void {
    if (revision < this.through) this.#fault(`has read revision ${revision}, after ${this.through}`);
    this.#state.clear();
    for (const record of records) this.#state.set(record.key, seenOf(record));
    this.#spans.push({ after: revision, through: revision });
  }

  /** What others have heard of its keys, and it has not. */
  checkHoles(): void {
    let at = 0;
    for (const { revision, changes } of this.#story.steps()) {
      while (at < this.#spans.length && this.#spans[at]!.through < revision) at++;
      const span = this.#spans[at];
      if (span === undefined) return;
      if (revision <= span.after) continue;
      const own = [...changes].filter(([key]) => this.#isOwn(key));
      if (own.length > (this.#told.get(revision) ?? 0)) {
        const [key, { tag, by }] = own[0]!;
        this.#fault(
          `was told of ${this.#told.get(revision) ?? 0} changes of revision ${revision}, and there are ${own.length}: ${key} became ${said(tag)}, says ${by}`,
        );
      }
    }
  }

  /** `records`: of its keys, all, read when it had been told up to `revision`. */
  checkEnd(records: readonly MetaRecord[], revision: number): void {
    const there = new Map(records.map((record) => [record.key, seenOf(record)]));
    for (const [key, seen] of there) {
      const told = this.#state.get(key);
      if (JSON.stringify(told) !== JSON.stringify(seen))
        this.#fault(
          `believes in the end that ${key} is ${JSON.stringify(told)}, and in revision ${revision} it is ${JSON.stringify(seen)}`,
        );
    }
    for (const [key, seen] of this.#state)
      if (!there.has(key))
        this.#fault(`believes in the end that ${key} is ${JSON.stringify(seen)}, and in revision ${revision} it is not there`);
  }

  #change(revision: number, key: string, record: MetaRecord | undefined): void {
    if (!this.#isOwn(key)) this.#fault(`is told of ${key}, which is not its own`);
    const before = this.#state.get(key);
    if (record === undefined) {
      if (before === undefined) this.#fault(`is told that revision ${revision} deleted ${key}, which it has never seen`);
      this.#state.delete(key);
      this.#story.tell(revision, key, GONE, this.name);
      return;
    }
    const seen = seenOf(record);
    const isNext =
      before === undefined
        ? seen.created === revision && seen.version === 1
        : seen.created === before.created && seen.version === before.version + 1;
    if (!isNext || seen.modified !== revision)
      this.#fault(
        `is told in revision ${revision} that ${key} is ${JSON.stringify(seen)}, and before that it was ${JSON.stringify(before)}`,
      );
    this.#state.set(key, seen);
    this.#story.tell(revision, key, seen.tag, this.name);
  }

  #isOwn(key: string): boolean {
    return key >= this.from && (this.to === '' || key < this.to);
  }

  #fault(what: string): void {
    this.#onFault(`${this.#story.name}: ${this.name} ${what}`);
  }
}

export function seenOf({ value, created, modified, version, lease }: MetaRecord): Seen {
  return { tag: tagOf(value!) ?? `damaged: ${Buffer.from(value!).toString('latin1', 0, 40)}`, created, modified, version, lease };
}
