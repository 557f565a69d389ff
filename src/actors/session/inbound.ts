/**
 * Takes what was read from a client apart and acts on it: PUBLISH goes to the publisher in runs, acknowledgements to the session's machine, everything
 * else to the session. One reader per reactor: its fields are scratch space for the packet in hand.
 *
 * Hot: a saturated publisher passes here with hundreds of packets per read. PUBLISH and the 4-byte acknowledgements touch no object but the run's.
 */

import { isUtf8 } from 'node:buffer';
import { PLUGIN_BATCH_BYTES_MAX, PLUGIN_BATCH_MAX } from '../../base/limits.ts';
import {
  ACK_BYTES,
  ACK_REASON_BYTES_MAX,
  type AckView,
  encodeAckRefusal,
  readAck,
  writeAck,
  writeAckReason,
} from '../../wire/mqtt/acks.ts';
import { DIALECT_5, PacketType, type Qos } from '../../wire/mqtt/constants.ts';
import { decodeControl } from '../../wire/mqtt/control-decoder.ts';
import { frameLength } from '../../wire/mqtt/frame.ts';
import { MqttError } from '../../wire/mqtt/mqtt-error.ts';
import type { ControlPacket } from '../../wire/mqtt/packets.ts';
import { emptyPublishParts, publishHeader, publishSize, writePublish } from '../../wire/mqtt/publish-encoder.ts';
import { emptyPublishProperties, readPublishProperties } from '../../wire/mqtt/publish-properties.ts';
import { extendRun, newPublishView, packetEnd, packetIdOffset, readPublish } from '../../wire/mqtt/publish-run.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import { topicNameFault } from '../../wire/mqtt/topics.ts';
import { ALL_PUBLISHES } from '../access/rules.ts';
import type { Inbox } from '../inbox/inbox.ts';
import type { Outages } from '../inbox/outages.ts';
import { TopicPlan } from '../intake/plan.ts';
import { repayloadRun } from '../intake/repayload-run.ts';
import { retopicRun } from '../intake/retopic-run.ts';
import { WatchedOutlet } from '../intake/watched-outlet.ts';
import type { PayloadCheck } from '../payload/checks.ts';
import type { HookQuestions, PublishVerdict } from '../plugin/hooks.ts';
import type { Publisher } from '../router/publisher.ts';
import { emptyRun } from '../router/run-codec.ts';
import type { Run, Sink } from '../router/sink.ts';
import type { Topic, TopicTable } from '../router/topic-table.ts';
import type { StagedWrite } from '../shard/staged.ts';
import type { Client } from './client.ts';
import type { SessionLimits } from './limits.ts';
import type { SessionMachine } from './machine.ts';
import { SESSION_PROBE } from './probe.ts';
import { packAck, Receipts, type ReceiptsHost } from './receipts.ts';
import type { ReadView } from './transport.ts';

const { slot } = SESSION_PROBE;
const RECEIVED: readonly number[] = [slot.receivedQos0, slot.receivedQos1, slot.receivedQos2];

/** Topic aliases that a client may set [MQTT-3.2.2-18]. */
export const TOPIC_ALIAS_MAX = 64;

/** First bytes and remaining length of the acknowledgements in their short form, as one number. */
const SHORT_PUBACK = 0x4002;
const SHORT_PUBREC = 0x5002;
const SHORT_PUBREL = 0x6202;
const SHORT_PUBCOMP = 0x7002;

/** Where runs go. */
interface Outlet {
  /** Returns how many get it; 0 is nobody. */
  publish(run: Run): number;
  /** The durable writes of the run published last. */
  readonly writes: readonly StagedWrite[];
}

/** Stands for a plan whose target is found out. */
const NO_TARGET = { target: null, check: null };

/** A message that the plugin is asked about. */
export type HookMessage = Omit<HookQuestions['onPublish'], 'client'>;

/** Makes the run that of its packets in `[start, end)`. */
function narrow(run: Run, start: number, end: number): void {
  run.start = start;
  run.end = end;
  run.count = 0;
  for (let at = start; at < end; at = packetEnd(run.buffer, at)) run.count++;
}

/** The session whose bytes are read. */
export interface ReaderHost extends Sink, ReceiptsHost {
  readonly machine: SessionMachine;
  /** Where its messages are kept on disk, if they are. */
  readonly inbox: Inbox | null;
  /** False while packets have to wait (the session is being claimed) or are of no interest any more (it is closing). */
  readonly reading: boolean;
  /** PUBLISH and acknowledgements are allowed: CONNECT has been accepted. */
  readonly online: boolean;
  /** Before that: whether this is what comes next [MQTT-3.1.0-1] [MQTT-3.1.2-30]. */
  expects(type: number): boolean;
  control(packet: ControlPacket): void;
  /** Whether the client may publish this is not known yet: stop reading, find out, read on from this packet. */
  awaitPermission(topic: Topic, qos: Qos, retain: boolean): void;
  /** Sessions that may want this are not there, because their reactor has died: stop reading, and read on from this packet when they are. */
  awaitSessions(outages: Outages): void;
  /** The same about messages that the plugin is to see: its verdicts are in the client then. */
  awaitVerdicts(messages: readonly HookMessage[]): void;
}

export class InboundReader {
  readonly #publisher: Publisher;
  readonly #topics: TopicTable;
  readonly #limits: SessionLimits;
  readonly #qosMax: Qos;
  readonly #slots: Float64Array;
  readonly #wallClock: () => number;
  readonly #view = newPublishView();
  readonly #properties = emptyPublishProperties();
  readonly #parts = emptyPublishParts();
  readonly #ack: AckView = { packetId: 0, reason: 0 };
  readonly #run: Run;
  /** Made when it is first needed. */
  #watched: WatchedOutlet | null = null;
  #acknowledged = false;

  constructor(publisher: Publisher, topics: TopicTable, limits: SessionLimits, slots: Float64Array, wallClock: () => number) {
    this.#publisher = publisher;
    this.#topics = topics;
    this.#limits = limits;
    this.#qosMax = limits.offer.qosMax;
    this.#slots = slots;
    this.#wallClock = wallClock;
    this.#run = emptyRun(topics.internName('-')!);
  }

  /** Acts on the whole packets of `view` and returns the position after the last. Throws MqttError on the first that breaks the rules. */
  read(host: ReaderHost, client: Client, view: ReadView): number {
    const { bytes, end } = view;
    const packetMax = this.#limits.packetBytesMax;
    let at = view.start;
    while (at < end && host.reading) {
      const type = bytes[at]! >> 4;
      // The first byte tells: who speaks something else here is not waited for.
      if (!host.online && !host.expects(type)) throw new MqttError(Reason.PROTOCOL_ERROR, `packet type ${type} before its time`);
      const length = frameLength(bytes, at, end);
      if (length < 0) throw new MqttError(Reason.MALFORMED_PACKET, 'remaining length is malformed');
      if (length > packetMax) throw new MqttError(Reason.PACKET_TOO_LARGE, `packet of ${length} bytes`);
      if (length === 0 || at + length > end) break;
      if (type === PacketType.PUBLISH) {
        at = this.#publish(host, client, bytes, at, at + length, end);
      } else if (type >= PacketType.PUBACK && type <= PacketType.PUBCOMP) {
        at = this.#acknowledgements(host, client, bytes, at, at + length, end);
      } else {
        host.control(decodeControl(bytes, at, at + length, client.dialect));
        at += length;
      }
    }
    return at;
  }

  /** Whether there were acknowledgements since the last call: they make room for what waits. */
  takeAcknowledged(): boolean {
    const acknowledged = this.#acknowledged;
    this.#acknowledged = false;
    return acknowledged;
  }

  /** Handles the PUBLISH at `at` and those that make a run with it; returns the position after them. */
  #publish(host: ReaderHost, client: Client, bytes: Uint8Array, at: number, packetLimit: number, limit: number): number {
    const view = this.#view;
    const run = this.#run;
    if (!readPublish(bytes, at, packetLimit, client.dialect, view))
      throw new MqttError(Reason.MALFORMED_PACKET, 'PUBLISH is malformed');
    if (view.packetId === 0 && (view.header & 6) !== 0) throw new MqttError(Reason.PROTOCOL_ERROR, 'PUBLISH with packet id 0'); // [MQTT-2.2.1-3]
    run.publisher = host;
    run.dialect = client.dialect;
    run.qos = ((view.header >> 1) & 3) as Qos;
    run.retain = (view.header & 1) !== 0;
    run.buffer = bytes;
    run.start = at;
    run.end = packetLimit;
    run.count = 1;
    run.expiresAt = 0;
    if (run.qos > this.#qosMax) throw new MqttError(Reason.QOS_NOT_SUPPORTED, `QoS ${run.qos}`); // [MQTT-3.2.2-11]
    if (run.retain && !this.#limits.offer.retain) throw new MqttError(Reason.RETAIN_NOT_SUPPORTED, 'RETAIN'); // [MQTT-3.2.2-14]
    if (view.propertiesEnd > view.propertiesStart) {
      this.#withProperties(client, run);
      if (this.#properties.payloadFormat === 1 && this.#isFalseText(bytes)) {
        this.#refuse(client, view.packetId, run.qos);
        return packetLimit;
      }
    } else {
      run.topic = this.#topic(client, bytes, view.topicStart, view.topicEnd);
      extendRun(run, view, limit, this.#limits.packetBytesMax);
    }
    const end = run.buffer === bytes ? run.end : packetLimit;
    if (run.qos > 0 && this.#mustWait(host, run.topic)) return at;
    if (((client.publishable >> (view.header & 7)) & 1) === 0) return this.#exceptional(host, client, at, end);
    this.#slots[RECEIVED[run.qos]!]! += run.count;
    this.#pass(host, client, run, this.#publisher);
    return end;
  }

  #mustWait(host: ReaderHost, topic: Topic): boolean {
    const { outages } = this.#publisher;
    if (outages === null || !outages.isOpen || !outages.concerns(topic.name)) return false;
    host.awaitSessions(outages);
    return true;
  }

  #pass(host: ReaderHost, client: Client, run: Run, outlet: Outlet): void {
    if (run.qos === 0) outlet.publish(run);
    else if (run.qos === 1) this.#publishQos1(host, client, run, outlet);
    else this.#publishQos2(host, client, run, outlet);
  }

  #topic(client: Client, bytes: Uint8Array, start: number, end: number): Topic {
    const last = client.lastTopic;
    if (last !== null && last.bytes.length === end - start) {
      const known = last.bytes;
      let i = 0;
      while (i < known.length && known[i] === bytes[start + i]) i++;
      if (i === known.length) return last;
    }
    const topic = this.#topics.intern(bytes, start, end);
    if (topic === undefined) {
      if (start === end && client.dialect === DIALECT_5) throw new MqttError(Reason.PROTOCOL_ERROR, 'neither topic nor alias'); // section 3.3.2.1
      const fault = topicNameFault(bytes, start, end);
      throw new MqttError(fault === 0 ? Reason.TOPIC_NAME_INVALID : fault, 'topic name is not valid');
    }
    use(client, topic);
    return topic;
  }

  /** The run in hand is not among what the client is known to be allowed, or its topic has a plan. Returns the position to read on from. */
  #exceptional(host: ReaderHost, client: Client, at: number, end: number): number {
    const run = this.#run;
    const plan = this.#topics.planOf(run.topic);
    const subject = plan === null ? run.topic : plan.subject;
    const { rights } = client;
    if (rights !== null && (rights.grant(subject) & publishBit(run)) === 0) {
      if (!rights.knowsPublish(subject.name, publishBit(run))) {
        host.awaitPermission(subject, run.qos, run.retain);
        return at;
      }
      this.#slots[slot.publishesDenied]! += run.count;
      if (rights.disconnectsOnDenial) {
        this.#slots[RECEIVED[run.qos]!]! += run.count;
        throw new MqttError(Reason.NOT_AUTHORIZED, 'publishes what it may not');
      }
      this.#refuseRun(host, client, run, Reason.NOT_AUTHORIZED);
    } else if (plan === null) {
      use(client, run.topic);
      this.#slots[RECEIVED[run.qos]!]! += run.count;
      this.#pass(host, client, run, this.#publisher);
    } else if (plan.hooked && plan.refusal === 0) {
      return this.#hooked(host, client, run, plan, at, end);
    } else {
      const target = plan.refusal === 0 ? this.#topics.planner!.targetFor(plan, client) : undefined;
      if (target === undefined) this.#refuseRun(host, client, run, plan.refusal || Reason.TOPIC_NAME_INVALID);
      else if (run.qos > 0 && this.#mustWait(host, target)) return at;
      else this.#planned(host, client, run, plan, target);
    }
    return end;
  }

  /** The plugin is asked about the messages, which are read again when it has answered. Returns the position to read on from. */
  #hooked(host: ReaderHost, client: Client, run: Run, plan: TopicPlan, at: number, end: number): number {
    const verdicts = client.verdicts;
    if (verdicts === null) {
      host.awaitVerdicts(this.#messagesOf(run, plan));
      return at;
    }
    const whole = { topic: run.topic, buffer: run.buffer, start: run.start, end: run.end };
    const isCopy = run.start !== at || run.end !== end; // a packet whose alias was resolved
    let position = run.start;
    while (position < whole.end && verdicts.length > 0) {
      const next = packetEnd(whole.buffer, position);
      Object.assign(run, whole);
      narrow(run, position, next);
      const verdict = verdicts[0]!;
      const target = this.#targetOf(plan, client, verdict);
      if (run.qos > 0 && target !== undefined && this.#mustWait(host, target)) return isCopy ? at : position;
      verdicts.shift();
      this.#judged(host, client, run, plan, verdict, target);
      position = next;
    }
    if (verdicts.length === 0) client.verdicts = null;
    return isCopy ? end : position;
  }

  #messagesOf(run: Run, { subject }: TopicPlan): HookMessage[] {
    const messages: HookMessage[] = [];
    let bytes = 0;
    for (let at = run.start; at < run.end && messages.length < PLUGIN_BATCH_MAX && bytes < PLUGIN_BATCH_BYTES_MAX; ) {
      const next = packetEnd(run.buffer, at);
      readPublish(run.buffer, at, next, run.dialect, this.#view);
      const payload = Uint8Array.from(run.buffer.subarray(this.#view.payloadStart, next));
      messages.push({ topic: subject.name, qos: run.qos, retain: run.retain, payload });
      bytes += payload.length;
      at = next;
    }
    return messages;
  }

  /** Where a message goes; undefined: to no topic that there can be. */
  #targetOf(plan: TopicPlan, client: Client, verdict: PublishVerdict): Topic | undefined {
    const name = typeof verdict === 'object' ? verdict.topic : undefined;
    return name === undefined ? this.#topics.planner!.targetFor(plan, client) : this.#topics.internName(name);
  }

  #judged(host: ReaderHost, client: Client, run: Run, plan: TopicPlan, verdict: PublishVerdict, target?: Topic): void {
    if (verdict === 'refuse') return this.#refuseRun(host, client, run, Reason.NOT_AUTHORIZED);
    if (verdict === 'failed') return this.#refuseRun(host, client, run, Reason.IMPLEMENTATION_SPECIFIC_ERROR);
    if (target === undefined) return this.#refuseRun(host, client, run, Reason.TOPIC_NAME_INVALID);
    if (verdict === 'pass') return this.#planned(host, client, run, plan, target);
    if (verdict.payload !== undefined) repayloadRun(run, verdict.payload);
    if (verdict.topic === undefined) return this.#planned(host, client, run, plan, target);
    // Where the plugin sends it, rules have nothing to say any more.
    const own = new TopicPlan(target, { check: this.#topics.planner!.checkOf(NO_TARGET, target) });
    retopicRun(run, target);
    this.#planned(host, client, run, own, target);
  }

  #planned(host: ReaderHost, client: Client, run: Run, plan: TopicPlan, target: Topic): void {
    const check = this.#topics.planner!.checkOf(plan, target);
    if (check === null) this.#forward(host, client, run, plan, target);
    else this.#checked(host, client, run, plan, target, check);
  }

  /** Forwards what the schema accepts, in parts between what it does not. */
  #checked(host: ReaderHost, client: Client, run: Run, plan: TopicPlan, target: Topic, check: PayloadCheck): void {
    const whole = { topic: run.topic, buffer: run.buffer, start: run.start, end: run.end };
    const { end } = run;
    for (let at = run.start; at < end; ) {
      const good = check.acceptedUntil(run, at);
      if (good > at) {
        narrow(run, at, good);
        this.#forward(host, client, run, plan, target);
        Object.assign(run, whole);
      }
      if (good === end) return;
      const next = packetEnd(run.buffer, good);
      narrow(run, good, next);
      if (check.disconnects) throw new MqttError(Reason.PAYLOAD_FORMAT_INVALID, 'the payload does not keep to its schema');
      this.#refuseRun(host, client, run, Reason.PAYLOAD_FORMAT_INVALID);
      Object.assign(run, whole);
      at = next;
    }
  }

  #forward(host: ReaderHost, client: Client, run: Run, plan: TopicPlan, target: Topic): void {
    retopicRun(run, target);
    if (plan.delayed !== null && plan.delaySeconds > 0) {
      const { delayed } = plan;
      if (!delayed.hasRoom(run)) return this.#refuseRun(host, client, run, Reason.QUOTA_EXCEEDED);
      delayed.prepare(plan.delaySeconds, client.identity?.clientId ?? '');
      this.#slots[RECEIVED[run.qos]!]! += run.count;
      this.#pass(host, client, run, delayed);
      return;
    }
    this.#slots[RECEIVED[run.qos]!]! += run.count;
    if (plan.meters === null && plan.trace === null) return this.#pass(host, client, run, this.#publisher);
    this.#watched ??= new WatchedOutlet(this.#publisher, this.#publisher.router);
    this.#watched.meters = plan.meters ?? [];
    this.#watched.trace = plan.trace;
    this.#watched.clientId = client.identity?.clientId ?? '';
    this.#pass(host, client, run, this.#watched);
  }

  /** Nobody gets the run. QoS 0 goes without a word. */
  #refuseRun(host: ReaderHost, client: Client, run: Run, reason: number): void {
    this.#slots[RECEIVED[run.qos]!]! += run.count;
    if (reason !== Reason.NOT_AUTHORIZED) this.#slots[slot.publishesRefused]! += run.count;
    if (run.qos === 1) this.#denyQos1(host, client, run, reason);
    else if (run.qos === 2) this.#publishQos2(host, client, run, this.#publisher, reason);
  }

  /** A 3.x client cannot be told: it is acknowledged, and nobody gets the message [MQTT-3.3.5-2]. */
  #denyQos1(host: ReaderHost, client: Client, run: Run, reason: number): void {
    // Behind the acknowledgements that wait for a write: they go out in the order of the messages [MQTT-4.6.0-2].
    const acks = client.receipts === null ? null : this.#acksAfter(host, client, NO_WRITES);
    for (let at = run.start; at < run.end; at = packetEnd(run.buffer, at)) {
      const packetId = packetIdAt(run.buffer, at, run.topic.bytes.length);
      if (acks === null) this.#answer(client, PacketType.PUBACK, packetId, reason);
      else acks.push(packAck(PacketType.PUBACK, packetId, reason));
    }
  }

  /** A 5.0 packet with properties is a run of its own; a topic alias is resolved and taken out, since it means nothing to others. */
  #withProperties(client: Client, run: Run): void {
    const view = this.#view;
    const properties = this.#properties;
    readPublishProperties(run.buffer, view.propertiesStart, view.propertiesEnd, properties);
    if (properties.expiryOffset >= 0) run.expiresAt = this.#wallClock() + properties.expirySeconds * 1000;
    if (properties.alias === 0) {
      run.topic = this.#topic(client, run.buffer, view.topicStart, view.topicEnd);
      return;
    }
    if (properties.alias > TOPIC_ALIAS_MAX) throw new MqttError(Reason.TOPIC_ALIAS_INVALID, `topic alias ${properties.alias}`); // [MQTT-3.3.2-9]
    if (view.topicStart < view.topicEnd) {
      run.topic = this.#topic(client, run.buffer, view.topicStart, view.topicEnd);
      client.aliases ??= new Map();
      client.aliases.set(properties.alias, run.topic);
    } else {
      const topic = client.aliases?.get(properties.alias);
      if (topic === undefined) throw new MqttError(Reason.PROTOCOL_ERROR, `topic alias ${properties.alias} is not set`); // [MQTT-3.3.2-7]
      // One that was pushed out of the table knows nothing of what has been planned since.
      run.topic = topic.live ? topic : this.#topics.adopt(topic);
      if (run.topic !== client.lastTopic) use(client, run.topic);
    }
    this.#writeWithoutAlias(run);
  }

  /** The payload claims to be text and is not. */
  #isFalseText(bytes: Uint8Array): boolean {
    const { payloadStart, end } = this.#view;
    return this.#limits.offer.payloadFormatCheck && !isUtf8(bytes.subarray(payloadStart, end));
  }

  #refuse(client: Client, packetId: number, qos: Qos): void {
    const reason = Reason.PAYLOAD_FORMAT_INVALID;
    if (qos === 0) throw new MqttError(reason, 'payload is not UTF-8');
    const type = qos === 1 ? PacketType.PUBACK : PacketType.PUBREC;
    const text = client.wantsReasons ? 'payload is not UTF-8' : undefined;
    const answer = encodeAckRefusal(type, packetId, reason, text, client.packetBytesMax);
    client.output.append(answer, 0, answer.length);
  }

  #writeWithoutAlias(run: Run): void {
    const view = this.#view;
    const parts = this.#parts;
    parts.topic = run.topic.bytes;
    parts.topicStart = 0;
    parts.topicEnd = run.topic.bytes.length;
    parts.properties = run.buffer;
    parts.propertiesStart = view.propertiesStart;
    parts.propertiesEnd = view.propertiesEnd;
    parts.aliasOffset = this.#properties.aliasOffset;
    parts.payload = run.buffer;
    parts.payloadStart = view.payloadStart;
    parts.payloadEnd = view.end;
    const rewritten = new Uint8Array(publishSize(DIALECT_5, run.qos, parts, null));
    const header = publishHeader(run.qos, run.retain, (view.header & 8) !== 0);
    writePublish(rewritten, 0, DIALECT_5, header, view.packetId, parts, null);
    run.buffer = rewritten;
    run.start = 0;
    run.end = rewritten.length;
  }

  #publishQos1(host: ReaderHost, client: Client, run: Run, outlet: Outlet): void {
    const reached = outlet.publish(run);
    const { buffer, count } = run;
    const topicBytes = run.topic.bytes.length;
    const output = client.output;
    const { writes } = outlet;
    if (writes.length > 0 || client.receipts !== null) {
      const acks = this.#acksAfter(host, client, writes);
      const reason = reached === 0 ? Reason.NO_MATCHING_SUBSCRIBERS : Reason.SUCCESS;
      for (let at = run.start; at < run.end; at = packetEnd(buffer, at)) {
        acks.push(packAck(PacketType.PUBACK, packetIdAt(buffer, at, topicBytes), reason));
      }
      return;
    }
    if (reached === 0 && client.dialect === DIALECT_5) {
      for (let at = run.start; at < run.end; at = packetEnd(buffer, at)) {
        this.#answer(client, PacketType.PUBACK, packetIdAt(buffer, at, topicBytes), Reason.NO_MATCHING_SUBSCRIBERS);
      }
      return;
    }
    let to = output.claim(count * ACK_BYTES);
    const out = output.buffer;
    for (let at = run.start; at < run.end; at = packetEnd(buffer, at)) {
      to = writeAck(out, to, PacketType.PUBACK, packetIdAt(buffer, at, topicBytes));
    }
  }

  /** Routes each message once, however often it is sent [MQTT-4.3.3-10], and answers each with PUBREC. */
  #publishQos2(host: ReaderHost, client: Client, run: Run, outlet: Outlet, refusal = 0): void {
    const { buffer, start, end } = run;
    const topicBytes = run.topic.bytes.length;
    for (let at = start; at < end; ) {
      const next = packetEnd(buffer, at);
      const packetId = packetIdAt(buffer, at, topicBytes);
      let reason: number = Reason.SUCCESS;
      let writes: readonly StagedWrite[] = NO_WRITES;
      if (host.machine.beginInbound(packetId)) {
        if (host.machine.inboundPending > this.#limits.inFlightMax && client.dialect === DIALECT_5) {
          host.machine.endInbound(packetId); // not routed, so it is new when the client sends it again
          throw new MqttError(Reason.RECEIVE_MAXIMUM_EXCEEDED, 'more QoS 2 messages than the receive maximum'); // [MQTT-3.3.4-7]
        }
        run.start = at;
        run.end = next;
        run.count = 1;
        if (refusal !== 0) {
          reason = refusal;
          if (client.dialect === DIALECT_5) host.machine.endInbound(packetId); // the PUBREC ends it [MQTT-4.3.3-9]
        } else {
          if (outlet.publish(run) === 0) reason = Reason.NO_MATCHING_SUBSCRIBERS;
          writes = outlet.writes;
        }
        // With what the message leads to, in one unit: after a restart it is known to have been taken, if it has.
        if (host.inbox !== null && !(refusal !== 0 && client.dialect === DIALECT_5))
          writes = [...writes, host.inbox.beginInbound(packetId)];
      }
      if (writes.length === 0 && client.receipts === null) this.#answer(client, PacketType.PUBREC, packetId, reason);
      else this.#acksAfter(host, client, writes).push(packAck(PacketType.PUBREC, packetId, reason));
      at = next;
    }
  }

  /** Handles the acknowledgement at `at` and those in short form that follow it. */
  #acknowledgements(host: ReaderHost, client: Client, bytes: Uint8Array, at: number, packetLimit: number, limit: number): number {
    this.#acknowledged = true;
    let next = at;
    while (next + ACK_BYTES <= limit) {
      const form = (bytes[next]! << 8) | bytes[next + 1]!;
      if (form !== SHORT_PUBACK && form !== SHORT_PUBREC && form !== SHORT_PUBREL && form !== SHORT_PUBCOMP) break;
      const packetId = (bytes[next + 2]! << 8) | bytes[next + 3]!;
      if (packetId === 0) throw new MqttError(Reason.PROTOCOL_ERROR, 'acknowledgement of packet id 0');
      this.acknowledge(host, client, form >> 12, packetId, Reason.SUCCESS);
      next += ACK_BYTES;
    }
    if (next > at) return next;
    readAck(bytes, at, packetLimit, client.dialect, this.#ack);
    this.acknowledge(host, client, bytes[at]! >> 4, this.#ack.packetId, this.#ack.reason);
    return packetLimit;
  }

  protected acknowledge(host: ReaderHost, client: Client, type: number, packetId: number, reason: number): void {
    const machine = host.machine;
    let violated = false;
    switch (type) {
      case PacketType.PUBACK:
        violated = machine.puback(packetId) === 'violation';
        if (host.inbox !== null && !violated) host.inbox.finish(packetId);
        break;
      case PacketType.PUBCOMP:
        violated = machine.pubcomp(packetId) === 'violation';
        if (violated && host.inbox?.wasReleasedFirst(packetId) === true) violated = false;
        else if (host.inbox !== null && !violated) host.inbox.finish(packetId);
        break;
      case PacketType.PUBREC: {
        const refused = reason >= 0x80;
        const verdict = machine.pubrec(packetId, refused);
        violated = verdict === 'violation';
        if (violated) break;
        if (refused) {
          host.inbox?.finish(packetId);
          break;
        }
        const write = verdict === 'ok' ? host.inbox?.receive(packetId) : null;
        this.#answerAfter(host, client, write ?? null, PacketType.PUBREL, packetId, verdict === 'ok');
        break;
      }
      case PacketType.PUBREL: {
        const known = machine.endInbound(packetId);
        const write = known ? host.inbox?.endInbound(packetId) : null;
        this.#answerAfter(host, client, write ?? null, PacketType.PUBCOMP, packetId, known);
        break;
      }
    }
    if (violated) throw new MqttError(Reason.PROTOCOL_ERROR, `packet type ${type} out of order for packet id ${packetId}`);
  }

  /** At once, or when `write` and all that is to be answered before are done. */
  #answerAfter(
    host: ReaderHost,
    client: Client,
    write: StagedWrite | null,
    type: number,
    packetId: number,
    known: boolean,
  ): void {
    const reason = known ? Reason.SUCCESS : Reason.PACKET_IDENTIFIER_NOT_FOUND;
    if (write === null && client.receipts === null) this.#answer(client, type, packetId, reason);
    else this.#acksAfter(host, client, write === null ? NO_WRITES : [write]).push(packAck(type, packetId, reason));
  }

  /** Acknowledgements of what is being written, and those behind it, wait for the disk. */
  #acksAfter(host: ReaderHost, client: Client, writes: readonly StagedWrite[]): number[] {
    client.receipts ??= new Receipts(client, host);
    return client.receipts.after(writes);
  }

  #answer(client: Client, type: number, packetId: number, reason: number): void {
    const long = reason !== Reason.SUCCESS && client.dialect === DIALECT_5;
    const to = client.output.claim(long ? ACK_REASON_BYTES_MAX : ACK_BYTES);
    writeAckReason(client.output.buffer, to, client.dialect, type, packetId, reason);
  }
}

const NO_WRITES: readonly StagedWrite[] = [];

/** Makes `topic` the client's last one, with what it may publish to it. */
function use(client: Client, topic: Topic): void {
  client.lastTopic = topic;
  if (topic.plan !== null) client.publishable = 0;
  else client.publishable = client.rights === null ? ALL_PUBLISHES : client.rights.grant(topic);
}

function publishBit({ qos, retain }: Run): number {
  return 1 << ((qos << 1) | (retain ? 1 : 0));
}

function packetIdAt(buffer: Uint8Array, at: number, topicBytes: number): number {
  const id = packetIdOffset(buffer, at, topicBytes);
  return (buffer[id]! << 8) | buffer[id + 1]!;
}
