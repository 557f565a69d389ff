/** The retained messages of a cluster as one reactor of a node shows them, of those topics that are at home there: what is published on the node at once, what the metadata says in the end. */
import type { MetaClient } from '../../meta/client/client.ts';
import { type GroupCounts, groupOfKey } from '../../meta/groups.ts';
import { groupId } from '../../raft/group-id.ts';
import type { RetainedMachine } from '../machine.ts';
import { isOfNode, type RetainedPacket } from '../messages.ts';
import { RETAINED_PROBE } from '../probe.ts';
import { RetainedRecordReader } from '../record-reader.ts';
import { AHEAD_HEADER_BYTES, readAheadHeader, readSettled } from './ahead-codec.ts';
import { Expirer } from './expirer.ts';
import { RetainedFollower } from './follower.ts';
import { Reconciler, type Retained, type ShownMessages } from './reconciler.ts';
import { retainedKey } from './shared-retainer.ts';

const { slot } = RETAINED_PROBE;

export interface SharedStoreOptions {
  readonly node: number;
  readonly machine: RetainedMachine;
  readonly client: MetaClient;
  readonly counts: GroupCounts;
  readonly slots: Float64Array;
  readonly wallClock: () => number;
  /** Whether this reactor shows the topic. */
  readonly isHome: (name: string) => boolean;
  readonly onTick: () => void;
}

export class SharedStore {
  readonly #options: SharedStoreOptions;
  readonly #reader = new RetainedRecordReader();
  readonly #reconciler: Reconciler;
  readonly #follower: RetainedFollower;
  readonly #expirer: Expirer;
  #refusedSeen = 0;
  /** Everything has been read. */
  onLoaded: () => void = () => {};

  constructor(options: SharedStoreOptions) {
    this.#options = options;
    const { machine, client, counts, slots, node } = options;
    const groupOf = (name: string): number => groupOfKey('data', retainedKey(name), counts);
    const shown: ShownMessages = {
      get: (name) => machine.get(name),
      show: (name, message) => this.#show(name, message),
      names: () => machine.names().filter((name) => !isOfNode(name)),
    };
    const reconciler = new Reconciler(shown, groupOf);
    this.#reconciler = reconciler;
    const groups = Array.from({ length: counts.data }, (_, place) => groupId('data', place));
    this.#follower = new RetainedFollower(groups, {
      client,
      told: (name, value) => this.#told(name, value),
      reached: (group, revision) => reconciler.reached(group, revision),
      readWhole: (group, revision, names) => reconciler.readWhole(group, revision, names),
      onRead: () => {
        slots[slot.reads]!++;
        if (this.isLoaded) this.onLoaded();
      },
    });
    const hasExpired = (value: Uint8Array): boolean => {
      const reader = this.#reader;
      return reader.read(value, 0, value.length) && this.#isOver(reader.expiresAt);
    };
    this.#expirer = new Expirer({ node, client, keyOf: retainedKey, groupOf, hasExpired });
    machine.onExpired = (names) => {
      for (const name of names) if (!isOfNode(name)) this.#expirer.note(name);
    };
  }

  /** What the cluster has retained is there. */
  get isLoaded(): boolean {
    return this.#follower.isLoaded;
  }

  /** A record of this node, see ahead-codec.ts. False: there is no message in it. */
  ahead(bytes: Uint8Array, start: number, end: number): boolean {
    const reader = this.#reader;
    if (end - start < AHEAD_HEADER_BYTES || !reader.read(bytes, start + AHEAD_HEADER_BYTES, end)) return false;
    const { thread, seq } = readAheadHeader(bytes, start);
    const message = reader.isEmpty || this.#isOver(reader.expiresAt) ? null : packetOf(reader, bytes, end);
    this.#reconciler.ahead(thread, seq, reader.name, message);
    return true;
  }

  settled(bytes: Uint8Array, start: number, end: number): void {
    readSettled(bytes, start, end, (thread, seq, revision) => this.#reconciler.settled(thread, seq, revision));
  }

  /** A reactor of this node has died. */
  lost(thread: number): void {
    this.#reconciler.lost(thread);
  }

  tick(): void {
    const { machine, slots, onTick } = this.#options;
    onTick();
    slots[slot.ahead] = this.#reconciler.size;
    // There was no room for some, and now there is; or more have expired than could be remembered.
    const hadNoRoom = machine.refused > this.#refusedSeen && machine.hasRoom;
    if (hadNoRoom) this.#refusedSeen = machine.refused;
    if (this.#expirer.takeOverflow() || hadNoRoom) this.#follower.readAgain();
    this.#follower.tick();
    this.#expirer.tick();
  }

  inspect(): unknown {
    return { isLoaded: this.isLoaded, ahead: this.#reconciler.size, expired: this.#expirer.size };
  }

  /** The metadata has that for the topic. */
  #told(name: string, value: Uint8Array | undefined): void {
    const { isHome, slots } = this.#options;
    if (!isHome(name)) return;
    this.#expirer.forget(name);
    if (value === undefined) return this.#reconciler.watched(name, null);
    const reader = this.#reader;
    if (!reader.read(value, 0, value.length) || reader.name !== name) {
      // Of another version; what is known stays.
      slots[slot.malformed]!++;
      return;
    }
    this.#reconciler.watched(name, this.#known(name, value) ?? packetOf(reader, value, value.length));
  }

  /** What is shown, if it is just what the reader has read. */
  #known(name: string, value: Uint8Array): Retained | undefined {
    const shown = this.#options.machine.get(name);
    const { expiresAt, dialect, packetStart } = this.#reader;
    if (shown === undefined || shown.expiresAt !== expiresAt || shown.dialect !== dialect) return undefined;
    return Buffer.compare(shown.packet, value.subarray(packetStart)) === 0 ? shown : undefined;
  }

  #show(name: string, message: Retained): void {
    const { machine, slots } = this.#options;
    if (message !== null && !this.#isOver(message.expiresAt)) {
      if (machine.get(name) === message) return;
      const { expiresAt, dialect, packet } = message;
      if (machine.store(name, expiresAt, dialect, packet) === 'stored') slots[slot.stored]!++;
      // Not what was there before, either.
      else machine.delete(name);
      return;
    }
    if (message !== null) this.#expirer.note(name);
    if (machine.delete(name) === 'deleted') slots[slot.deleted]!++;
  }

  #isOver(expiresAt: number): boolean {
    return expiresAt !== 0 && expiresAt <= this.#options.wallClock();
  }
}

function packetOf(reader: RetainedRecordReader, bytes: Uint8Array, end: number): RetainedPacket {
  const packet = new Uint8Array(end - reader.packetStart);
  packet.set(bytes.subarray(reader.packetStart, end));
  return { dialect: reader.dialect, expiresAt: reader.expiresAt, packet };
}
