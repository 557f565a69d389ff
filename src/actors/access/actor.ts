/** The access actor of a reactor: brings its policy what main sends, and lets it renew what has become old. */
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { placeKey } from '../../runtime/placement.ts';
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { KnownLogins } from '../authenticator/known-logins.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { FlappingDetector } from './flapping.ts';
import { type AccessMessage, FLAPPING_SLOT, type FlappingMessage } from './messages.ts';
import type { AccessPolicy } from './policy.ts';

const SWEEP = 1;

export class AccessActor implements Actor<AccessMessage> {
  readonly #policy: AccessPolicy;
  readonly #sweepMs: number;
  #flapping: FlappingDetector | null;
  readonly #main: ActorRef<FlappingMessage>;
  readonly #logins: KnownLogins | null;

  constructor(system: ActorSystem, policy: AccessPolicy, logins: KnownLogins | null) {
    this.#policy = policy;
    this.#logins = logins;
    this.#flapping = detectorOf(policy);
    this.#main = wellKnownRef<FlappingMessage>(system.node, 0, FLAPPING_SLOT);
    policy.onConnect = (clientId) => {
      const counter = wellKnownRef<AccessMessage>(system.node, placeKey(clientId, system.reactors), WELL_KNOWN.access);
      system.tell<AccessMessage>(counter, { type: 'connected', clientId });
    };
    this.#sweepMs = policy.options.sources.some(({ kind }) => kind === 'fetched' || kind === 'asked')
      ? Math.max(policy.options.cacheMs / 4, 1)
      : 0;
  }

  started(ctx: ActorContext<AccessMessage>): void {
    if (this.#sweepMs > 0) ctx.startTimer(this.#sweepMs, SWEEP);
  }

  onTimer(_key: number, ctx: ActorContext<AccessMessage>): void {
    this.#policy.sweep(ctx.now());
    ctx.startTimer(this.#sweepMs, SWEEP);
  }

  receive(message: AccessMessage, ctx: ActorContext<AccessMessage>): void {
    switch (message.type) {
      case 'rules':
        this.#policy.replaceRules(message.source, message.rules);
        break;
      case 'bans':
        this.#policy.replaceBans(message.bans, ctx.wallClock());
        break;
      case 'connected':
        if (this.#flapping?.connected(message.clientId, ctx.now())) {
          ctx.tell(this.#main, { type: 'flapping', clientId: message.clientId });
        }
        break;
      case 'users':
        this.#policy.replaceUsers(message.users);
        break;
      case 'scram':
        this.#policy.scramFile = new Map(message.users);
        break;
      case 'flapping':
        this.#policy.flapping = message.options;
        this.#flapping = detectorOf(this.#policy);
        break;
      case 'logins':
        this.#logins?.forget(message.changes);
        break;
      case 'user':
        this.#policy.changeUser(message.name, message.user);
        break;
    }
    const to = ctx.replyTo();
    if (to !== undefined) ctx.respond(to, true);
  }

  inspect(): unknown {
    return this.#policy.inspect();
  }
}

function detectorOf({ flapping }: AccessPolicy): FlappingDetector | null {
  return flapping === null ? null : new FlappingDetector(flapping);
}

export function spawnAccess(
  system: ActorSystem,
  policy: AccessPolicy,
  logins: KnownLogins | null = null,
): ActorRef<AccessMessage> {
  return system.spawn<AccessMessage>(() => new AccessActor(system, policy, logins), {
    name: 'access',
    wellKnown: WELL_KNOWN.access,
  });
}
