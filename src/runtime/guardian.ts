/**
 * The root of a thread's actors, at the well-known slot GUARDIAN_SLOT. Actors spawned through the system are its
 * children; asks from outside actors are its asks. It answers other threads: pictures of its system, and actors to be
 * made here by the name of their kind (a function cannot travel).
 */
import { assert } from '../base/assert.ts';
import type { Actor, ActorContext } from './actor.ts';
import type { SystemInspection } from './inspection.ts';
import { type ActorRef, wellKnownRef } from './ref.ts';

export const GUARDIAN_SLOT = 1;

/** `inspect` is answered with a SystemInspection, `spawn` with `{ ref }`, or `{ unknownKind }` when nobody registered it. */
export type GuardianMessage =
  | { readonly type: 'inspect' }
  | { readonly type: 'spawn'; readonly kind: string; readonly name: string; readonly argument: unknown };

export type SpawnReply = { readonly ref: ActorRef } | { readonly unknownKind: string };

export type ActorKind = (argument: unknown) => Actor<never>;

export function guardianRef(node: number, thread: number): ActorRef<GuardianMessage> {
  return wellKnownRef(node, thread, GUARDIAN_SLOT);
}

export class Guardian implements Actor<GuardianMessage> {
  readonly #inspect: () => SystemInspection;
  readonly #kinds: ReadonlyMap<string, ActorKind>;

  constructor(inspect: () => SystemInspection, kinds: ReadonlyMap<string, ActorKind>) {
    this.#inspect = inspect;
    this.#kinds = kinds;
  }

  receive(message: GuardianMessage, ctx: ActorContext<GuardianMessage>): void {
    const to = ctx.replyTo();
    assert(to !== undefined, 'the guardian takes asks only');
    if (message.type === 'inspect') ctx.respond(to, this.#inspect());
    else ctx.respond(to, this.#spawn(message.kind, message.name, message.argument, ctx));
  }

  #spawn(kind: string, name: string, argument: unknown, ctx: ActorContext<GuardianMessage>): SpawnReply {
    const make = this.#kinds.get(kind);
    if (make === undefined) return { unknownKind: kind };
    return { ref: ctx.spawn(() => make(argument), { name }) as ActorRef };
  }
}
