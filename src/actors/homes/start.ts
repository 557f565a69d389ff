/** Puts the homes actor of a node in its place, on reactor 1. */
import type { SessionServices } from '../session/services.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { HomesActor } from './actor.ts';
import type { HomesOptions } from './core.ts';
import type { HomesMessage } from './messages.ts';

export interface Homes {
  readonly actor: HomesActor;
  /** The sessions of all reactors have been made again: those that have left are sent after their clients. Calls `then` when that is under way. */
  begin(then: () => void): void;
}

export function startHomesActor(services: SessionServices, options: HomesOptions): Homes {
  const { system } = services;
  const actor = new HomesActor(services, options);
  system.spawn<HomesMessage>(() => actor, { name: 'homes', wellKnown: WELL_KNOWN.homes });
  system.remote.onChange((_node, state) => {
    if (state === 'up') system.tell<HomesMessage>(services.homes!, { type: 'nodeUp' });
  });
  system.onThreadChange((thread, state) => {
    if (state === 'down') system.tell<HomesMessage>(services.homes!, { type: 'threadDied', thread });
  });
  return {
    actor,
    begin: (then) => {
      actor.whenConfirmed(then);
      system.tell<HomesMessage>(services.homes!, { type: 'begin' });
    },
  };
}
