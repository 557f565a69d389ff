/**
 * Fences part what every reactor publishes into a before and an after that two receivers agree on. Who takes over a session from another reactor asks every
 * reactor for one; each sends it to both, the former reactor and the heir's, at one moment between two of its publishes, on the way that runs take:
 *
 *     publisher P   … run 7   run 8   │fence│   run 9   …
 *        to the former reactor:  7  8 │ 9          keeps what comes before the fence
 *        to the heir's reactor:  7  8 │ 9          keeps what comes after it
 *
 * A reactor's own publishes are such a stream as well; there the fence passes by a call. A reactor that dies and comes back is asked again.
 */
import type { ActorSystem } from '../../runtime/system.ts';
import { ROUTER_BYTES } from './messages.ts';
import type { Publisher } from './publisher.ts';

/** Names a takeover: the heir's ref, which is never used again. */
export type TakeoverId = number;

interface Awaited {
  /** The former owner's reactor, 0 when this is that reactor: it does not ask. */
  readonly former: number;
  /** Bit `thread - 1` for each reactor whose fence has not come. */
  missing: number;
  readonly passed: (thread: number, missing: number) => void;
}

/**
 *    0               8        12       16
 *   +---------------+--------+--------+
 *   | takeover (f64)| former | heir   |   request: the two reactors that are to get a fence
 *   |               | from   | 0      |   fence: the reactor that it comes from
 *   +---------------+--------+--------+
 */
const RECORD_BYTES = 16;

export class Fences {
  readonly #system: ActorSystem;
  readonly #publisher: Publisher;
  readonly #awaited = new Map<TakeoverId, Awaited>();

  constructor(system: ActorSystem, publisher: Publisher) {
    this.#system = system;
    this.#publisher = publisher;
    system.onThreadChange((thread, state) => {
      if (state === 'up') this.#askAgain(thread);
    });
  }

  get size(): number {
    return this.#awaited.size;
  }

  /** On the former owner's reactor: calls `passed` for each reactor once, between the runs that come before its fence and those after. */
  expect(takeover: TakeoverId, passed: Awaited['passed']): void {
    this.#awaited.set(takeover, { former: 0, missing: this.#all(), passed });
  }

  /** The same on the heir's reactor, which asks for them. */
  request(takeover: TakeoverId, former: number, passed: Awaited['passed']): void {
    this.#awaited.set(takeover, { former, missing: this.#all(), passed });
    for (let thread = 1; thread <= this.#system.reactors; thread++) this.#ask(thread, takeover, former);
  }

  forget(takeover: TakeoverId): void {
    this.#awaited.delete(takeover);
  }

  /** A record of kind `fence` or `fenceRequest`. */
  receive(kind: number, bytes: Uint8Array, start: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, RECORD_BYTES);
    const takeover = view.getFloat64(0, true);
    const first = view.getUint32(8, true);
    if (kind === ROUTER_BYTES.fence) this.#passed(takeover, first);
    else this.#raise(takeover, first, view.getUint32(12, true));
  }

  #all(): number {
    return 2 ** this.#system.reactors - 1;
  }

  #ask(thread: number, takeover: TakeoverId, former: number): void {
    const own = this.#system.thread;
    if (thread === own) this.#raise(takeover, former, own);
    else this.#send(thread, ROUTER_BYTES.fenceRequest, takeover, former, own);
  }

  #askAgain(thread: number): void {
    for (const [takeover, { former, missing }] of this.#awaited) {
      if (former !== 0 && (missing & (1 << (thread - 1))) !== 0) this.#ask(thread, takeover, former);
    }
  }

  /** Our own fence, for both at one moment. */
  #raise(takeover: TakeoverId, former: number, heir: number): void {
    const own = this.#system.thread;
    for (const thread of [former, heir]) {
      if (thread === own) this.#passed(takeover, own);
      else this.#send(thread, ROUTER_BYTES.fence, takeover, own, 0);
    }
  }

  #passed(takeover: TakeoverId, thread: number): void {
    const awaited = this.#awaited.get(takeover);
    const bit = 1 << (thread - 1);
    if (awaited === undefined || (awaited.missing & bit) === 0) return;
    awaited.missing &= ~bit;
    if (awaited.missing === 0) this.#awaited.delete(takeover);
    awaited.passed(thread, awaited.missing);
  }

  #send(thread: number, kind: number, takeover: TakeoverId, first: number, second: number): void {
    const record = new Uint8Array(RECORD_BYTES);
    const view = new DataView(record.buffer);
    view.setFloat64(0, takeover, true);
    view.setUint32(8, first, true);
    view.setUint32(12, second, true);
    this.#publisher.send(thread, kind, record);
  }
}
