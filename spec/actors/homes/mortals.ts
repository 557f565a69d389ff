// Three simulated nodes, clients of MQTT 5 with wills, and somebody who waits for those.
import * as assert from 'uvu/assert';
import { HOMES_PROBE } from '../../../src/actors/homes/probe.ts';
import type { SessionMessage } from '../../../src/actors/session/messages.ts';
import { SessionSeed } from '../../../src/actors/session/seed.ts';
import { oracleEncode } from '../../wire/mqtt/arbitraries.ts';
import { FakeTransport } from '../session/fake-transport.ts';
import { decode } from '../session/packets.ts';
import { Hopper, Nodes } from './nodes.ts';
import { NODES } from './sim-metadata.ts';
import { StubMetadata } from './stub-metadata.ts';

export const SECOND = 1000 as const;

export interface Terms {
  readonly delay: number;
  readonly expiry: number;
}

/** A client of MQTT 5 with a will. */
export class Mortal {
  readonly id: string;
  readonly #nodes: Nodes;
  #transport: FakeTransport | null = null;
  sessionPresent = false;

  constructor(nodes: Nodes, id: string) {
    this.#nodes = nodes;
    this.id = id;
  }

  connect(node: number, thread: number, { delay, expiry }: Terms, clean = false): void {
    const { system } = this.#nodes.at(node, thread);
    const transport = new FakeTransport();
    this.#transport = transport;
    const seed = new SessionSeed(this.#nodes.at(node, thread), () => transport);
    system.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
    this.#nodes.pass(1);
    const will = { topic: `wills/${this.id}`, payload: 'gone', qos: 1, retain: false, properties: { willDelayInterval: delay } };
    const properties = { sessionExpiryInterval: expiry };
    const packet = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clientId: this.id, clean, keepalive: 0 };
    transport.feed(oracleEncode(5, { ...packet, will, properties }));
    for (let i = 0; i < 100; i++) {
      this.#nodes.pass(100);
      const [connack] = decode(1, transport.takeReceived()) as unknown as {
        cmd: string;
        reasonCode: number;
        sessionPresent: boolean;
      }[];
      if (connack === undefined) continue;
      assert.equal([connack.cmd, connack.reasonCode], ['connack', 0]);
      this.sessionPresent = connack.sessionPresent;
      return;
    }
    assert.unreachable('no CONNACK');
  }

  leave(): void {
    this.#transport!.close();
    this.#nodes.pass(100);
  }
}

export class Bed {
  readonly metadata: StubMetadata;
  readonly nodes: Nodes;
  readonly watcher: Hopper = new Hopper('watcher', 'wills/#');

  /** Somebody waits for wills on node `watched`. */
  constructor(seed: number, watched = 3) {
    this.metadata = new StubMetadata(seed);
    this.nodes = new Nodes(seed, this.metadata);
    this.watcher.connect(this.nodes, watched, 1);
    for (let i = 0; i < 50 && !this.watcher.isSubscribed; i++) this.pass(100);
    this.pass(2 * SECOND);
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 100) {
      this.nodes.pass(Math.min(100, left));
      this.watcher.pump(Number.MAX_SAFE_INTEGER);
    }
  }

  wills(id: string): number {
    return this.watcher.got.get(`wills/${id}`)?.length ?? 0;
  }

  isKnown(id: string): boolean {
    return this.metadata.directory.entries.has(id);
  }

  total(key: keyof typeof HOMES_PROBE.slot): number {
    return NODES.reduce(
      (sum, node) => sum + (this.nodes.network.isAlive(node) ? this.nodes.counter(node, HOMES_PROBE.slot[key]) : 0),
      0,
    );
  }

  end(): void {
    assert.equal(
      this.nodes.failures.map((error) => error.stack),
      [],
    );
  }
}
