/** A call that its caller waits for. */
import type { ActorRef } from '../../../runtime/ref.ts';
import type { Call } from '../codec/call-codec.ts';
import type { MetaReply } from '../command.ts';
import type { MetaRecord } from '../state/record.ts';
import type { Outcome } from './outcome.ts';

export interface Values {
  readonly revision: number;
  readonly records: readonly (MetaRecord | undefined)[];
}

export interface Page {
  readonly revision: number;
  readonly isMore: boolean;
  readonly records: readonly MetaRecord[];
}

/** Who waits, and for what. */
export type Waiter =
  | { readonly type: 'reply'; readonly then: (outcome: Outcome<MetaReply>) => void }
  | { readonly type: 'values'; readonly then: (outcome: Outcome<Values>) => void }
  | { readonly type: 'page'; readonly then: (outcome: Outcome<Page>) => void }
  /** Of leases, in their order; 0: there is no such lease any more. */
  | { readonly type: 'keptAlive'; readonly then: (outcome: Outcome<readonly number[]>) => void }
  /** The client itself. */
  | { readonly type: 'session' };

export interface OpenCall {
  readonly id: number;
  readonly group: number;
  readonly call: Exclude<Call, { type: 'watch' | 'unwatch' | 'taken' }>;
  readonly waiter: Waiter;
  readonly deadlineMs: number;
  session: number;
  seq: number;
  sentTo: ActorRef;
  attempts: number;
  /** Redirects in a row. */
  hops: number;
  /** When the attempt has failed, or the next one is due. */
  dueMs: number;
  isUnderWay: boolean;
  /** An attempt may have had an effect, of a command. */
  isUnsure: boolean;
}
