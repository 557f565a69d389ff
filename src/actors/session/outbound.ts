/**
 * Everything on its way to one client: live deliveries, the queue, the in-flight window, and what happens when the client does not keep up.
 *
 *   deliver ─▶ QoS 0 ─▶ output                 above the output bound: dropped
 *           └▶ QoS 1, 2 ─▶ window has room ─▶ output, in flight
 *                       └▶ else queue          above the queue bound: refused; a connected client is then disconnected
 *
 * From a quarter of a bound on, publishers are held back (see Slowness); they go on below an eighth.
 */
import { SLOW_GRACE_MS } from '../../base/limits.ts';
import type { Qos } from '../../wire/mqtt/constants.ts';
import { packetTopic } from '../../wire/mqtt/publish-run.ts';
import type { Inbox, InboxHost } from '../inbox/inbox.ts';
import type { ReplayIds } from '../replay/replays.ts';
import type { Delivery, Run } from '../router/sink.ts';
import type { Client } from './client.ts';
import { SessionMachine } from './machine.ts';
import { AWAIT_PUBACK, AWAIT_PUBCOMP, AWAIT_PUBREC } from './outbound-window.ts';
import { detached, type Outgoing, splitOutgoing } from './outgoing.ts';
import { SESSION_PROBE } from './probe.ts';
import type { PacketIds } from './publish-writer.ts';
import type { SessionServices } from './services.ts';
import { Slab } from './slab.ts';
import { Slowness } from './slowness.ts';

const { slot } = SESSION_PROBE;
const SENT: readonly number[] = [slot.sentQos0, slot.sentQos1, slot.sentQos2];

/** One per thread. */
const slab = new Slab();

function topicOf({ buffer, start }: Outgoing): string {
  const topic = packetTopic(buffer, start);
  return Buffer.from(buffer.buffer, buffer.byteOffset + topic.start, topic.end - topic.start).toString('utf8');
}

const HIGH_PART = 4;
const LOW_PART = 8;

export interface OutboundHost {
  readonly clientId: string;
  /** Something is wrong with this session; its supervisor is to know. */
  deliveryFailed(error: unknown): void;
  /** Call `checkSlowness` after `delayMs`. */
  watchSlowness(delayMs: number): void;
  /** A connected client has let its queue overflow. */
  overflowed(): void;
  /** A PUBREL has to be sent again. */
  resendPubrel(packetId: number): void;
}

export class Outbound implements InboxHost {
  /** Null while the client is not there or not yet accepted: messages that outlast that are queued. */
  #client: Client | null = null;
  machine: SessionMachine = new SessionMachine(1, false);
  readonly #services: SessionServices;
  readonly #host: OutboundHost;
  #slowness: Slowness | null = null;
  /** What was in flight on the last connection and has to be sent again on this one, oldest first; null is a PUBREL. */
  #unsent: { readonly packetId: number; readonly message: Outgoing | null }[] = [];
  /** Keeps the session's messages of QoS 1 and 2 on disk; null for a session that does not last, or when nothing is kept. */
  #inbox: Inbox | null = null;
  #inboxIds: PacketIds | null = null;

  constructor(services: SessionServices, host: OutboundHost) {
    this.#services = services;
    this.#host = host;
  }

  get inbox(): Inbox | null {
    return this.#inbox;
  }

  /** Messages go by this inbox from now on. */
  keepIn(inbox: Inbox): void {
    this.#inbox = inbox;
    this.#inboxIds = {
      resumable: false,
      send: (qos) => {
        const packetId = inbox.machine.packetIdOf(inbox.machine.cursor);
        this.machine.sendAt(packetId, qos === 1 ? AWAIT_PUBACK : AWAIT_PUBREC);
        inbox.pass();
        return packetId;
      },
      skip: () => inbox.skip(),
    };
  }

  /** What the session keeps, it keeps in memory. */
  leaveInbox(): void {
    this.#inbox = null;
    this.#inboxIds = null;
  }

  /** A live message. */
  deliver(run: Run, delivery: Delivery): void {
    const qos = (run.qos < delivery.qos ? run.qos : delivery.qos) as Qos;
    const retain = run.retain && delivery.retainAsPublished; // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
    if (qos === 0) this.#deliverQos0(run, retain, delivery.subscriptionIds);
    else this.#deliverAcknowledged(run, qos, retain, delivery);
  }

  /** The client is accepted: sends again what was in flight, then what waits. */
  connected(client: Client): void {
    this.#client = client;
    this.machine.forEachInFlight((packetId, awaiting, message) => {
      this.#unsent.push({ packetId, message: awaiting === AWAIT_PUBCOMP ? null : message });
    });
    this.#inbox?.connected(this);
    this.drain();
  }

  /** The inbox has something new, or what was asked for. */
  inboxReady(): void {
    try {
      this.drain();
    } catch (error) {
      this.#host.deliveryFailed(error);
    }
  }

  inboxFailed(code: string): void {
    this.#host.deliveryFailed(new Error(`the inbox cannot be read: ${code}`));
  }

  /** The client is gone: nobody is held back for it any more. */
  disconnected(): void {
    this.#client = null;
    this.#unsent = [];
    if (this.#inbox !== null) this.#leaveInbox(this.#inbox);
    this.#slowness?.below();
    this.#slowness = null;
  }

  /** Sends from the queue what window and output have room for; called after acknowledgements and when the output has drained. */
  drain(): void {
    const client = this.#client;
    if (client === null) return;
    const { writer, limits } = this.#services;
    if (this.#unsent.length > 0) this.#sendAgain(client);
    while (client.output.pendingBytes < limits.outputBytesMax) {
      const outgoing = this.machine.dequeue();
      if (outgoing === undefined) break;
      this.#count(outgoing.qos, writer.writeInFlight(client, outgoing, this.machine), outgoing.count);
    }
    if (this.#inbox !== null) this.#drainInbox(client, this.#inbox);
    if (this.#slowness?.pressing && this.#backlogBelow(LOW_PART)) this.#slowness.below();
  }

  /** Sends from the inbox what window, packet ids and output have room for. */
  #drainInbox(client: Client, inbox: Inbox): void {
    const { machine } = inbox;
    const { outputBytesMax } = this.#services.limits;
    while (client.output.pendingBytes < outputBytesMax && machine.cursor < machine.end) {
      const packetId = machine.packetIdOf(machine.cursor);
      let room = this.machine.roomFrom(packetId, Math.min(machine.idsFree, this.machine.inFlightMax));
      if (room <= 0) return;
      const isUnsure = machine.cursor < machine.unsureTo;
      if (machine.hasExceptions || isUnsure) room = 1;
      const isAgain = machine.cursor < machine.sentTo;
      if (isAgain) room = Math.min(room, machine.sentTo - machine.cursor);
      const outgoing = inbox.take(room);
      if (outgoing === undefined) return;
      if (machine.isDone(machine.cursor)) inbox.pass();
      else if (machine.isReceived(machine.cursor)) this.#sendPubrel(inbox, packetId);
      else {
        // A client that still has a message with that id would take this one for it [MQTT-4.3.3-10].
        if (isUnsure && !isAgain) this.#host.resendPubrel(packetId);
        const written = this.#services.writer.writeInFlight(client, outgoing, this.#inboxIds!, isAgain);
        this.#count(outgoing.qos, written, outgoing.count);
      }
    }
  }

  #sendPubrel(inbox: Inbox, packetId: number): void {
    this.machine.sendAt(packetId, AWAIT_PUBCOMP);
    inbox.pass();
    this.#host.resendPubrel(packetId);
  }

  /** What is in flight from the inbox is sent from there again: its ids are free until then. */
  #leaveInbox(inbox: Inbox): void {
    const { machine } = inbox;
    for (let offset = machine.ackedTo; offset < machine.cursor; offset++) {
      const packetId = machine.packetIdOf(offset);
      if (!machine.isDone(offset) && this.machine.isOut(packetId)) this.machine.abandon(packetId);
    }
    inbox.disconnected();
  }

  #toInbox(inbox: Inbox, run: Run, delivery: Delivery): void {
    const { limits, system, inboxes } = this.#services;
    const { machine } = inbox;
    const bounds = { messagesMax: limits.queueMessagesMax, bytesMax: limits.queueBytesMax };
    if (machine.isFull(bounds)) {
      const dropped = limits.queueOverflow === 'drop_oldest' ? inbox.dropOldest(run.count) : 0;
      system.slots[slot.droppedQueueFull]! += dropped > 0 ? dropped : run.count;
      this.#tellDropped('queue_full', run.topic.name, dropped > 0 ? dropped : run.count);
      if (dropped === 0) {
        if (this.#client !== null) this.#host.overflowed();
        return;
      }
    }
    // What falls to a member of a shared subscription is a part of a run.
    if (delivery.share === null) inboxes!.fanOuts.collect(inbox, run, delivery);
    else inboxes!.fanOuts.single(inbox, run, delivery);
    if (this.#client !== null && !this.#backlogBelow(HIGH_PART)) this.#press();
  }

  /** As much of what was in flight on the last connection as the client of this one takes at once [MQTT-3.3.4-9]. */
  #sendAgain(client: Client): void {
    const { machine } = this;
    // What has not been sent again takes no part of the client's receive maximum yet, though it keeps its id.
    while (this.#unsent.length > 0 && machine.inFlight - this.#unsent.length < machine.inFlightMax) {
      const { packetId, message } = this.#unsent.shift()!;
      if (message === null) this.#host.resendPubrel(packetId);
      else if (!machine.awaitsReceipt(packetId))
        continue; // acknowledged late, from the connection before
      else if (this.#services.writer.rewrite(client, message, packetId)) this.#count(message.qos, 1, 0);
      else machine.abandon(packetId);
    }
  }

  /** Messages of a replay that may leave now; what is live and what waits goes first. */
  replayRoom(qos: Qos): number {
    const client = this.#client;
    if (client === null || this.#unsent.length > 0) return 0;
    if (client.output.pendingBytes > this.#services.limits.outputBytesMax / HIGH_PART) return 0;
    return qos === 0 ? Number.MAX_SAFE_INTEGER : this.machine.room;
  }

  sendReplayed(outgoing: Outgoing, ids: ReplayIds): void {
    const client = this.#client!;
    const { writer } = this.#services;
    const { qos, count } = outgoing;
    if (qos === 0) {
      this.#count(0, writer.writeQos0(client, outgoing, false, outgoing.subscriptionIds), count);
      for (let i = 0; i < count; i++) ids.skipped();
      return;
    }
    const { machine } = this;
    const written = writer.writeInFlight(client, outgoing, {
      resumable: machine.resumable,
      send: (sentQos, message) => {
        const packetId = machine.send(sentQos, message);
        ids.sent(packetId);
        return packetId;
      },
      skip: () => ids.skipped(),
    });
    this.#count(qos, written, count);
  }

  /** What is delivered now leaves at once. */
  hasRoom(qos: Qos): boolean {
    const client = this.#client;
    if (client === null || client.output.pendingBytes > this.#services.limits.outputBytesMax / HIGH_PART) return false;
    return qos === 0 || (this.machine.room > 0 && (this.#inbox?.machine.due ?? 0) === 0);
  }

  /** There is room for more than what is live. */
  get atEase(): boolean {
    return this.#client !== null && this.#backlogBelow(LOW_PART);
  }

  checkSlowness(now: number): void {
    const again = this.#slowness?.check(now) ?? 0;
    if (again > 0) this.#host.watchSlowness(again);
  }

  #deliverQos0(run: Run, retain: boolean, subscriptionIds: readonly number[] | null): void {
    const client = this.#client;
    if (client === null) return;
    const { slots } = this.#services.system;
    const pending = client.output.pendingBytes;
    const { outputBytesMax } = this.#services.limits;
    if (pending > outputBytesMax / HIGH_PART) {
      this.#press();
      if (pending > outputBytesMax) {
        slots[slot.droppedSlowClient]! += run.count;
        this.#tellDropped('slow_client', run.topic.name, run.count);
        return;
      }
    }
    this.#count(0, this.#services.writer.writeQos0(client, run, retain, subscriptionIds), run.count);
  }

  #deliverAcknowledged(run: Run, qos: 1 | 2, retain: boolean, delivery: Delivery): void {
    const { subscriptionIds, share } = delivery;
    if (this.#inbox !== null) return this.#toInbox(this.#inbox, run, delivery);
    const { machine } = this;
    const client = this.#client;
    const { dialect, buffer, start, end, count, expiresAt } = run;
    const outgoing: Outgoing = { dialect, qos, retain, subscriptionIds, buffer, start, end, count, expiresAt, share };
    const pending = client === null ? 0 : client.output.pendingBytes;
    const { outputBytesMax } = this.#services.limits;
    const room = client === null || pending >= outputBytesMax ? 0 : machine.room;
    if (room >= count) {
      this.#send(client!, outgoing);
      if (pending > outputBytesMax / HIGH_PART) this.#press();
      return;
    }
    if (room > 0) {
      const { head, rest } = splitOutgoing(outgoing, room);
      this.#send(client!, head);
      this.#enqueue(slab.copy(rest!));
    } else {
      this.#enqueue(client === null ? detached(outgoing) : slab.copy(outgoing));
    }
    // Not `client`: overflowing may have disconnected it, and a client that is gone relieves nobody.
    if (this.#client !== null && !this.#backlogBelow(HIGH_PART)) this.#press();
  }

  #send(client: Client, outgoing: Outgoing): void {
    const kept = this.machine.resumable ? slab.copy(outgoing) : outgoing;
    this.#count(outgoing.qos, this.#services.writer.writeInFlight(client, kept, this.machine), outgoing.count);
  }

  #enqueue(outgoing: Outgoing): void {
    const { queueMessagesMax, queueBytesMax } = this.#services.limits;
    const taken = this.machine.enqueue(outgoing, { messagesMax: queueMessagesMax, bytesMax: queueBytesMax });
    if (taken === outgoing.count) return;
    this.#services.system.slots[slot.droppedQueueFull]! += outgoing.count - taken;
    this.#tellDropped('queue_full', topicOf(outgoing), outgoing.count - taken);
    if (this.#client !== null) this.#host.overflowed();
  }

  /** Of what the client alone can make less: what is on its way to the log may depend on reactors that wait for this one. */
  #backlogBelow(part: number): boolean {
    const { outputBytesMax, queueMessagesMax, queueBytesMax } = this.#services.limits;
    const kept = this.#inbox?.machine;
    return (
      (this.#client?.output.pendingBytes ?? 0) <= outputBytesMax / part &&
      this.machine.queued + (kept?.due ?? 0) <= queueMessagesMax / part &&
      this.machine.queuedBytes + (kept?.dueBytes ?? 0) <= queueBytesMax / part
    );
  }

  #press(): void {
    const slowness = (this.#slowness ??= new Slowness());
    const verdict = slowness.above(this.#services.system.now());
    if (verdict === 'slow') return;
    if (verdict === 'watch') this.#host.watchSlowness(SLOW_GRACE_MS);
    this.#services.gauge.meet(slowness.source);
  }

  #count(qos: Qos, written: number, offered: number): void {
    const { slots } = this.#services.system;
    slots[SENT[qos]!]! += written;
    if (written >= offered) return;
    slots[slot.droppedUndeliverable]! += offered - written;
    this.#tellDropped('undeliverable', undefined, offered - written);
  }

  #tellDropped(reason: string, topic: string | undefined, messages: number): void {
    const { events } = this.#services;
    if (events !== null && topic?.[0] !== '$')
      events.add('message_dropped', { clientid: this.#host.clientId, topic, reason, messages });
  }
}
