/**
 * The store in memory, for simulations and for state that may be lost: a B-tree whose copies share what is equal, so that a snapshot costs nothing. Calls take effect
 * at once; the promises are there because the other driver needs them.
 */
import BTreeModule from 'sorted-btree';
import { cloneBytes } from '../../base/bytes.ts';
import { SluiceError } from '../../base/errors.ts';
import { KV_SCAN_BYTES_MAX, KV_SCAN_ENTRIES_MAX } from '../../base/limits.ts';
import type { KvEntry, KvOp, KvRange, KvSnapshot, LocalKv } from './local-kv.ts';
import { opsOf, type PackedOps } from './packed-ops.ts';

/** The package is CommonJS. */
const BTree: typeof BTreeModule.default = BTreeModule.default;
type Tree = InstanceType<typeof BTree<Uint8Array, Uint8Array>>;

export class MemoryKv implements LocalKv {
  #tree: Tree;
  #isClosed = false;
  readonly #checkpoints: Map<string, Tree>;

  /** `checkpoints` stands for the disk: a store that is given the same map opens what another has put there. */
  constructor(checkpoints: Map<string, Tree> = new Map(), directory?: string) {
    this.#checkpoints = checkpoints;
    this.#tree = (directory !== undefined && checkpoints.get(directory)?.clone()) || new BTree(undefined, Buffer.compare);
  }

  async batch(ops: readonly KvOp[] | PackedOps, _options: { readonly sync: boolean }): Promise<void> {
    this.#demandOpen();
    for (const op of opsOf(ops)) {
      if (op.type === 'put') this.#tree.set(copy(op.key), copy(op.value));
      else if (op.type === 'delete') this.#tree.delete(op.key);
      else if (Buffer.compare(op.start, op.end) < 0) this.#tree.deleteRange(op.start, op.end, false);
    }
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#demandOpen();
    return getFrom(this.#tree, key);
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#demandOpen();
    return keys.map((key) => getFrom(this.#tree, key));
  }

  async scan(range: KvRange): Promise<KvEntry[]> {
    this.#demandOpen();
    return scanTree(this.#tree, range);
  }

  snapshot(): KvSnapshot {
    this.#demandOpen();
    const tree = this.#tree.clone();
    return {
      get: async (key) => getFrom(tree, key),
      getMany: async (keys) => keys.map((key) => getFrom(tree, key)),
      scan: async (range) => scanTree(tree, range),
      close: async () => {},
    };
  }

  async checkpoint(directory: string): Promise<void> {
    this.#demandOpen();
    if (this.#checkpoints.has(directory))
      throw new SluiceError('SLUICE_STORAGE_FAILED', `There is something at ${directory} already.`);
    this.#checkpoints.set(directory, this.#tree.clone());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #demandOpen(): void {
    if (this.#isClosed) throw new SluiceError('SLUICE_STORAGE_FAILED', 'The store is closed.');
  }
}

function getFrom(tree: Tree, key: Uint8Array): Uint8Array | undefined {
  const value = tree.get(key);
  return value === undefined ? undefined : copy(value);
}

function scanTree(tree: Tree, range: KvRange): KvEntry[] {
  const {
    gte,
    gt,
    lte,
    lt,
    reverse = false,
    limit = KV_SCAN_ENTRIES_MAX,
    bytesMax = KV_SCAN_BYTES_MAX,
    keysOnly = false,
  } = range;
  const low = gt ?? gte;
  const high = lt ?? lte;
  const found: KvEntry[] = [];
  let bytes = 0;
  const pairs = reverse ? tree.entriesReversed(high) : tree.entries(low);
  for (const [key, value] of pairs) {
    if (found.length >= limit) break;
    const toLow = low === undefined ? 1 : Buffer.compare(key, low);
    const toHigh = high === undefined ? -1 : Buffer.compare(key, high);
    if (toLow < 0 || (toLow === 0 && gt !== undefined)) {
      if (reverse) break;
      continue;
    }
    if (toHigh > 0 || (toHigh === 0 && lt !== undefined)) {
      if (!reverse) break;
      continue;
    }
    found.push({ key: copy(key), value: keysOnly ? EMPTY : copy(value) });
    bytes += key.length + (keysOnly ? 0 : value.length);
    if (bytes >= bytesMax) break;
  }
  return found;
}

const EMPTY = new Uint8Array(0);

function copy(bytes: Uint8Array): Uint8Array {
  return cloneBytes(bytes, 0, bytes.length);
}
