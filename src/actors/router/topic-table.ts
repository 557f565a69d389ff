/**
 * Topics interned by their bytes, one table per reactor: everything that is worth knowing about a topic (that its name is valid, who gets its
 * messages) is found out once and kept on the `Topic`, so a repeated PUBLISH does no string work and no matching.
 *
 *   hashes:  | 0 | h1 | h2 | 0 | h3 | …      Int32Array, 0 = free          linear probing, at most half full,
 *   topics:  | - | t1 | t2 | - | t3 | …      same index                    removal shifts back (no tombstones)
 *
 * Why it looks like that: `intern` runs for every PUBLISH whose topic its connection has not just used. A lookup reads the bytes once in words of four for the
 * hash, walks integers in one cache line, and compares bytes against a single candidate; it allocates nothing. Measured with spec/actors/measure.ts:
 * some 75 ns for a topic of 41 bytes. A native compare costs some 70 ns for the call and nothing per byte, a loop 1 to 2 ns per byte: so
 * the loop serves short topics.
 *
 * Bounds: `max` topics, evicted by second chance. An evicted topic may still be held by a connection; it is then not `live`, caches nothing,
 * and the router adopts it again when it is next used. Hashes are seeded, and no insertion probes more than TOPIC_PROBES_MAX slots: names
 * made to collide push each other out and never make a long chain.
 */
import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/bytes.ts';
import { MQTT_TOPIC_LEVELS_MAX, TOPIC_PROBES_MAX } from '../../base/limits.ts';
import { isTopicName } from '../../wire/mqtt/topics.ts';
import type { TopicPlan, TopicPlanner } from '../intake/plan.ts';
import type { Partition } from '../shard/partition.ts';
import type { Deliveries, Delivery } from './sink.ts';

/** `Topic.version` of a topic whose deliveries must be computed. */
export const TOPIC_STALE = 0;

const NO_PARTITIONS: readonly Partition[] = [];
const DOLLAR = 0x24;
const TABLE_SLOTS_MIN = 1024;
const TOPIC_BYTES_MAX = 65_535;
/** Longer topics are compared natively. */
const LOOP_BYTES_MAX = 48;
const compare = Buffer.prototype.compare;

/** `deliveries`, `interest`, `version` and `weight` are the router's cache; read them through `Router.route`. */
export class Topic {
  readonly bytes: Uint8Array;
  /** The router's version that the cache belongs to. */
  version: number = TOPIC_STALE;
  /** The only one of `deliveries`, without the way through the list; null when there are none or several. */
  only: Delivery | null = null;
  /** Bit `thread - 1` for each other reactor that wants the messages of this topic. Valid after `Router.route`. */
  interest = 0;
  deliveries: Deliveries | null = null;
  readonly hash: number;
  readonly name: string;
  /** Entries of an array in `deliveries` that nobody shares. */
  weight = 0;
  /** Looked up since the eviction hand last came by. */
  recent = true;
  /** In the table. */
  live = false;
  /** Partitions of declared topics that its messages are written to, and the version of the declarations that this follows from. */
  partitions: readonly Partition[] = NO_PARTITIONS;
  partitionsVersion = -1;
  /** `Rights.id` of the client that `grant` is about: the last one whose rights on this topic were asked for. 0 is nobody. */
  granteeId = 0;
  /** Publishes that it may make, as bits. */
  grant = 0;
  /** What its messages need on their way in; null: nothing, UNPLANNED: that is still to be found out. */
  plan: TopicPlan | null;

  constructor(bytes: Uint8Array, hash: number, plan: TopicPlan | null = null) {
    this.plan = plan;
    this.bytes = bytes;
    this.hash = hash;
    this.name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  }
}

/** Stands for a plan that is not made yet. */
export const UNPLANNED: TopicPlan = Object.freeze({}) as TopicPlan;

export class TopicTable {
  /** Null: nothing is ever planned. */
  #planner: TopicPlanner | null = null;
  #plansAll = false;
  readonly #max: number;
  readonly #seed: number;
  readonly #scratch = new Uint8Array(TOPIC_BYTES_MAX);
  readonly #encoder = new TextEncoder();
  #hashes = new Int32Array(TABLE_SLOTS_MIN);
  #topics: (Topic | undefined)[] = newSlots(TABLE_SLOTS_MIN);
  #mask = TABLE_SLOTS_MIN - 1;
  #size = 0;
  #hand = 0;
  #evictions = 0;
  /** Names with more levels are not valid; those that are here already stay. */
  levelsMax: number;
  /** Sum of the topics' weights. */
  weight = 0;

  /** @param seed makes the hashes of this table unpredictable to those who choose topic names. */
  constructor(max: number, seed = 0, levelsMax: number = MQTT_TOPIC_LEVELS_MAX) {
    assert(max >= 1, 'a topic table holds at least one topic');
    this.#max = max;
    this.#seed = seed | 0;
    this.levelsMax = levelsMax;
  }

  get size(): number {
    return this.#size;
  }

  get evictions(): number {
    return this.#evictions;
  }

  /** The topic named by buf[start, end), new or known; undefined when that is not a valid topic name. */
  intern(buf: Uint8Array, start: number, end: number): Topic | undefined {
    const hash = hashTopic(buf, start, end, this.#seed);
    const known = this.#lookup(buf, start, end, hash);
    if (known === undefined) return this.#create(buf, start, end, hash);
    known.recent = true;
    return known;
  }

  internName(name: string): Topic | undefined {
    const length = this.#encode(name);
    return length < 0 ? undefined : this.intern(this.#scratch, 0, length);
  }

  /** The topic of that name if it is in the table. */
  find(name: string): Topic | undefined {
    const length = this.#encode(name);
    if (length < 0) return undefined;
    return this.#lookup(this.#scratch, 0, length, hashTopic(this.#scratch, 0, length, this.#seed));
  }

  /** Puts an evicted topic back; returns the one of the same name that has taken its place, if there is one. */
  adopt(topic: Topic): Topic {
    assert(!topic.live, 'only an evicted topic needs a new place');
    const bytes = topic.bytes;
    const known = this.#lookup(bytes, 0, bytes.length, topic.hash);
    if (known !== undefined) return known;
    topic.plan = this.#unplanned(bytes[0]!);
    this.#insert(topic);
    return topic;
  }

  /** From now on, and for the topics that are there, plans are made by `planner`: of all topics, or only of those that begin with `$`. */
  planBy(planner: TopicPlanner, all: boolean): void {
    this.#planner = planner;
    this.#plansAll = all;
    for (const topic of this.#topics) if (topic !== undefined) topic.plan = this.#unplanned(topic.bytes[0]!);
  }

  /** The plan of a topic, made now if it has not been made. */
  planOf(topic: Topic): TopicPlan | null {
    if (topic.plan === UNPLANNED) topic.plan = this.#planner!.plan(topic);
    return topic.plan;
  }

  get planner(): TopicPlanner | null {
    return this.#planner;
  }

  #unplanned(first: number): TopicPlan | null {
    return this.#planner !== null && (this.#plansAll || first === DOLLAR) ? UNPLANNED : null;
  }

  /** Forgets what is cached on every topic. */
  clearCaches(): void {
    for (const topic of this.#topics) if (topic !== undefined) forget(topic);
    this.weight = 0;
  }

  #lookup(buf: Uint8Array, start: number, end: number, hash: number): Topic | undefined {
    const hashes = this.#hashes;
    const mask = this.#mask;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const found = hashes[i]!;
      if (found === 0) return undefined;
      if (found !== hash) continue;
      const topic = this.#topics[i]!;
      if (sameBytes(topic.bytes, buf, start, end)) return topic;
    }
  }

  #create(buf: Uint8Array, start: number, end: number, hash: number): Topic | undefined {
    if (!isTopicName(buf, start, end, this.levelsMax)) return undefined;
    const bytes = new Uint8Array(end - start);
    copyBytes(bytes, 0, buf, start, end);
    const topic = new Topic(bytes, hash, this.#unplanned(bytes[0]!));
    this.#insert(topic);
    return topic;
  }

  #insert(topic: Topic): void {
    if (this.#size >= this.#max) this.#evictOne();
    else if ((this.#size + 1) * 2 > this.#hashes.length) this.#grow();
    topic.recent = true;
    topic.live = true;
    this.#size++;
    this.#place(topic);
  }

  #place(topic: Topic): void {
    const home = topic.hash & this.#mask;
    let i = home;
    for (let probes = 0; this.#hashes[i] !== 0; i = (i + 1) & this.#mask) {
      if (++probes < TOPIC_PROBES_MAX) continue;
      this.#evictAt(home);
      i = home - 1;
      probes = 0;
    }
    this.#hashes[i] = topic.hash;
    this.#topics[i] = topic;
  }

  #evictOne(): void {
    for (;;) {
      const topic = this.#topics[this.#hand];
      if (topic !== undefined) {
        if (!topic.recent) break;
        topic.recent = false;
      }
      this.#hand = (this.#hand + 1) & this.#mask;
    }
    this.#evictAt(this.#hand);
  }

  #evictAt(slot: number): void {
    const topic = this.#topics[slot]!;
    this.weight -= topic.weight;
    forget(topic);
    topic.live = false;
    this.#size--;
    this.#evictions++;
    this.#vacate(slot);
  }

  /** Frees a slot and moves those behind it that probed past it one step towards their home. */
  #vacate(slot: number): void {
    const hashes = this.#hashes;
    const mask = this.#mask;
    let hole = slot;
    for (let i = (slot + 1) & mask; hashes[i] !== 0; i = (i + 1) & mask) {
      const fromHome = (i - hashes[i]!) & mask;
      if (fromHome < ((i - hole) & mask)) continue;
      hashes[hole] = hashes[i]!;
      this.#topics[hole] = this.#topics[i];
      hole = i;
    }
    hashes[hole] = 0;
    this.#topics[hole] = undefined;
  }

  #grow(): void {
    const old = this.#topics;
    const slots = this.#hashes.length * 2;
    this.#hashes = new Int32Array(slots);
    this.#topics = newSlots(slots);
    this.#mask = slots - 1;
    this.#hand = 0;
    for (const topic of old) if (topic !== undefined) this.#place(topic);
  }

  /** Writes the name to the scratch buffer; -1 when no topic can have such a long name. */
  #encode(name: string): number {
    const { read, written } = this.#encoder.encodeInto(name, this.#scratch);
    return read === name.length ? written : -1;
  }
}

function newSlots(count: number): (Topic | undefined)[] {
  return new Array<Topic | undefined>(count).fill(undefined);
}

function forget(topic: Topic): void {
  topic.deliveries = null;
  topic.only = null;
  topic.interest = 0;
  topic.version = TOPIC_STALE;
  topic.weight = 0;
}

function sameBytes(bytes: Uint8Array, buf: Uint8Array, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false;
  if (end - start > LOOP_BYTES_MAX) return compare.call(bytes as Buffer, buf, start, end) === 0;
  for (let i = 0, at = start; at < end; i++, at++) if (bytes[i] !== buf[at]) return false;
  return true;
}

/** A 32-bit hash of buf[start, end), never 0: four bytes per multiplication, murmur's finaliser. */
export function hashTopic(buf: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed ^ (end - start);
  let i = start;
  for (const words = end - 3; i < words; i += 4) {
    const word = buf[i]! | (buf[i + 1]! << 8) | (buf[i + 2]! << 16) | (buf[i + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  let rest = 0;
  for (; i < end; i++) rest = (rest << 8) | buf[i]!;
  hash = Math.imul(hash ^ rest, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash === 0 ? 1 : hash;
}
