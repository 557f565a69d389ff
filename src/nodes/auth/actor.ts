/**
 * The authenticator's shell: takes asks of the reactors' sessions and answers when their chain has. It holds no state, so a restart loses nothing but the asks
 * under way, which time out at the asker.
 */
import type { AuthenticateReply, AuthenticateRequest } from '../../actors/authenticator/messages.ts';
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';

const CHECKED = 1;

interface Checked {
  readonly to: ReplyTo;
  readonly reply: AuthenticateReply;
}

export class Authenticator implements Actor<AuthenticateRequest> {
  readonly #authenticate: (request: AuthenticateRequest) => Promise<AuthenticateReply>;
  readonly #onError: (error: unknown) => void;

  /** `onError` hears of a check that failed as a whole; the client is refused then. */
  constructor(authenticate: (request: AuthenticateRequest) => Promise<AuthenticateReply>, onError: (error: unknown) => void) {
    this.#authenticate = authenticate;
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
    this.#authenticate(message).then(answer, (error) => {
      this.#onError(error);
      answer({ ok: false });
    });
  }

  onIo(_event: number, argument: unknown, ctx: ActorContext<AuthenticateRequest>): void {
    const { to, reply } = argument as Checked;
    ctx.respond(to, reply);
  }
}

function isRequest({ type, username, password, connection }: AuthenticateRequest): boolean {
  return (
    type === 'authenticate' &&
    (username === undefined || typeof username === 'string') &&
    (password === undefined || password instanceof Uint8Array) &&
    typeof connection === 'object'
  );
}
