/** Exclusive subscriptions, `$exclusive/filter`: one client at a time. The reactor that `placeKey(filter)` gives knows who; in a cluster it asks the keeper (keeper-messages.ts) first. */
import type { ActorRef } from '../../runtime/ref.ts';

export interface ExclusiveClaim {
  readonly filter: string;
  readonly clientId: string;
  readonly session: ActorRef<never>;
}

/** Asked; answered by an `ExclusiveAnswer`. Told by those who have it already, to a reactor that has come back. */
export interface ClaimExclusive extends ExclusiveClaim {
  readonly type: 'claim';
}

export interface ReleaseExclusive {
  readonly type: 'release';
  readonly filter: string;
  readonly session: ActorRef<never>;
}

/** From the keeper: another node has it. */
export interface LoseExclusive {
  readonly type: 'lost';
  readonly filter: string;
}

export type ExclusiveMessage = ClaimExclusive | ReleaseExclusive | LoseExclusive;
/** `unknown`: nobody can tell whether another node has it. */
export type ExclusiveAnswer = 'granted' | 'taken' | 'full' | 'unknown';
