/**
 * What comes from the client: a read is taken apart by the reactor's `InboundReader`, and what does not make a packet yet is kept. When the client is not read: it is ahead of
 * its rate, it publishes to somebody who does not keep up, or what it may do is not known yet.
 */
import type { Qos } from '../../wire/mqtt/constants.ts';
import { encodeConnectRefusal } from '../../wire/mqtt/control-encoder.ts';
import { MqttError } from '../../wire/mqtt/mqtt-error.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { Outages } from '../inbox/outages.ts';
import { pluginClient } from '../plugin/hooks.ts';
import type { PressureSource } from '../router/pressure.ts';
import type { Topic } from '../router/topic-table.ts';
import type { Client } from './client.ts';
import { countDisconnect } from './disconnects.ts';
import type { HookMessage } from './inbound.ts';
import { disconnect, dropConnection } from './leaving.ts';
import { authorizerFor } from './permission.ts';
import { SESSION_PROBE } from './probe.ts';
import { Remainder } from './remainder.ts';
import { type Session, TIMER, TIMER_MS_MAX } from './session.ts';
import { IO_CONTINUE, type ReadView } from './transport.ts';

const { slot } = SESSION_PROBE;

export function read(session: Session, view: ReadView): void {
  const client = session.client;
  if (client === null) return;
  client.heard(session.ctx.now());
  if (client.holds > 0) client.transport.pause();
  if (client.tap !== null) client.tap.feed('in', view.bytes, view.start, view.end);
  const bytes = view.end - view.start;
  session.count(slot.bytesReceived, bytes);
  const rates = session.rates;
  const publishedBefore = rates === null ? 0 : publishedHere(session);
  client.remainder?.join(view);
  session.services.gauge.take(); // what was met outside of reads, by a will or a retained message, holds nobody
  try {
    const position = session.services.reader.read(session, client, view);
    if (position < view.end) (client.remainder ??= new Remainder()).keep(view, position);
    else client.remainder = null;
  } catch (error) {
    if (!(error instanceof MqttError)) throw error;
    violated(session, error);
    return;
  }
  if (rates !== null && session.client === client) {
    const waitMs = rates.received(publishedHere(session) - publishedBefore, bytes, session.ctx.now());
    if (waitMs > 0 && session.hasty === null) {
      session.count(slot.rateHeldReads, 1);
      waitFor(session, client, waitMs);
    }
  }
  const acknowledged = session.services.reader.takeAcknowledged();
  const { limits } = session.services;
  if (client.output.pendingBytes > 2 * limits.outputBytesMax + limits.packetBytesMax) {
    disconnect(session, Reason.QUOTA_EXCEEDED); // deliveries stop far below: this client asks and asks and does not read the answers
    return;
  }
  if (acknowledged) {
    session.outbound.drain();
    session.feed();
  }
  const pressure = session.services.gauge.take();
  if (pressure !== null && session.client !== null) holdFor(session, client, pressure);
}

/** Messages that all clients of this reactor have published. */
function publishedHere(session: Session): number {
  const { slots } = session.services.system;
  return slots[slot.receivedQos0]! + slots[slot.receivedQos1]! + slots[slot.receivedQos2]!;
}

/** The client is ahead of its rate, or of its listener's. */
function waitFor(session: Session, client: Client, waitMs: number): void {
  client.hold();
  session.hasty = { client, timer: session.ctx.startTimer(Math.min(waitMs, TIMER_MS_MAX), TIMER.rate) };
}

export function readAgain(session: Session): void {
  const client = session.hasty?.client;
  session.hasty = null;
  if (client === undefined || client !== session.client) return;
  client.unhold();
  readOn(session, client);
}

/** What the client owes by the former rates is forgotten with them. */
export function ratesChanged(session: Session): void {
  session.rates = session.services.rates?.forClient() ?? null;
  if (session.hasty === null) return;
  session.ctx.cancelTimer(session.hasty.timer);
  readAgain(session);
}

/** Reads what came while nothing was read. */
export function readOn(session: Session, client: Client): void {
  if (client.remainder !== null) read(session, { bytes: NO_BYTES, start: 0, end: 0 });
}

function holdFor(session: Session, client: Client, pressure: PressureSource): void {
  session.count(slot.heldReads, 1);
  client.hold();
  pressure.wait(session);
}

function violated(session: Session, error: MqttError): void {
  if (session.state === 'connecting') {
    session.write(encodeConnectRefusal(error));
    countDisconnect(session.services.system.slots, error.reason);
    dropConnection(session);
    session.end();
  } else {
    disconnect(session, error.reason);
  }
}

export function awaitPermission(session: Session, topic: Topic, qos: Qos, retain: boolean): void {
  const standing = session.standing!;
  const by = authorizerFor(session.services, session.ctx);
  pauseFor(session, (answered) =>
    standing.rights!.resolvePublish(topic.name, qos, retain, session.ctx.now(), by, () => {
      standing.rightsChanged(); // more of them is known
      answered();
    }),
  );
}

export function awaitSessions(session: Session, outages: Outages): void {
  session.count(slot.heldForSessions, 1);
  pauseFor(session, (over) => outages.whenOver(() => session.ctx.io(IO_CONTINUE, over)));
}

export function awaitVerdicts(session: Session, messages: readonly HookMessage[]): void {
  const client = session.client!;
  const { plugin } = session.services;
  const about = pluginClient(session.standing!.identity);
  pauseFor(session, (answered) =>
    plugin!.ask(
      'onPublish',
      messages.map((message) => ({ client: about, ...message })),
      (verdicts) =>
        session.ctx.io(IO_CONTINUE, () => {
          client.verdicts = verdicts.map((each) => (each === 'failed' && plugin!.letsThrough('onPublish') ? 'pass' : each));
          answered();
        }),
    ),
  );
}

/** Reads nothing more from the client until `question` has been answered, if that is not at once. */
export function pauseFor(session: Session, question: (answered: () => void) => void): void {
  const client = session.client!;
  let isAnswered = false;
  let isPaused = false;
  question(() => {
    isAnswered = true;
    if (!isPaused) return;
    session.isDeciding = false;
    if (session.client !== client) return;
    client.unhold();
    if (session.hasty === null) readOn(session, client);
  });
  if (isAnswered) return;
  isPaused = true;
  session.isDeciding = true;
  client.hold();
}

const NO_BYTES = new Uint8Array(0);
