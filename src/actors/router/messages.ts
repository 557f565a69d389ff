/** The router's protocol: how reactors tell each other which topic filters they want, and the runs of publishes that follow from it. */

/** Kinds of raw messages to the router. */
export const ROUTER_BYTES = {
  publishRun: 1,
  fence: 2,
  fenceRequest: 3,
  sharedRun: 4,
  awaitedRun: 5,
  durable: 6,
  part: 7,
  written: 8,
  awaitedSharedRun: 9,
  passedOn: 10,
  recovered: 11,
} as const;

/** "Send me your filters." `pull` names the transfer; everything that belongs to it carries it, everything else is stale. */
export interface InterestPull {
  readonly type: 'interest.pull';
  readonly from: number;
  readonly pull: number;
  /** Changes when the sender has forgotten what the receiver pulled from it before: pull again. */
  readonly era: number;
}

/** A part of all filters of the sender. Part 0 replaces what was known; changes after `base` follow as deltas. */
export interface InterestSync {
  readonly type: 'interest.sync';
  readonly from: number;
  readonly pull: number;
  readonly index: number;
  readonly last: boolean;
  readonly base: number;
  readonly filters: readonly string[];
}

/** The changes numbered (after, upTo], as things stood when this was sent. */
export interface InterestDelta {
  readonly type: 'interest.delta';
  readonly from: number;
  readonly pull: number;
  readonly after: number;
  readonly upTo: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Cumulative: `parts` of the sync and the changes up to `applied` are in effect at the sender. */
export interface InterestAck {
  readonly type: 'interest.ack';
  readonly from: number;
  readonly pull: number;
  readonly parts: number;
  readonly applied: number;
}

export type InterestMessage = InterestPull | InterestSync | InterestDelta | InterestAck;

/** With thread events, and the actor's note to itself that there is something to send when this turn's other messages are done. */
export type InterestActorMessage =
  | InterestMessage
  | { readonly type: 'thread'; readonly thread: number; readonly state: 'up' | 'down' }
  | { readonly type: 'flush' };
