/**
 * The retained messages of one reactor's share of the topics: the last one of each [MQTT-3.3.1-5], found by name and by filter. Pure: the time is an
 * argument.
 *
 * A lookup by filter is a walk over the names in order that stops after RETAINED_SCAN_MAX names or `bytesMax` bytes and goes on from the name it
 * stopped at, so no lookup holds up a turn. A message that comes or goes meanwhile may or may not be in the result; one that stays is
 * in it exactly once.
 *
 * Bounds: messages and bytes, each with what it costs beside its payload; a message beyond them is refused and counted, replacing an existing one is
 * refused only if it does not fit. Expired messages go when they are met or swept.
 */
import { RETAINED_BYTES_MAX, RETAINED_MESSAGES_MAX, RETAINED_SCAN_MAX, RETAINED_SWEEP_TOPICS } from '../../base/limits.ts';
import { SteadyMap } from '../../base/steady-map.ts';
import type { Dialect } from '../../wire/mqtt/constants.ts';
import { hasWildcard } from '../router/filter-match.ts';
import { FilterScan } from './filter-scan.ts';
import type { RetainedAnswer, RetainedPacket } from './messages.ts';
import { TopicOrder } from './topic-order.ts';

export type StoreOutcome = 'stored' | 'deleted' | 'absent' | 'refused';

/** What a message takes beside its packet and its name: objects, hash entry, place in the order. Measured: see spec/actors/measure.ts. */
const MESSAGE_OVERHEAD_BYTES = 320;

/** May be changed in place: what is there stays, what comes is held to the new ones. */
export interface RetainedBounds {
  messagesMax: number;
  bytesMax: number;
}

export class RetainedMachine {
  readonly #bounds: RetainedBounds;
  readonly #messages = new SteadyMap<string, RetainedPacket>();
  readonly #order = new TopicOrder();
  #bytes = 0;
  /** Topics that something was told of while messages come from disk; null when none do. */
  #changed: Set<string> | null = null;
  #expiring = 0;
  #sweptTo = '';
  refused = 0;
  expired = 0;
  /** Hears the names of messages that have expired and are gone; null: nobody wants to know. */
  onExpired: ((names: readonly string[]) => void) | null = null;
  scanned = 0;

  constructor(bounds: RetainedBounds = { messagesMax: RETAINED_MESSAGES_MAX, bytesMax: RETAINED_BYTES_MAX }) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#messages.size;
  }

  /** Bytes that the messages are taken to occupy. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages that expire one day. */
  get expiring(): number {
    return this.#expiring;
  }

  /** There is room for another tenth. */
  get hasRoom(): boolean {
    return this.#messages.size <= this.#bounds.messagesMax * 0.9 && this.#bytes <= this.#bounds.bytesMax * 0.9;
  }

  /** Expired or not. */
  get(name: string): RetainedPacket | undefined {
    return this.#messages.get(name);
  }

  /** All names, in order, as they are now. */
  names(): string[] {
    const names: string[] = [];
    const walk = this.#order.walk();
    walk.seek('');
    for (; walk.name !== undefined; walk.next()) names.push(walk.name);
    return names;
  }

  /** Messages from disk are to come: what is told of a topic meanwhile is newer. */
  beginRestore(): void {
    this.#changed = new Set();
  }

  /** They have come. */
  endRestore(): void {
    this.#changed = null;
  }

  /** Something is told of the topic. `isFromDisk`: it may be outdated; then the result says whether it is. */
  isOutdated(name: string, isFromDisk: boolean): boolean {
    const changed = this.#changed;
    if (isFromDisk) return changed?.has(name) ?? false;
    // As many as the store takes: beyond, an older message may win.
    if (changed !== null && changed.size < this.#bounds.messagesMax) changed.add(name);
    return false;
  }

  /** Keeps the packet for its topic, in place of the one before. The machine keeps `packet` itself: nobody may change it. */
  store(name: string, expiresAt: number, dialect: Dialect, packet: Uint8Array): StoreOutcome {
    const before = this.#messages.get(name);
    const freed = before === undefined ? 0 : cost(name, before.packet);
    const grown = this.#bytes - freed + cost(name, packet);
    if (grown > this.#bounds.bytesMax || (before === undefined && this.#messages.size >= this.#bounds.messagesMax)) {
      this.refused++;
      return 'refused';
    }
    if (before === undefined) this.#order.add(name);
    else if (before.expiresAt !== 0) this.#expiring--;
    if (expiresAt !== 0) this.#expiring++;
    this.#messages.set(name, { dialect, expiresAt, packet });
    this.#bytes = grown;
    return 'stored';
  }

  delete(name: string): StoreOutcome {
    const before = this.#messages.get(name);
    if (before === undefined) return 'absent';
    this.#messages.delete(name);
    this.#order.remove(name);
    this.#bytes -= cost(name, before.packet);
    if (before.expiresAt !== 0) this.#expiring--;
    return 'deleted';
  }

  /** One step of a lookup, see `RetainedMatch`. `now` is the wall clock in milliseconds. */
  match(filter: string, cursor: string | undefined, bytesMax: number, now: number): RetainedAnswer {
    return hasWildcard(filter) ? this.#scan(new FilterScan(filter), cursor, bytesMax, now) : this.#pick(filter, now);
  }

  /** Drops expired messages among the next RETAINED_SWEEP_TOPICS topics and remembers where it stopped. Returns how many went. */
  sweep(now: number): number {
    const walk = this.#order.walk();
    walk.seek(this.#sweptTo);
    const gone: string[] = [];
    for (let seen = 0; seen < RETAINED_SWEEP_TOPICS && walk.name !== undefined; seen++) {
      if (hasExpired(this.#messages.get(walk.name)!, now)) gone.push(walk.name);
      walk.next();
    }
    this.#sweptTo = walk.name ?? '';
    this.#expire(gone);
    return gone.length;
  }

  inspect(): unknown {
    return { messages: this.size, bytes: this.#bytes, expiring: this.#expiring, refused: this.refused, expired: this.expired };
  }

  #pick(name: string, now: number): RetainedAnswer {
    const message = this.#messages.get(name);
    if (message === undefined) return { packets: [] };
    if (!hasExpired(message, now)) return { packets: [message] };
    this.#expire([name]);
    return { packets: [] };
  }

  #scan(scan: FilterScan, cursor: string | undefined, bytesMax: number, now: number): RetainedAnswer {
    const walk = this.#order.walk();
    const packets: RetainedPacket[] = [];
    const gone: string[] = [];
    let bytes = 0;
    // A cursor is the first name that is not done yet, whether it is there or not.
    walk.seek(cursor ?? scan.first);
    let goOn: string | undefined;
    for (let seen = 0; ; seen++) {
      const name = walk.name;
      if (name === undefined) break;
      if (seen === RETAINED_SCAN_MAX) {
        goOn = name;
        break;
      }
      this.scanned++;
      if (!scan.matches(name)) {
        const next = scan.nextAfter(name);
        if (next === undefined) break;
        walk.next();
        if (walk.name !== undefined && walk.name < next) walk.seek(next);
        continue;
      }
      const message = this.#messages.get(name)!;
      if (hasExpired(message, now)) {
        gone.push(name);
      } else {
        if (packets.length > 0 && bytes + message.packet.length > bytesMax) {
          goOn = name;
          break;
        }
        packets.push(message);
        bytes += message.packet.length;
      }
      walk.next();
    }
    this.#expire(gone);
    return goOn === undefined ? { packets } : { packets, cursor: goOn };
  }

  #expire(names: readonly string[]): void {
    for (const name of names) this.delete(name);
    this.expired += names.length;
    if (names.length > 0) this.onExpired?.(names);
  }
}

function cost(name: string, packet: Uint8Array): number {
  return packet.length + name.length + MESSAGE_OVERHEAD_BYTES;
}

function hasExpired(message: RetainedPacket, now: number): boolean {
  return message.expiresAt !== 0 && message.expiresAt <= now;
}
