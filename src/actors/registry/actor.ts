/**
 * The registry of client ids on one reactor. A client id is placed on a reactor by its hash, so claims of one id are served in one order wherever its
 * connections are. It holds no session: the claimer fetches that from the previous owner itself.
 *
 * A registry whose reactor has died comes back empty. It answers no claim before the other reactors have announced their sessions, or the claimer would
 * start beside a session that it does not know of.
 */
import { REGISTRY_RECOVERY_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';
import { NOBODY } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { RegistryMachine } from './machine.ts';
import type { Granted, RegistryMessage } from './messages.ts';
import { REGISTRY_PROBE } from './probe.ts';

const { slot } = REGISTRY_PROBE;

type Claim = Extract<RegistryMessage, { type: 'claim' }>;

export class RegistryActor implements Actor<RegistryMessage> {
  readonly #machine: RegistryMachine;
  readonly #system: ActorSystem;
  /** Reactors that have yet to announce their sessions. */
  readonly #awaited = new Set<number>();
  #parked: { readonly message: Claim; readonly to: ReplyTo }[] = [];
  #ctx: ActorContext<RegistryMessage> | null = null;

  constructor(system: ActorSystem) {
    this.#system = system;
    this.#machine = new RegistryMachine(system.incarnation);
    if (system.incarnation > 0) {
      for (let thread = 1; thread <= system.reactors; thread++) if (thread !== system.thread) this.#awaited.add(thread);
    }
    system.onThreadChange((thread, state) => {
      if (state === 'up' || this.#ctx === null) return;
      if (!system.tell(this.#ctx.self, { type: 'down', thread })) this.#forget(thread);
    });
  }

  started(ctx: ActorContext<RegistryMessage>): void {
    this.#ctx = ctx;
    if (this.#awaited.size > 0) ctx.startTimer(REGISTRY_RECOVERY_MS, 0);
  }

  /** Who has announced nothing by now is dead as well. */
  onTimer(): void {
    for (const thread of [...this.#awaited]) this.#isKnown(thread);
  }

  receive(message: RegistryMessage, ctx: ActorContext<RegistryMessage>): void {
    switch (message.type) {
      case 'claim': {
        const to = ctx.replyTo();
        if (to === undefined) break;
        if (this.#awaited.size > 0) this.#parked.push({ message, to });
        else this.#grant(message, to, ctx);
        break;
      }
      case 'skip': {
        const to = ctx.replyTo();
        if (to === undefined) break;
        ctx.respond(to, this.#machine.skip(message.clientId, message.session, message.gone) satisfies Granted);
        break;
      }
      case 'release':
        this.#machine.release(message.clientId, message.session);
        break;
      case 'announce':
        if (!this.#machine.announce(message.clientId, message.session, message.claim)) {
          ctx.tell(message.session, { type: 'superseded' });
        }
        break;
      case 'announced':
        this.#isKnown(message.thread);
        break;
      case 'down':
        this.#forget(message.thread);
        break;
    }
    this.#count();
  }

  inspect(): unknown {
    return { clientIds: this.#machine.size };
  }

  #grant({ clientId, session }: Claim, to: ReplyTo, ctx: ActorContext<RegistryMessage>): void {
    const granted = this.#machine.claim(clientId, session);
    this.#system.slots[slot.claims]! += 1;
    if (granted.previous !== NOBODY) this.#system.slots[slot.takeovers]! += 1;
    ctx.respond(to, granted satisfies Granted);
  }

  #forget(thread: number): void {
    this.#machine.forgetThread(thread);
    this.#isKnown(thread);
    this.#count();
  }

  /** All sessions of `thread` are known; when all are, the claims that waited for that are served. */
  #isKnown(thread: number): void {
    if (!this.#awaited.delete(thread) || this.#awaited.size > 0) return;
    const parked = this.#parked;
    this.#parked = [];
    for (const { message, to } of parked) this.#grant(message, to, this.#ctx!);
  }

  #count(): void {
    this.#system.slots[slot.clients] = this.#machine.size;
  }
}
