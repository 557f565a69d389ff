/**
 * The authorizer: an actor on main that the reactors' sessions ask what rules in memory do not say. It asks the back ends, each with a time-out, and answers; what
 * fails is counted, logged without what was asked, and answered as a failure, which the asker's policy judges.
 */
import type {
  AuthorizerMessage,
  Identity,
  PermitReply,
  PermitRequest,
  RulesReply,
  RulesRequest,
} from '../../actors/access/messages.ts';
import { AUTHORIZE_BACKEND_TIMEOUT_MS } from '../../base/limits.ts';
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';
import type { BackEnds } from '../backends/back-ends.ts';
import type { StoreName } from '../backends/drivers.ts';
import type { TemplateValues } from '../backends/template.ts';
import { BackEndError } from '../security/failure-log.ts';
import { ACL_PROBE } from './probe.ts';

const ANSWERED = 1;

interface Answered {
  readonly to: ReplyTo;
  readonly reply: RulesReply | PermitReply;
}

export interface AuthorizerOptions {
  readonly backEnds: BackEnds;
  /** Counters of this thread. */
  readonly slots: Float64Array;
  /** Hears which source failed and how. */
  readonly onFailure: (source: string, error: unknown) => void;
  readonly timeoutMs?: number;
}

/** Asks the back ends. Never rejects: a failure is an answer. */
export class BackEndAuthorizer {
  readonly #options: AuthorizerOptions;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  permit({ source, identity, action, topic, qos, retain }: PermitRequest): Promise<PermitReply> {
    const values = { ...valuesOf(identity), action, topic, qos: String(qos), retain: String(retain) };
    const ask = async (): Promise<PermitReply> => ({ verdict: await this.#options.backEnds.http('acl').permit(values) });
    return this.#inTime<PermitReply>(source, ask, { verdict: 'failed' });
  }

  rules({ source, identity }: RulesRequest): Promise<RulesReply> {
    const ask = async (): Promise<RulesReply> => ({
      rules: await this.#options.backEnds.store(source as StoreName).findRules(valuesOf(identity)),
    });
    return this.#inTime<RulesReply>(source, ask, {});
  }

  async #inTime<T>(source: string, question: () => Promise<T>, failed: T): Promise<T> {
    const { slots, onFailure, timeoutMs = AUTHORIZE_BACKEND_TIMEOUT_MS } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new BackEndError(`no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      const answer = await Promise.race([question(), late]);
      slots[ACL_PROBE.slot[`${source as AclSource}.answered`]]! += 1;
      return answer;
    } catch (error) {
      slots[ACL_PROBE.slot[`${source as AclSource}.failed`]]! += 1;
      onFailure(source, error);
      return failed;
    } finally {
      clearTimeout(timer);
    }
  }
}

type AclSource = StoreName | 'http';

function valuesOf({ clientId, username, address, listener }: Identity): TemplateValues {
  return { clientid: clientId, username, peerhost: address, listener };
}

/** The shell on main that the reactors' sessions ask. */
export class AuthorizerActor implements Actor<AuthorizerMessage> {
  readonly #authorizer: BackEndAuthorizer;

  constructor(authorizer: BackEndAuthorizer) {
    this.#authorizer = authorizer;
  }

  receive(message: AuthorizerMessage, ctx: ActorContext<AuthorizerMessage>): void {
    const to = ctx.replyTo();
    if (to === undefined) return;
    const answer = (reply: RulesReply | PermitReply): void => ctx.io(ANSWERED, { to, reply } satisfies Answered);
    if (message.type === 'permit') void this.#authorizer.permit(message).then(answer);
    else void this.#authorizer.rules(message).then(answer);
  }

  onIo(_event: number, argument: unknown, ctx: ActorContext<AuthorizerMessage>): void {
    const { to, reply } = argument as Answered;
    ctx.respond(to, reply);
  }
}
