/**
 * The protocol of the metadata service, in raw bytes, between threads and between nodes alike. A client packs what it has to say in a turn into one record; the service
 * makes one entry of all commands of a turn, and packs its answers.
 *
 *   record = (u32 length, call | answer)*          codec/call-codec.ts, codec/answer-codec.ts
 */
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { DOOR_THREAD } from '../../wire/wire.ts';
import { raftThread } from '../raft/messages.ts';
import { WELL_KNOWN } from '../well-known.ts';

/** Slot of the service, beside the groups. */
export const META_SLOT = 6;

/** The service of this node. */
export function ownMetaRef(system: ActorSystem): ActorRef {
  return wellKnownRef(system.node, raftThread(system), META_SLOT);
}

/** Where other nodes begin to ask: on the thread that every node accepts on. */
export function metaDoorRef(node: number): ActorRef {
  return wellKnownRef(node, DOOR_THREAD, WELL_KNOWN.metaDoor);
}

/** Kinds of records. */
export const META_CALLS = 1;
export const META_ANSWERS = 2;

/** To itself: what a turn has brought is to be sent on. */
export interface Flush {
  readonly type: 'flush';
}

export const FLUSH: Flush = { type: 'flush' };
