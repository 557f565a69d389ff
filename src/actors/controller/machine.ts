/** What the controller makes of the nodes' registrations: who has come, who has gone. A registration that was made anew is a new life, though nobody saw the end of the last. */
import type { NodeRecord } from './messages.ts';

export class NodeStates {
  readonly #known = new Map<number, NodeRecord>();
  readonly #live = new Set<number>();

  /** What was recorded before. */
  remember(record: NodeRecord): void {
    this.#known.set(record.node, record);
  }

  /** A registration is there, made in revision `registered`. Returns what is to be recorded; undefined: nothing new. */
  came(node: number, registered: number, nowMs: number): NodeRecord | undefined {
    this.#live.add(node);
    const before = this.#known.get(node);
    if (before?.state === 'up' && before.registered === registered) return undefined;
    return this.#note({ node, state: 'up', sinceMs: nowMs, epoch: (before?.epoch ?? 0) + 1, registered });
  }

  /** Its registration is gone. */
  went(node: number, nowMs: number): NodeRecord | undefined {
    this.#live.delete(node);
    const before = this.#known.get(node);
    if (before === undefined || before.state === 'down') return undefined;
    return this.#note({ ...before, state: 'down', sinceMs: nowMs });
  }

  /** Those recorded as up that have no registration. */
  missing(nowMs: number): NodeRecord[] {
    const gone = [...this.#known.values()].filter(({ node, state }) => state === 'up' && !this.#live.has(node));
    return gone.map((record) => this.#note({ ...record, state: 'down', sinceMs: nowMs }));
  }

  #note(record: NodeRecord): NodeRecord {
    this.#known.set(record.node, record);
    return record;
  }
}
