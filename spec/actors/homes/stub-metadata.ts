/**
 * A stub of the metadata service: linearizable, some milliseconds away, and a fraction of the work of the real one. It stays beside that (raft-metadata.ts) because it can be worse: a claim that nobody has
 * answered for may be done many seconds later, again and again in one run, which real groups come to once in a long while; and because specs of single moves say through it what is out of reach, and look into it.
 */
import type { Claimed, Found, Place, Register, RegisterPage } from '../../../src/actors/homes/directory.ts';
import { decodeEntry } from '../../../src/actors/homes/entry.ts';
import type { LostNodes } from '../../../src/actors/homes/undertaker.ts';
import { ANY } from '../../../src/actors/meta/command.ts';
import { Prng } from '../../../src/base/prng.ts';
import type { SimNetwork } from '../../../src/runtime/sim/network.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';
import { NODES, type SimMetadata } from './sim-metadata.ts';

const LEASE_MS = 3000;
const SILENT_MS = 3000;

/** What the metadata service does for all of them: linearizable, some milliseconds away; out of reach for some nodes at times, and when it is `fickle`, late, or silent about what it has done, or does afterwards. */
class SharedDirectory {
  readonly entries: Map<string, { readonly revision: number; readonly value: Uint8Array }> = new Map<
    string,
    { readonly revision: number; readonly value: Uint8Array }
  >();
  readonly #stub: StubMetadata;
  readonly #prng: Prng;
  #revision = 0;

  constructor(stub: StubMetadata, seed: number) {
    this.#stub = stub;
    this.#prng = new Prng(seed);
  }

  for(node: number): Register {
    const stub = this.#stub;
    const after = (ms: number, then: () => void): void => stub.network.at(stub.network.world.nowMs + ms, then);
    const later = (then: () => void): void => after(stub.isFickle && this.#prng.chance(0.2) ? this.#prng.next() * 800 : 1, then);
    const find = (clientId: string): Found => {
      const { revision = 0, value = undefined } = this.entries.get(clientId) ?? {};
      return { revision, value };
    };
    return {
      flush: () => {},
      get: (clientId, then: (found: Found | undefined) => void) => {
        if (stub.isFickle && this.#prng.chance(0.05)) return after(SILENT_MS, () => then(undefined));
        later(() => {
          const found = find(clientId);
          later(() => then(stub.away.has(node) ? undefined : found));
        });
      },
      claim: (clientId, revision, value, then) => {
        const die = stub.isFickle ? this.#prng.next() : 1;
        const claim = (): Claimed => (stub.away.has(node) ? { type: 'unavailable' } : this.#claim(clientId, revision, value));
        if (die >= 0.12)
          return later(() => {
            const claimed = claim();
            later(() => then(claimed));
          });
        after(SILENT_MS, () => then({ type: 'unknown' }));
        // Done all the same, at once or when nobody expects it any more; or never.
        if (die < 0.09) after(die < 0.05 ? 1 : this.#prng.next() * 3 * SILENT_MS, claim);
      },
      // Two at a time.
      scan: (from: Place | undefined, then: (page: RegisterPage | undefined) => void) =>
        later(() => {
          const rest = [...this.entries].filter(([key]) => key >= (from?.from ?? '')).sort(([a], [b]) => (a < b ? -1 : 1));
          const entries = rest.slice(0, 2).map(([clientId, { value }]) => ({ clientId, value }));
          const next = rest.length > 2 ? { group: 1, from: rest[2]![0] } : undefined;
          later(() => then(stub.away.has(node) ? undefined : { entries, next }));
        }),
    };
  }

  #claim(clientId: string, revision: number, value: Uint8Array | undefined): Claimed {
    if (revision !== ANY && (this.entries.get(clientId)?.revision ?? 0) !== revision) return { type: 'taken' };
    if (value === undefined) this.entries.delete(clientId);
    else this.entries.set(clientId, { revision: this.#revision + 1, value });
    return { type: 'done', revision: ++this.#revision };
  }
}

export class StubMetadata implements SimMetadata {
  readonly isReal = false;
  readonly threads = 0;
  network!: SimNetwork;
  isFickle = false;
  readonly away: Set<number> = new Set();
  readonly violations: readonly string[] = [];
  readonly directory: SharedDirectory;
  readonly wills: SharedDirectory;
  /** Nodes whose lease has run out. */
  readonly lost: Map<number, number> = new Map();

  constructor(seed: number) {
    this.directory = new SharedDirectory(this, seed);
    this.wills = new SharedDirectory(this, seed + 1);
  }

  begin(): void {}

  boot(): void {}

  serve({ node }: ActorSystem): ReturnType<SimMetadata['serve']> {
    return {
      directory: this.directory.for(node),
      wills: this.wills.for(node),
      lostNodes: (then) => then(this.#lostFor(node)),
    };
  }

  killed(node: number, restartMs: number | undefined): void {
    const { network } = this;
    const { nowMs } = network.world;
    const [other] = NODES.filter((each) => network.isAlive(each)) as [number];
    const sinceMs = network.node(other).system(1).wallClock();
    network.at(nowMs + LEASE_MS, () => {
      if (!network.isAlive(node)) this.lost.set(node, sinceMs);
    });
    if (restartMs !== undefined) network.at(nowMs + restartMs + LEASE_MS, () => this.lost.delete(node));
  }

  homesOf(clientId: string): number[] {
    const value = this.directory.entries.get(clientId)?.value;
    return value === undefined ? [] : [decodeEntry(value)!.home];
  }

  /** The living node with the lowest number has the controller, while it reaches the metadata. */
  #lostFor(node: number): LostNodes | undefined {
    const [first] = NODES.filter((each) => this.network.isAlive(each) && !this.away.has(each));
    return node === first ? new Map(this.lost) : undefined;
  }
}
