/**
 * Writes what is retained on this reactor to the metadata, for a node that shares its retained messages with others. A message goes to two places: ahead to the reactor of this node that shows its topic, and into
 * the queue of the topic's group. Publishers of QoS 1 and 2 wait for the write.
 *
 * Without a leader a write waits for one, and so do those publishers. Bounds: from half of RETAINED_QUEUE_BYTES_MAX on publishers wait before they go on reading, those of QoS 0 as long as writes go through; at all
 * of it what comes at QoS 0 is not retained, and counted.
 */
import { cloneBytes } from '../../../base/bytes.ts';
import {
  META_KEY_BYTES_MAX,
  META_VALUE_BYTES_MAX,
  RETAINED_QUEUE_BYTES_MAX,
  RETAINED_STALL_MS,
  RETAINED_WRITE_BYTES,
  RETAINED_WRITE_MESSAGES_MAX,
} from '../../../base/limits.ts';
import { placeKey } from '../../../runtime/placement.ts';
import { newPublishView, readPublish } from '../../../wire/mqtt/publish-run.ts';
import type { MetaClient } from '../../meta/client/client.ts';
import type { Outcome } from '../../meta/client/outcome.ts';
import type { MetaReply, Put } from '../../meta/command.ts';
import { type GroupCounts, groupOfKey } from '../../meta/groups.ts';
import { keyOf, type MetaKey } from '../../meta/state/record.ts';
import { KEYS } from '../../metadata/messages.ts';
import { type PressureGauge, PressureSource } from '../../router/pressure.ts';
import type { Run } from '../../router/sink.ts';
import { StagedWrite } from '../../shard/staged.ts';
import type { StoreErrorCode } from '../../store/messages.ts';
import { RETAINED_BYTES, RETAINED_STORE_HEADER_BYTES } from '../messages.ts';
import { RETAINED_PROBE } from '../probe.ts';
import { AHEAD_HEADER_BYTES, encodeSettled, writeAheadHeader } from './ahead-codec.ts';
import { type QueuedMessage, WriteQueue } from './write-queue.ts';

const { slot } = RETAINED_PROBE;
const QUEUE_BOUNDS = { messagesMax: RETAINED_WRITE_MESSAGES_MAX, bytesMax: RETAINED_WRITE_BYTES };

export interface SharedRetainerPorts {
  readonly thread: number;
  readonly reactors: number;
  readonly slots: Float64Array;
  readonly gauge: PressureGauge;
  readonly client: Pick<MetaClient, 'command'>;
  readonly counts: GroupCounts;
  /** The thread's monotonic clock, milliseconds. */
  readonly now: () => number;
  /** To the retained store of a reactor of this node, in order. */
  readonly send: (thread: number, kind: number, record: Uint8Array, start: number, end: number) => void;
  /** The same, when nothing is being published. */
  readonly tell: (thread: number, kind: number, record: Uint8Array) => void;
  /** RETAINED_QUEUE_BYTES_MAX if absent. */
  readonly queueBytesMax?: number;
}

/** What a turn has retained at QoS 1 and 2. */
interface TurnWrite {
  readonly write: StagedWrite;
  left: number;
  code: StoreErrorCode | undefined;
}

interface GroupQueue {
  readonly group: number;
  readonly queue: WriteQueue<TurnWrite>;
  sinceMs: number;
}

export function retainedKey(name: string): MetaKey {
  return keyOf(KEYS.retained + name);
}

export class SharedRetainer {
  readonly #ports: SharedRetainerPorts;
  readonly #view = newPublishView();
  readonly #groups = new Map<number, GroupQueue>();
  readonly #pressure = new PressureSource();
  readonly #bytesMax: number;
  #turn: TurnWrite | null = null;
  #seq = 0;
  #isStalled = false;
  #hasNews = false;

  constructor(ports: SharedRetainerPorts) {
    this.#ports = ports;
    this.#bytesMax = ports.queueBytesMax ?? RETAINED_QUEUE_BYTES_MAX;
  }

  /** `record[AHEAD_HEADER_BYTES, end)`: a `store` record, behind room for a header. Returns what a publisher of QoS 1 or 2 waits for. */
  keep(run: Run, record: Uint8Array, end: number): StagedWrite | undefined {
    const { slots, gauge, thread, reactors, counts, now } = this.#ports;
    const { name } = run.topic;
    const key = retainedKey(name);
    if (end - AHEAD_HEADER_BYTES > META_VALUE_BYTES_MAX || key.length > META_KEY_BYTES_MAX) {
      slots[slot.tooLarge]!++;
      return undefined;
    }
    const bytes = this.#bytes();
    if (run.qos === 0 && bytes >= this.#bytesMax) {
      slots[slot.unwritten]!++;
      return undefined;
    }
    if (bytes >= this.#bytesMax / 2 && (run.qos > 0 || !this.#isStalled)) gauge.meet(this.#pressure);
    const group = groupOfKey('data', key, counts);
    let of = this.#groups.get(group);
    if (of === undefined) {
      of = { group, queue: new WriteQueue(QUEUE_BOUNDS), sinceMs: now() };
      this.#groups.set(group, of);
    }
    readPublish(record, AHEAD_HEADER_BYTES + RETAINED_STORE_HEADER_BYTES, end, run.dialect, this.#view);
    const isEmpty = this.#view.payloadStart === end;
    const seq = ++this.#seq;
    this.#hasNews = true;
    of.queue.put(
      name,
      isEmpty ? null : cloneBytes(record, AHEAD_HEADER_BYTES, end),
      seq,
      run.qos === 0 ? undefined : this.#await(),
    );
    writeAheadHeader(record, thread, seq);
    this.#ports.send(placeKey(name, reactors), RETAINED_BYTES.ahead, record, 0, end);
    return run.qos === 0 ? undefined : this.#turn!.write;
  }

  endTurn(): void {
    if (!this.#hasNews) return;
    this.#hasNews = false;
    this.#turn = null;
    for (const of of this.#groups.values()) this.#write(of);
  }

  /** Tries again what could not be written, and sees who waits in vain. */
  tick(): void {
    const now = this.#ports.now();
    let isStalled = false;
    for (const of of this.#groups.values()) {
      this.#write(of);
      if (of.queue.isUnderWay && now - of.sinceMs > RETAINED_STALL_MS) isStalled = true;
    }
    if (isStalled && !this.#isStalled) this.#pressure.relieve();
    this.#isStalled = isStalled;
    this.#ports.slots[slot.waitingBytes] = this.#bytes();
  }

  #bytes(): number {
    let bytes = 0;
    for (const { queue } of this.#groups.values()) bytes += queue.bytes;
    return bytes;
  }

  #await(): TurnWrite {
    this.#turn ??= { write: new StagedWrite(), left: 0, code: undefined };
    this.#turn.left++;
    return this.#turn;
  }

  #write(of: GroupQueue): void {
    const messages = of.queue.take();
    if (messages === undefined) return;
    of.sinceMs = this.#ports.now();
    const puts: Put[] = [];
    const deletes: MetaKey[] = [];
    for (const { name, record } of messages) {
      if (record === null) deletes.push(retainedKey(name));
      else puts.push({ key: retainedKey(name), value: record, lease: 0 });
    }
    this.#ports.slots[slot.writes]!++;
    const then = (outcome: Outcome<MetaReply>): void => this.#written(of, outcome, deletes.length > 0 && puts.length > 0);
    // Whoever leads next does it, however long that takes: given up, it could still be done, after something newer.
    this.#ports.client.command(of.group, { type: 'write', puts, deletes }, then, { deadlineMs: Number.POSITIVE_INFINITY });
  }

  #written(of: GroupQueue, outcome: Outcome<MetaReply>, isMixed: boolean): void {
    const { queue } = of;
    if (outcome.isOk) {
      this.#settle(queue.done(), outcome.value.type === 'written' ? outcome.value.revision : 0, undefined);
    } else if (outcome.failure === 'busy' || outcome.failure === 'unavailable' || outcome.failure === 'unknown') {
      // By the next tick.
      queue.again();
      return;
    } else if (outcome.failure === 'full') {
      // What frees is welcome.
      this.#settle(isMixed ? queue.again(({ record }) => record === null) : queue.done(), 0, 'SLUICE_STORAGE_FULL');
    } else {
      this.#settle(queue.done(), 0, 'SLUICE_STORAGE_FAILED');
    }
    if (this.#pressure.pressing && this.#bytes() < this.#bytesMax / 4) this.#pressure.relieve();
    this.#write(of);
  }

  #settle(messages: readonly QueuedMessage<TurnWrite>[], revision: number, code: StoreErrorCode | undefined): void {
    const { thread, reactors, slots, tell } = this.#ports;
    const byHome = new Map<number, number[]>();
    for (const { name, seq } of messages) {
      const home = placeKey(name, reactors);
      const seqs = byHome.get(home);
      if (seqs === undefined) byHome.set(home, [seq]);
      else seqs.push(seq);
    }
    for (const [home, seqs] of byHome) tell(home, RETAINED_BYTES.settled, encodeSettled(thread, seqs, revision));
    slots[code === undefined ? slot.written : slot.refused]! += messages.length;
    for (const { waiters } of messages) {
      for (const waiter of waiters) {
        waiter.code ??= code;
        if (--waiter.left === 0) waiter.write.committed(waiter.code, []);
      }
    }
  }
}
