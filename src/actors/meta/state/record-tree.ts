/**
 * Records in the order of their keys: a B+tree whose copies share what is equal. Looking a key up remembers the way to its leaf, so what is put there next, or near to it,
 * needs no second descent: a claim looks before it puts, and keys that come together lie together.
 *
 * A node that more than one tree may hold is shared, and is copied before it changes; whatever lies under a shared node counts as shared too. Nodes give way when they are
 * empty, not before: keys that go are most often followed by others like them.
 */
import { lowerBound } from '../../../base/lower-bound.ts';
import type { MetaKey, MetaRecord } from './record.ts';

/** Entries of a node. More makes an insertion dearer, less a descent. */
const NODE_MAX = 48;

interface Leaf {
  readonly keys: MetaKey[];
  readonly records: MetaRecord[];
  readonly children: undefined;
  isShared: boolean;
}

/** `keys[i]` is not greater than any key under `children[i]`, and greater than all before; the first is never looked at. */
interface Branch {
  readonly keys: MetaKey[];
  readonly records: undefined;
  readonly children: Node[];
  isShared: boolean;
}

type Node = Leaf | Branch;

function leafOf(keys: MetaKey[], records: MetaRecord[]): Leaf {
  return { keys, records, children: undefined, isShared: false };
}

function branchOf(keys: MetaKey[], children: Node[]): Branch {
  return { keys, records: undefined, children, isShared: false };
}

export class RecordTree {
  #root: Node = leafOf([], []);
  #size = 0;
  /** The way to the leaf that was looked at last: branches from the root, and which child was taken. */
  #branches: Branch[] = [];
  #places: number[] = [];
  #leaf: Leaf | undefined;

  get size(): number {
    return this.#size;
  }

  get(key: MetaKey): MetaRecord | undefined {
    const leaf = this.#leafFor(key);
    const at = lowerBound(leaf.keys, key);
    return leaf.keys[at] === key ? leaf.records[at] : undefined;
  }

  /** In place of the one with its key, if there is one. */
  set(record: MetaRecord): void {
    const { key } = record;
    this.#leafFor(key);
    const leaf = this.#ownLeaf();
    const at = lowerBound(leaf.keys, key);
    if (leaf.keys[at] === key) {
      leaf.records[at] = record;
      return;
    }
    this.#size++;
    insert(leaf.keys, at, key);
    insert(leaf.records, at, record);
    if (leaf.keys.length > NODE_MAX) this.#split(leaf, at === leaf.keys.length - 1);
  }

  delete(key: MetaKey): void {
    const found = this.#leafFor(key);
    const at = lowerBound(found.keys, key);
    if (found.keys[at] !== key) return;
    const leaf = this.#ownLeaf();
    this.#size--;
    leaf.keys.splice(at, 1);
    leaf.records.splice(at, 1);
    if (leaf.keys.length === 0) this.#removeLeaf();
  }

  /** Records from `from` on. Nothing may change while they are read. */
  *from(from: MetaKey): Generator<MetaRecord, void, undefined> {
    yield* recordsFrom(this.#root, from);
  }

  clone(): RecordTree {
    const clone = new RecordTree();
    this.#root.isShared = true;
    this.#leaf = undefined;
    clone.#root = this.#root;
    clone.#size = this.#size;
    return clone;
  }

  /** The leaf that `key` is in, or would be; the way to it is known then. */
  #leafFor(key: MetaKey): Leaf {
    const near = this.#leaf;
    if (near !== undefined) {
      const { keys } = near;
      if (keys.length > 0 && key >= keys[0]! && key <= keys[keys.length - 1]!) return near;
    }
    let node = this.#root;
    let depth = 0;
    while (node.children !== undefined) {
      const place = childOf(node.keys, key);
      this.#branches[depth] = node;
      this.#places[depth] = place;
      depth++;
      node = node.children[place]!;
    }
    this.#branches.length = depth;
    this.#leaf = node;
    return node;
  }

  /** The leaf at the end of the way, and all on the way to it, as this tree's own. */
  #ownLeaf(): Leaf {
    const branches = this.#branches;
    let isShared = false;
    for (let depth = 0; depth < branches.length; depth++) {
      const branch = branches[depth]!;
      isShared ||= branch.isShared;
      if (!isShared) continue;
      const copy = branchOf(branch.keys.slice(), branch.children.slice());
      for (const child of copy.children) child.isShared = true;
      this.#replace(depth, copy);
      branches[depth] = copy;
    }
    let leaf = this.#leaf!;
    if (isShared || leaf.isShared) {
      leaf = leafOf(leaf.keys.slice(), leaf.records.slice());
      this.#replace(branches.length, leaf);
      this.#leaf = leaf;
    }
    return leaf;
  }

  /** What is at a depth of the way. */
  #replace(depth: number, by: Node): void {
    if (depth === 0) this.#root = by;
    else this.#branches[depth - 1]!.children[this.#places[depth - 1]!] = by;
  }

  /** The leaf is too full; `isAtEnd`: its last key is new, and more like it are to be expected. */
  #split(leaf: Leaf, isAtEnd: boolean): void {
    const at = isAtEnd ? leaf.keys.length - 1 : leaf.keys.length >> 1;
    let key = leaf.keys[at]!;
    let right: Node = leafOf(leaf.keys.splice(at), leaf.records.splice(at));
    let depth = this.#branches.length;
    for (;;) {
      if (depth === 0) {
        this.#root = branchOf([this.#root.keys[0]!, key], [this.#root, right]);
        break;
      }
      const parent = this.#branches[--depth]!;
      const place = this.#places[depth]! + 1;
      insert(parent.keys, place, key);
      insert(parent.children, place, right);
      if (parent.keys.length <= NODE_MAX) break;
      const middle = place === parent.keys.length - 1 ? parent.keys.length - 1 : parent.keys.length >> 1;
      key = parent.keys[middle]!;
      right = branchOf(parent.keys.splice(middle), parent.children.splice(middle));
    }
    this.#leaf = undefined;
  }

  /** The leaf is empty: it goes, and with it the branches that hold nothing else. */
  #removeLeaf(): void {
    this.#leaf = undefined;
    for (let depth = this.#branches.length - 1; depth >= 0; depth--) {
      const { keys, children } = this.#branches[depth]!;
      const place = this.#places[depth]!;
      keys.splice(place, 1);
      children.splice(place, 1);
      if (children.length > 0) break;
      if (depth === 0) this.#root = leafOf([], []);
    }
    while (this.#root.children?.length === 1) {
      const only: Node = this.#root.children[0]!;
      only.isShared ||= this.#root.isShared;
      this.#root = only;
    }
  }
}

/** Last place whose key is not greater, the first one if there is none. */
function childOf(keys: readonly MetaKey[], key: MetaKey): number {
  let low = 1;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Cheaper than `splice`, which makes an array of what it takes out. */
function insert<T>(list: T[], at: number, item: T): void {
  list.push(item);
  for (let i = list.length - 1; i > at; i--) list[i] = list[i - 1]!;
  list[at] = item;
}

function* recordsFrom(node: Node, from: MetaKey): Generator<MetaRecord, void, undefined> {
  if (node.children === undefined) {
    const { keys, records } = node;
    for (let i = from === '' ? 0 : lowerBound(keys, from); i < records.length; i++) yield records[i]!;
    return;
  }
  const first = from === '' ? 0 : childOf(node.keys, from);
  for (let i = first; i < node.children.length; i++) yield* recordsFrom(node.children[i]!, i === first ? from : '');
}
