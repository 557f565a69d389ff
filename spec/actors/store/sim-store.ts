/** The store of a simulated node, over a simulated disk. */
import { MetadataActor, type MetadataStore } from '../../../src/actors/metadata/actor.ts';
import {
  METADATA_SLOT,
  type MetadataMessage,
  type MetadataPage,
  type MetadataValues,
  type WriteMetadata,
} from '../../../src/actors/metadata/messages.ts';
import type { Declaration } from '../../../src/actors/shard/messages.ts';
import { StoreActor } from '../../../src/actors/store/actor.ts';
import { STORE_SLOT, type StoreMessage } from '../../../src/actors/store/messages.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';
import { DedicatedJournals, SharedJournal } from '../../../src/storage/engines/journal.ts';
import { journalOptions } from '../../storage/journal-model.ts';
import { SimDisk } from '../../storage/sim-disk.ts';

export interface SimStoreOptions {
  readonly disk: SimDisk;
  /** The metadata, which outlives a node as the disk does. */
  readonly metadata: Map<string, Uint8Array>;
  readonly declarations: readonly Declaration[];
  readonly failures: Error[];
  /** Instead of `failures`. */
  readonly onFailed?: (error: Error) => void;
  /** Calls `then` when the metadata has what it was asked; default: at once. */
  readonly take?: (then: () => void) => void;
  /** While it is there, what the metadata is asked fails with it. */
  unreadable?: Error | undefined;
}

/** Of a node that has written nothing yet. */
export function emptySimStore(): SimStoreOptions {
  return { disk: new SimDisk(), metadata: new Map(), declarations: [], failures: [] };
}

export function startSimStore(system: ActorSystem, options: SimStoreOptions): StoreActor {
  const { disk, declarations, failures } = options;
  const onFailed = options.onFailed ?? ((error: Error): void => void failures.push(error));
  const shared = new SharedJournal(journalOptions(disk, 1, { directory: '/data/shared', segmentBytes: 256 * 1024 }));
  const dedicated = new DedicatedJournals(journalOptions(disk, 2, { directory: '/data/dedicated' }));
  for (const { engine, shards } of declarations) {
    for (const shard of shards) (engine === 'shared' ? shared : dedicated).create(shard);
  }
  const engines = {
    engines: { shared, dedicated },
    shared: shared.journal,
    dedicated,
    journals: () => [shared.journal, ...dedicated.journals()],
  };
  const store = new StoreActor({ system, engines, clock: () => system.now() * 1000, onFailed });
  system.spawn<StoreMessage>(() => store, { name: 'store', wellKnown: STORE_SLOT });
  const kept = new MapMetadata(options);
  system.spawn<MetadataMessage>(() => new MetadataActor(kept, onFailed), {
    name: 'metadata',
    wellKnown: METADATA_SLOT,
  });
  system.atTurnEnd(() => store.endTurn());
  return store;
}

/** In a Map. */
class MapMetadata implements MetadataStore {
  readonly #map: Map<string, Uint8Array>;
  readonly #options: SimStoreOptions;

  constructor(options: SimStoreOptions) {
    this.#map = options.metadata;
    this.#options = options;
  }

  write(puts: WriteMetadata['puts'], deletes: WriteMetadata['deletes'], _sync: boolean, then: (error?: Error) => void): void {
    for (const [key, value] of puts) this.#map.set(key, value);
    for (const key of deletes) this.#map.delete(key);
    this.#take(then);
  }

  read(keys: readonly string[], then: (error: Error | undefined, values: MetadataValues['values']) => void): void {
    const values = keys.map((key) => this.#map.get(key) ?? null);
    this.#take(() => then(this.#options.unreadable, values));
  }

  scan(
    prefix: string,
    after: string | undefined,
    limit: number,
    then: (error: Error | undefined, entries: MetadataPage['entries']) => void,
  ): void {
    const entries = [...this.#map].filter(([key]) => key.startsWith(prefix) && (after === undefined || key > after));
    this.#take(() => then(undefined, entries.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, limit)));
  }

  #take(then: () => void): void {
    (this.#options.take ?? ((take) => take()))(then);
  }
}
