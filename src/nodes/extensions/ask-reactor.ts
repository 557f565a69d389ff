/** Questions of the administrative listener to actors at well-known places. */
import { SluiceError } from '../../base/errors.ts';
import { ADMIN_ASK_MS } from '../../base/limits.ts';
import { AskError } from '../../runtime/ask-error.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';

/** Main's system; undefined while the node starts. */
export type SystemSource = () => ActorSystem | undefined;

/** Throws SLUICE_HTTP_UNAVAILABLE. */
export function systemOf(source: SystemSource): ActorSystem {
  const system = source();
  if (system === undefined) throw new SluiceError('SLUICE_HTTP_UNAVAILABLE', 'the node is starting');
  return system;
}

/** Rejects with SLUICE_HTTP_UNAVAILABLE when the reactor does not answer, or has no such actor. */
export async function askReactor<R>(system: ActorSystem, thread: number, slot: number, request: object): Promise<R> {
  try {
    return await system.ask<R>(wellKnownRef<never>(system.node, thread, slot), request, ADMIN_ASK_MS);
  } catch (error) {
    if (!(error instanceof AskError)) throw error;
    const why = error.failure === 'not_found' ? 'this is switched off' : `reactor ${thread} does not answer (${error.failure})`;
    throw new SluiceError('SLUICE_HTTP_UNAVAILABLE', why, { cause: error });
  }
}

/** The answers of all reactors, in their order. */
export function askReactors<R>(system: ActorSystem, slot: number, request: object): Promise<R[]> {
  return Promise.all(Array.from({ length: system.reactors }, (_, i) => askReactor<R>(system, i + 1, slot, request)));
}
