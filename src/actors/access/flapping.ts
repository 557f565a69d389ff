/**
 * Clients that connect over and over: counted by client id in windows of a fixed length. Owned by the access actor of the reactor that the client id belongs to, so
 * that all of its connects are counted in one place.
 *
 * Bound: FLAPPING_CLIENTS_MAX client ids; beyond, those whose window began first are forgotten.
 */
import { FLAPPING_CLIENTS_MAX } from '../../base/limits.ts';

export interface FlappingOptions {
  /** Connects within the window that are too many. */
  readonly connects: number;
  readonly windowMs: number;
}

export class FlappingDetector {
  readonly #options: FlappingOptions;
  readonly #max: number;
  /** In the order in which the windows began. */
  readonly #windows = new Map<string, { readonly since: number; connects: number }>();

  constructor(options: FlappingOptions, max: number = FLAPPING_CLIENTS_MAX) {
    this.#options = options;
    this.#max = max;
  }

  /** A client has connected. True when that was once too often; its count begins anew then. */
  connected(clientId: string, now: number): boolean {
    this.#forgetBefore(now - this.#options.windowMs);
    const window = this.#windows.get(clientId);
    if (window === undefined) {
      if (this.#windows.size >= this.#max) this.#windows.delete(this.#windows.keys().next().value!);
      this.#windows.set(clientId, { since: now, connects: 1 });
      return this.#options.connects <= 1;
    }
    if (++window.connects < this.#options.connects) return false;
    this.#windows.delete(clientId);
    return true;
  }

  #forgetBefore(time: number): void {
    for (const [clientId, { since }] of this.#windows) {
      if (since > time) return;
      this.#windows.delete(clientId);
    }
  }
}
