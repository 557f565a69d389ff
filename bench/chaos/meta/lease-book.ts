/**
 * One lease, as its holder knows it: when it asked, what it heard, and what that promises. A lease lasts its whole time from when its holder asked last and was told yes; then it ends, or when it is revoked, and its keys end with it, in one
 * revision. Times are the clients', in milliseconds.
 */

/** Clocks of two processes are read in steps. */
const CLOCK_MS = 1;

export interface LeaseEnd {
  /** Of a key that was put under it. */
  readonly key: string;
  readonly revision: number;
  /** By then it had happened. */
  readonly byMs: number;
}

export class LeaseBook {
  readonly id: number;
  readonly ttlMs: number;
  readonly #group: string;
  readonly #onFault: (fault: string) => void;
  /** Keys under it: those that were certainly put, and those of which nobody knows. */
  readonly keys: Set<string> = new Set();
  readonly maybeKeys: Set<string> = new Set();
  /** Keys that have left it, or may have. */
  readonly left: Set<string> = new Set();
  #promise: { readonly askedMs: number; readonly heardMs: number };
  /** Not before: somebody else may end it from here on. */
  #revokedMs = Number.POSITIVE_INFINITY;
  /** Certainly over from here on. */
  #overMs = Number.POSITIVE_INFINITY;
  #over = '';
  renewals = 0;

  constructor(group: string, id: number, ttlMs: number, askedMs: number, heardMs: number, onFault: (fault: string) => void) {
    this.#group = group;
    this.id = id;
    this.ttlMs = ttlMs;
    this.#onFault = onFault;
    this.#promise = { askedMs, heardMs };
  }

  /** Somebody has said that it is over. */
  get isOver(): boolean {
    return this.#overMs < Number.POSITIVE_INFINITY;
  }

  /** It has a key, or had one when it ended. */
  get hasKeys(): boolean {
    return [...this.keys].some((key) => !this.left.has(key));
  }

  /** A renewal, answered with its time; 0: there is no such lease. */
  renewed(ttlMs: number, askedMs: number, heardMs: number): void {
    if (ttlMs === 0) return this.over('a renewal is told that there is no such lease', heardMs);
    this.renewals++;
    if (ttlMs !== this.ttlMs) this.#fault(`has ${ttlMs} ms, says a renewal at ${at(askedMs)}-${at(heardMs)}`);
    if (askedMs > this.#overMs)
      this.#fault(`was over at ${at(this.#overMs)} (${this.#over}), and is renewed at ${at(askedMs)}-${at(heardMs)}`);
    if (askedMs > this.#promise.askedMs) this.#promise = { askedMs, heardMs };
    // An answer may come after the news of what it has promised not to happen.
    if (this.isOver) this.#checkPromise(this.#over, this.#overMs);
  }

  /** A write under it was done. */
  carried(key: string, askedMs: number): void {
    this.keys.add(key);
    if (askedMs > this.#overMs)
      this.#fault(`was over at ${at(this.#overMs)} (${this.#over}), and takes ${key} at ${at(askedMs)}`);
  }

  /** It is being revoked, and may be at any time from now on. */
  revoking(atMs: number): void {
    this.#revokedMs = Math.min(this.#revokedMs, atMs);
  }

  /** It is not there any more, or one of its keys is not, and was gone at `byMs` at the latest. */
  over(how: string, byMs: number): void {
    if (byMs >= this.#overMs) return;
    this.#overMs = byMs;
    this.#over = how;
    this.#checkPromise(how, byMs);
  }

  /** In the end: what is known of the ends of its keys. */
  checkEnds(ends: readonly LeaseEnd[]): void {
    for (const { key, revision, byMs } of ends) this.over(`revision ${revision} has deleted ${key}`, byMs);
    const own = ends.filter(({ key }) => this.keys.has(key) || this.maybeKeys.has(key)).filter(({ key }) => !this.left.has(key));
    const revisions = new Set(own.map(({ revision }) => revision));
    if (revisions.size > 1)
      this.#fault(`has ended in several revisions: ${own.map(({ key, revision }) => `${key} in ${revision}`).join(', ')}`);
  }

  #checkPromise(how: string, byMs: number): void {
    const { askedMs, heardMs } = this.#promise;
    const untilMs = askedMs + this.ttlMs;
    if (byMs + CLOCK_MS >= Math.min(untilMs, this.#revokedMs)) return;
    this.#fault(
      `is over by ${at(byMs)} (${how}), and its holder, who asked at ${at(askedMs)} and heard yes at ${at(heardMs)}, has it until ${at(untilMs)}`,
    );
  }

  #fault(what: string): void {
    this.#onFault(`${this.#group}: lease ${this.id} of ${this.ttlMs} ms ${what}`);
  }
}

function at(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}
