/**
 * One bound socket that every reactor listens on through a descriptor of its own. A few spare duplicates let a reactor come back at once; they are made up
 * for afterwards.
 *
 * A descriptor that was lent to a reactor belongs to it: the thread closes it, or its death does. Main's handle of the same
 * number must then never be closed, because the number may be somebody else's by then, so lent handles are kept as they are.
 */
import type { ListenTarget } from '../../actors/listener/settings.ts';
import { assert } from '../../base/assert.ts';
import { type BoundHandle, duplicateHandle } from './duplicate-fd.ts';
import type { ListeningSocket } from './listening-socket.ts';

/** Duplicates at hand beside those in use: at least so many, and one for each reactor, so that even all of them can come back at once. */
const SPARES_MIN = 4;

export async function shareHandle(bound: BoundHandle, address: string, reactors: number): Promise<ListeningSocket> {
  const sparesMin = Math.max(SPARES_MIN, reactors);
  const spares = await duplicateHandle(bound, reactors + sparesMin);
  return new SharedSocket(address, bound, spares, sparesMin);
}

class SharedSocket implements ListeningSocket {
  readonly address: string;
  readonly #bound: BoundHandle;
  readonly #spares: BoundHandle[];
  readonly #sparesMin: number;
  /** Held so that they are neither collected nor closed; see the header. */
  readonly #lent: BoundHandle[] = [];
  #refilling = false;
  #closed = false;

  constructor(address: string, bound: BoundHandle, spares: BoundHandle[], sparesMin: number) {
    this.address = address;
    this.#bound = bound;
    this.#spares = spares;
    this.#sparesMin = sparesMin;
  }

  lend(): ListenTarget {
    assert(!this.#closed, 'a closed socket is not lent');
    const handle = this.#spares.pop();
    assert(handle !== undefined, 'a duplicate of the listening socket is at hand');
    this.#lent.push(handle);
    if (this.#spares.length < this.#sparesMin) this.#refill();
    return { fd: handle.fd };
  }

  /** One child at a time; when it fails, the next `lend` tries again. */
  #refill(): void {
    if (this.#refilling) return;
    this.#refilling = true;
    duplicateHandle(this.#bound, this.#sparesMin).then(
      (copies) => {
        this.#refilling = false;
        if (this.#closed) for (const copy of copies) copy.close();
        else this.#spares.push(...copies);
      },
      () => {
        this.#refilling = false;
      },
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#bound.close();
    for (const spare of this.#spares.splice(0)) spare.close();
  }
}
