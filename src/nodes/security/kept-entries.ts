/**
 * Users, rules or bans by name. Of a node that shares them with a cluster what counts is the metadata, and the document in `node.data` is the copy that it begins with until it has heard from there; of one that
 * does not, the document is what counts.
 */

import { NODES_GROUP } from '../../actors/controller/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import { type Changes, type Decide, MetaTable, type TableSource } from '../meta/meta-table.ts';
import type { DocumentName, DocumentStore } from './document-store.ts';

/** In front of all keys; nobody reads them over HTTP. */
export const SECURITY_PREFIX = 'security/';

export interface KeptOptions<T> {
  readonly store: DocumentStore;
  readonly document: DocumentName;
  readonly isShared: boolean;
  /** The document as entries; throws when it is something else. */
  readonly read: (document: unknown) => Map<string, T>;
  readonly write: (entries: ReadonlyMap<string, T>) => unknown;
  /** An entry as another node has written it; undefined when it is none. */
  readonly parse: (value: unknown, name: string) => T | undefined;
  /** Settles when the changes are in force on this node. */
  readonly onChange: (changes: Changes<T>) => Promise<void>;
}

/** Of what goes wrong where nobody waits for it. */
export type OnKeptError = (document: DocumentName, what: string, error?: unknown) => void;

export class KeptEntries<T> {
  readonly #options: KeptOptions<T>;
  #entries: ReadonlyMap<string, T>;
  #table: MetaTable<T> | undefined;
  #written: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** Throws when the document is something else. */
  constructor(options: KeptOptions<T>) {
    this.#options = options;
    this.#entries = options.read(options.store.read(options.document));
  }

  get entries(): ReadonlyMap<string, T> {
    return this.#entries;
  }

  /** Resolves when it is kept and in force on this node; with false when there was nothing to do. */
  async update(name: string, decide: Decide<T>): Promise<boolean> {
    if (this.#table !== undefined) return this.#table.update(name, decide);
    if (this.#options.isShared) throw new SluiceError('SLUICE_META_UNAVAILABLE', 'the node is starting; nothing was done');
    const next = decide(this.#entries.get(name));
    if (next === undefined || (next === null && !this.#entries.has(name))) return false;
    await this.#save(name, next);
    return true;
  }

  /**
   * Goes by what the cluster knows from now on. `brings`: the document is of a time before it was shared, so what of it the cluster does not know yet becomes known to it. Resolves when that is in force.
   */
  follow(meta: TableSource, brings: boolean, onError: OnKeptError): Promise<void> {
    const { document, parse, onChange } = this.#options;
    let isFirst = true;
    const table = new MetaTable<T>({
      prefix: `${SECURITY_PREFIX}${document}/`,
      group: NODES_GROUP,
      encode: (value) => Buffer.from(JSON.stringify(value)),
      decode: (bytes, name) => parse(parsed(bytes), name),
      onChange: async (changes) => {
        const before = this.#entries;
        this.#entries = table.entries;
        const all = isFirst ? withGone(changes, before) : changes;
        isFirst = false;
        if (all.size === 0) return;
        this.#copy(onError);
        await onChange(all);
      },
      onUnreadable: (name) => onError(document, `the entry ${JSON.stringify(name)} in the metadata cannot be read`),
    });
    this.#table = table;
    table.start(meta, brings ? this.#entries : undefined);
    return table.loaded;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#table?.close();
    await this.#written;
  }

  /** What is known, for the next start. Writes that wait are one. */
  #copy(onError: OnKeptError): void {
    const { store, document, write } = this.#options;
    if (this.#isClosed) return;
    this.#written = store.write(document, write(this.#entries)).catch((error: unknown) => {
      onError(document, 'the copy in node.data could not be written', error);
    });
  }

  /** In force at once, so that what follows builds on it; taken back when it cannot be kept. */
  async #save(name: string, value: T | null): Promise<void> {
    const { store, document, write, onChange } = this.#options;
    const before = this.#entries;
    const entries = new Map(before);
    entries.delete(name);
    if (value !== null) entries.set(name, value);
    this.#entries = entries;
    try {
      await store.write(document, write(entries));
    } catch (error) {
      if (this.#entries === entries) this.#entries = before;
      throw error;
    }
    await onChange(new Map([[name, value ?? undefined]]));
  }
}

function withGone<T>(changes: Changes<T>, before: ReadonlyMap<string, T>): Changes<T> {
  const gone = [...before.keys()].filter((name) => !changes.has(name));
  return new Map([...gone.map((name) => [name, undefined] as const), ...changes]);
}

/** Undefined: no JSON. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch {
    return undefined;
  }
}
