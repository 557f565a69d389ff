// Shared subscriptions over whole simulated reactors: sessions, router, rings.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SHARE_PROBE } from '../../../src/actors/share/probe.ts';
import type { ShareSettings, ShareStrategy } from '../../../src/actors/share/strategy.ts';
import { type ConnectOptions, Reactors, type SimClient } from '../session/reactors.ts';

const test = suite('shared subscriptions');

const using = (strategy: ShareStrategy): { sharing: ShareSettings } => ({ sharing: { strategy, groups: new Map() } });
const LASTING: ConnectOptions = { dialect: 1, clean: false, properties: { sessionExpiryInterval: 600 } };
const total = (reactors: Reactors, counter: number): number =>
  [...reactors.services.values()].reduce((sum, { system }) => sum + system.slots[counter]!, 0);

/** Members of `$share/g/t`, one on each of the threads given. */
function members(reactors: Reactors, threads: readonly number[], qos: 0 | 1 | 2 = 0, options: ConnectOptions = {}): SimClient[] {
  return threads.map((thread, i) => {
    const client = reactors.connect(thread, `member-${i}`, options);
    client.subscribe('$share/g/t', qos);
    client.received();
    return client;
  });
}

const publishAll = (client: SimClient, count: number, topic = 't', qos: 0 | 1 = 0): void => {
  for (let i = 0; i < count; i++) client.publish(`m${i}`, { topic, qos });
};

for (const threads of [
  [1, 1, 1],
  [1, 2, 3],
  [2, 2, 3, 3],
]) {
  test(`members on reactors ${threads}: each gets every ${threads.length}th message, whoever publishes`, () => {
    const reactors = new Reactors(3);
    const group = members(reactors, threads);
    const publisher = reactors.connect(1, 'publisher');
    publishAll(publisher, 12);
    const got = group.map((member) => member.texts());
    assert.equal(got.flat().length, 12);
    for (const texts of got) {
      const numbers = texts.map((text) => Number(text.slice(1)));
      assert.is(numbers.length, 12 / threads.length);
      for (let i = 1; i < numbers.length; i++) assert.is(numbers[i]! - numbers[i - 1]!, threads.length, 'strictly in turn');
    }
  });
}

test('a burst of one read is parted evenly, however long it is', () => {
  for (const count of [2, 3, 31, 33, 500]) {
    const reactors = new Reactors(2);
    const group = members(reactors, [1, 1, 2]);
    const ordinary = reactors.connect(2, 'ordinary');
    ordinary.subscribe('t');
    ordinary.received();
    const publisher = reactors.connect(1, 'publisher');
    publisher.publishMany(Array.from({ length: count }, (_, i) => `m${i}`));
    const got = group.map((member) => member.texts());
    assert.equal(got.flat().sort(), Array.from({ length: count }, (_, i) => `m${i}`).sort());
    const sizes = got.map((texts) => texts.length);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= Math.ceil(count / 3), String(sizes));
    if (count <= 33) assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 2, String(sizes));
    for (const texts of got)
      assert.equal(
        texts,
        [...texts].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))),
        'in order',
      );
    assert.is(ordinary.texts().length, count, 'the run is whole for everybody else');
  }
});

test('groups, their filters and ordinary subscriptions do not get in each other’s way', () => {
  const reactors = new Reactors(2);
  const subscribe = (thread: number, id: string, ...filters: string[]): SimClient => {
    const client = reactors.connect(thread, id);
    for (const filter of filters) client.subscribe(filter);
    client.received();
    return client;
  };
  const a = subscribe(1, 'a', '$share/one/s/+');
  const b = subscribe(2, 'b', '$share/two/s/+');
  const c = subscribe(1, 'c', '$share/one/s/#');
  const d = subscribe(2, 'd', 's/1', '$share/one/s/1');
  const e = subscribe(1, 'e', '$queue/s/1');
  const f = subscribe(2, 'f', '$share/$queue/s/1');
  const publisher = reactors.connect(2, 'publisher');
  publisher.publish('x', { topic: 's/1' });
  assert.equal(
    [a, b, c, d].map((client) => client.texts()),
    [['x'], ['x'], ['x'], ['x', 'x']],
  );
  assert.equal([...e.texts(), ...f.texts()], ['x'], '$queue/ is the group of that name');
});

test('sticky: one member gets all until it leaves, then another one', () => {
  const reactors = new Reactors(3, using('sticky'));
  const group = members(reactors, [2, 2, 3]);
  const publishers = [1, 2, 3].map((thread) => reactors.connect(thread, `publisher-${thread}`));
  for (const publisher of publishers) publishAll(publisher, 5);
  const first = group.findIndex((member) => member.texts().length === 15);
  assert.ok(first >= 0);
  group[first]!.transport.close();
  reactors.settle();
  for (const publisher of publishers) publishAll(publisher, 5);
  const sizes = group.map((member) => member.texts().length);
  assert.equal(
    sizes.filter((size) => size > 0),
    [15],
    String(sizes),
  );
});

test('hash by client and by topic: what belongs together goes to one member, wherever it is published', () => {
  for (const strategy of ['hash_client', 'hash_topic'] as const) {
    const reactors = new Reactors(3, using(strategy));
    const group = [1, 2, 3, 3].map((thread, i) => {
      const client = reactors.connect(thread, `member-${i}`);
      client.subscribe('$share/g/t/#');
      client.received();
      return client;
    });
    const byKey = new Map<string, Set<number>>();
    for (const thread of [1, 2, 3]) {
      for (let i = 0; i < 8; i++) {
        const publisher = reactors.connect(thread, `publisher-${thread}-${i}`);
        for (let topic = 0; topic < 4; topic++) {
          publisher.publish('x', { topic: `t/${topic}` });
          const at = group.findIndex((member) => member.texts().length === 1);
          const key = strategy === 'hash_topic' ? String(topic) : `${thread}-${i}`;
          byKey.set(key, (byKey.get(key) ?? new Set()).add(at));
        }
      }
    }
    assert.ok(
      [...byKey.values()].every((at) => at.size === 1),
      strategy,
    );
    assert.ok(new Set([...byKey.values()].flatMap((at) => [...at])).size > 1, 'and not all at the same');
  }
});

test('random gives everybody something; local_first keeps to the publisher’s reactor as long as there is a member', () => {
  const random = new Reactors(2, using('random'));
  const any = members(random, [1, 2, 2]);
  publishAll(random.connect(1, 'publisher'), 60);
  for (const member of any) assert.ok(member.texts().length > 5);

  const local = new Reactors(2, using('local_first'));
  const [here, there, alsoHere] = members(local, [1, 2, 1]);
  const publisher = local.connect(1, 'publisher');
  publishAll(publisher, 10);
  assert.equal([here!.texts().length, there!.texts().length, alsoHere!.texts().length], [5, 0, 5]);
  here!.transport.close();
  alsoHere!.transport.close();
  local.settle();
  publishAll(publisher, 10);
  assert.is(there!.texts().length, 10);
});

test('a strategy for one group', () => {
  const reactors = new Reactors(1, { sharing: { strategy: 'round_robin', groups: new Map([['g', 'sticky' as const]]) } });
  const group = members(reactors, [1, 1]);
  publishAll(reactors.connect(1, 'publisher'), 6);
  assert.equal(group.map((member) => member.texts().length).sort(), [0, 6]);
});

test('the QoS is that of the member’s own subscription [MQTT-4.8.2-3]', () => {
  const reactors = new Reactors(1);
  const [zero] = members(reactors, [1], 0);
  const one = reactors.connect(1, 'one');
  one.subscribe('$share/g/t', 1);
  one.received();
  const publisher = reactors.connect(1, 'publisher');
  for (let i = 0; i < 4; i++) publisher.publish(`m${i}`, { topic: 't', qos: 2, messageId: i + 1 });
  assert.equal(
    zero!.received().map(({ qos }) => qos),
    [0, 0],
  );
  assert.equal(
    one.received().map(({ qos }) => qos),
    [1, 1],
  );
});

test('no retained message for a new member; identifiers and retain as published are its own', () => {
  const reactors = new Reactors(1);
  const publisher = reactors.connect(1, 'publisher');
  publisher.publish('kept', { topic: 't', retain: true });
  const member = reactors.connect(1, 'member', { dialect: 1 });
  member.received();
  member.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: '$share/g/t', qos: 1, rap: true, nl: false, rh: 0 }],
    properties: { subscriptionIdentifier: 7 },
  });
  assert.equal(
    member.received().map(({ cmd }) => cmd),
    ['suback'],
  );
  publisher.publish('live', { topic: 't', retain: true });
  const [got] = member.received();
  assert.equal([got!.retain, got!.properties?.subscriptionIdentifier], [true, 7]);
});

test('no local on a shared subscription ends the connection [MQTT-3.8.3-4]', () => {
  const reactors = new Reactors(1);
  for (const topic of ['$share/g/t', '$queue/t']) {
    const member = reactors.connect(1, 'member', { dialect: 1 });
    member.received();
    member.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1, nl: true, rap: false, rh: 0 }] });
    assert.equal(
      member.received().map(({ cmd, reasonCode }) => [cmd, reasonCode]),
      [['disconnect', 0x82]],
    );
  }
});

for (const where of [1, 2]) {
  test(`what a member had not acknowledged goes to another one when its session ends (reactor ${where})`, () => {
    const reactors = new Reactors(2);
    const [leaves, stays] = members(reactors, [1, where], 1);
    publishAll(reactors.connect(2, 'publisher'), 6, 't', 1);
    const first = leaves!.received();
    assert.is(first.length, 3);
    leaves!.send({ cmd: 'puback', messageId: first[0]!.messageId });
    assert.is(stays!.texts().length, 3);
    leaves!.transport.close();
    reactors.settle();
    assert.equal(
      stays!.texts().sort(),
      first
        .slice(1)
        .map(({ payload }) => String(payload))
        .sort(),
    );
    assert.is(total(reactors, SHARE_PROBE.slot.redelivered), 2);
  });

  test(`what waits for a member goes to another one when it unsubscribes; what was sent stays (reactor ${where})`, () => {
    const reactors = new Reactors(2);
    const leaves = reactors.connect(1, 'leaves', { dialect: 1, properties: { receiveMaximum: 1 } });
    leaves.subscribe('$share/g/t', 1);
    leaves.received();
    publishAll(reactors.connect(2, 'publisher'), 4, 't', 1);
    const stays = reactors.connect(where, 'stays');
    stays.subscribe('$share/g/t', 1);
    stays.received();
    assert.is(leaves.received().length, 1);
    leaves.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['$share/g/t'] });
    assert.equal(stays.texts(), ['m1', 'm2', 'm3']);
    leaves.received();
    publishAll(reactors.connect(1, 'again'), 2, 't', 1);
    assert.equal([leaves.texts(), stays.texts()], [[], ['m0', 'm1']]);
  });

  test(`nobody is there: persistent members keep the messages, and who comes first gets them (reactor ${where})`, () => {
    const reactors = new Reactors(2);
    const group = members(reactors, [1, where], 1, LASTING);
    for (const member of group) member.transport.close();
    reactors.settle();
    const publisher = reactors.connect(2, 'publisher');
    publishAll(publisher, 6, 't', 1);
    publisher.publish('zero', { topic: 't', qos: 0 });
    assert.is(total(reactors, SHARE_PROBE.slot.dropped), 1, 'QoS 0 is for those who are there');
    const back = reactors.connect(2, 'member-1', LASTING);
    reactors.settle(200);
    const got = back.received().filter(({ cmd }) => cmd === 'publish');
    assert.equal(got.map(({ payload }) => String(payload)).sort(), ['m0', 'm1', 'm2', 'm3', 'm4', 'm5']);
    for (const { messageId } of got) back.send({ cmd: 'puback', messageId });
    const other = reactors.connect(1, 'member-0', LASTING);
    reactors.settle(200);
    assert.equal(other.texts(), [], 'each message once');
  });
}

test('a member that goes leaves its part to those who are there, whether its session lasts or not', () => {
  const reactors = new Reactors(2);
  const [goes, stays] = members(reactors, [1, 2], 1, LASTING);
  publishAll(reactors.connect(1, 'publisher'), 4, 't', 1);
  assert.is(goes!.received().length, 2);
  stays!.received();
  goes!.transport.close();
  reactors.settle();
  assert.is(stays!.texts().length, 2);
  const back = reactors.connect(1, 'member-0', LASTING);
  reactors.settle(200);
  assert.equal(back.texts(), [], 'it is somebody else’s now');
});

test('QoS 2: a delivery that has begun is ended with the same client [MQTT-4.8.2-4] or not at all [MQTT-4.8.2-5]', () => {
  const reactors = new Reactors(1);
  const [goes, stays] = members(reactors, [1, 1], 2, LASTING);
  const publisher = reactors.connect(1, 'publisher');
  for (let i = 0; i < 2; i++) publisher.publish(`m${i}`, { topic: 't', qos: 2, messageId: i + 1 });
  assert.equal(goes!.texts(), ['m0']);
  assert.equal(stays!.texts(), ['m1']);
  goes!.transport.close();
  reactors.settle();
  assert.equal(stays!.texts(), []);
  const back = reactors.connect(1, 'member-0', LASTING);
  const [connack, again] = back.received();
  assert.equal([connack!.cmd, String(again!.payload), again!.dup], ['connack', 'm0', true]);
  back.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
  assert.equal(stays!.texts(), []);
});

test('a message that a member refuses is nobody else’s [MQTT-4.8.2-6]', () => {
  const reactors = new Reactors(1);
  const [refuses, stays] = members(reactors, [1, 1], 1, LASTING);
  publishAll(reactors.connect(1, 'publisher'), 1, 't', 1);
  const [got] = refuses!.received();
  refuses!.send({ cmd: 'puback', messageId: got!.messageId, reasonCode: 0x80 });
  refuses!.transport.close();
  reactors.settle();
  assert.equal(stays!.texts(), []);
});

for (const to of [1, 2]) {
  test(`the only member comes back on reactor ${to} while others publish: everything arrives`, () => {
    for (let seed = 1; seed <= 20; seed++) {
      const reactors = new Reactors(2, {}, seed);
      const [first] = members(reactors, [1], 1, LASTING);
      const publishers = [1, 2].map((thread) => reactors.connect(thread, `publisher-${thread}`));
      const got = new Set<string>();
      const take = (client: SimClient): void => {
        for (const text of client.texts()) got.add(text);
      };
      let sent = 0;
      const publish = (): void => {
        for (const publisher of publishers) publisher.publishLater(`m${sent++}`, { topic: 't', qos: 1, messageId: 9 });
      };
      for (let i = 0; i < 5; i++) publish();
      const second = reactors.connectLater(to, 'member-0', LASTING);
      for (let i = 0; i < 30; i++) {
        publish();
        reactors.settle(1);
      }
      reactors.settle(300);
      take(first!);
      take(second);
      assert.is(got.size, sent, `seed ${seed}`);
      assert.is(second.transport.ended, false);
    }
  });
}

test('with members coming, going and moving, nothing is lost as long as one of them lasts, and nothing is doubled without cause', () => {
  const action = fc.record({
    what: fc.constantFrom('publish' as const, 'publish' as const, 'connect' as const, 'lose' as const, 'leave' as const),
    who: fc.nat(3),
    thread: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(action, { minLength: 5, maxLength: 25 }), fc.nat(1000), (actions, seed) => {
      const reactors = new Reactors(3, {}, seed + 1);
      const anchor = reactors.connect(1 + (seed % 3), 'anchor', LASTING);
      anchor.subscribe('$share/g/t', 1);
      const publishers = [1, 2, 3].map((thread) => reactors.connect(thread, `publisher-${thread}`));
      const all: SimClient[] = [anchor];
      const here: (SimClient | undefined)[] = [];
      const got: string[] = [];
      let sent = 0;
      let departures = 0;
      for (const { what, who, thread } of actions) {
        const client = here[who];
        if (what === 'publish') publishers[thread - 1]!.publishLater(`m${sent++}`, { topic: 't', qos: 1, messageId: 1 });
        else if (what === 'connect') {
          const next = reactors.connect(thread, `client-${who}`, LASTING);
          if (client !== undefined) departures++;
          next.subscribe('$share/g/t', 1);
          all.push((here[who] = next));
        } else if (client !== undefined) {
          departures++;
          if (what === 'lose') client.transport.close();
          else client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
          here[who] = undefined;
        }
        if (seed % 2 === 0) reactors.settle(2);
        for (const each of all) got.push(...each.acknowledged());
      }
      for (let i = 0; i < 3; i++) {
        reactors.settle(500);
        for (const each of all) got.push(...each.acknowledged());
      }
      assert.is(new Set(got).size, sent, 'everything has arrived');
      if (departures === 0) assert.is(got.length, sent, 'once');
      assert.is(total(reactors, SHARE_PROBE.slot.dropped), 0);
    }),
    { numRuns: 60 },
  );
});

test('nothing is left behind when all members are gone', () => {
  const reactors = new Reactors(2);
  const group = members(reactors, [1, 2, 2], 1);
  for (const member of group) member.transport.close();
  reactors.settle();
  for (const { shares } of reactors.services.values()) assert.is(shares.size, 0);
  assert.is(total(reactors, SHARE_PROBE.slot.members), 0);
  publishAll(reactors.connect(1, 'publisher'), 3, 't', 1);
});

test('a reactor that dies takes its members along; the others go on, and it learns of them when it is back', () => {
  const reactors = new Reactors(2);
  members(reactors, [2], 1);
  const [stays] = members(reactors, [1], 1);
  const publisher = reactors.connect(1, 'publisher');
  reactors.cluster.kill(2, 100);
  reactors.settle(50);
  publishAll(publisher, 4, 't', 1);
  assert.is(stays!.texts().length, 4);
  reactors.settle(2000);
  publishAll(reactors.connect(2, 'reborn'), 3, 't', 1);
  assert.is(stays!.texts().length, 3);
});

test.run();
