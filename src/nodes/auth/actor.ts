/**
 * The authenticator's shell: takes asks of the reactors' sessions and answers when the pool has. It holds no state, so a
 * restart loses nothing but the asks under way, which time out at the asker.
 */
import type { AuthenticateReply, AuthenticateRequest } from '../../actors/authenticator/messages.ts';
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';
import type { PasswordChecker } from './password-checker.ts';

const CHECKED = 1;

interface Checked {
  readonly to: ReplyTo;
  readonly reply: AuthenticateReply;
}

export class Authenticator implements Actor<AuthenticateRequest> {
  readonly #checker: PasswordChecker;
  readonly #onError: (error: unknown) => void;

  /** `onError` hears of a pool that failed; the client is refused then. */
  constructor(checker: PasswordChecker, onError: (error: unknown) => void) {
    this.#checker = checker;
    this.#onError = onError;
  }

  receive(message: AuthenticateRequest, ctx: ActorContext<AuthenticateRequest>): void {
    const to = ctx.replyTo();
    if (to === undefined) return;
    if (!isRequest(message)) {
      ctx.respond(to, { ok: false } satisfies AuthenticateReply);
      return;
    }
    const answer = (reply: AuthenticateReply): void => ctx.io(CHECKED, { to, reply } satisfies Checked);
    this.#checker.check(message.username, message.password).then(answer, (error) => {
      this.#onError(error);
      answer({ ok: false });
    });
  }

  onIo(_event: number, argument: unknown, ctx: ActorContext<AuthenticateRequest>): void {
    const { to, reply } = argument as Checked;
    ctx.respond(to, reply);
  }
}

function isRequest(message: AuthenticateRequest): boolean {
  return message.type === 'authenticate' && typeof message.username === 'string' && message.password instanceof Uint8Array;
}
