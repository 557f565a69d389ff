/**
 * Where the messages of a backlog lie, and what of it is handed on next. The log orders them, not the relay: what a reactor has published goes there with that one's unit, and may overtake what was given to the log before. So where a
 * message lies is what the log has answered, and it is handed on in the order of giving: stretch by stretch, within a stretch by offset. A fence is between two stretches; what is kept though it is under way already is in none.
 *
 *   given     ─── stretch 1 ───┤ fence ├─── stretch 2 ───┤ fence ├─── …           beside them: kept with batch A, kept with batch B
 *   on disk   1 1 1 A A 2 1 2 2 ? 2 …      read: 1 1 1 1, fence, then from a lower offset 2 2 2 2 …; never A A
 *
 * At `?` lies what nobody has been told of: the answer is still to come, or whoever was to hear it has died. It was given before what lies behind it, so when all that was given by then is answered it is nobody's, and it is handed on with
 * the stretch that is read: rather twice than never. What has been acknowledged goes from the disk, up to the first message that has not. Pure.
 *
 * Bound: a stretch for each fence with messages in front of it, and one more; ranges for what was on its way to the log at a time when a stretch ended or a batch was kept. What lies side by side is one range.
 */
import { type Range, Ranges } from '../../base/ranges.ts';

/** What the log has, or is to have, of a batch that is under way. It goes from the disk when the batch has been acknowledged. */
export class Place {
  readonly ranges: Ranges = new Ranges();
  isAcknowledged = false;
  /** Messages that the log has not answered for. */
  pending = 0;

  /** The log has something of it, or may have it soon. */
  get holds(): boolean {
    return this.pending > 0 || !this.ranges.isEmpty;
  }
}

/** What is given between two fences. */
export class Stretch {
  /** To be handed on. */
  readonly ranges: Ranges = new Ranges();
  pending = 0;
  isUsed = false;
  /** Where the log ended, as far as was known, when this did: what lies before was given by then. */
  closedAt: number = Number.POSITIVE_INFINITY;
  /** Behind it, by name. */
  readonly fences: Map<string, Uint8Array> = new Map();
}

export class BacklogPlaces {
  /** In the order of giving: the first one is being read, the last one takes what is given now. */
  readonly #stretches: Stretch[] = [new Stretch()];
  /** The log has said whose they are. */
  readonly #known = new Ranges();
  /** The other node has them, or nobody will. */
  readonly #done = new Ranges();
  #end: number;
  /** Messages that are kept, of which it is not known yet where they lie. */
  #keeping = 0;

  /** What a former life has left lies in `[ackedTo, end)`. */
  constructor(ackedTo: number, end: number) {
    this.#end = end;
    this.#done.add(0, ackedTo);
    this.#known.add(0, end);
    this.current.ranges.add(ackedTo, end);
  }

  /** Takes what is given now. */
  get current(): Stretch {
    return this.#stretches.at(-1)!;
  }

  /** Everything has been handed on. */
  get isRead(): boolean {
    const { current } = this;
    return this.#stretches.length === 1 && current.pending === 0 && current.ranges.isEmpty;
  }

  /** What lies before is needed no more. */
  get ackedTo(): number {
    return this.#done.gapFrom(0);
  }

  /** Behind all that has been given so far. The same fence once more, with nothing in between, is that fence. */
  fence(name: Uint8Array): void {
    const former = this.#stretches.at(-2);
    const stretch = former !== undefined && !this.current.isUsed ? former : this.#close();
    stretch.fences.set(Buffer.from(name).toString('latin1'), name);
  }

  /** `count` messages of it are on their way to the log. */
  given(to: Stretch | Place, count: number): void {
    to.pending += count;
    if (to instanceof Stretch) to.isUsed = true;
    else this.#keeping += count;
  }

  /** The log has `count` of them, from `base` on. */
  arrived(of: Stretch | Place, base: number, count: number): void {
    const to = base + count;
    this.#end = Math.max(this.#end, to);
    this.#known.add(base, to);
    if (of instanceof Place && of.isAcknowledged) this.#done.add(base, to);
    else of.ranges.add(base, to);
    this.#answered(of, count);
  }

  /** It will not have them. */
  lost(of: Stretch | Place, count: number): void {
    this.#answered(of, count);
  }

  /** What is to be handed on next: a fence, or what is there of a range. Undefined: that is being written, or there is nothing. */
  next(): Range | Uint8Array | undefined {
    for (;;) {
      const front = this.#stretches[0]!;
      if (front.pending === 0 && this.#keeping === 0) this.#adopt(front);
      const { first } = front.ranges;
      const isLast = this.#stretches.length === 1;
      if (front.pending > 0) {
        if (first !== undefined && first.from < this.#known.gapFrom(0)) return first;
        // What lies in the gap may belong in front of it. While more and more is given that would never be known.
        if (isLast && this.#hasGap) this.#close();
        return undefined;
      }
      if (first !== undefined || isLast) return first;
      const [fence] = front.fences;
      if (fence === undefined) this.#stretches.shift();
      else {
        front.fences.delete(fence[0]);
        return fence[1];
      }
    }
  }

  /** Of the range that was next. */
  handedOn(from: number, to: number): void {
    this.#stretches[0]!.ranges.remove(from, to);
  }

  /** The disk has nothing there. */
  missing(from: number, to: number): void {
    this.#known.add(from, to);
    this.#done.add(from, to);
    for (const { ranges } of this.#stretches) ranges.remove(from, to);
  }

  /** The other node has that batch. */
  acknowledged(place: Place): void {
    place.isAcknowledged = true;
    for (const { from, to } of place.ranges) this.#done.add(from, to);
  }

  get #hasGap(): boolean {
    return this.#known.gapFrom(0) < this.#end;
  }

  #answered(of: Stretch | Place, count: number): void {
    of.pending -= count;
    if (of instanceof Place) this.#keeping -= count;
  }

  /** What was given up to its end has been answered: what is known of nobody else is its own. */
  #adopt(front: Stretch): void {
    for (const { from, to } of this.#known.gaps(0, Math.min(front.closedAt, this.#end))) {
      this.#known.add(from, to);
      front.ranges.add(from, to);
    }
  }

  #close(): Stretch {
    const closed = this.current;
    closed.closedAt = this.#end;
    this.#stretches.push(new Stretch());
    return closed;
  }
}
