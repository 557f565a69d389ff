/** A thread's links to the other threads of its node, and the turn's share of each. */
import type { RecordSink } from './channel.ts';
import type { Link } from './link.ts';
import { THREAD_MAX } from './ref.ts';

/** Records taken from one ring before the next one has its chance, and between two looks at the clock. */
const DRAIN_CHUNK = 256;

export class Links {
  readonly #byThread: (Link | undefined)[] = new Array<Link | undefined>(THREAD_MAX + 1).fill(undefined);
  #links: Link[] = [];
  #first = 0;
  #formerRefusals = 0;

  get(thread: number): Link | undefined {
    return this.#byThread[thread];
  }

  all(): readonly Link[] {
    return this.#links;
  }

  attach(link: Link): void {
    this.#byThread[link.thread] = link;
    this.#links.push(link);
  }

  detach(link: Link): void {
    this.#byThread[link.thread] = undefined;
    this.#formerRefusals += link.refusals;
    this.#links = this.#links.filter((other) => other !== link);
  }

  /**
   * Takes records in chunks, one link after the other, until all are empty, `max` are taken or `isLate` says so. Each
   * call begins with another link, and however late it is every link gets its first chunk: what a client may have learnt from another thread, that
   * thread's records are not far behind.
   */
  drain(sink: RecordSink, max: number, isLate: () => boolean): number {
    const links = this.#links;
    const count = links.length;
    let taken = 0;
    let idle = 0;
    const first = this.#first++;
    for (let i = first; idle < count && taken < max; i++) {
      const link = links[i % count]!;
      const chunk = link.isHeld ? 0 : link.inlet.drain(sink, Math.min(DRAIN_CHUNK, max - taken), link);
      taken += chunk;
      idle = chunk === 0 ? idle + 1 : 0;
      if (i - first >= count - 1 && chunk > 0 && isLate()) break;
    }
    return taken;
  }

  #hasRecords(): boolean {
    for (const link of this.#links) if (!link.isHeld && link.inlet.hasRecords()) return true;
    return false;
  }

  inboundBytes(): number {
    let bytes = 0;
    for (const link of this.#links) bytes += link.inlet.used();
    return bytes;
  }

  publish(): void {
    for (const link of this.#links) link.publish();
  }

  serveWaiters(): void {
    for (const link of this.#links) link.serveWaiters();
  }

  /** There is something to do: records to take, or room for what waits for it. */
  hasWork(): boolean {
    if (this.#hasRecords()) return true;
    for (const link of this.#links) if (link.canProceed()) return true;
    return false;
  }

  refusals(): number {
    let refusals = this.#formerRefusals;
    for (const link of this.#links) refusals += link.refusals;
    return refusals;
  }

  /** Records that wait for room. */
  overflow(): number {
    let records = 0;
    for (const link of this.#links) records += link.overflow;
    return records;
  }
}
