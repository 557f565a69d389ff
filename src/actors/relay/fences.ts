/**
 * Where in the stream of each node a session changes its home. On a node all that leaves for others, and all that is for this thread, passes one place: so the fence that is put there in one step into the streams to the
 * former home and to the new one parts them at the same message, whoever publishes meanwhile.
 *
 *      P ── … m1 m2 │ m3 … ──▶ former home: takes m1, m2
 *        └─ … m1 m2 │ m3 … ──▶ new home: takes m3 …
 *
 * A node puts a fence only when it knows what the new home wants, or what comes behind it would reach nobody; until then the fence waits here. Who asks for fences asks again until they have come. Bound: RELAY_FENCES_MAX.
 */
import { RELAY_FENCES_MAX } from '../../base/limits.ts';
import type { RelayFence } from '../../wire/schema-types.ts';
import { isRelayedFilter } from './own-filters.ts';

export class RelayFences {
  /** Of whom the sender is not known to want everything yet. */
  readonly #waiting = new Map<string, RelayFence>();
  readonly #wants: (node: number, filter: string) => boolean;
  readonly #put: (fence: RelayFence) => void;

  constructor(wants: (node: number, filter: string) => boolean, put: (fence: RelayFence) => void) {
    this.#wants = wants;
    this.#put = put;
  }

  ask(fence: RelayFence): void {
    if (this.#isDue(fence)) this.#put(fence);
    else if (this.#waiting.size < RELAY_FENCES_MAX || this.#waiting.has(fence.name)) this.#waiting.set(fence.name, fence);
  }

  /** More is known of what others want. */
  settle(): void {
    if (this.#waiting.size === 0) return;
    for (const [name, fence] of this.#waiting) {
      if (!this.#isDue(fence)) continue;
      this.#waiting.delete(name);
      this.#put(fence);
    }
  }

  /** Whoever asked from there has to ask again. */
  forget(node: number): void {
    for (const [name, { from }] of this.#waiting) if (from === node) this.#waiting.delete(name);
  }

  #isDue({ from, filters }: RelayFence): boolean {
    return filters.every((filter) => !isRelayedFilter(filter) || this.#wants(from, filter));
  }
}
