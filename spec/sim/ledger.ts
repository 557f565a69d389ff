/**
 * What the world knows and the broker does not: every message that was published, every life of a session with its subscriptions, and every copy that
 * arrived. From these three it follows what each client must get, may get and must never get.
 *
 * A subscription is there for certain from its SUBACK to its UNSUBSCRIBE, and perhaps from its SUBSCRIBE to its UNSUBACK. A message is routed at some moment
 * between its first PUBLISH and its acknowledgement. So it *must* arrive where the second span lies within the certain one, and *may* where it touches the other.
 */
import type { Qos } from '../../src/wire/mqtt/constants.ts';
import { naiveMatch } from '../actors/router/naive-match.ts';

/** A message that is acknowledged may still be on its way to the subscriber's reactor; who unsubscribes meanwhile does not get it. */
const ON_THE_WAY_MS = 300;

export interface Message {
  readonly payload: string;
  readonly publisher: string;
  /** Order of first publication, per publisher. */
  readonly number: number;
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly firstSentMs: number;
  /** PUBLISH packets sent. */
  sends: number;
  /** How often it may be routed: QoS 1 each time that it is sent, QoS 2 again only if the session that knew of it has been lost. */
  routings: number;
  /** The reactors that it was sent to. */
  homes: Set<number>;
  /** PUBACK or PUBREC has arrived. */
  ackedMs: number;
}

export interface Subscribed {
  readonly filter: string;
  readonly qos: Qos;
  readonly requestedMs: number;
  grantedMs: number;
  endRequestedMs: number;
  endedMs: number;
}

export interface Copies {
  /** Without DUP: each stands for one routing of the message. */
  fresh: number;
  total: number;
  /** At QoS 2. */
  once: number;
}

/** One session from its first CONNACK to the moment from which nothing is owed to it. */
export class Life {
  readonly client: string;
  readonly startedMs: number;
  /** Nothing is owed to it any more: it was ended, or lost with its reactor. */
  isOver = false;
  /** Lost with a reactor, perhaps: what arrives may belong to another session of the client id, which nobody but the broker knows of. */
  isVague = false;
  readonly subscriptions: Subscribed[] = [];
  readonly got: Map<Message, Copies> = new Map();
  /** Number of the latest first arrival by publisher, topic and both QoS. */
  readonly latest: Map<string, Message> = new Map();

  constructor(client: string, startedMs: number) {
    this.client = client;
    this.startedMs = startedMs;
  }

  /** The highest QoS at which `message` may come at `nowMs`; -1: it may not. */
  mayGet(message: Message): number {
    let qos = -1;
    for (const sub of this.subscriptions) {
      if (sub.endedMs < message.firstSentMs && !message.retain) continue;
      if (matches(sub.filter, message.topic)) qos = Math.max(qos, Math.min(sub.qos, message.qos));
    }
    return qos;
  }

  mustGet(message: Message): boolean {
    if (this.isOver || message.ackedMs === Number.POSITIVE_INFINITY) return false;
    return this.subscriptions.some(
      (sub) =>
        Math.min(sub.qos, message.qos) > 0 &&
        sub.grantedMs < message.firstSentMs &&
        sub.endRequestedMs > message.ackedMs + ON_THE_WAY_MS &&
        matches(sub.filter, message.topic),
    );
  }

  /** A subscription that gives this QoS is there for certain since before the message was first published. */
  isCertain(message: Message, qos: number): boolean {
    return this.subscriptions.some(
      (sub) =>
        sub.qos >= qos &&
        sub.grantedMs < message.firstSentMs &&
        sub.endRequestedMs === Number.POSITIVE_INFINITY &&
        matches(sub.filter, message.topic),
    );
  }

  /** Copies that retained lookups may add. */
  lookups(message: Message): number {
    if (!message.retain) return 0;
    return this.subscriptions.filter((sub) => matches(sub.filter, message.topic)).length;
  }
}

export class Ledger {
  readonly messages: Map<string, Message> = new Map();
  readonly lives: Life[] = [];

  publish(publisher: string, topic: string, qos: Qos, retain: boolean, nowMs: number, number: number): Message {
    const message: Message = {
      payload: `${publisher}:${number}`,
      publisher,
      number,
      topic,
      qos,
      retain,
      firstSentMs: nowMs,
      sends: 0,
      routings: 0,
      homes: new Set(),
      ackedMs: Number.POSITIVE_INFINITY,
    };
    this.messages.set(message.payload, message);
    return message;
  }

  begin(client: string, nowMs: number): Life {
    const life = new Life(client, nowMs);
    this.lives.push(life);
    return life;
  }

  /** Books a copy; returns what is wrong with it. */
  arrive(life: Life, payload: string, topic: string, qos: number, dup: boolean, retain: boolean): string | undefined {
    const message = this.messages.get(payload);
    if (message === undefined) return `nobody has published '${payload}'`;
    if (life.isVague) return undefined;
    if (topic !== message.topic) return `${payload} came on topic '${topic}', not '${message.topic}'`;
    if (qos > life.mayGet(message)) {
      return `${payload} on '${topic}' came at QoS ${qos}, which no subscription allows (${life.mayGet(message)})`;
    }
    const copies = life.got.get(message) ?? { fresh: 0, total: 0, once: 0 };
    life.got.set(message, copies);
    copies.total++;
    if (!dup) copies.fresh++;
    if (qos === 2) copies.once++;
    const lookups = life.lookups(message);
    const freshMax = message.routings + lookups;
    if (copies.fresh > freshMax)
      return `${payload} (QoS ${message.qos}) came ${copies.fresh} times without DUP at QoS ${qos}, at most ${freshMax} expected`;
    if (copies.once > message.routings + lookups) return `${payload} came ${copies.once} times at QoS 2`;
    if (copies.total > 1 || retain) return undefined;
    return outOfOrder(life, message, qos);
  }

  /** What should have arrived and has not. */
  *missing(): Iterable<{ readonly life: Life; readonly message: Message }> {
    for (const life of this.lives) {
      if (life.isOver) continue;
      for (const message of this.messages.values()) {
        if (!life.got.has(message) && life.mustGet(message)) yield { life, message };
      }
    }
  }
}

function outOfOrder(life: Life, message: Message, qos: number): string | undefined {
  const key = `${message.publisher} ${message.topic} ${message.qos} ${qos}`;
  const before = life.latest.get(key);
  if (before !== undefined && before.number > message.number) {
    // Order is kept on one reactor's way to another. A publisher that has moved may be faster than what it left behind in a ring that is held.
    if ([...message.homes].every((home) => !before.homes.has(home))) return undefined;
    // Sent again: the first time there may have been no subscription yet, or QoS 0 was lost.
    if (message.sends > 1 && (qos === 0 || !life.isCertain(message, qos))) return undefined;
    return `${message.payload} came after ${before.payload} (homes ${[...message.homes]} / ${[...before.homes]})`;
  }
  life.latest.set(key, message);
  return undefined;
}

/** Few filters, few topics, many questions. */
const verdicts = new Map<string, Map<string, boolean>>();

function matches(filter: string, topic: string): boolean {
  let byTopic = verdicts.get(filter);
  if (byTopic === undefined) verdicts.set(filter, (byTopic = new Map()));
  let verdict = byTopic.get(topic);
  if (verdict === undefined) byTopic.set(topic, (verdict = naiveMatch(filter, topic)));
  return verdict;
}
