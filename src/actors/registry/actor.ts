/**
 * The registry of client ids on one reactor. A client id is placed on a reactor by its hash, so claims of one id are served in one order wherever its
 * connections are. It holds no session: the claimer fetches that from the previous owner itself.
 *
 * A registry whose reactor has died comes back empty. It answers no claim before the other reactors have announced their sessions, or the claimer would
 * start beside a session that it does not know of.
 */
import { REGISTRY_RECOVERY_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';
import { type ActorRef, NOBODY } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { RelayMessage } from '../relay/messages.ts';
import type { RestoreSessions } from '../session/restorer.ts';
import { RegistryMachine } from './machine.ts';
import type { Granted, Owner, RegistryMessage } from './messages.ts';
import { REGISTRY_PROBE } from './probe.ts';

const { slot } = REGISTRY_PROBE;

type Claim = Extract<RegistryMessage, { type: 'claim' }>;

export class RegistryActor implements Actor<RegistryMessage> {
  readonly #machine: RegistryMachine;
  readonly #system: ActorSystem;
  /** Reactors that have yet to announce their sessions. */
  readonly #awaited = new Set<number>();
  /** Makes persistent sessions again; undefined when none are kept. */
  readonly #restorer: ActorRef<RestoreSessions> | undefined;
  /** Hears that the persistent sessions of a reactor that has died are there again, as far as their ids belong here. */
  readonly #onRecovered: (thread: number) => void;
  /** Ids whose session may be on disk and is being looked for. */
  readonly #restoring = new Set<string>();
  #parked: { readonly message: Claim; readonly to: ReplyTo }[] = [];
  #ctx: ActorContext<RegistryMessage> | null = null;
  readonly #onClaim: ((clientId: string) => void) | undefined;

  /** `onClaim`: a client has connected; for other nodes, absent without. */
  constructor(
    system: ActorSystem,
    restorer?: ActorRef<RestoreSessions>,
    onRecovered: (thread: number) => void = (): void => {},
    onClaim?: (clientId: string) => void,
  ) {
    this.#system = system;
    this.#onClaim = onClaim;
    this.#restorer = restorer;
    this.#onRecovered = onRecovered;
    this.#machine = new RegistryMachine(system.incarnation);
    if (system.incarnation > 0) {
      for (let thread = 1; thread <= system.reactors; thread++) if (thread !== system.thread) this.#awaited.add(thread);
    }
    system.onThreadChange((thread, state) => {
      if (state === 'up' || this.#ctx === null) return;
      if (!system.tell(this.#ctx.self, { type: 'down', thread })) this.#forget(thread, this.#ctx);
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
        if (this.#awaited.size > 0 || (this.#restoring.has(message.clientId) && message.restored !== true))
          this.#parked.push({ message, to });
        else this.#grant(message, to, ctx);
        break;
      }
      case 'skip': {
        const to = ctx.replyTo();
        if (to === undefined) break;
        ctx.respond(to, this.#machine.skip(message.clientId, message.session, message.gone) satisfies Granted);
        break;
      }
      case 'find': {
        const to = ctx.replyTo();
        if (to !== undefined) ctx.respond(to, { session: this.#machine.ownerOf(message.clientId) } satisfies Owner);
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
      case 'elsewhere': {
        const session = this.#machine.ownerOf(message.clientId);
        if (session !== NOBODY) ctx.tell(ctx.sender as ActorRef<RelayMessage>, { ...message, type: 'owned', session });
        break;
      }
      case 'down':
        this.#forget(message.thread, ctx);
        break;
      case 'restored':
        for (const clientId of message.clientIds) this.#restoring.delete(clientId);
        this.#onRecovered(message.thread);
        this.#serveParked();
        break;
    }
    this.#count();
  }

  inspect(): unknown {
    return { clientIds: this.#machine.size };
  }

  #grant({ clientId, session, restored }: Claim, to: ReplyTo, ctx: ActorContext<RegistryMessage>): void {
    if (restored !== true) this.#onClaim?.(clientId);
    const granted = this.#machine.claim(clientId, session);
    this.#system.slots[slot.claims]! += 1;
    if (granted.previous !== NOBODY) this.#system.slots[slot.takeovers]! += 1;
    ctx.respond(to, granted satisfies Granted);
  }

  #forget(thread: number, ctx: ActorContext<RegistryMessage>): void {
    const clientIds = this.#machine.forgetThread(thread);
    if (this.#restorer !== undefined && clientIds.length > 0) {
      // Who claims one of these ids meanwhile might begin a session beside one that is on disk.
      for (const clientId of clientIds) this.#restoring.add(clientId);
      ctx.tell(this.#restorer, { type: 'restore', thread, clientIds });
    } else this.#onRecovered(thread);
    this.#isKnown(thread);
    this.#count();
  }

  /** All sessions of `thread` are known; when all are, the claims that waited for that are served. */
  #isKnown(thread: number): void {
    if (this.#awaited.delete(thread) && this.#awaited.size === 0) this.#serveParked();
  }

  #serveParked(): void {
    if (this.#awaited.size > 0) return;
    const parked = this.#parked;
    this.#parked = [];
    for (const claim of parked) {
      if (this.#restoring.has(claim.message.clientId)) this.#parked.push(claim);
      else this.#grant(claim.message, claim.to, this.#ctx!);
    }
  }

  #count(): void {
    this.#system.slots[slot.clients] = this.#machine.size;
  }
}
