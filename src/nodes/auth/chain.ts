/**
 * Asks the links of a chain in turn. The first that allows or denies decides; when all pass, the client is refused. A link that fails or is late is counted
 * and logged (never with what the client has sent) and then refuses the client or is passed over, as the policy says.
 */
import type { AuthenticateReply } from '../../actors/authenticator/messages.ts';
import { BackEndError } from '../security/failure-log.ts';
import type { AuthLink, Credentials, Decision, LinkName } from './link.ts';
import type { PasswordPool } from './password-pool.ts';
import { AUTH_PROBE, type AuthOutcome } from './probe.ts';

export interface ChainPolicy {
  readonly denyOnFailure: boolean;
  readonly timeoutMs: number;
}

export interface ChainSupport {
  readonly pool: PasswordPool;
  readonly slots: Float64Array;
  /** How often users have changed up to now. */
  readonly userChanges: number;
  /** Hears which link failed and how. */
  readonly onFailure: (link: string, error: unknown) => void;
}

/** Links whose answer follows from user name and password alone, until `file` is read again or a built-in user changes. */
const MEMORABLE: readonly LinkName[] = ['file', 'builtin', 'anonymous'];

const REFUSED: AuthenticateReply = { ok: false };
const OVERLOADED: AuthenticateReply = { ok: false, overloaded: true };
const UNAVAILABLE: AuthenticateReply = { ok: false, unavailable: true };

export async function runChain(
  links: readonly AuthLink[],
  credentials: Credentials,
  policy: ChainPolicy,
  support: ChainSupport,
): Promise<AuthenticateReply> {
  let isMemorable = true;
  for (const link of links) {
    isMemorable &&= MEMORABLE.includes(link.name);
    const decision = await ask(link, credentials, policy, support);
    if (decision === undefined) {
      if (policy.denyOnFailure) return UNAVAILABLE;
      continue;
    }
    if (decision.verdict === 'allow')
      return { ok: true, ...decision.grant, ...(isMemorable ? { memorable: support.userChanges } : {}) };
    if (decision.verdict === 'deny') return REFUSED;
    if (decision.verdict === 'overloaded') return OVERLOADED;
  }
  return nobody(links, credentials, support);
}

/** Undefined: it failed. */
async function ask(
  link: AuthLink,
  credentials: Credentials,
  policy: ChainPolicy,
  support: ChainSupport,
): Promise<Decision | undefined> {
  const count = (outcome: AuthOutcome): void => {
    support.slots[AUTH_PROBE.slot[`${link.name}.${outcome}`]]! += 1;
  };
  let abort: AbortController | undefined;
  const signal = (): AbortSignal => {
    abort ??= new AbortController();
    return abort.signal;
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      abort?.abort();
      reject(new BackEndError(`no answer within ${policy.timeoutMs} ms`));
    }, policy.timeoutMs);
  });
  try {
    const decision = await Promise.race([link.authenticate(credentials, signal), late]);
    count(decision.verdict);
    return decision;
  } catch (error) {
    count('failed');
    support.onFailure(link.name, error);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Nobody knows this user. Where a password would have been checked, one is: the answer's time must not tell who exists. */
async function nobody(
  links: readonly AuthLink[],
  { username, password }: Credentials,
  { pool }: ChainSupport,
): Promise<AuthenticateReply> {
  if (username === undefined || !links.some(({ name }) => name === 'file' || name === 'builtin')) return REFUSED;
  return (await pool.verifyNobody(password ?? new Uint8Array(0))) === 'overloaded' ? OVERLOADED : REFUSED;
}
