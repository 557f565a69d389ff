/** The end of a connection, whoever ends it, and what comes after it: the will, a session that waits for its client, its end. */
import { encodeConnack, encodeDisconnect } from '../../wire/mqtt/control-encoder.ts';
import { MqttError } from '../../wire/mqtt/mqtt-error.ts';
import type { DisconnectPacket } from '../../wire/mqtt/packets.ts';
import { connackReasonOf, Reason, reasonName } from '../../wire/mqtt/reason-codes.ts';
import { countDisconnect } from './disconnects.ts';
import { SESSION_PROBE } from './probe.ts';
import { type Context, type Session, TIMER } from './session.ts';
import { releaseShared } from './shared-work.ts';
import { IO_CONTINUE } from './transport.ts';

const { slot } = SESSION_PROBE;

export function clientDisconnects(session: Session, packet: DisconnectPacket): void {
  if (packet.sessionExpiry !== undefined) {
    if (packet.sessionExpiry > 0 && session.expirySeconds === 0) {
      throw new MqttError(Reason.PROTOCOL_ERROR, 'DISCONNECT makes a session last that was not to'); // [MQTT-3.14.2-2]
    }
    session.expirySeconds = Math.min(packet.sessionExpiry, session.services.limits.sessionExpirySecondsMax);
  }
  session.endReason = packet.reason === Reason.NORMAL_DISCONNECTION ? 'normal' : reasonName(packet.reason);
  if (packet.reason === Reason.NORMAL_DISCONNECTION) session.afterlife.will = null; // [MQTT-3.14.4-3]
  connectionLost(session);
}

/** Closes the connection for a reason of ours, which a 5.0 client is told [MQTT-3.14.0-1]. */
export function disconnect(session: Session, reason: number): void {
  const client = session.client;
  if (client === null) return;
  countDisconnect(session.services.system.slots, reason);
  session.endReason = reasonName(reason);
  if (awaitsConnack(session)) {
    const connack = { sessionPresent: false, reason: connackReasonOf(reason) };
    session.write(encodeConnack(client.dialect, connack, client.packetBytesMax)); // [MQTT-3.14.0-1]
  } else if (session.state !== 'connecting') {
    session.write(encodeDisconnect(client.dialect, { reason, reasonString: reasonName(reason) }, client.packetBytesMax));
  }
  connectionLost(session);
}

/** Its client is banned: it is told (0x8A is for CONNACK alone), and nothing of the session is kept for it. */
export function expelled(session: Session): void {
  disconnect(session, awaitsConnack(session) ? Reason.BANNED : Reason.ADMINISTRATIVE_ACTION);
  if (session.state === 'offline') session.end();
}

function awaitsConnack({ state }: Session): boolean {
  return state === 'authenticating' || state === 'claiming';
}

/** The connection is over. What follows depends on the will and on whether the session outlasts it. */
export function connectionLost(session: Session): void {
  const claiming = session.state === 'claiming';
  if (session.client !== null) dropConnection(session);
  if (claiming) return; // `admitted` comes back to this
  if (session.state === 'online')
    session.services.events?.add('client_disconnected', { ...session.who(), reason: session.endReason });
  if (session.state !== 'online') return session.end(); // CONNECT has not been accepted: it leaves neither will nor session
  session.outbound.disconnected();
  session.subscriber?.stop();
  session.replaying?.disconnected();
  if (session.expirySeconds === 0) {
    session.afterlife.publishWill();
    return session.end();
  }
  session.state = 'offline';
  if (session.services.shares.setOnline(session, false) && !session.isSucceeded) releaseShared(session);
  session.offlineSince = session.services.system.wallClock();
  // The record with what the client has been sent goes before the question about the will.
  if (!session.isSucceeded) saveOffline(session);
  session.afterlife.askForWill = session.isSucceeded ? null : session.persistence.willQuestion();
  session.afterlife.begin(session.ctx, session.expirySeconds, TIMER.afterlife);
}

/** A record with a session that is offline says that its inbox knows what the client has been sent. */
export function saveOffline(session: Session): void {
  const { inboxes } = session.services;
  if (inboxes === null) return;
  inboxes.whenDurable(() =>
    session.ctx.io(IO_CONTINUE, () => {
      if (session.state === 'offline') session.persistence.saveLater();
    }),
  );
}

/** The session's time without a client goes on: its will, then its end. */
export function goOn(session: Session, ctx: Context): void {
  const { will } = session.afterlife;
  if (session.afterlife.advance(ctx, TIMER.afterlife)) {
    session.count(slot.expired, 1);
    session.end();
  } else if (will !== session.afterlife.will) session.persistence.saveLater();
}

export function dropConnection(session: Session): void {
  const client = session.client!;
  if (client.tap !== null) client.tap.note({ event: 'disconnected', reason: session.endReason });
  session.client = null;
  client.isClosed = true;
  session.count(slot.connections, -1);
  client.output.flush();
  client.output.close();
  client.transport.end();
}
