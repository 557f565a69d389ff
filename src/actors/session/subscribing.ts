/** SUBSCRIBE and UNSUBSCRIBE from the asking to the answer, and the subscriptions that an operator makes in the client's name; which of them hold is decided by `Subscriber`. */
import type { ReplyTo } from '../../runtime/actor.ts';
import { type Diagnostics, encodeSuback, encodeUnsuback } from '../../wire/mqtt/control-encoder.ts';
import type { SubscribeEntry, SubscribePacket, UnsubscribePacket } from '../../wire/mqtt/packets.ts';
import { Reason, reasonName } from '../../wire/mqtt/reason-codes.ts';
import { asOfBridge } from './bridge-clients.ts';
import { whenSubscribed } from './claim.ts';
import type { Client } from './client.ts';
import { claimExclusive, type Refusals } from './exclusive.ts';
import { permitFilters } from './permission.ts';
import { pauseFor } from './reading.ts';
import type { Session } from './session.ts';
import type { Standing } from './standing.ts';
import { IO_CONTINUE } from './transport.ts';

export function subscribe(session: Session, sent: SubscribePacket): void {
  const client = session.client;
  const packet = client?.isBridge === true ? asOfBridge(sent) : sent;
  const rewritten = session.services.intake.rewriteSubscribe(packet, session.standing?.identity ?? null);
  pauseFor(session, (answered) =>
    // Its rights are about what it has written.
    permitFilters(session.services, session.ctx, session.standing, packet.entries, (allowed) =>
      claimExclusive(session.services, session.ctx, session, rewritten.entries, allowed, (refusals) => {
        if (session.client === client) subscribePermitted(session, rewritten, allowed, refusals);
        answered();
      }),
    ),
  );
}

function subscribePermitted(
  session: Session,
  packet: SubscribePacket,
  allowed: readonly boolean[] | null,
  refusals: Refusals,
): void {
  const client = session.client!;
  if (packet.userProperties.length > 0 && session.ensureReplaying().takes(client, packet, allowed)) return;
  const reasons = session.ensureSubscriber().subscribe(packet, allowed, refusals);
  for (const [i, { filter }] of packet.entries.entries()) if (reasons[i]! < 0x80) session.replaying?.end(filter);
  tellSubscribed(session, packet.entries, reasons);
  if (session.services.shares.count(session) > 0) session.machine.keep();
  const acknowledge = (): void => {
    const client = session.client;
    if (client === null) return;
    session.write(encodeSuback(client.dialect, packet.packetId, reasons, explain(client, reasons), client.packetBytesMax));
    session.feed();
  };
  const whenKept = session.persistence.whenKept(acknowledge);
  // Now means by way of the mailbox, after the records of other reactors: a message that was retained there before the client asked is found.
  whenSubscribed(session.services, () => session.ctx.io(IO_CONTINUE, whenKept));
}

export function unsubscribe(session: Session, packet: UnsubscribePacket): void {
  const client = session.client!;
  const { filters } = session.services.intake.rewriteUnsubscribe(packet, session.standing?.identity ?? null);
  const ended = filters.map((filter) => session.replaying?.end(filter) === true);
  const reasons = session
    .ensureSubscriber()
    .unsubscribe(filters)
    .map((reason, i) => (ended[i] === true ? Reason.SUCCESS : reason));
  tellUnsubscribed(session, filters, reasons);
  session.persistence.whenKept(() =>
    session.write(encodeUnsuback(client.dialect, packet.packetId, reasons, explain(client, reasons), client.packetBytesMax)),
  )();
}

/** What the operator wants every client to have; nobody has asked, and nobody is answered. */
export function autoSubscribe(session: Session, { identity }: Standing): void {
  if (session.services.isOwn === true) return;
  const entries = session.services.intake.autoSubscriptions.entriesFor(identity);
  if (entries.length === 0) return;
  claimExclusive(session.services, session.ctx, session, entries, null, (refusals) => {
    if (session.state !== 'online') return;
    subscribeFor(session, entries, refusals);
    session.persistence.saveLater();
    whenSubscribed(session.services, () => session.ctx.io(IO_CONTINUE, () => session.feed()));
  });
}

/** Nobody asks whether it may: this is not the client's wish. */
export function subscribeFor(session: Session, entries: readonly SubscribeEntry[], refusals: Refusals): number[] {
  const reasons = session.ensureSubscriber().subscribe({ entries, subscriptionId: undefined }, null, refusals);
  tellSubscribed(session, entries, reasons);
  if (session.services.shares.count(session) > 0) session.machine.keep();
  return reasons;
}

/** By an operator, who may. */
export function subscribeByOperator(session: Session, entries: readonly SubscribeEntry[], to: ReplyTo): void {
  const { services, ctx } = session;
  claimExclusive(services, ctx, session, entries, null, (refusals) => {
    const reasons = subscribeFor(session, entries, refusals);
    const whenKept = session.persistence.whenKept(() => ctx.respond(to, reasons));
    const subscribed = (): void => {
      whenKept();
      if (session.client !== null) session.feed();
    };
    whenSubscribed(services, () => ctx.io(IO_CONTINUE, subscribed));
  });
}

export function unsubscribeByOperator(session: Session, filters: readonly string[], to: ReplyTo): void {
  const reasons = session.ensureSubscriber().unsubscribe(filters);
  tellUnsubscribed(session, filters, reasons);
  session.persistence.whenKept(() => session.ctx.respond(to, reasons))();
}

function tellSubscribed(session: Session, entries: readonly SubscribeEntry[], reasons: readonly number[]): void {
  const { events } = session.services;
  if (events?.wants('session_subscribed') !== true) return;
  for (const [index, { filter, noLocal, retainAsPublished }] of entries.entries()) {
    const qos = reasons[index]!;
    if (qos <= 2) events.add('session_subscribed', { ...session.who(), topic: filter, qos, nl: noLocal, rap: retainAsPublished });
  }
}

function tellUnsubscribed(session: Session, filters: readonly string[], reasons: readonly number[]): void {
  const { events } = session.services;
  if (events?.wants('session_unsubscribed') !== true) return;
  for (const [index, topic] of filters.entries()) {
    if (reasons[index] === Reason.SUCCESS) events.add('session_unsubscribed', { ...session.who(), topic });
  }
}

/** The reasons that are no success, in words, for a client that wants them [MQTT-3.1.2-29]. */
function explain({ wantsReasons }: Client, reasons: readonly number[]): Diagnostics {
  if (!wantsReasons) return NO_DIAGNOSTICS;
  const faults = [...new Set(reasons.filter((reason) => reason >= 0x80))];
  return faults.length === 0 ? NO_DIAGNOSTICS : { reasonString: faults.map(reasonName).join(', ') };
}

const NO_DIAGNOSTICS: Diagnostics = {};
