/**
 * The protocol about the homes of persistent sessions: between the sessions of a node and its homes actor, which is on reactor 1, and between those of two nodes.
 *
 *     new home                                     former home
 *        | home.depart ──────────────────────────────▶ | disconnects its client, goes on to collect
 *        | ◀───────────────── subscriptions, in flight |
 *        | subscribes; takes nothing yet               |
 *        | home.page ─▶ ◀─ messages   (again and again)|
 *        | fences in the streams of all nodes to both (relay/fences.ts)
 *        | home.close ───────────────────────────────▶ | has all fences, and what is before them on disk
 *        | home.page ─▶ ◀─ the rest                    |
 *        | all is on disk; claims the entry            |
 *        | home.moved ───────────────────────────────▶ | drops it
 *
 * Until the claim the former home has everything, from then on the new one has.
 */
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import { DOOR_THREAD } from '../../wire/wire.ts';
import type { InboxState } from '../inbox/machine.ts';
import type { SubscriptionState } from '../session/messages.ts';
import { WELL_KNOWN } from '../well-known.ts';

export type HomesMessage =
  /** Ask, for a client that connects; answered with `Settled` when its session, if there is one, has its home here. `isLasting`: there may be one to go on with, or there will be. */
  | { readonly type: 'settle'; readonly clientId: string; readonly isClean: boolean; readonly isLasting: boolean }
  /** The record of a session whose home is here; as an ask answered with whether the cluster knows. */
  | { readonly type: 'keep'; readonly clientId: string; readonly record: Uint8Array }
  | { readonly type: 'forget'; readonly clientId: string }
  /** From the node itself: its sessions have been made again; another node is reached; what a turn has asked of the directory leaves. */
  | { readonly type: 'begin' | 'nodeUp' | 'flush' }
  /** Ask; answered with `Departing`; null: there is no such session; 'busy': not now. */
  | { readonly type: 'home.depart'; readonly clientId: string; readonly move: string; readonly to: number }
  /** Ask; answered with a `MessagePage`, or null when the move is over. */
  | { readonly type: 'home.page'; readonly move: string; readonly offset: number }
  /** Ask; answered with a `Closed` when the fences of all `nodes` have come, or null. */
  | { readonly type: 'home.close'; readonly move: string; readonly nodes: readonly number[] }
  /** The entry has another home. */
  | { readonly type: 'home.moved'; readonly move: string }
  /** It has not, and will not have by this move. */
  | { readonly type: 'home.stay'; readonly move: string }
  /** Ask, again until it is answered: the sender has become the home without the receiver, who was out of reach. */
  | { readonly type: 'home.adopted'; readonly clientId: string }
  /** The session of that life is over: its client has begun anew elsewhere. */
  | { readonly type: 'home.ended'; readonly clientId: string; readonly life: string }
  /** Ask, of a node that has found that it is not the home of a session any more; answered with true: fences will come. */
  | { readonly type: 'home.fence'; readonly clientId: string; readonly life: string; readonly to: number }
  /** Ask: messages that the former home has had for the session; answered with whether they are on disk. */
  | { readonly type: 'home.further'; readonly clientId: string; readonly life: string; readonly bytes: Uint8Array };

/** `elsewhere`: the session has its home on another node and cannot come now. */
export type Settled = 'here' | 'unavailable';

export interface Departing {
  readonly subscriptions: readonly SubscriptionState[];
  readonly inbox: InboxState;
  /** Packet ids of QoS 2 messages that the client has not released. */
  readonly inbound: readonly number[];
  /** Of the entry, which the former home changes no more. */
  readonly revision: number;
  /** Nodes that the former home reaches. */
  readonly nodesUp: readonly number[];
}

export interface MessagePage {
  /** Where the next one begins. */
  readonly next: number;
  /** Nothing more is there now. */
  readonly isLast: boolean;
  /** Of page.ts. */
  readonly bytes: Uint8Array;
}

export interface Closed {
  /** All is before this offset. */
  readonly end: number;
}

export function homesRef(node: number): ActorRef<HomesMessage> {
  return wellKnownRef<HomesMessage>(node, DOOR_THREAD, WELL_KNOWN.homes);
}
