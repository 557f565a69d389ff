// A session that comes from a home that does not answer, while this node's own disk is slow: how long it is waited for, and what becomes of what comes too late.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Arrival, type ArrivalPorts, type ArrivalResult } from '../../../src/actors/homes/arrival.ts';
import type { SessionRecord } from '../../../src/actors/session/record.ts';
import { HOMES_ASK_MS, HOMES_TICK_MS } from '../../../src/base/limits.ts';

const test = suite('a session that comes');

class World {
  nowMs = 1000;
  readonly dropped: number[] = [];
  readonly subscribed: string[] = [];
  writes = 0;
  readonly results: ArrivalResult[] = [];
  giveShard: (shard: number | undefined) => void = () => assert.unreachable('an inbox is asked for');
  readonly arrival: Arrival;

  constructor() {
    const services = {
      system: {
        node: 2,
        now: () => this.nowMs,
        random: () => 0.5,
        wallClock: () => this.nowMs,
        requestTurn: () => {},
        tell: () => {},
      },
      inboxes: {
        newShard: (then: (shard: number | undefined) => void) => {
          this.giveShard = then;
        },
        drop: (shard: number) => this.dropped.push(shard),
        began: () => {},
        fanOuts: { handOver: () => {} },
        whenDurable: () => {},
      },
      router: {
        subscribe: (_sink: unknown, filter: string) => this.subscribed.push(filter),
        unsubscribeAll: () => this.subscribed.splice(0),
        whenInterestApplied: (then: () => void) => then(),
      },
      shares: { whenApplied: (then: () => void) => then() },
    };
    const ports = {
      services,
      relay: () => null,
      later: (then: () => void) => then(),
      askMetadata: () => {
        this.writes++;
      },
    } as unknown as ArrivalPorts;
    const subscription = { filter: 't', qos: 1, noLocal: false, retainAsPublished: false, subscriptionId: 0 } as const;
    const record: SessionRecord = {
      version: 1,
      clientId: 'c',
      shard: 1,
      expirySeconds: 60,
      offlineSince: 0,
      will: null,
      subscriptions: [subscription],
    };
    const entry = { home: 1, life: 'l', epoch: 1, moves: [], record: new Uint8Array(0) };
    const way = { move: 'm', isAdoption: true, isPatient: true };
    this.arrival = new Arrival(ports, { clientId: 'c', entry, record, revision: 5 }, way, (result) => this.results.push(result));
    this.arrival.begin();
  }

  pass(ms: number): void {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs; ) {
      this.nowMs += HOMES_TICK_MS;
      this.arrival.tick(this.nowMs);
    }
  }
}

test('it is given time for its inbox', () => {
  const world = new World();
  world.pass(HOMES_ASK_MS);
  assert.equal(world.results, []);
  world.giveShard(7);
  assert.equal(world.subscribed, ['t']);
  assert.equal(world.dropped, []);
});

test('an inbox that comes when it has been given up is let go, and nothing is begun with it', () => {
  const world = new World();
  world.pass(3 * HOMES_ASK_MS);
  assert.equal(world.results, ['unavailable']);
  world.giveShard(7);
  assert.equal(world.dropped, [7]);
  assert.equal(world.subscribed, []);
  assert.is(world.writes, 0);
});

test.run();
