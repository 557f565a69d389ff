/**
 * The orderly end of a system, advanced once per turn: the root's children stop one after the other, last started first,
 * each behind the messages it already has; then the rings are flushed. At the deadline what is left stops at once.
 */
import type { Cell } from './cell.ts';
import { Envelope, RECORD } from './envelope.ts';
import { terminate } from './lifecycle.ts';
import { NOBODY } from './ref.ts';
import type { ThreadSystem } from './thread-system.ts';

export class Drain {
  readonly #system: ThreadSystem;
  readonly #done: () => void;
  #stopping: Cell | null = null;
  #isLate = false;

  constructor(system: ThreadSystem, deadlineMs: number, done: () => void) {
    this.#system = system;
    this.#done = done;
    system.after(deadlineMs, 0, () => {
      this.#isLate = true;
    });
  }

  /** True when everything is stopped and flushed. */
  advance(): boolean {
    const system = this.#system;
    for (let last = system.root.lastChild; last !== null; last = system.root.lastChild) {
      if (this.#isLate) {
        terminate(system, last, 'stopped');
        continue;
      }
      if (last !== this.#stopping) {
        this.#stopping = last;
        // Behind what waits in the user lane: the mailbox runs dry first. One that waits for its restart has nobody to drain it.
        const stop = new Envelope(RECORD.stop, 0, undefined, NOBODY, 0);
        if (last.lifecycle === 'suspended') system.urge(last, stop);
        else system.push(last, stop);
      }
      return false;
    }
    if (system.links.overflow() > 0 && !this.#isLate) return false;
    this.#done();
    return true;
  }
}
