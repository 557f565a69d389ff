/** The keeper of the declared topics of one reactor: hears what is declared. The writing itself is done in the publishers' turns (declared-topics.ts). */
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { DeclaredTopics } from './declared-topics.ts';
import type { ShardMessage } from './messages.ts';

class ShardKeeper implements Actor<ShardMessage> {
  readonly #declared: DeclaredTopics;

  constructor(declared: DeclaredTopics) {
    this.#declared = declared;
  }

  receive({ declarations }: ShardMessage, ctx: ActorContext<ShardMessage>): void {
    this.#declared.replace(declarations);
    const to = ctx.replyTo();
    if (to !== undefined) ctx.respond(to, true);
  }

  inspect(): unknown {
    return this.#declared.inspect();
  }
}

export function spawnShardKeeper(system: ActorSystem, declared: DeclaredTopics): void {
  system.spawn<ShardMessage>(() => new ShardKeeper(declared), { name: 'shards', wellKnown: WELL_KNOWN.shards });
}
