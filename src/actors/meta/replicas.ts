/** The metadata groups of one thread, on one store that they share. The thread's Raft actor feeds them, its service reads them. */
import { META_HOT_BYTES_MAX } from '../../base/limits.ts';
import type { LocalKv } from '../../storage/kv/local-kv.ts';
import { SessionTable } from '../raft/sessions/session-table.ts';
import { MetaMachine } from './machine.ts';
import { MetaReplica } from './replica.ts';
import { type LoadedGroup, type LoadOptions, loadGroups } from './rows/load.ts';
import { type RowStore, rowStoreOf } from './rows/row-store.ts';

export class MetaReplicas {
  readonly #options: LoadOptions;
  readonly #store: RowStore | undefined;
  readonly #loaded: Map<number, LoadedGroup>;
  readonly #replicas = new Map<number, MetaReplica>();

  private constructor(options: LoadOptions, store: RowStore | undefined, loaded: Map<number, LoadedGroup>) {
    this.#options = options;
    this.#store = store;
    this.#loaded = loaded;
  }

  /** `onFailed`: the store cannot be written any more, the node has to end. */
  static async open(kv: LocalKv, options: LoadOptions, onFailed: (error: Error) => void): Promise<MetaReplicas> {
    return new MetaReplicas(options, rowStoreOf(kv, onFailed), await loadGroups(kv, options));
  }

  /** Everything in memory, and gone with the process. */
  static inMemory(options: LoadOptions): MetaReplicas {
    return new MetaReplicas(options, undefined, new Map());
  }

  /** As Raft asks for it, once: as it was kept, or with nothing in it. */
  open(group: number): MetaReplica {
    const { owner, hotBytesMax = META_HOT_BYTES_MAX, bounds, sessionsMax, sessionTtlMs } = this.#options;
    const keeper = this.#store && { group, owner, store: this.#store, hotBytesMax };
    const kept = this.#loaded.get(group);
    this.#loaded.delete(group);
    const machine = kept?.machine ?? new MetaMachine(bounds);
    const sessions = kept?.sessions ?? new SessionTable(sessionsMax, sessionTtlMs);
    const replica = new MetaReplica(group, machine, sessions, keeper, kept?.head);
    this.#replicas.set(group, replica);
    return replica;
  }

  get(group: number): MetaReplica | undefined {
    return this.#replicas.get(group);
  }

  all(): Iterable<MetaReplica> {
    return this.#replicas.values();
  }

  flush(): void {
    for (const replica of this.#replicas.values()) replica.flush();
  }
}
