import type { AskFailure } from './actor.ts';

/** An ask from outside actors (`ActorSystem.ask`) got no answer; `failure` says why. */
export class AskError extends Error {
  override readonly name = 'AskError';
  readonly failure: AskFailure;

  constructor(failure: AskFailure, target: string) {
    super(`ask of ${target} failed: ${failure}`);
    this.failure = failure;
  }
}
