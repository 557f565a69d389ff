/** The clients that took longest to acknowledge, at most so many, each until nothing slow has been seen of it for a time. Pure. */

export interface SlowEntry {
  readonly clientId: string;
  /** The longest, milliseconds. */
  readonly latencyMs: number;
  /** Messages that took longer than the threshold. */
  readonly count: number;
  /** Milliseconds since the epoch, of the last one. */
  readonly lastAt: number;
}

export interface SlowOptions {
  readonly thresholdMs: number;
  readonly max: number;
  readonly expiryMs: number;
}

export class SlowTop {
  readonly options: SlowOptions;
  readonly #entries = new Map<string, SlowEntry>();

  constructor(options: SlowOptions) {
    this.options = options;
  }

  /** A message of the client's has taken so long. */
  note(clientId: string, latencyMs: number, now: number): void {
    if (latencyMs < this.options.thresholdMs) return;
    const known = this.#entries.get(clientId);
    if (known === undefined && !this.#makesRoom(latencyMs, now)) return;
    this.#entries.set(clientId, {
      clientId,
      latencyMs: Math.max(latencyMs, known?.latencyMs ?? 0),
      count: (known?.count ?? 0) + 1,
      lastAt: now,
    });
  }

  /** Slowest first. */
  list(now: number): SlowEntry[] {
    this.#expire(now);
    return [...this.#entries.values()].sort((a, b) => b.latencyMs - a.latencyMs || (a.clientId < b.clientId ? -1 : 1));
  }

  clear(): void {
    this.#entries.clear();
  }

  #makesRoom(latencyMs: number, now: number): boolean {
    if (this.#entries.size < this.options.max) return true;
    this.#expire(now);
    if (this.#entries.size < this.options.max) return true;
    let fastest: SlowEntry | undefined;
    for (const entry of this.#entries.values()) if (fastest === undefined || entry.latencyMs < fastest.latencyMs) fastest = entry;
    if (fastest === undefined || fastest.latencyMs >= latencyMs) return false;
    this.#entries.delete(fastest.clientId);
    return true;
  }

  #expire(now: number): void {
    for (const [clientId, { lastAt }] of this.#entries) {
      if (now - lastAt >= this.options.expiryMs) this.#entries.delete(clientId);
    }
  }
}
