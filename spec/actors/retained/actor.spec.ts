import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnRetained } from '../../../src/actors/retained/actor.ts';
import type { RetainedBounds } from '../../../src/actors/retained/machine.ts';
import {
  RETAINED_BYTES,
  type RetainedAnswer,
  type RetainedMatch,
  type RetainedPacket,
  retainedHomes,
  writeRetainedStore,
} from '../../../src/actors/retained/messages.ts';
import { RETAINED_PROBE } from '../../../src/actors/retained/probe.ts';
import { WELL_KNOWN } from '../../../src/actors/well-known.ts';
import { RETAINED_SWEEP_MS } from '../../../src/base/limits.ts';
import { placeKey } from '../../../src/runtime/placement.ts';
import { wellKnownRef } from '../../../src/runtime/ref.ts';
import { SimCluster } from '../../../src/runtime/sim/cluster.ts';

const test = suite('retained actor');
const REACTORS = 3;

function newNode(bounds?: RetainedBounds, isRestoring = false): SimCluster {
  const cluster = new SimCluster({
    threads: REACTORS + 1,
    seed: 1,
    boot: (system) => {
      if (system.thread > 0) spawnRetained(system, bounds, isRestoring);
    },
  });
  cluster.run();
  return cluster;
}

/** A retained PUBLISH at QoS 0, without properties. */
function publish(topic: string, payload: string, dialect: 0 | 1 = 0): Uint8Array {
  const name = Buffer.from(topic);
  const body = [name.length >> 8, name.length & 255, ...name, ...(dialect === 1 ? [0] : []), ...Buffer.from(payload)];
  return Uint8Array.of(0x31, body.length, ...body);
}

function store(
  cluster: SimCluster,
  topic: string,
  packet: Uint8Array,
  expiresAt = 0,
  dialect: 0 | 1 = 0,
  kind: number = RETAINED_BYTES.store,
): void {
  const record = new Uint8Array(packet.length + 20);
  const end = writeRetainedStore(record, 3, expiresAt, dialect, packet, 0, packet.length);
  storeRecord(cluster, topic, record, 3, end, kind);
}

function storeRecord(
  cluster: SimCluster,
  topic: string,
  record: Uint8Array,
  start: number,
  end: number,
  kind: number = RETAINED_BYTES.store,
): void {
  const target = wellKnownRef(1, placeKey(topic, REACTORS), WELL_KNOWN.retained);
  // From a reactor: at home for some topics, another thread for the rest.
  assert.ok(cluster.system(1).tellBytes(target, kind, record, start, end));
  cluster.system(1).requestTurn();
  cluster.run(cluster.nowMs + 20);
}

async function lookup(cluster: SimCluster, filter: string, bytesMax = 1000): Promise<RetainedPacket[]> {
  const out: RetainedPacket[] = [];
  for (const thread of retainedHomes(filter, REACTORS)) {
    let cursor: string | undefined;
    do {
      const message: RetainedMatch = { type: 'match', filter, bytesMax, ...(cursor !== undefined && { cursor }) };
      const answer = cluster.system(2).ask<RetainedAnswer>(wellKnownRef(1, thread, WELL_KNOWN.retained), message, 1000);
      cluster.run(cluster.nowMs + 20);
      const { packets, cursor: next } = await answer;
      out.push(...packets);
      cursor = next;
    } while (cursor !== undefined);
  }
  return out;
}

const texts = (packets: RetainedPacket[]): string[] =>
  packets.map(({ packet }) => Buffer.from(packet.subarray(2)).toString('latin1')).sort();

function count(cluster: SimCluster, key: keyof typeof RETAINED_PROBE.slot): number {
  let sum = 0;
  for (let thread = 1; thread <= REACTORS; thread++) sum += cluster.system(thread).slots[RETAINED_PROBE.slot[key]]!;
  return sum;
}

test('keeps packets as they came, wherever their topics live', async () => {
  const cluster = newNode();
  const topics = Array.from({ length: 20 }, (_, i) => `t/${i}`);
  for (const topic of topics) store(cluster, topic, publish(topic, 'hello'));
  assert.is(count(cluster, 'messages'), 20);
  const found = await lookup(cluster, 't/+', 40);
  assert.equal(texts(found), topics.map((topic) => `\0${String.fromCharCode(topic.length)}${topic}hello`).sort());
  assert.equal(new Uint8Array((await lookup(cluster, 't/7'))[0]!.packet), publish('t/7', 'hello'));
  assert.is((await lookup(cluster, 't/7')).length, 1);
});

test('an empty payload deletes, in both dialects', async () => {
  const cluster = newNode();
  for (const dialect of [0, 1] as const) {
    store(cluster, 'a', publish('a', 'x', dialect), 0, dialect);
    assert.is((await lookup(cluster, 'a'))[0]!.dialect, dialect);
    store(cluster, 'a', publish('a', '', dialect), 0, dialect);
    assert.equal(await lookup(cluster, '#'), []);
  }
  assert.is(count(cluster, 'deleted'), 2);
  assert.is(count(cluster, 'bytes'), 0);
});

test('what is no PUBLISH with a topic is counted and changes nothing', async () => {
  const cluster = newNode();
  const good = publish('a', 'x');
  const bad: Uint8Array[] = [
    new Uint8Array(0),
    publish('', 'x'),
    publish('a/+', 'x'),
    good.subarray(0, good.length - 1),
    Uint8Array.of(...good, 1),
    Uint8Array.of(0x37, ...good.subarray(1)),
    Uint8Array.of(0x31, 4, 0, 9, 97, 98),
  ];
  for (const packet of bad) store(cluster, 'a', packet);
  storeRecord(cluster, 'a', new Uint8Array(5), 0, 5);
  assert.is(count(cluster, 'malformed'), bad.length + 1);
  assert.equal(await lookup(cluster, '#'), []);
});

test('expired messages are swept, and what arrives expired deletes', async () => {
  const cluster = newNode();
  const now = cluster.system(1).wallClock();
  store(cluster, 'a', publish('a', 'x'), now + 500);
  store(cluster, 'b', publish('b', 'x'), 0);
  assert.is((await lookup(cluster, 'a'))[0]!.expiresAt, now + 500);
  cluster.run(cluster.nowMs + 2 * RETAINED_SWEEP_MS);
  assert.is(count(cluster, 'messages'), 1);
  assert.is(count(cluster, 'expired'), 1);
  store(cluster, 'b', publish('b', 'x'), now + 1);
  assert.is(count(cluster, 'messages'), 0);
});

test('a full store refuses and says so', () => {
  const cluster = newNode({ messagesMax: 1, bytesMax: 1e6 });
  for (let i = 0; i < 10; i++) store(cluster, `t/${i}`, publish(`t/${i}`, 'x'));
  assert.is(count(cluster, 'messages') + count(cluster, 'refused'), 10);
  assert.ok(count(cluster, 'messages') <= REACTORS);
});

test('a plain name lives on one reactor, a filter may on all', () => {
  assert.equal(retainedHomes('a/b', REACTORS), [placeKey('a/b', REACTORS)]);
  assert.equal(retainedHomes('a/+', REACTORS), [1, 2, 3]);
  assert.equal(retainedHomes('#', 1), [1]);
});

test('what comes from disk is older than what has been told since the reactor began', async () => {
  const cluster = newNode(undefined, true);
  const restore = (topic: string, payload: string): void =>
    store(cluster, topic, publish(topic, payload), 0, 0, RETAINED_BYTES.restore);
  restore('before', 'old');
  store(cluster, 'before', publish('before', 'new'));
  store(cluster, 'after', publish('after', 'new'));
  restore('after', 'old');
  store(cluster, 'forgotten', publish('forgotten', ''));
  restore('forgotten', 'old');
  restore('untouched', 'old');
  for (const thread of [1, 2, 3]) {
    const target = wellKnownRef(1, thread, WELL_KNOWN.retained);
    cluster.system(1).tellBytes(target, RETAINED_BYTES.restored, new Uint8Array(0), 0, 0);
  }
  cluster.system(1).requestTurn();
  cluster.run(cluster.nowMs + 20);
  const kept = (await lookup(cluster, '#')).map(({ packet }) => Buffer.from(packet.subarray(2)).toString('latin1').slice(2));
  assert.equal(kept.sort(), ['afternew', 'beforenew', 'untouchedold']);
});

test.run();
