/**
 * A node under random traffic on a simulated disk: publishers and subscribers with persistent sessions come and go on all reactors and take each other's place, messages
 * of QoS 1 and 2 are sent again as the standard says, and now and then the process or the power goes. In the end everybody comes back, and what was acknowledged must
 * have arrived: QoS 1 at least once, QoS 2 exactly once, in the order of each publisher and topic; and so over all members of a shared subscription together, in any order.
 * One seed, one run.
 */
import type { SessionMessage } from '../../../src/actors/session/messages.ts';
import { SessionSeed } from '../../../src/actors/session/seed.ts';
import type { Declaration } from '../../../src/actors/shard/messages.ts';
import { Prng } from '../../../src/base/prng.ts';
import type { Qos } from '../../../src/wire/mqtt/constants.ts';
import { SimDisk } from '../../storage/sim-disk.ts';
import { oracleEncode } from '../../wire/mqtt/arbitraries.ts';
import { FakeTransport } from '../session/fake-transport.ts';
import { type AnyPacket, decode, publish } from '../session/packets.ts';
import { Reactors } from '../session/reactors.ts';
import { recordsOf } from '../shard/records.ts';
import type { SimStoreOptions } from '../store/sim-store.ts';

const REACTORS_MAX = 3;
const PUBLISHERS = 3;
const SUBSCRIBERS = 2;
const MEMBERS = 2;
const STEPS = 250;
const CALM_ROUNDS_MAX = 200;
const WINDOW = 12;

/** Everything also goes to declared topics: in the shared log, and in logs of their own. */
const DECLARED: readonly Declaration[] = (['shared', 'dedicated'] as const).map((engine) => ({
  name: engine,
  filter: 't/#',
  engine,
  shards: [1, 2],
  fsync: 'always',
  retentionMs: 0,
  retentionBytes: 0,
  replicas: 1,
}));

/** A client with a persistent session that outlives its connections. */
abstract class StormClient {
  readonly id: string;
  readonly faults: string[];
  transport: FakeTransport | null = null;
  isOnline = false;
  hadSession = false;

  constructor(id: string, faults: string[]) {
    this.id = id;
    this.faults = faults;
  }

  get isConnected(): boolean {
    return this.transport !== null && !this.transport.ended;
  }

  connect(reactors: Reactors, thread: number): void {
    this.isOnline = false;
    const services = reactors.services.get(thread)!;
    const transport = new FakeTransport();
    const seed = new SessionSeed(services, () => transport);
    services.system.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
    reactors.settle(0.5);
    this.transport = transport;
    this.send({ cmd: 'connect', protocolId: 'MQTT', clientId: this.id, clean: false, keepalive: 0 });
  }

  /** `closes`: the node hears of it. */
  leave(closes: boolean): void {
    if (closes && this.isConnected) this.transport!.close();
    this.transport = null;
    this.isOnline = false;
  }

  send(packet: object): void {
    this.transport!.feed(packet instanceof Uint8Array ? packet : oracleEncode(4, packet));
  }

  pump(): void {
    if (this.transport === null) return;
    for (const packet of decode(0, this.transport.takeReceived()) as unknown as AnyPacket[]) {
      if (!this.isConnected) continue;
      if (packet.cmd === 'connack') this.#connected(packet);
      else this.packet(packet);
    }
    if (this.transport.ended) this.leave(false);
  }

  #connected({ returnCode, sessionPresent }: AnyPacket): void {
    if (returnCode !== 0) this.faults.push(`${this.id}: refused with ${returnCode}`);
    if (this.hadSession && sessionPresent !== true) this.faults.push(`${this.id}: its session is gone`);
    this.isOnline = true;
    this.hadSession = true;
    this.online();
  }

  protected abstract online(): void;
  protected abstract packet(packet: AnyPacket): void;
}

interface Sent {
  readonly topic: string;
  readonly qos: Qos;
  readonly text: string;
  isReceived: boolean;
}

class StormPublisher extends StormClient {
  /** What was acknowledged, in order of sending, by topic. */
  readonly acknowledged = new Map<string, string[]>();
  /** By packet id, in order of sending. */
  readonly #inFlight = new Map<number, Sent>();
  #nextId = 1;
  #count = 0;

  get isQuiet(): boolean {
    return this.isOnline && this.#inFlight.size === 0;
  }

  publish(topics: number, qos: Qos): void {
    if (!this.isOnline || this.#inFlight.size >= WINDOW) return;
    while (this.#inFlight.has(this.#nextId)) this.#nextId = (this.#nextId % 40) + 1;
    const sent = { topic: `t/${this.id}/${qos}/${this.#count % topics}`, qos, text: `${this.#count++}`, isReceived: false };
    this.#inFlight.set(this.#nextId, sent);
    this.send(publish(0, sent.text, { topic: sent.topic, qos, messageId: this.#nextId }));
    this.#nextId = (this.#nextId % 40) + 1;
  }

  protected online(): void {
    for (const [messageId, { topic, qos, text, isReceived }] of this.#inFlight) {
      if (isReceived) this.send({ cmd: 'pubrel', messageId });
      else this.send(publish(0, text, { topic, qos, messageId, dup: true }));
    }
  }

  protected packet({ cmd, messageId }: AnyPacket): void {
    const sent = this.#inFlight.get(messageId);
    if (cmd === 'pubrec') {
      if (sent !== undefined && !sent.isReceived) {
        sent.isReceived = true;
        this.#acknowledge(sent);
      }
      this.send({ cmd: 'pubrel', messageId });
    } else if (sent !== undefined && (cmd === 'puback' || cmd === 'pubcomp')) {
      this.#inFlight.delete(messageId);
      if (cmd === 'puback') this.#acknowledge(sent);
    }
  }

  #acknowledge({ topic, text }: Sent): void {
    const known = this.acknowledged.get(topic);
    if (known === undefined) this.acknowledged.set(topic, [text]);
    else known.push(text);
  }
}

class StormSubscriber extends StormClient {
  readonly #filter: string;
  readonly got = new Map<string, string[]>();
  readonly #unreleased = new Set<number>();
  readonly #owed: object[] = [];
  isSubscribed = false;
  heard = 0;

  constructor(id: string, faults: string[], filter: string) {
    super(id, faults);
    this.#filter = filter;
  }

  /** Answers some of what it owes. */
  answer(count: number): void {
    if (this.isOnline) for (const packet of this.#owed.splice(0, count)) this.send(packet);
  }

  protected online(): void {
    this.#owed.length = 0; // answers to what came on another connection
    if (!this.isSubscribed) this.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: this.#filter, qos: 2 }] });
  }

  protected packet(packet: AnyPacket): void {
    const { cmd, messageId, topic, payload, qos } = packet;
    this.heard++;
    if (cmd === 'suback') this.isSubscribed = true;
    if (cmd === 'pubrel') {
      this.#unreleased.delete(messageId);
      this.#owed.push({ cmd: 'pubcomp', messageId });
    }
    if (cmd !== 'publish') return;
    if (qos !== 2 || !this.#unreleased.has(messageId)) {
      const known = this.got.get(topic);
      if (known === undefined) this.got.set(topic, [payload.toString()]);
      else known.push(payload.toString());
    }
    if (qos === 2) this.#unreleased.add(messageId);
    this.#owed.push({ cmd: qos === 2 ? 'pubrec' : 'puback', messageId });
  }
}

export interface StormReport {
  readonly faults: readonly string[];
  readonly acknowledged: number;
  readonly powerCuts: number;
  readonly hash: string;
}

export function runStorm(seed: number): StormReport {
  const storm = new Storm(seed);
  storm.subscribe();
  for (let step = 0; step < STEPS && storm.faults.length === 0; step++) storm.step();
  storm.calm();
  return storm.report();
}

class Storm {
  readonly faults: string[] = [];
  readonly #seed: number;
  readonly #prng: Prng;
  readonly #failures: Error[] = [];
  readonly #store: SimStoreOptions;
  readonly #publishers = Array.from({ length: PUBLISHERS }, (_, i) => new StormPublisher(`p${i}`, this.faults));
  readonly #alone = Array.from({ length: SUBSCRIBERS }, (_, i) => new StormSubscriber(`s${i}`, this.faults, 't/#'));
  readonly #members = Array.from({ length: MEMBERS }, (_, i) => new StormSubscriber(`m${i}`, this.faults, '$share/g/t/#'));
  readonly #subscribers: readonly StormSubscriber[] = [...this.#alone, ...this.#members];
  readonly #clients: readonly StormClient[] = [...this.#publishers, ...this.#subscribers];
  readonly #hashes: string[] = [];
  #lives = 0;
  #count = 0;
  #reactors: Reactors;

  constructor(seed: number) {
    this.#seed = seed;
    this.#prng = new Prng(seed);
    this.#store = { disk: new SimDisk(), metadata: new Map(), declarations: DECLARED, failures: this.#failures };
    this.#reactors = this.#start();
  }

  subscribe(): void {
    for (const subscriber of this.#subscribers) {
      this.#connect(subscriber);
      for (let i = 0; i < 50 && !subscriber.isSubscribed; i++) this.#run(1);
    }
  }

  step(): void {
    const prng = this.#prng;
    const client = this.#clients[prng.below(this.#clients.length)]!;
    const die = prng.next();
    if (die < 0.02) this.#die();
    else if (die < 0.1) this.#connect(client);
    else if (die < 0.14) client.leave(true);
    else if (client instanceof StormSubscriber) client.answer(prng.below(8));
    else if (client instanceof StormPublisher) this.#publish(client);
    if (prng.chance(0.8)) this.#run(prng.next() * (prng.chance(0.1) ? 30 : 1.5));
  }

  /** All come back, and everything that is on its way arrives. */
  calm(): void {
    let before = -1;
    for (let round = 0; round < CALM_ROUNDS_MAX && this.faults.length === 0; round++) {
      for (const client of this.#clients) if (!client.isConnected) this.#connect(client);
      this.#run(20);
      for (const subscriber of this.#subscribers) subscriber.answer(Number.MAX_SAFE_INTEGER);
      const heard = this.#subscribers.reduce((sum, subscriber) => sum + subscriber.heard, 0);
      if (heard === before && this.#isQuiet()) return;
      before = heard;
    }
    if (!this.#isQuiet()) this.faults.push('a publisher waits in vain');
  }

  report(): StormReport {
    const { faults } = this;
    for (const failure of this.#failures) faults.push(`failed: ${failure.stack ?? failure.message}`);
    let acknowledged = 0;
    for (const publisher of this.#publishers) {
      for (const [topic, texts] of publisher.acknowledged) {
        acknowledged += texts.length;
        for (const { id, got } of [...this.#alone, ...this.#logs()]) judge({ id, got }, topic, texts, faults);
        const got = this.#members.flatMap((member) => member.got.get(topic) ?? []);
        judge({ id: 'members', got: new Map([[topic, got.sort((a, b) => Number(a) - Number(b))]]) }, topic, texts, faults);
      }
    }
    this.#hashes.push(this.#reactors.cluster.trace.toString());
    return { faults, acknowledged, powerCuts: this.#lives - 1, hash: this.#hashes.join(' ') };
  }

  /** What the declared topics hold, by topic name, read from the disk. */
  #logs(): Holder[] {
    return DECLARED.map(({ name, engine, shards }) => {
      const got = new Map<string, string[]>();
      for (const shard of shards) {
        for (const record of recordsOf(this.#store.disk, engine, shard)) {
          const equals = record.indexOf('=');
          const topic = record.slice(0, equals);
          got.set(topic, [...(got.get(topic) ?? []), record.slice(equals + 1)]);
        }
      }
      return { id: name, got };
    });
  }

  /** The process is gone, or the power. */
  #die(): void {
    const { disk } = this.#store;
    this.#hashes.push(this.#reactors.cluster.trace.toString());
    if (this.#prng.chance(0.7)) disk.crash(() => this.#prng.next());
    else disk.kill();
    for (const each of this.#clients) each.leave(false);
    this.#reactors = this.#start();
  }

  #start(): Reactors {
    this.#count = 1 + this.#prng.below(REACTORS_MAX);
    return new Reactors(this.#count, {}, this.#seed * 100 + this.#lives++, this.#store);
  }

  #connect(client: StormClient): void {
    client.connect(this.#reactors, 1 + this.#prng.below(this.#count));
  }

  #publish(publisher: StormPublisher): void {
    if (!publisher.isConnected) return this.#connect(publisher);
    for (let i = this.#prng.below(8); i > 0; i--) publisher.publish(2, this.#prng.chance(0.7) ? 2 : 1);
  }

  #run(ms: number): void {
    this.#reactors.settle(ms);
    for (const client of this.#clients) client.pump();
  }

  #isQuiet(): boolean {
    return this.#publishers.every(({ isQuiet }) => isQuiet);
  }
}

/** Who has messages in the end. */
interface Holder {
  readonly id: string;
  readonly got: ReadonlyMap<string, readonly string[]>;
}

function judge({ id, got }: Holder, topic: string, texts: readonly string[], faults: string[]): void {
  const arrived = got.get(topic) ?? [];
  const first = [...new Set(arrived)];
  const missing = texts.filter((text) => !first.includes(text));
  if (missing.length > 0) return void faults.push(`${id}: ${topic}: acknowledged and not there: ${missing}`);
  const isQos2 = topic.split('/')[2] === '2';
  if (isQos2 && first.length < arrived.length) faults.push(`${id}: ${topic}: twice: ${arrived}`);
  const sorted = [...first].sort((a, b) => Number(a) - Number(b));
  if (String(sorted) !== String(first)) faults.push(`${id}: ${topic}: out of order: ${first}`);
}
