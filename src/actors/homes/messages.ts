/**
 * The protocol about the homes of persistent sessions: between the sessions of a node and its homes actor, which is on reactor 1, and between those of two nodes.
 *
 *     new home                                     former home
 *        | HomeDepart ───────────────────────────────▶ | disconnects its client, goes on to collect
 *        | ◀───────────────── subscriptions, in flight |
 *        | subscribes; takes nothing yet               |
 *        | HomePage ─▶ ◀─ messages   (again and again)|
 *        | fences in the streams of all nodes to both (relay/fences.ts)
 *        | HomeClose ────────────────────────────────▶ | has the fences, and what is before them on disk
 *        | HomePage ─▶ ◀─ the rest                    |
 *        | all is on disk; claims the entry            |
 *        | HomeMoved ────────────────────────────────▶ | drops it
 *
 * Until the claim the former home has everything, from then on the new one has, but for what comes to the former home from nodes that have put no fence there; for that one `HomeFence` and `HomeFurther` go on (left.ts).
 */
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { Will } from '../../wire/mqtt/packets.ts';
import type {
  HomeAdopted,
  HomeClose,
  HomeClosed,
  HomeDepart,
  HomeDeparting,
  HomeDone,
  HomeEnded,
  HomeFence,
  HomeFurther,
  HomeMessages,
  HomeMoved,
  HomePage,
  HomeRefused,
  HomeStay,
} from '../../wire/schema-types.ts';
import { DOOR_THREAD } from '../../wire/wire.ts';
import type { SessionMessage } from '../session/messages.ts';
import { WELL_KNOWN } from '../well-known.ts';

export type HomesMessage =
  /** Ask, for a client that connects; answered with `Settled` when its session, if there is one, has its home here. `isLasting`: there may be one to go on with, or there will be. */
  | { readonly type: 'settle'; readonly clientId: string; readonly isClean: boolean; readonly isLasting: boolean }
  /** The record of a session whose home is here; as an ask answered with whether the cluster knows. */
  | { readonly type: 'keep'; readonly clientId: string; readonly record: Uint8Array }
  | { readonly type: 'forget'; readonly clientId: string }
  /** Ask, of a session whose will is due; `record` is without it. Answered with a `WillVerdict`. */
  | { readonly type: 'will'; readonly clientId: string; readonly record: Uint8Array }
  /** Ask, for an operator: the session of a node that does not answer is to end. Answered with whether that is done. */
  | { readonly type: 'end'; readonly clientId: string }
  /** A client is connected, with this will and without a session that lasts; it has been published, or is not to be. */
  | { readonly type: 'noteWill'; readonly clientId: string; readonly by: ActorRef<SessionMessage>; readonly will: Will }
  | { readonly type: 'strikeWill'; readonly clientId: string; readonly by: ActorRef<SessionMessage> }
  /** From the node itself: a reactor has died. */
  | { readonly type: 'threadDied'; readonly thread: number }
  /** From the node itself: its sessions have been made again; another node is reached; what a turn has asked of the directory leaves. */
  | { readonly type: 'begin' | 'nodeUp' | 'flush' }
  /** From other nodes, by schema: the move of a session (above); then what became known of it while a node was out of reach. */
  | HomeDepart
  | HomePage
  | HomeClose
  | HomeMoved
  | HomeStay
  | HomeAdopted
  | HomeEnded
  | HomeFence
  | HomeFurther;

export type HomesReply = HomeDeparting | HomeMessages | HomeClosed | HomeDone | HomeRefused;

/** Whether the will is the session's to publish. `done`: another node has published it, or is to. `later`: nobody knows now. */
export type WillVerdict = 'publish' | 'done' | 'later';

/** `elsewhere`: the session has its home on another node and cannot come now. */
export type Settled = 'here' | 'unavailable';

export function homesRef(node: number): ActorRef<HomesMessage> {
  return wellKnownRef<HomesMessage>(node, DOOR_THREAD, WELL_KNOWN.homes);
}
