/** Reactors with the whole broker on them, simulated, and clients in memory. */

import { sessionSupervision } from '../../../src/actors/listener/actor.ts';
import type { SessionLimits } from '../../../src/actors/session/limits.ts';
import type { SessionMessage } from '../../../src/actors/session/messages.ts';
import { SessionSeed } from '../../../src/actors/session/seed.ts';
import type { SessionServices } from '../../../src/actors/session/services.ts';
import { type AccessBoot, OPEN_ACCESS, releaseEmptying, restoreSessions, startBroker } from '../../../src/nodes/broker.ts';
import type { ActorRef } from '../../../src/runtime/ref.ts';
import { SimCluster } from '../../../src/runtime/sim/cluster.ts';
import type { Dialect, Qos } from '../../../src/wire/mqtt/constants.ts';
import { oracleEncode } from '../../wire/mqtt/arbitraries.ts';
import { type SimStoreOptions, startSimStore } from '../store/sim-store.ts';
import { FakeTransport } from './fake-transport.ts';
import { concat, type Decoded, decode, type PublishOptions, payloads, publish } from './packets.ts';
import { limits } from './services.ts';

/** Enough for anything that is under way in a spec, and too little for any time-out. */
const SETTLE_MS = 40;

export class Reactors {
  readonly cluster: SimCluster;
  readonly services: Map<number, SessionServices> = new Map();
  /** What the restorers have said, of each reactor that was made. */
  readonly restored: (Error | undefined)[] = [];
  /** All have begun; a reactor that begins later takes the place of one that has died. */
  #isUp = false;

  constructor(
    reactors: number,
    bounds: Partial<SessionLimits> = {},
    seed = 1,
    store?: SimStoreOptions,
    access: AccessBoot = OPEN_ACCESS,
  ) {
    const services = store === undefined ? 0 : 1;
    this.cluster = new SimCluster({
      threads: 1 + reactors + services,
      services,
      seed,
      boot: (system) => {
        if (system.thread > reactors) startSimStore(system, store!);
        else if (system.thread > 0) {
          const services = startBroker(system, limits(bounds), { access }, store?.declarations);
          this.services.set(system.thread, services);
          services.emptying?.hold();
          restoreSessions(
            services,
            sessionSupervision(system.slots, (error) => store?.failures.push(error as Error)),
            (error) => {
              this.restored.push(error);
              if (this.#isUp) releaseEmptying(services);
            },
          );
        }
      },
    });
    this.settle();
    this.#isUp = true;
    for (const each of this.services.values()) releaseEmptying(each);
    this.settle();
  }

  settle(forMs: number = SETTLE_MS): void {
    this.cluster.run(this.cluster.nowMs + forMs);
  }

  /** The session of that reactor that is written to next fails in the middle of it. */
  failOnce(thread: number): void {
    const { writer } = this.services.get(thread)!;
    const { writeInFlight } = writer;
    writer.writeInFlight = () => {
      writer.writeInFlight = writeInFlight;
      throw new Error('a fault in the session');
    };
  }

  connect(thread: number, clientId: string, options: ConnectOptions = {}): SimClient {
    const client = this.connectLater(thread, clientId, options);
    this.settle();
    return client;
  }

  /** The CONNECT is sent; nothing has come of it yet. */
  connectLater(thread: number, clientId: string, options: ConnectOptions = {}): SimClient {
    const client = new SimClient(this, thread, options.dialect ?? 0);
    const { clean = true, will, properties } = options;
    client.feed({ cmd: 'connect', protocolId: 'MQTT', clientId, clean, keepalive: 0, will, properties });
    return client;
  }
}

export interface ConnectOptions {
  readonly dialect?: Dialect;
  readonly clean?: boolean;
  readonly will?: object;
  readonly properties?: object;
}

export class SimClient {
  readonly transport: FakeTransport = new FakeTransport();
  readonly session: ActorRef<SessionMessage>;
  readonly #reactors: Reactors;
  readonly #dialect: Dialect;

  constructor(reactors: Reactors, thread: number, dialect: Dialect) {
    this.#reactors = reactors;
    this.#dialect = dialect;
    const services = reactors.services.get(thread)!;
    const seed = new SessionSeed(services, () => this.transport);
    this.session = services.system.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
    reactors.settle();
  }

  /** A packet for mqtt-packet to encode, or bytes. What follows from it has happened when this returns. */
  send(packet: object): void {
    this.feed(packet);
    this.#reactors.settle();
  }

  /** The same, but nothing has come of it yet. */
  feed(packet: object): void {
    const level = this.#dialect === 1 ? 5 : 4;
    this.transport.feed(packet instanceof Uint8Array ? packet : oracleEncode(level, { protocolVersion: level, ...packet }));
  }

  publish(text: string, options: PublishOptions = {}): void {
    this.send(publish(this.#dialect, text, options));
  }

  publishLater(text: string, options: PublishOptions = {}): void {
    this.feed(publish(this.#dialect, text, options));
  }

  /** All in one read. */
  publishMany(texts: readonly string[], options: PublishOptions = {}): void {
    this.send(concat(...texts.map((text) => publish(this.#dialect, text, options))));
  }

  subscribe(topic: string, qos: Qos = 0): void {
    this.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] });
  }

  /** What has arrived since the last call. */
  received(): Decoded[] {
    return decode(this.#dialect, this.transport.takeReceived());
  }

  /** The payloads among it; what was QoS 1 is acknowledged. */
  acknowledged(): string[] {
    const got = this.received().filter(({ cmd }) => cmd === 'publish');
    for (const { qos, messageId } of got) if (qos === 1) this.feed({ cmd: 'puback', messageId });
    return payloads(got);
  }

  /** The payloads among it. */
  texts(): string[] {
    return payloads(this.received().filter(({ cmd }) => cmd === 'publish'));
  }
}
