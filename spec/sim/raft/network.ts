/** The network between simulated nodes: delay, loss, repetition, reordering, links cut in one direction or both. */
import type { Prng } from '../../../src/base/prng.ts';
import type { Swarm } from './swarm.ts';

const STRAGGLE_MS = 700;

export class Network {
  readonly #prng: Prng;
  readonly #swarm: Swarm;
  /** `from * 1000 + to`. */
  readonly #cut = new Set<number>();
  /** Links that take longer, by how much, milliseconds. */
  readonly #late = new Map<number, number>();
  isHealed = false;

  constructor(prng: Prng, swarm: Swarm) {
    this.#prng = prng;
    this.#swarm = swarm;
  }

  isOpen(from: number, to: number): boolean {
    return !this.#cut.has(from * 1000 + to);
  }

  cut(from: number, to: number): void {
    this.#cut.add(from * 1000 + to);
  }

  delay(from: number, to: number, byMs: number): void {
    this.#late.set(from * 1000 + to, byMs);
  }

  mendAll(): void {
    this.#cut.clear();
    this.#late.clear();
  }

  mend(from: number, to: number): void {
    this.#cut.delete(from * 1000 + to);
  }

  /** Delays of the copies that arrive; none: lost. */
  route(from: number, to: number): number[] {
    if (!this.isOpen(from, to)) return [];
    const lateMs = this.#late.get(from * 1000 + to) ?? 0;
    return this.#copies().map((delayMs) => delayMs + lateMs);
  }

  #copies(): number[] {
    const { loss, duplication } = this.#swarm;
    if (this.isHealed) return [this.#delay()];
    if (this.#prng.chance(loss)) return [];
    return this.#prng.chance(duplication) ? [this.#delay(), this.#delay() + this.#prng.next() * STRAGGLE_MS] : [this.#delay()];
  }

  #delay(): number {
    const { delayMinMs, delaySpreadMs, straggle } = this.#swarm;
    const usual = delayMinMs + this.#prng.next() * delaySpreadMs;
    return !this.isHealed && this.#prng.chance(straggle) ? usual + this.#prng.next() * STRAGGLE_MS : usual;
  }
}

/** Cuts links the way networks fail: one node alone, two halves, one direction, or halves that only a bridge connects. */
export function partition(network: Network, nodes: readonly number[], leader: number, prng: Prng): string {
  const any = (): number => nodes[prng.below(nodes.length)]!;
  const chosen = prng.chance(0.7) ? leader : any();
  const kind = PARTITIONS[prng.below(PARTITIONS.length)]!;
  const { told, isCut } = kind(nodes, chosen, prng);
  for (const from of nodes) for (const to of nodes) if (from !== to && isCut(from, to)) network.cut(from, to);
  return told;
}

interface Cut {
  readonly told: string;
  readonly isCut: (from: number, to: number) => boolean;
}

const PARTITIONS: readonly ((nodes: readonly number[], chosen: number, prng: Prng) => Cut)[] = [
  (_nodes, chosen) => ({ told: `node ${chosen} is alone`, isCut: (from, to) => from === chosen || to === chosen }),
  (nodes, _chosen, prng) => {
    const half = new Set(nodes.filter(() => prng.chance(0.5)));
    return { told: `nodes ${[...half].join()} on one side`, isCut: (from, to) => half.has(from) !== half.has(to) };
  },
  (nodes, chosen, prng) => {
    // Two that agree with each other only: both get entries that nobody else has.
    const other = nodes[prng.below(nodes.length)]!;
    const isIn = (node: number): boolean => node === chosen || node === other;
    return { told: `nodes ${chosen} and ${other} are alone`, isCut: (from, to) => isIn(from) !== isIn(to) };
  },
  (_nodes, chosen) => ({ told: `node ${chosen} hears nothing`, isCut: (_from, to) => to === chosen }),
  (_nodes, chosen) => ({ told: `node ${chosen} is not heard`, isCut: (from) => from === chosen }),
  (nodes, chosen, prng) => {
    // The chosen one, maybe the leader, reaches only the bridge; the others reach the bridge and each other.
    const others = nodes.filter((node) => node !== chosen);
    const bridge = others[prng.below(others.length)];
    return {
      told: `node ${chosen} reaches only ${bridge}`,
      isCut: (from, to) => (from === chosen && to !== bridge) || (to === chosen && from !== bridge),
    };
  },
  (nodes, chosen, prng) => {
    const deaf = nodes[prng.below(nodes.length)]!;
    return { told: `node ${chosen} does not reach ${deaf}`, isCut: (from, to) => from === chosen && to === deaf };
  },
];
