/**
 * What a client may do, asked on its behalf: between authentication and the claim of the client id (is it banned, and may it leave the will that it brings), and when
 * it subscribes.
 */
import { AUTHORIZE_TIMEOUT_MS } from '../../base/limits.ts';
import type { ActorContext } from '../../runtime/actor.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import type { ConnectPacket } from '../../wire/mqtt/packets.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import { addressOf } from '../access/address-list.ts';
import type { Identity, PermitReply, PermitRequest, RulesReply, RulesRequest } from '../access/messages.ts';
import type { Authorizer } from '../access/rights.ts';
import type { AuthenticateReply } from '../authenticator/messages.ts';
import { type Plugin, pluginClient } from '../plugin/hooks.ts';
import type { ConnectionInfo } from './connection.ts';
import type { SessionMessage } from './messages.ts';
import type { SessionServices } from './services.ts';
import { Standing } from './standing.ts';
import { IO_CONTINUE } from './transport.ts';

type Context = ActorContext<SessionMessage>;

/** Main's answers, by way of the session's own asks. Without an authorizer on main there is no answer. */
export function authorizerFor(services: SessionServices, ctx: Context): Authorizer {
  const { authorizer, plugin } = services;
  return {
    fetchRules: (request, then) => {
      if (authorizer === undefined) return then(undefined);
      ctx.ask<RulesRequest, RulesReply>(authorizer, request, AUTHORIZE_TIMEOUT_MS, (reply) => then(reply));
    },
    askPermit: (request, then) => {
      if (request.source === PLUGIN) return askPlugin(plugin, ctx, request, then);
      if (authorizer === undefined) return then(undefined);
      ctx.ask<PermitRequest, PermitReply>(authorizer, request, AUTHORIZE_TIMEOUT_MS, (reply) => then(reply));
    },
  };
}

/** The source of rules that is the plugin's hook `onAuthorize`. */
const PLUGIN = 'plugin';

function askPlugin(plugin: Plugin | null, ctx: Context, request: PermitRequest, then: (reply: PermitReply) => void): void {
  if (plugin === null || !plugin.wants('onAuthorize')) return then({ verdict: 'ignore' });
  const { identity, action, topic, qos, retain } = request;
  plugin.ask('onAuthorize', [{ client: pluginClient(identity), action, topic, qos, retain }], ([verdict]) =>
    ctx.io(IO_CONTINUE, () => then({ verdict: verdict! })),
  );
}

/** Calls `then` with whether the plugin lets the client in; in the session's own turn. */
export function welcome(
  services: SessionServices,
  ctx: Context,
  connect: ConnectPacket,
  standing: Standing,
  then: (isWelcome: boolean) => void,
): void {
  const { plugin, isOwn } = services;
  if (plugin === null || isOwn === true || !plugin.wants('onConnect')) return then(true);
  const client = pluginClient(standing.identity);
  const question = { client, cleanStart: connect.cleanStart, keepAlive: connect.keepAliveSeconds };
  plugin.ask('onConnect', [question], ([answer]) => {
    const isWelcome = answer === 'failed' ? plugin.letsThrough('onConnect') : answer!;
    ctx.io(IO_CONTINUE, () => then(isWelcome));
  });
}

/** `allowed` without the filters that the plugin does not want; in the session's own turn. */
function screen(
  services: SessionServices,
  ctx: Context,
  identity: Identity,
  entries: readonly { readonly filter: string; readonly qos: Qos }[],
  allowed: readonly boolean[] | null,
  then: (allowed: readonly boolean[] | null) => void,
): void {
  const { plugin, isOwn } = services;
  if (plugin === null || isOwn === true || !plugin.wants('onSubscribe')) return then(allowed);
  const client = pluginClient(identity);
  const questions = entries.map(({ filter, qos }) => ({ client, filter, qos }));
  plugin.ask('onSubscribe', questions, (answers) => {
    const screened = answers.map((answer, i) => {
      const isTaken = answer === 'failed' ? plugin.letsThrough('onSubscribe') : answer;
      return isTaken && (allowed === null || allowed[i] === true);
    });
    ctx.io(IO_CONTINUE, () => then(screened));
  });
}

/** Calls `then` with where the client stands, or with the reason code to refuse it with. `onExpel`: it is banned later on. */
export function permit(
  services: SessionServices,
  ctx: Context,
  connect: ConnectPacket,
  who: { readonly clientId: string; readonly connection: ConnectionInfo; readonly proof: AuthenticateReply | undefined },
  onExpel: () => void,
  then: (standing: Standing | undefined, reason: number) => void,
): void {
  const { access } = services;
  const { clientId, connection, proof } = who;
  const identity: Identity = {
    clientId,
    username: proof?.username ?? connect.username ?? '',
    address: addressOf(connection.remoteAddress),
    groups: proof?.groups ?? [],
    listener: connection.listener,
  };
  if (access.forbids(identity, ctx.wallClock())) return then(undefined, Reason.BANNED);
  const rights = proof?.superuser === true ? null : access.rightsOf(identity, proof?.rules);
  const { traces } = services.insight;
  const tapFor: typeof traces.tapFor = (of, level) => traces.tapFor(of, level);
  const standing = new Standing(identity, rights, proof?.expiresAt ?? Number.POSITIVE_INFINITY, onExpel, tapFor);
  const { will } = connect;
  if (will === undefined || rights === null) return then(standing, Reason.SUCCESS);
  rights.resolvePublish(will.topic, will.qos, will.retain, ctx.now(), authorizerFor(services, ctx), (allowed) => {
    if (allowed) then(standing, Reason.SUCCESS);
    else then(undefined, Reason.NOT_AUTHORIZED);
  });
}

/** Calls `then` with whether each filter may be subscribed to; null: all may. At once when nobody has to be asked. */
export function permitFilters(
  services: SessionServices,
  ctx: Context,
  standing: Standing | null,
  entries: readonly { readonly filter: string; readonly qos: Qos }[],
  then: (allowed: readonly boolean[] | null) => void,
): void {
  const rights = standing?.rights ?? null;
  if (standing === null) return then(null);
  const { identity } = standing;
  if (rights === null) return screen(services, ctx, identity, entries, null, then);
  const by = authorizerFor(services, ctx);
  const allowed: boolean[] = [];
  // One after the other, and not by recursion as long as the answers are at hand: a packet may bring thousands.
  const goOn = (): void => {
    while (allowed.length < entries.length) {
      const index = allowed.length;
      const { filter, qos } = entries[index]!;
      let inCall = true;
      const decide = (verdict: boolean): void => {
        allowed.push(verdict);
        if (!inCall) goOn();
      };
      const parsed = parseFilter(filter);
      if (parsed === undefined)
        decide(true); // it is refused for what it is
      else rights.resolveSubscribe(parsed.filter, qos, parsed.shareGroup !== undefined, ctx.now(), by, decide);
      inCall = false;
      if (allowed.length === index) return; // the answer is awaited
    }
    screen(services, ctx, identity, entries, allowed, then);
  };
  goOn();
}
