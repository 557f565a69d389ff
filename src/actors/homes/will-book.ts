/**
 * Wills of clients that are connected here and leave no session: what the directory has of them, so that somebody publishes them when this node dies (undertaker.ts). Nobody waits for it: what has not come to the directory by then is
 * lost, as are all wills of such clients on a node by itself. Clients without a will cost nothing; those of a turn go in one call. When this node begins it publishes what another life of it has left.
 *
 * Entries are those of sessions (entry.ts), under another prefix, and each node has its own: a client that has gone elsewhere has left a will here all the same. Their life is the connection's session, by its ref. Lives in the homes actor. Bound: WILL_BOOK_MAX, beyond it a will is not noted.
 */
import { WILL_BOOK_MAX } from '../../base/limits.ts';
import { type ActorRef, threadOf } from '../../runtime/ref.ts';
import type { Will } from '../../wire/mqtt/packets.ts';
import { ANY } from '../meta/command.ts';
import type { SessionMessage } from '../session/messages.ts';
import { encodeSession } from '../session/record.ts';
import type { Claimed, Place, Register } from './directory.ts';
import { decodeEntry, encodeEntry, entryIn, recordOf } from './entry.ts';

export interface WillBookPorts {
  readonly node: number;
  readonly register: Register;
  readonly publish: (clientId: string, will: Will) => void;
  /** Sessions of that thread that nobody here knows are gone. */
  readonly isGone: (thread: number) => boolean;
}

interface Noted {
  readonly by: ActorRef<SessionMessage>;
  readonly value: Uint8Array;
  /** 0: not in the directory. */
  revision: number;
  isUnderWay: boolean;
  isOver: boolean;
}

export class WillBook {
  readonly #ports: WillBookPorts;
  readonly #noted = new Map<string, Noted>();
  #isBegun = false;
  #isBeginning = false;

  constructor(ports: WillBookPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#noted.size;
  }

  /** The client has connected, with that will. */
  note(clientId: string, by: ActorRef<SessionMessage>, will: Will): void {
    if (this.#noted.size >= WILL_BOOK_MAX && !this.#noted.has(clientId)) return;
    const { node } = this.#ports;
    const record = encodeSession({ version: 1, clientId, shard: 0, expirySeconds: 0, offlineSince: 0, will, subscriptions: [] });
    const value = encodeEntry({ home: node, life: lifeOf(by), epoch: 1, moves: [], record });
    const noted = { by, value, revision: 0, isUnderWay: false, isOver: false };
    this.#noted.set(clientId, noted);
    this.#put(clientId, noted);
  }

  /** It has been published, or is not to be. */
  strike(clientId: string, by: ActorRef<SessionMessage>): void {
    const noted = this.#noted.get(clientId);
    if (noted?.by !== by) return this.#strikeUnknown(clientId, by);
    noted.isOver = true;
    if (!noted.isUnderWay) this.#remove(clientId, noted);
  }

  /** This node may have been taken for dead, and the wills of its clients for due: they are noted again. */
  compareAll(): void {
    for (const [clientId, noted] of this.#noted) {
      if (noted.isUnderWay || noted.isOver) continue;
      noted.isUnderWay = true;
      this.#ports.register.get(this.#keyOf(clientId), (found) => {
        noted.isUnderWay = false;
        if (noted.isOver) this.#remove(clientId, noted);
        else if (found?.value === undefined && this.#noted.get(clientId) === noted) this.#put(clientId, noted);
      });
    }
  }

  /** A reactor has died, and the connections of its clients with it. */
  threadDied(thread: number): void {
    for (const [clientId, noted] of this.#noted) {
      if (threadOf(noted.by) !== thread) continue;
      noted.isOver = true;
      if (noted.isUnderWay) continue;
      this.#noted.delete(clientId);
      this.#settle(this.#keyOf(clientId), (value) => decodeEntry(value)?.life === lifeOf(noted.by));
    }
  }

  /** Publishes what sessions have left that are gone, until that is done once; to be called again until then. */
  begin(): void {
    if (this.#isBegun || this.#isBeginning) return;
    this.#isBeginning = true;
    this.#look(undefined);
  }

  #look(after: Place | undefined): void {
    this.#ports.register.scan(after, (page) => {
      if (page === undefined) {
        this.#isBeginning = false;
        return;
      }
      for (const { clientId: key, value } of page.entries)
        if (this.#isLeft(key, value)) this.#settle(key, (now) => this.#isLeft(key, now));
      if (page.next !== undefined) return this.#look(page.next);
      this.#isBegun = true;
    });
  }

  #isLeft(key: string, value: Uint8Array): boolean {
    const { node, isGone } = this.#ports;
    const entry = decodeEntry(value);
    if (entry?.home !== node) return false;
    const by = Number(entry.life) as ActorRef<SessionMessage>;
    return this.#noted.get(clientOf(key))?.by !== by && isGone(threadOf(by));
  }

  /** By a claim: another node may be at it. */
  #settle(key: string, isLeft: (value: Uint8Array) => boolean): void {
    const { register, publish } = this.#ports;
    register.get(key, (found) => {
      if (found?.value === undefined || !isLeft(found.value)) return;
      const will = recordOf(decodeEntry(found.value)!)?.will;
      register.claim(key, found.revision, undefined, ({ type }) => {
        if (type === 'done' && will) publish(clientOf(key), will);
      });
    });
  }

  /** In the directory each node has its own. */
  #keyOf(clientId: string): string {
    return `${clientId}\0${this.#ports.node}`;
  }

  #put(clientId: string, noted: Noted): void {
    noted.isUnderWay = true;
    this.#ports.register.claim(this.#keyOf(clientId), ANY, noted.value, (claimed) => {
      noted.isUnderWay = false;
      if (claimed.type === 'done') noted.revision = claimed.revision;
      if (noted.isOver) this.#remove(clientId, noted);
    });
  }

  #remove(clientId: string, noted: Noted): void {
    const isLast = this.#noted.get(clientId) === noted;
    if (noted.revision === 0 || !isLast) {
      if (isLast) this.#noted.delete(clientId);
      return;
    }
    noted.isUnderWay = true;
    this.#ports.register.claim(this.#keyOf(clientId), noted.revision, undefined, (claimed: Claimed) => {
      noted.isUnderWay = false;
      if (this.#noted.get(clientId) === noted) this.#noted.delete(clientId);
      // Nobody has heard that it is over: when this node dies the will may come once more.
      if (claimed.type === 'unavailable') this.#strikeUnknown(clientId, noted.by);
    });
  }

  /** From before this actor began anew. */
  #strikeUnknown(clientId: string, by: ActorRef<SessionMessage>): void {
    const { register, node } = this.#ports;
    const key = this.#keyOf(clientId);
    register.get(key, (found) => {
      const entry = entryIn(found);
      if (entry?.home === node && entry.life === lifeOf(by)) register.claim(key, found!.revision, undefined, () => {});
    });
  }
}

/** Of a key of the directory. */
export function clientOf(key: string): string {
  return key.split('\0', 1)[0]!;
}

function lifeOf(by: ActorRef<SessionMessage>): string {
  return String(by);
}
