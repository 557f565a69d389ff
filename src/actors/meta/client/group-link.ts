/** A client's way to one group: which service it asks, and the session in which its commands are done once however often they are sent. */
import { META_CLIENT_WINDOW } from '../../../base/limits.ts';
import { type ActorRef, NOBODY } from '../../../runtime/ref.ts';
import type { InSession } from '../codec/call-codec.ts';
import type { OpenCall } from './open-call.ts';

export class GroupLink {
  readonly group: number;
  readonly #candidates: readonly ActorRef[];
  #next = 0;
  service: ActorRef;
  /** 0: none yet. */
  session = 0;
  isOpening = false;
  #seq = 0;
  /** Commands under way, by their numbers, which rise. */
  readonly #window = new Map<number, OpenCall>();
  #waiting: OpenCall[] = [];

  constructor(group: number, candidates: readonly ActorRef[]) {
    this.group = group;
    this.#candidates = candidates;
    this.service = candidates[0] ?? NOBODY;
  }

  /** Nobody knows who leads: the next one may. */
  rotate(): void {
    this.#next = (this.#next + 1) % this.#candidates.length;
    this.service = this.#candidates[this.#next]!;
  }

  wait(call: OpenCall): void {
    this.#waiting.push(call);
  }

  /** Commands that may go now, each with its number. */
  admit(): readonly OpenCall[] {
    if (this.session === 0 || this.#waiting.length === 0) return NONE;
    const admitted = this.#waiting.splice(0, META_CLIENT_WINDOW - this.#window.size);
    for (const call of admitted) {
      call.session = this.session;
      call.seq = ++this.#seq;
      this.#window.set(call.seq, call);
    }
    return admitted;
  }

  get wantsSession(): boolean {
    return this.session === 0 && !this.isOpening && this.#waiting.length > 0;
  }

  opened(session: number): void {
    this.isOpening = false;
    this.session = session;
    this.#seq = 0;
  }

  /** The session is gone. What was sent in it once and never again has not been done, and goes into the next one. */
  expired(session: number): void {
    if (this.session === session) this.session = 0;
  }

  /** It is answered or given up. */
  closed(call: OpenCall): void {
    if (this.#window.get(call.seq) === call) this.#window.delete(call.seq);
    else if (call.seq === 0) this.#waiting = this.#waiting.filter((other) => other !== call);
  }

  inSession({ session, seq }: OpenCall): InSession {
    return { session, seq, answeredTo: this.#oldest(session) };
  }

  /** Commands below this are answered; those of a former session say nothing about that. */
  #oldest(session: number): number {
    for (const [seq, call] of this.#window) if (call.session === session) return seq;
    return this.#seq + 1;
  }
}

const NONE: readonly OpenCall[] = [];
