/**
 * Where the messages of a backlog lie. The log orders them, not the relay: what a reactor has published goes there with that one's unit, and may overtake what was given to the log before. So where something lies is known when the log
 * has said so, and not before. Messages are told apart by stretches: one ends where it matters what came before, at a fence and around what is kept though it is under way already.
 *
 *   given     ─── stretch ───┤ kept ├── stretch ──┤fence├─ stretch ──▶
 *   on disk   ── · · ── k ─ · ── k ── · · ── · ──▶  offsets; `k` is not read, and the fence is passed behind the last of all that was given before it
 *
 * What is given behind a fence may so be read before it, and come twice; nothing comes behind a fence that was given before. Pure.
 */

/** The other node has all that lies before `upTo` when it has acknowledged what this belongs to. 0: nobody can tell yet. */
export interface Place {
  upTo: number;
}

export interface Stretch {
  readonly isKept: boolean;
  /** Of what is kept. */
  readonly place: Place;
  /** Messages that the log has not answered for. */
  pending: number;
  /** Behind the last one that it has. */
  to: number;
  readonly ranges: Range[];
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Fence {
  readonly name: Uint8Array;
  /** The last of those in front of it. */
  readonly stretch: Stretch;
  /** Infinity until it is known. */
  at: number;
}

export class BacklogPlaces {
  /** All before it has been handed on, or is kept. */
  #readTo: number;
  /** In the order of giving; the last one takes what is given now. Those that are known are gone. */
  #stretches: Stretch[] = [stretch(false)];
  /** Behind all that was given in stretches that are known. */
  #to: number;
  #fences: Fence[] = [];
  /** Kept, beyond `#readTo`, in order. */
  #kept: (Range & { readonly place: Place })[] = [];
  #keeping = 0;

  /** `end`: behind what a former life has left, which is in front of all else. */
  constructor(readTo: number, end: number) {
    this.#readTo = readTo;
    this.#to = end;
  }

  get readTo(): number {
    return this.#readTo;
  }

  /** Takes what is given now. */
  get current(): Stretch {
    return this.#stretches.at(-1)!;
  }

  /** Messages that are kept, of which it is not known yet where they lie. */
  get keeping(): number {
    return this.#keeping;
  }

  /** Until that is known nothing can be read. */
  get isKeeping(): boolean {
    return this.#keeping > 0;
  }

  get hasFences(): boolean {
    return this.#fences.length > 0;
  }

  /** Where a reader has to stop: at a fence, or at what is kept. */
  get stop(): number {
    return Math.min(this.#fences[0]?.at ?? Number.POSITIVE_INFINITY, this.#kept[0]?.from ?? Number.POSITIVE_INFINITY);
  }

  /** For what is given at once, and kept: it is under way already. */
  keep(): Stretch {
    const kept = stretch(true);
    this.#stretches.push(kept, stretch(false));
    return kept;
  }

  /** Behind all that was given before. */
  fence(name: Uint8Array): void {
    this.#fences.push({ name, stretch: this.current, at: Number.POSITIVE_INFINITY });
    this.#stretches.push(stretch(false));
    this.#settle();
  }

  given(to: Stretch, count: number): void {
    to.pending += count;
    if (to.isKept) this.#keeping += count;
  }

  /** The log has `count` messages of it, from `base` on. */
  arrived(of: Stretch, base: number, count: number): void {
    of.to = Math.max(of.to, base + count);
    if (of.isKept) of.ranges.push({ from: base, to: base + count });
    this.#answered(of, count);
  }

  /** It will never have them. */
  lost(of: Stretch, count: number): void {
    this.#answered(of, count);
  }

  /** What lies before `offset` has been handed on. Returns the place of that, with what is kept behind it. */
  read(offset: number): number {
    this.#readTo = Math.max(this.#readTo, offset);
    this.#passKept();
    return this.#readTo;
  }

  /** The next fence, if it is its turn. */
  passFence(): Uint8Array | undefined {
    return this.#fences[0] !== undefined && this.#fences[0].at <= this.#readTo ? this.#fences.shift()!.name : undefined;
  }

  #answered(of: Stretch, count: number): void {
    of.pending -= count;
    if (of.isKept) this.#keeping -= count;
    if (of.isKept && of.pending === 0) this.#isKept(of);
    this.#settle();
  }

  #isKept({ ranges, place }: Stretch): void {
    this.#kept.push(...ranges.map((range) => ({ ...range, place })));
    this.#kept.sort((a, b) => a.from - b.from);
    // All before it is under way by now, and longer than this; what has overtaken it is not.
    this.#passKept((passed) => {
      passed.place.upTo = passed.to;
    });
  }

  #passKept(then: (passed: Range & { readonly place: Place }) => void = () => {}): void {
    while (this.#kept.length > 0 && this.#kept[0]!.from <= this.#readTo) {
      const passed = this.#kept.shift()!;
      this.#readTo = Math.max(this.#readTo, passed.to);
      then(passed);
    }
  }

  #settle(): void {
    while (this.#stretches.length > 1 && this.#stretches[0]!.pending === 0) {
      const known = this.#stretches.shift()!;
      this.#to = Math.max(this.#to, known.to);
      for (const fence of this.#fences) if (fence.stretch === known) fence.at = this.#to;
    }
  }
}

function stretch(isKept: boolean): Stretch {
  return { isKept, place: { upTo: 0 }, pending: 0, to: 0, ranges: [] };
}
