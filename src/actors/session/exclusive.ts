/** Asks for the exclusive ones among the filters that a client wants to subscribe to, before it is. */
import type { ActorContext } from '../../runtime/actor.ts';
import type { SubscribeEntry } from '../../wire/mqtt/packets.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { ExclusiveAnswer } from '../exclusive/messages.ts';
import type { Sink } from '../router/sink.ts';
import type { SessionMessage } from './messages.ts';
import type { SessionServices } from './services.ts';

/** Reasons to refuse filters for, by filter as the client has written it. */
export type Refusals = ReadonlyMap<string, number>;

const NONE: Refusals = new Map();

/** Calls `then` at once when nothing has to be asked. `allowed`: null for all. */
export function claimExclusive(
  services: SessionServices,
  ctx: ActorContext<SessionMessage>,
  session: Sink & { readonly clientId: string },
  entries: readonly SubscribeEntry[],
  allowed: readonly boolean[] | null,
  then: (refusals: Refusals) => void,
): void {
  const wanted = new Map<string, string>();
  for (const [index, { filter }] of entries.entries()) {
    const parsed = parseFilter(filter);
    if (parsed?.isExclusive === true && allowed?.[index] !== false) wanted.set(filter, parsed.filter);
  }
  if (wanted.size === 0) return then(NONE);
  const refusals = new Map<string, number>();
  if (!services.intake.options.exclusive) {
    for (const filter of wanted.keys()) refusals.set(filter, Reason.TOPIC_FILTER_INVALID);
    return then(refusals);
  }
  let waiting = wanted.size;
  for (const [written, filter] of wanted) {
    services.exclusive.claim(ctx, session, session.clientId, filter, (answer) => {
      if (answer !== 'granted') refusals.set(written, refusalOf(answer));
      if (--waiting === 0) then(refusals);
    });
  }
}

function refusalOf(answer: ExclusiveAnswer | undefined): number {
  return answer === undefined || answer === 'unknown' ? Reason.UNSPECIFIED_ERROR : Reason.QUOTA_EXCEEDED;
}
