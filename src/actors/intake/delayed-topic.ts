/** `$delayed/SECONDS/topic`: a message for `topic`, in so many seconds. Pure. */

export const DELAYED_PREFIX = '$delayed/';

export interface DelayedTopic {
  readonly seconds: number;
  readonly topic: string;
}

/** Undefined when the name does not say when, or where to. The number has no sign and no more than ten digits. */
export function parseDelayedTopic(name: string): DelayedTopic | undefined {
  const slash = name.indexOf('/', DELAYED_PREFIX.length);
  if (!name.startsWith(DELAYED_PREFIX) || slash < 0) return undefined;
  const digits = name.slice(DELAYED_PREFIX.length, slash);
  const topic = name.slice(slash + 1);
  if (!/^\d{1,10}$/.test(digits) || topic === '') return undefined;
  return { seconds: Number(digits), topic };
}
