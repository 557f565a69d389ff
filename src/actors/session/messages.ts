/** The session's protocol towards other actors. */
import type { ActorRef } from '../../runtime/ref.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { SubscribeEntry } from '../../wire/mqtt/packets.ts';
import type { Inbox } from '../inbox/inbox.ts';
import type { InboxState } from '../inbox/machine.ts';
import type { ReplayState } from '../replay/machine.ts';
import type { Sink } from '../router/sink.ts';
import type { MachineSnapshot } from './machine.ts';

export type SessionMessage =
  /**
   * Ask, by the session that has claimed this one's client id; answered with `Surrendered`. The client here is disconnected with 0x8E.
   * `discard`: the new client starts clean, so nothing of this session is wanted. `isMourned`: its will is another node's to publish.
   */
  | {
      readonly type: 'surrender';
      readonly by: ActorRef<SessionMessage>;
      readonly discard: boolean;
      readonly isMourned?: boolean | undefined;
    }
  /** Ask, second step when the claimer is on another thread and has its subscriptions in place; answered with `SessionState`, and this session ends, or with null: nobody came for so long that it goes on. */
  | { readonly type: 'yield' }
  /** The client id has another owner, and so has what lasts under it: end without a trace. */
  | { readonly type: 'superseded' }
  /** Tell the client why and close; the session goes on if it is one that does. */
  | { readonly type: 'disconnect'; readonly reason: number }
  /** The same by an operator; `discard`: the session ends as well. */
  | { readonly type: 'kick'; readonly discard: boolean }
  /** The rates of its listener have changed. */
  | { readonly type: 'rates' }
  /** Ask; answered with a `ClientView`, or a `ClientDetails`. */
  | { readonly type: 'describe'; readonly subscriptions: boolean }
  /** Ask: messages that the session's former home, another node, still had (homes/page.ts); answered with whether they are on disk. */
  | { readonly type: 'further'; readonly bytes: Uint8Array }
  /** Asks on behalf of the client; answered with the reason codes when it is in force. */
  | { readonly type: 'subscribe'; readonly entries: readonly SubscribeEntry[] }
  | { readonly type: 'unsubscribe'; readonly filters: readonly string[] };

export type Surrendered =
  /** There is nothing to take over. `shard`: the record of the session that ends is the claimer's to get rid of, and its inbox as well unless its messages are still being given to others. */
  | { readonly kind: 'nothing'; readonly shard?: number; readonly isEmptying?: boolean }
  /** It never had the session: whoever had the client id before is to be asked. */
  | { readonly kind: 'gone' }
  /** It is on its way to another node: nobody is let in here until it is known where it is. */
  | { readonly kind: 'leaving' }
  /** On the same thread: take it in one step, by reference. */
  | { readonly kind: 'local'; readonly estate: Estate }
  /** On another thread: subscribe to these first, then ask for the rest with `yield`. What arrives here meanwhile is handed over as well. */
  | { readonly kind: 'remote'; readonly subscriptions: readonly SubscriptionState[]; readonly shard?: number };

/** A session ready to be taken over within its thread. */
export interface Estate {
  /** Moves subscriptions and delivery state to `heir`, whose ref is `by`, between two messages; the former owner ends. */
  takeOver(heir: Sink, by: ActorRef<SessionMessage>): SessionState;
}

export interface SubscriptionState {
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly subscriptionId: number;
}

export interface SessionState {
  readonly machine: MachineSnapshot;
  /** Of a session that is kept on disk: within a thread the inbox itself, which may have messages on their way to the log. */
  readonly inbox?: Inbox | InboxState;
  /** Its subscriptions that replay declared topics. */
  readonly replays?: readonly ReplayState[];
}
