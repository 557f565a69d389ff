/**
 * Members of one shared subscription among whom a message can go, over all reactors: those here as such, those elsewhere as a number per reactor.
 *
 *   position   0   1   2 │ 3   4 │ 5        every reactor counts in the same order, so all agree on who a position is
 *              reactor 1 │ r. 2  │ r. 3     as soon as they agree on the numbers
 */
import type { ShareMember } from './member.ts';

export class Pool {
  /** Of this reactor. */
  readonly members: ShareMember[] = [];
  readonly #self: number;
  /** By thread; index 0 is unused. */
  readonly #counts: number[];
  #total = 0;
  /** Where the position that was placed last is among its reactor's members. */
  placed = 0;

  constructor(self: number, reactors: number) {
    this.#self = self;
    this.#counts = new Array<number>(reactors + 1).fill(0);
  }

  get total(): number {
    return this.#total;
  }

  count(thread: number): number {
    return this.#counts[thread]!;
  }

  /** What another reactor has said. */
  setCount(thread: number, count: number): void {
    this.#total += count - this.#counts[thread]!;
    this.#counts[thread] = count;
  }

  add(member: ShareMember): void {
    member.index = this.members.length;
    this.members.push(member);
    this.setCount(this.#self, this.members.length);
  }

  remove(member: ShareMember): void {
    const last = this.members.pop()!;
    if (last !== member) {
      this.members[member.index] = last;
      last.index = member.index;
    }
    this.setCount(this.#self, this.members.length);
  }

  /** The reactor of a position from 0 to `total` - 1; `placed` is where it is there. */
  place(position: number): number {
    let left = position;
    for (let thread = 1; thread < this.#counts.length; thread++) {
      const count = this.#counts[thread]!;
      if (left < count) {
        this.placed = left;
        return thread;
      }
      left -= count;
    }
    this.placed = 0;
    return this.#self;
  }
}
