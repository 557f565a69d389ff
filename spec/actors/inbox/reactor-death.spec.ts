/** A reactor dies with persistent sessions on it: what is acknowledged to publishers meanwhile is for these sessions as well. Simulated reactors, a simulated disk. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SESSION_PROBE } from '../../../src/actors/session/probe.ts';
import { OUTAGE_MS_MAX } from '../../../src/base/limits.ts';
import { Prng } from '../../../src/base/prng.ts';
import { payloads } from '../session/packets.ts';
import { Reactors, type SimClient } from '../session/reactors.ts';
import { emptySimStore } from '../store/sim-store.ts';

const test = suite('the death of a reactor');

/** Of one publisher; those of two are fewer than may be in flight to a client. */
const MESSAGES = 45;
const LASTING = { clean: false, dialect: 1 as const, properties: { sessionExpiryInterval: 3600 } };

/** Persistent sessions of QoS 2 on a reactor; their ids belong to all registries. */
function subscribeAll(reactors: Reactors, thread: number, ids: readonly string[], filter: string): SimClient[] {
  return ids.map((id) => {
    const client = reactors.connect(thread, id, LASTING);
    client.subscribe(filter, 2);
    client.received();
    return client;
  });
}

interface Answer {
  readonly cmd: string;
  readonly messageId: number;
  readonly reasonCode?: number;
}

/** Packet ids that were answered with success, in the broker's word: the message is taken. */
function taken(publisher: SimClient): number[] {
  const answers = publisher.received() as readonly Answer[];
  for (const { cmd, messageId } of answers) if (cmd === 'pubrec') publisher.feed({ cmd: 'pubrel', messageId });
  assert.ok(
    answers.every(({ reasonCode }) => reasonCode !== 0x10),
    'nobody is told that there are no subscribers',
  );
  return answers
    .filter(({ cmd, reasonCode }) => (cmd === 'puback' || cmd === 'pubrec') && !reasonCode)
    .map((each) => each.messageId);
}

/** Publishes one message after the other from `threads` while reactor 2 dies and comes back; returns what was acknowledged. */
function publishThrough(reactors: Reactors, prng: Prng, threads: readonly number[], topic: string, qos: 1 | 2): string[] {
  const publishers = threads.map((thread) => reactors.connect(thread, `p${thread}`, { dialect: 1 }));
  for (const publisher of publishers) publisher.received();
  const acknowledged: string[] = [];
  const hear = (): void => {
    for (const [i, publisher] of publishers.entries())
      for (const id of taken(publisher)) acknowledged.push(`${threads[i]}-${id}`);
  };
  const dies = 5 + prng.below(20);
  for (let id = 1; id <= MESSAGES; id++) {
    if (id === dies) reactors.cluster.kill(2, prng.below(120));
    for (const [i, publisher] of publishers.entries()) {
      if (!publisher.transport.ended) publisher.publishLater(`${threads[i]}-${id}`, { topic, qos, messageId: id });
    }
    reactors.settle(prng.next() * 4);
    hear();
  }
  reactors.settle(2000);
  hear();
  return acknowledged;
}

for (const qos of [1, 2] as const) {
  test(`QoS ${qos}: what is acknowledged while its sessions are being made again reaches them`, () => {
    let held = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const prng = new Prng(seed);
      const store = emptySimStore();
      const reactors = new Reactors(3, {}, seed, store);
      const ids = ['s0', 's1', 's2', 's3', 's4', 's5'];
      const clients = subscribeAll(reactors, 2, ids, 't/#');
      for (const client of clients.slice(3)) client.transport.close();
      const acknowledged = publishThrough(reactors, prng, [1, 3], 't/x', qos);
      assert.ok(acknowledged.length > MESSAGES, `seed ${seed}: ${acknowledged.length} are acknowledged`);
      for (const { system } of reactors.services.values()) held += system.slots[SESSION_PROBE.slot.heldForSessions]!;
      for (const id of ids) {
        const got = payloads(
          reactors
            .connect(1 + prng.below(3), id, LASTING)
            .received()
            .filter(({ cmd }) => cmd === 'publish'),
        );
        const all = [...payloads(clients[ids.indexOf(id)]!.received().filter(({ cmd }) => cmd === 'publish')), ...got];
        assert.equal(
          acknowledged.filter((text) => !all.includes(text)),
          [],
          `seed ${seed}: ${id} has all`,
        );
        assert.is(new Set(got).size, got.length, `seed ${seed}: ${id} has nothing twice`);
      }
      assert.equal(store.failures, []);
    }
    assert.ok(held > 8, `publishers had to wait (${held})`);
  });
}

test('what falls to a member of a shared subscription on it is kept for the group', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const prng = new Prng(seed);
    const store = emptySimStore();
    const reactors = new Reactors(3, {}, seed, store);
    const ids = ['a', 'b', 'c'];
    for (const client of subscribeAll(reactors, 2, ids, '$share/g/t/#')) client.transport.close();
    const acknowledged = publishThrough(reactors, prng, [1, 3], 't/x', 1);
    const got = ids.flatMap((id) =>
      payloads(
        reactors
          .connect(1, id, LASTING)
          .received()
          .filter(({ cmd }) => cmd === 'publish'),
      ),
    );
    assert.equal(
      acknowledged.filter((text) => !got.includes(text)),
      [],
      `seed ${seed}`,
    );
  }
});

test('a client of the reactor that has come back waits until the others have made its sessions again', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const store = emptySimStore();
    const reactors = new Reactors(2, {}, seed, store);
    const ids = ['s0', 's1', 's2', 's3', 's4', 's5'];
    for (const client of subscribeAll(reactors, 2, ids, 't/#')) client.transport.close();
    reactors.cluster.kill(2, 1);
    while (reactors.services.get(2)!.system.incarnation === 0) reactors.settle(0.2);
    const publisher = reactors.connectLater(2, 'p', { dialect: 1 });
    for (let id = 1; id <= 10; id++) {
      publisher.publishLater(`${id}`, { topic: 't', qos: 1, messageId: id });
      reactors.settle(0.5);
    }
    reactors.settle(2000);
    assert.is(taken(publisher).length, 10, `seed ${seed}`);
    for (const id of ids) {
      const got = payloads(
        reactors
          .connect(1, id, LASTING)
          .received()
          .filter(({ cmd }) => cmd === 'publish'),
      );
      assert.equal(
        got,
        Array.from({ length: 10 }, (_, i) => `${i + 1}`),
        `seed ${seed}: ${id}`,
      );
    }
  }
});

test('what its sessions do not want goes on at once, and QoS 0 in any case', () => {
  const reactors = new Reactors(2, {}, 1, emptySimStore());
  for (const client of subscribeAll(reactors, 2, ['a', 'b'], 't/#')) client.transport.close();
  const [here] = subscribeAll(reactors, 1, ['here'], '#');
  const publisher = reactors.connect(1, 'p', { dialect: 1 });
  publisher.received();
  reactors.cluster.kill(2);
  reactors.settle(20);
  publisher.publish('0', { topic: 't/1', qos: 0 });
  publisher.publish('1', { topic: 'u/1', qos: 1, messageId: 1 });
  assert.equal(taken(publisher), [1]);
  publisher.publish('2', { topic: 't/1', qos: 1, messageId: 2 });
  publisher.publish('3', { topic: 'u/1', qos: 1, messageId: 3 });
  assert.equal(taken(publisher), [], 'a client’s packets keep their order');
  assert.equal(here!.texts(), ['0', '1']);
});

test('a reactor that stays away holds its publishers for a bounded time', () => {
  const reactors = new Reactors(2, {}, 1, emptySimStore());
  for (const client of subscribeAll(reactors, 2, ['a'], 't')) client.transport.close();
  const publisher = reactors.connect(1, 'p', { dialect: 1 });
  publisher.received();
  reactors.cluster.kill(2);
  reactors.settle(20);
  publisher.publish('x', { topic: 't', qos: 1, messageId: 1 });
  reactors.settle(OUTAGE_MS_MAX - 500);
  assert.equal(publisher.received(), []);
  reactors.settle(1000);
  assert.is(publisher.received().length, 1);
});

test('a reactor without persistent sessions holds nobody', () => {
  const reactors = new Reactors(2, {}, 1, emptySimStore());
  reactors.connect(2, 'passing').subscribe('t', 1);
  const publisher = reactors.connect(1, 'p');
  publisher.received();
  reactors.cluster.kill(2);
  reactors.settle(20);
  publisher.publish('x', { topic: 't', qos: 1, messageId: 1 });
  assert.is(publisher.received().length, 1);
});

test.run();
