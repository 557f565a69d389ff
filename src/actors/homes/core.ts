/**
 * What the parts of a node's homes actor share: the sessions whose home is this node, which of them are leaving, the fences that are waited for, and the ways out of the actor. Lives in the homes actor, on reactor 1.
 */
import { HOMES_ASK_MS, HOMES_OTHERS_MS_MAX, STORE_ASK_MS } from '../../base/limits.ts';
import type { ActorContext, ReplyTo } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { Will } from '../../wire/mqtt/packets.ts';
import { KEYS, type MetadataFailure, metadataRef, type WriteMetadata } from '../metadata/messages.ts';
import type { RelayActor } from '../relay/actor.ts';
import type { SessionServices } from '../session/services.ts';
import { willRun } from '../session/will.ts';
import type { Found, Register } from './directory.ts';
import { Entries } from './entries.ts';
import { decodeEntry, type HomeEntry } from './entry.ts';
import { type HomesMessage, homesRef } from './messages.ts';
import { encodeHomeNote, type HomeNote } from './notes.ts';
import { HOMES_PROBE } from './probe.ts';
import type { LostNodes } from './undertaker.ts';

const IO_LATER = 1;

export interface HomesOptions {
  readonly directory: Register;
  /** The same for wills of clients without a session. */
  readonly wills: Register;
  /** Undefined: another node sees to the sessions of dead ones. */
  readonly lostNodes: (then: (lost: LostNodes | undefined) => void) => void;
  /** All nodes that are one broker. */
  readonly nodes: readonly number[];
}

export class HomesCore {
  readonly services: SessionServices;
  /** What it answers is heard in the actor's turn. */
  readonly directory: Register;
  readonly wills: Register;
  readonly nodes: readonly number[];
  readonly entries: Entries;
  readonly leaving: Set<string> = new Set();
  /** Fences that somebody here waits for. */
  readonly fences: Map<string, { passed(node: number): void }> = new Map();
  relay: RelayActor | null = null;
  /** What lies here has been compared with the directory; until then nobody is let in who has a session. */
  isConfirmed = false;
  ctx!: ActorContext<HomesMessage>;
  /** A session of that life takes all that comes here from now on. */
  onBegin: (life: string) => void = () => {};
  #isFlushDue = false;
  #othersDueMs: number | undefined;

  /** Somebody else has changed the entry of a session that is here. */
  readonly onTaken: (clientId: string) => void;

  constructor(services: SessionServices, { directory, wills, nodes }: HomesOptions, onTaken: (clientId: string) => void) {
    this.services = services;
    this.onTaken = onTaken;
    this.directory = this.#inTurn(directory);
    this.wills = this.#inTurn(wills);
    this.nodes = nodes;
    this.entries = new Entries({
      node: services.system.node,
      directory: this.directory,
      newLife: () => `${services.system.node}-${Math.floor(services.system.random() * 2 ** 52).toString(36)}`,
      noteLife: (clientId, note) => this.noteLife(clientId, note),
      onTaken,
    });
  }

  /** What a register answers is heard in the actor's turn, and what a turn has asked leaves at its end. */
  #inTurn(register: Register): Register {
    return {
      get: (clientId, then) => {
        register.get(clientId, (found) => this.later(() => then(found)));
        this.#flushSoon();
      },
      claim: (clientId, revision, value, then) => {
        register.claim(clientId, revision, value, (claimed) => this.later(() => then(claimed)));
        this.#flushSoon();
      },
      scan: (after, then) => register.scan(after, (page) => this.later(() => then(page))),
      flush: () => register.flush(),
    };
  }

  /** What has been asked leaves. */
  flush(): void {
    this.#isFlushDue = false;
    this.directory.flush();
    this.wills.flush();
  }

  /** What is published here now comes to whoever wants it on other nodes; or those that are not heard of are not waited for any more. */
  reachesOthers(nowMs: number): boolean {
    if (!this.isConfirmed) return false;
    if (this.nodes.length < 2 || this.relay?.knowsOthers === true) this.#othersDueMs = 0;
    return nowMs >= (this.#othersDueMs ??= nowMs + HOMES_OTHERS_MS_MAX);
  }

  get node(): number {
    return this.services.system.node;
  }

  count(key: keyof typeof HOMES_PROBE.slot, by = 1): void {
    this.services.system.slots[HOMES_PROBE.slot[key]]! += by;
  }

  gauge(key: keyof typeof HOMES_PROBE.slot, value: number): void {
    this.services.system.slots[HOMES_PROBE.slot[key]] = value;
  }

  /** Runs it in a turn of the actor. */
  later(then: () => void): void {
    this.ctx.io(IO_LATER, then);
  }

  /** Asks the homes actor of another node. */
  ask<R>(node: number, message: HomesMessage, then: (reply: R | undefined) => void): void {
    this.ctx.ask<HomesMessage, R>(homesRef(node), message, HOMES_ASK_MS, (reply) => then(reply));
    this.services.system.requestTurn();
  }

  say(node: number, message: HomesMessage): void {
    this.ctx.tell(homesRef(node), message);
    this.services.system.requestTurn();
  }

  respond(to: ReplyTo, reply: unknown): void {
    this.ctx.respond(to, reply);
    this.services.system.requestTurn();
  }

  tellMetadata(message: WriteMetadata): void {
    this.services.system.tell(metadataRef(this.services.system), message);
  }

  /** Of a client that is not here. */
  publishWill(clientId: string, will: Will): void {
    const { router, intake, system } = this.services;
    const run = willRun(will, router.topics, system.wallClock());
    if (run !== undefined) intake.publishFor({ identity: { clientId, username: '' }, rewrites: null }, run);
  }

  /** Of what lies here. Undefined: nothing of the session does. */
  noteLife(clientId: string, note: HomeNote | undefined): void {
    const key = KEYS.home + clientId;
    const puts = note === undefined ? [] : ([[key, encodeHomeNote(note)]] as const);
    this.tellMetadata({ type: 'write', puts, deletes: note === undefined ? [key] : [], sync: false });
  }

  /** The same; calls `then` when it is on disk, or cannot be. */
  noteLeaving(clientId: string, note: HomeNote, then: (isNoted: boolean) => void): void {
    const puts = [[KEYS.home + clientId, encodeHomeNote(note)]] as const;
    this.askMetadata({ type: 'write', puts, deletes: [], sync: true }, (reply) => then(reply === true));
  }

  askMetadata(message: WriteMetadata, then: (reply: true | MetadataFailure | undefined) => void): void {
    this.ctx.ask<WriteMetadata, true | MetadataFailure>(metadataRef(this.services.system), message, STORE_ASK_MS, then);
  }

  /**
   * Looks the entry up, and if it `isOpen` writes it anew as it is: no claim that rests on what it was can be done any more then, also not one that is on its way. Calls `then` with what is there; undefined: nobody answers.
   */
  secure(clientId: string, isOpen: (entry: HomeEntry | undefined) => boolean, then: (found: Found | undefined) => void): void {
    this.directory.get(clientId, (found) => {
      if (found?.value === undefined || !isOpen(decodeEntry(found.value))) return then(found);
      this.directory.claim(clientId, found.revision, found.value, (claimed) => {
        if (claimed.type === 'done') then({ revision: claimed.revision, value: found.value });
        else if (claimed.type === 'unavailable') then(undefined);
        else this.secure(clientId, isOpen, then);
      });
    });
  }

  #flushSoon(): void {
    if (!this.#isFlushDue) this.#isFlushDue = this.ctx.tell(this.ctx.self as ActorRef<HomesMessage>, { type: 'flush' });
  }
}
