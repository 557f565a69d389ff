/**
 * What has happened to the keys of one group, as far as clients have heard of it from anybody: which revision made what of which key, and when it was known that the group was so far. Whatever is said twice has
 * to be said alike, and nothing may be there that nobody wrote.
 */

/** What a key has become: the tag of its value, or ''. */
export type Tag = string;
export const GONE: Tag = '';

interface Fact {
  readonly tag: Tag;
  readonly by: string;
}

export class Story {
  readonly name: string;
  readonly #onFault: (fault: string) => void;
  readonly #facts = new Map<number, Map<string, Fact>>();
  /** Rising in both. */
  readonly #known: { readonly revision: number; readonly atMs: number }[] = [{ revision: 0, atMs: 0 }];
  readonly #sent = new Set<Tag>();
  /** What clients were told has not been done, and will not be. */
  readonly #undone = new Map<Tag, string>();

  constructor(name: string, onFault: (fault: string) => void) {
    this.name = name;
    this.#onFault = onFault;
  }

  /** Somebody is about to write it. */
  sent(tag: Tag): void {
    this.#sent.add(tag);
  }

  /** `how` it was said. */
  undone(tag: Tag, how: string): void {
    this.#undone.set(tag, how);
  }

  /** Somebody has heard that this revision is there. */
  known(revision: number, atMs: number): void {
    if (revision > this.#known.at(-1)!.revision) this.#known.push({ revision, atMs });
  }

  /** The newest revision that anybody has heard of. */
  get newest(): number {
    return this.#known.at(-1)!.revision;
  }

  /** When the group was there for certain; infinity: nobody has heard. */
  thereByMs(revision: number): number {
    let low = 0;
    let high = this.#known.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#known[middle]!.revision < revision) low = middle + 1;
      else high = middle;
    }
    return this.#known[low]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** `by`: who has heard it. */
  tell(revision: number, key: string, tag: Tag, by: string): void {
    let step = this.#facts.get(revision);
    if (step === undefined) this.#facts.set(revision, (step = new Map()));
    const known = step.get(key);
    if (known === undefined) step.set(key, { tag, by });
    else if (known.tag !== tag)
      this.#onFault(
        `${this.name}: revision ${revision} made of ${key} ${said(known.tag)} to ${known.by}, and ${said(tag)} to ${by}`,
      );
    if (tag !== GONE && !this.#sent.has(tag))
      this.#onFault(`${this.name}: ${by} was told that ${key} is ${tag}, which nobody wrote`);
  }

  /** What is known of each revision that anybody was told something of, in order. */
  *steps(): Generator<{ readonly revision: number; readonly changes: ReadonlyMap<string, Fact> }, void, undefined> {
    for (const revision of [...this.#facts.keys()].sort((a, b) => a - b)) yield { revision, changes: this.#facts.get(revision)! };
  }

  /** Revision of the last deletion of a key that anybody has heard of. */
  lastDeletions(): Map<string, number> {
    const deleted = new Map<string, number>();
    for (const { revision, changes } of this.steps()) {
      for (const [key, { tag }] of changes) if (tag === GONE) deleted.set(key, revision);
    }
    return deleted;
  }

  /** Writes that were said not to be done, and that somebody has seen. */
  check(): void {
    for (const { revision, changes } of this.steps()) {
      for (const [key, { tag, by }] of changes) {
        const how = this.#undone.get(tag);
        if (how !== undefined)
          this.#onFault(
            `${this.name}: ${tag} of ${key} was said not to be done (${how}), and ${by} has seen it in revision ${revision}`,
          );
      }
    }
  }
}

export function said(tag: Tag | undefined): string {
  return tag === undefined || tag === GONE ? 'nothing' : tag;
}
