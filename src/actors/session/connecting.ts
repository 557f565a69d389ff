/**
 * From CONNECT to the session that is online: the client is judged and authenticated here, `Admission` makes the session the owner of the client id, and what the former
 * owner had goes on. Then what lasts as long as the connection does: keep alive, and the time for which its credentials are good.
 */
import { MQTT_PACKET_BYTES_MAX } from '../../base/limits.ts';
import { encodeAuth, encodeConnack } from '../../wire/mqtt/control-encoder.ts';
import type { ConnectPacket } from '../../wire/mqtt/packets.ts';
import { Reason, reasonName } from '../../wire/mqtt/reason-codes.ts';
import { Admission, type Former, newClientId } from './admission.ts';
import { greetBridge } from './bridge-clients.ts';
import { Challenge } from './challenge.ts';
import type { Client } from './client.ts';
import { connectionInfo } from './connection.ts';
import { acceptance, judgeConnect, type Terms } from './handshake.ts';
import { connectionLost, disconnect, dropConnection } from './leaving.ts';
import { OutboundAliases } from './outbound-aliases.ts';
import { SESSION_PROBE } from './probe.ts';
import { readOn } from './reading.ts';
import { OWN_CLIENTS } from './services.ts';
import { type Context, type Session, TIMER, TIMER_MS_MAX } from './session.ts';
import type { Standing } from './standing.ts';
import { autoSubscribe } from './subscribing.ts';
import { passOver, surrender } from './takeover.ts';

const { slot } = SESSION_PROBE;

export function connect(session: Session, connect: ConnectPacket): void {
  const client = session.client!;
  client.dialect = connect.dialect;
  client.level = connect.level;
  client.isBridge = connect.isBridge === true;
  if (session.services.refusal !== undefined) return refused(session, session.services.refusal);
  if (connect.clientId.startsWith(OWN_CLIENTS) && session.services.isOwn !== true)
    return refused(session, Reason.CLIENT_IDENTIFIER_NOT_VALID, 'it is an id of the node itself');
  const verdict = judgeConnect(connect, session.services.limits, connect.clientId === '' ? newClientId(session.ctx) : '');
  client.wantsReasons = connect.properties.requestProblemInformation;
  client.packetBytesMax = Math.min(connect.properties.maximumPacketSize, MQTT_PACKET_BYTES_MAX); // CONNACK keeps to it as well
  if ('refused' in verdict) return refused(session, verdict.refused, verdict.why, verdict.serverReference);
  const { authenticationMethod, authenticationData } = connect.properties;
  if (authenticationMethod === undefined) {
    const admission = admit(session, connect, verdict.accepted);
    return admission.begin(connectionInfo(session.services.listener, client.transport));
  }
  const authenticator = session.services.enhanced.get(authenticationMethod);
  if (authenticator === undefined) return refused(session, Reason.BAD_AUTHENTICATION_METHOD); // [MQTT-4.12.0-1]
  session.state = 'authenticating';
  session.challenge = new Challenge(authenticator, {
    challenged: (data) => writeAuth(session, Reason.CONTINUE_AUTHENTICATION, data), // [MQTT-4.12.0-2]
    proven: (username, data) => proven(session, connect, verdict.accepted, username, data),
    unproven: (reason) => disconnect(session, reason), // [MQTT-4.12.0-4] [MQTT-4.12.1-2]
  });
  session.challenge.begin(authenticationData);
}

/** The client is held until its session is there. */
function admit(session: Session, connect: ConnectPacket, terms: Terms): Admission {
  session.state = 'claiming';
  if (session.connectTimer !== null) session.ctx.cancelTimer(session.connectTimer);
  session.connectTimer = null;
  session.client!.holdBriefly();
  return (session.admission = new Admission(session.services, session.ctx, session, connect, terms));
}

export function proven(
  session: Session,
  connect: ConnectPacket,
  terms: Terms,
  username: string,
  data: Uint8Array | undefined,
): void {
  if (session.state === 'online') return writeAuth(session, Reason.SUCCESS, data);
  if (session.state !== 'authenticating') return;
  session.authenticationData = data;
  const proof = { ok: true, username, ...session.services.access.builtinUser(username) };
  const connection = connectionInfo(session.services.listener, session.client!.transport);
  admit(session, { ...connect, username }, terms).identified(connection, proof);
}

function writeAuth(session: Session, reason: number, data: Uint8Array | undefined): void {
  const { method } = session.challenge!;
  const packetMax = session.client?.packetBytesMax;
  session.write(encodeAuth({ reason, authenticationMethod: method, authenticationData: data }, packetMax));
}

export function authenticated(session: Session, connect: ConnectPacket, terms: Terms, standing: Standing): boolean {
  if (session.client === null) {
    session.end();
    return false;
  }
  session.standing = standing;
  session.afterlife.identity = standing.identity;
  session.services.access.enter(standing);
  session.clientId = terms.clientId;
  session.expirySeconds = terms.sessionExpirySeconds;
  // What is to be continued may have to wait for its client until the takeover is done.
  session.outbound.machine = session.newMachine(terms.inFlightMax, terms.sessionExpirySeconds > 0 || !connect.cleanStart);
  session.count(slot.sessions, 1);
  return true;
}

export function admitted(session: Session, connect: ConnectPacket, terms: Terms, former: Former): void {
  session.admission = null;
  const { state } = former;
  if (state !== null) {
    session.machine.restore(state.machine);
    session.restoreReplays(state.replays);
  }
  // Whatever a takeover that has failed half-way left here belongs to a session that is lost.
  else session.outbound.machine = session.newMachine(terms.inFlightMax, terms.sessionExpirySeconds > 0);
  session.afterlife.will = connect.will ?? null;
  session.persistence.provide(former, (isProvided) => {
    if (!isProvided && state === null) return refused(session, Reason.SERVER_UNAVAILABLE);
    if (!isProvided) {
      // The session is not lost for that: it waits for its client, here or elsewhere.
      session.afterlife.will = null;
      turnAway(session, Reason.SERVER_UNAVAILABLE);
      goOffline(session);
    } else if (session.client === null) goOffline(session);
    else accept(session, session.client, connect, terms, state !== null);
    if (session.heir !== null) surrender(session, session.heir);
  });
}

/** Its client has left while it was being let in, or has been sent away. */
function goOffline(session: Session): void {
  session.state = 'online';
  connectionLost(session);
}

function accept(session: Session, client: Client, connect: ConnectPacket, terms: Terms, sessionPresent: boolean): void {
  session.state = 'online';
  session.offlineSince = 0;
  if (terms.topicAliasOutMax > 0) client.aliasesOut = new OutboundAliases(terms.topicAliasOutMax);
  client.keepAliveMs = terms.keepAliveSeconds * 1500; // [MQTT-3.1.2-22]
  client.heard(session.ctx.now());
  if (client.keepAliveMs > 0) session.ctx.startTimer(client.keepAliveMs, TIMER.keepAlive);
  session.count(slot.connects, 1);
  client.connectedAt = session.ctx.wallClock();
  session.lastLevel = client.level;
  if (session.services.shares.setOnline(session, true)) session.machine.keep();
  const connack = acceptance(connect, terms, session.services.limits, sessionPresent, session.authenticationData);
  const greeting = greetBridge(connect, session.services.nodeName);
  session.write(encodeConnack(client.dialect, { ...connack, ...greeting }, client.packetBytesMax));
  session.persistence.noteWill();
  session.outbound.connected(client);
  session.replaying?.connected();
  const standing = session.standing!;
  standing.attach(client);
  session.rates = session.services.rates?.forClient() ?? null;
  session.services.access.noteConnect(terms.clientId);
  watchExpiry(session, standing);
  session.services.events?.add(
    'client_connected',
    connectedFacts(client, connect, terms, session.services.listener.name, sessionPresent),
  );
  autoSubscribe(session, standing);
  if (client.tap !== null) client.tap.note({ event: 'connected', address: client.transport.remoteAddress, level: client.level });
  client.unhold();
  readOn(session, client);
}

export function refused(session: Session, reason: number, why?: string, serverReference?: string): void {
  turnAway(session, reason, why, serverReference);
  session.end();
  passOver(session);
}

function turnAway(session: Session, reason: number, why?: string, serverReference?: string): void {
  const client = session.client;
  if (client === null) return;
  session.count(slot.refusedConnects, 1);
  const connack = { sessionPresent: false, reason, reasonString: why ?? reasonName(reason), serverReference };
  session.write(encodeConnack(client.dialect, connack, client.packetBytesMax));
  dropConnection(session);
}

/** Its credentials end at some time, and its connection with them. */
function watchExpiry(session: Session, { expiresAt }: Standing): void {
  if (expiresAt === Number.POSITIVE_INFINITY) return;
  const leftMs = Math.max(expiresAt - session.ctx.wallClock(), 0);
  session.ctx.startTimer(Math.min(leftMs, TIMER_MS_MAX), TIMER.expiry);
}

export function checkExpiry(session: Session, standing: Standing): void {
  if (session.ctx.wallClock() >= standing.expiresAt) disconnect(session, Reason.NOT_AUTHORIZED);
  else watchExpiry(session, standing);
}

export function checkKeepAlive(session: Session, ctx: Context): void {
  const client = session.client;
  if (client === null || session.state !== 'online') return;
  // A client that is held back cannot be heard: the silence is ours.
  const silentMs = client.holds > 0 ? 0 : client.silentMs(ctx.now());
  if (silentMs >= client.keepAliveMs) disconnect(session, Reason.KEEP_ALIVE_TIMEOUT);
  else ctx.startTimer(client.keepAliveMs - silentMs, TIMER.keepAlive);
}

function connectedFacts(
  client: Client,
  { level, cleanStart }: ConnectPacket,
  terms: Terms,
  listener: string,
  sessionPresent: boolean,
): Readonly<Record<string, unknown>> {
  return {
    clientid: terms.clientId,
    username: client.identity?.username ?? '',
    ipaddress: client.identity?.address ?? '',
    listener,
    proto_ver: level,
    keepalive: terms.keepAliveSeconds,
    clean_start: cleanStart,
    expiry_interval: terms.sessionExpirySeconds,
    session_present: sessionPresent,
  };
}
