/**
 * Topic filters, each with one value that knows its filter, and which of them match a topic. Owned by one reactor; no locks.
 *
 * Filters without wildcards are found by one hash lookup of the whole name, the others through a trie over their levels:
 *
 *   root ── device ──┬─ 17 ── (value of device/17/#)                    a slot holds a value or a node:
 *                    ├─ 18 ── (value of device/18/+/state)              a value stands for itself until a second
 *                    └─ +  ── node ──┬─ value of device/+               filter shares its path, so a slot with one
 *                                    ├─ multi: value of device/+/#      filter below it costs no node at all
 *                                    └─ alarm ── (device/+/alarm)
 *
 * Why it looks like that: most wildcard filters are one of a kind from their second or third level on (a device's own). A node takes 64 bytes and its
 * entry in the parent as much again, so one for each level would double what such a subscription takes (230 to 280 bytes in all, measured with
 * spec/actors/measure.ts); the linear match of a lone value costs less than the nodes that it replaces. A node exists exactly where
 * two or more filters go through, so the shape depends on the content alone, not on history.
 *
 * Bounds: depth by MQTT_TOPIC_LEVELS_MAX (filters are parsed before they come here); the number of filters by their owner. Insertion and removal
 * cost O(levels). A match visits the nodes whose path matches: with `+` at many levels that is up to 2^levels, and never more than there are.
 */
import { assert } from '../../base/assert.ts';
import { MQTT_TOPIC_LEVELS_MAX } from '../../base/limits.ts';
import { SteadyMap } from '../../base/steady-map.ts';
import { filterMatches, hasWildcard } from './filter-match.ts';

const DOLLAR = 0x24;

type Slot<V extends string | object> = TrieNode<V> | V | undefined;

type Children<V extends string | object> = Map<string, TrieNode<V> | V> | SteadyMap<string, TrieNode<V> | V>;

/** Children above which a node guards against one of them coming and going, see base/steady-map.ts; below, a plain map is smaller. */
const PLAIN_CHILDREN_MAX = 256;

class TrieNode<V extends string | object> {
  /** Value of the filter that ends here. */
  value: V | undefined = undefined;
  /** Value of the filter that ends with `#` below here. */
  multi: V | undefined = undefined;
  plus: Slot<V> = undefined;
  /** Level of the only literal child; undefined when there is none or when `children` is a map. */
  onlyLevel: string | undefined = undefined;
  children: Slot<V> | Children<V> = undefined;

  child(level: string): Slot<V> {
    if (this.onlyLevel !== undefined) return this.onlyLevel === level ? (this.children as Slot<V>) : undefined;
    return this.children === undefined ? undefined : (this.children as Children<V>).get(level);
  }

  setChild(level: string, slot: TrieNode<V> | V): void {
    if (this.onlyLevel === level) {
      this.children = slot;
    } else if (this.onlyLevel !== undefined) {
      this.children = new Map<string, TrieNode<V> | V>([
        [this.onlyLevel, this.children as TrieNode<V> | V],
        [level, slot],
      ]);
      this.onlyLevel = undefined;
    } else if (this.children === undefined) {
      this.onlyLevel = level;
      this.children = slot;
    } else {
      let children = this.children as Children<V>;
      if (children.size >= PLAIN_CHILDREN_MAX && children instanceof Map) {
        const plain = children;
        this.children = children = new SteadyMap<string, TrieNode<V> | V>();
        for (const [each, child] of plain) children.set(each, child);
      }
      children.set(level, slot);
    }
  }

  removeChild(level: string): void {
    if (this.onlyLevel !== undefined) {
      assert(this.onlyLevel === level, 'only what is there is removed');
      this.onlyLevel = undefined;
      this.children = undefined;
      return;
    }
    const map = this.children as Children<V>;
    map.delete(level);
    if (map.size > 1) return;
    for (const [last, slot] of map) {
      this.onlyLevel = last;
      this.children = slot;
    }
  }

  /** What the slot above should hold instead of this node: the only value below, nothing, or the node itself. */
  collapsed(): Slot<V> {
    if (this.children !== undefined) {
      if (this.onlyLevel === undefined || this.value !== undefined || this.multi !== undefined || this.plus !== undefined)
        return this;
      return this.children instanceof TrieNode ? this : (this.children as V);
    }
    if (this.plus !== undefined) {
      if (this.value !== undefined || this.multi !== undefined) return this;
      return this.plus instanceof TrieNode ? this : this.plus;
    }
    if (this.value === undefined) return this.multi;
    return this.multi === undefined ? this.value : this;
  }
}

export class FilterTrie<V extends string | object> {
  readonly #filterOf: (value: V) => string;
  readonly #values = new SteadyMap<string, V>();
  #root = new TrieNode<V>();
  #wildcards = 0;

  /** @param filterOf the filter that a value stands for; it must not change while the value is here. */
  constructor(filterOf: (value: V) => string) {
    this.#filterOf = filterOf;
  }

  get size(): number {
    return this.#values.size;
  }

  get(filter: string): V | undefined {
    return this.#values.get(filter);
  }

  has(filter: string): boolean {
    return this.#values.has(filter);
  }

  /** All filters. The iterator survives changes: what is removed meanwhile is not visited, what is added may be. */
  filters(): IterableIterator<string> {
    return this.#values.keys();
  }

  /** Adds the value, in place of the one that had its filter. */
  set(value: V): void {
    const filter = this.#filterOf(value);
    const size = this.#values.size;
    this.#values.set(filter, value);
    if (!hasWildcard(filter)) return;
    if (this.#values.size > size) this.#wildcards++;
    const levels = filter.split('/');
    assert(levels.length <= MQTT_TOPIC_LEVELS_MAX, 'a filter has a bounded number of levels');
    this.#insert(this.#root, levels, 0, value);
  }

  delete(filter: string): boolean {
    if (!this.#values.delete(filter)) return false;
    if (hasWildcard(filter)) {
      this.#wildcards--;
      this.#remove(this.#root, filter.split('/'), 0);
    }
    return true;
  }

  /** Appends the values of all filters that match the topic, in no particular order. */
  match(name: string, out: V[]): void {
    const exact = this.#values.get(name);
    if (exact !== undefined) out.push(exact);
    if (this.#wildcards > 0) this.#collect(this.#root, splitName(name), 0, name, out);
  }

  /** Whether any filter matches the topic. */
  matches(name: string): boolean {
    return this.#values.has(name) || (this.#wildcards > 0 && this.#any(this.#root, splitName(name), 0, name));
  }

  /** Nodes of the trie, the root included; for specs and `inspect()`. */
  countNodes(): number {
    let nodes = 0;
    const stack: Slot<V>[] = [this.#root];
    while (stack.length > 0) {
      const slot = stack.pop();
      if (!(slot instanceof TrieNode)) continue;
      nodes++;
      stack.push(slot.plus);
      if (slot.children instanceof Map || slot.children instanceof SteadyMap) stack.push(...slot.children.values());
      else stack.push(slot.children as Slot<V>);
    }
    return nodes;
  }

  #insert(node: TrieNode<V>, levels: readonly string[], depth: number, value: V): void {
    if (depth === levels.length) {
      node.value = value;
      return;
    }
    const level = levels[depth]!;
    if (level === '#') {
      node.multi = value;
    } else if (level === '+') {
      node.plus = this.#join(node.plus, levels, depth + 1, value);
    } else {
      const before = node.child(level);
      const after = this.#join(before, levels, depth + 1, value);
      if (after !== before) node.setChild(level, after);
    }
  }

  /** What a slot holds once `value` is below it. */
  #join(slot: Slot<V>, levels: readonly string[], depth: number, value: V): TrieNode<V> | V {
    if (slot === undefined) return value;
    if (!(slot instanceof TrieNode)) {
      const resident = this.#filterOf(slot);
      if (resident === this.#filterOf(value)) return value;
      const node = new TrieNode<V>();
      this.#insert(node, resident.split('/'), depth, slot);
      this.#insert(node, levels, depth, value);
      return node;
    }
    this.#insert(slot, levels, depth, value);
    return slot;
  }

  #remove(node: TrieNode<V>, levels: readonly string[], depth: number): void {
    if (depth === levels.length) {
      node.value = undefined;
      return;
    }
    const level = levels[depth]!;
    if (level === '#') {
      node.multi = undefined;
    } else if (level === '+') {
      node.plus = this.#without(node.plus, levels, depth + 1);
    } else {
      const before = node.child(level);
      const after = this.#without(before, levels, depth + 1);
      if (after === undefined) node.removeChild(level);
      else if (after !== before) node.setChild(level, after);
    }
  }

  #without(slot: Slot<V>, levels: readonly string[], depth: number): Slot<V> {
    assert(slot !== undefined, 'the path of a filter that is here exists');
    if (!(slot instanceof TrieNode)) return undefined;
    this.#remove(slot, levels, depth);
    return slot.collapsed();
  }

  #collect(node: TrieNode<V>, levels: readonly string[], depth: number, name: string, out: V[]): void {
    const wild = depth > 0 || name.charCodeAt(0) !== DOLLAR;
    if (node.multi !== undefined && wild) out.push(node.multi);
    if (depth === levels.length) {
      if (node.value !== undefined) out.push(node.value);
      return;
    }
    const child = node.child(levels[depth]!);
    if (child instanceof TrieNode) this.#collect(child, levels, depth + 1, name, out);
    else if (child !== undefined && filterMatches(this.#filterOf(child), name)) out.push(child);
    const plus = wild ? node.plus : undefined;
    if (plus instanceof TrieNode) this.#collect(plus, levels, depth + 1, name, out);
    else if (plus !== undefined && filterMatches(this.#filterOf(plus), name)) out.push(plus);
  }

  #any(node: TrieNode<V>, levels: readonly string[], depth: number, name: string): boolean {
    const wild = depth > 0 || name.charCodeAt(0) !== DOLLAR;
    if (node.multi !== undefined && wild) return true;
    if (depth === levels.length) return node.value !== undefined;
    const child = node.child(levels[depth]!);
    if (child instanceof TrieNode) {
      if (this.#any(child, levels, depth + 1, name)) return true;
    } else if (child !== undefined && filterMatches(this.#filterOf(child), name)) return true;
    const plus = wild ? node.plus : undefined;
    if (plus instanceof TrieNode) return this.#any(plus, levels, depth + 1, name);
    return plus !== undefined && filterMatches(this.#filterOf(plus), name);
  }
}

/** One level more than a filter can have is enough to know that the name is longer than all of them. */
function splitName(name: string): string[] {
  return name.split('/', MQTT_TOPIC_LEVELS_MAX + 1);
}
