/** The router's protocol: how reactors tell each other which topic filters they want, and the runs of publishes that follow from it. */

import type { InterestAck, InterestDelta, InterestPull, InterestSync } from '../../wire/schema-types.ts';

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

/** Between reactors, and between nodes, for which they have schemas. */
export type InterestMessage = InterestPull | InterestSync | InterestDelta | InterestAck;

/** With thread events, and the actor's note to itself that there is something to send when this turn's other messages are done. */
export type InterestActorMessage =
  | InterestMessage
  | { readonly type: 'thread'; readonly thread: number; readonly state: 'up' | 'down' }
  | { readonly type: 'flush' };
