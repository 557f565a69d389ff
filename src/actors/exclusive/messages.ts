/** Exclusive subscriptions, `$exclusive/filter`: one client at a time. The reactor that `placeKey(filter)` gives knows who. */
import type { ActorRef } from '../../runtime/ref.ts';

export interface ExclusiveClaim {
  readonly filter: string;
  readonly clientId: string;
  readonly session: ActorRef<never>;
}

/** Asked; answered by 'granted', 'taken' or 'full'. Told by those who have it already, to a reactor that has come back. */
export interface ClaimExclusive extends ExclusiveClaim {
  readonly type: 'claim';
}

export interface ReleaseExclusive {
  readonly type: 'release';
  readonly filter: string;
  readonly session: ActorRef<never>;
}

export type ExclusiveMessage = ClaimExclusive | ReleaseExclusive;
export type ExclusiveAnswer = 'granted' | 'taken' | 'full';
