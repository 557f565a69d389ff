// SUBSCRIBE, UNSUBSCRIBE, filters and shared subscriptions: sections 3.8 to 3.11, 4.7, 4.8.
import * as assert from 'uvu/assert';
import { puback, pubcomp, pubrec, type ReceivedPublish } from '../e2e/raw-client.ts';
import {
  BOTH,
  bytes,
  conformance,
  entry,
  field,
  type Level,
  none,
  packet,
  subscribe,
  texts,
  u16,
  unsubscribe,
} from './subject.ts';

const { test, subject } = conformance('subscribe');

type Granted = { readonly granted: number[] };

test('a filter at least [MQTT-3.8.3-2] [MQTT-3.10.3-2], 3.1.1 [MQTT-3.8.3-3] [MQTT-3.10.3-2]', async () => {
  for (const level of BOTH) {
    await subject.breaks(level, packet(0x82, u16(1), none(level)), 0x82);
    await subject.breaks(level, packet(0xa2, u16(1), none(level)), 0x82);
  }
});

test('subscription options [MQTT-3.8.3-5] [MQTT-4.13.1-1], 3.1.1 [MQTT-3.8.3-4]', async () => {
  for (const options of [0x40, 0x80, 0xc0]) await subject.breaks(5, subscribe(5, 1, entry('t', options)), 0x81);
  for (const options of [0x03, 0x30]) await subject.breaks(5, subscribe(5, 1, entry('t', options)), 0x82);
  for (const options of [0x03, 0x04, 0x10, 0x80]) await subject.breaks(4, subscribe(4, 1, entry('t', options)), 0x81);
  await subject.breaks(5, packet(0x82, u16(1), 2, 0x0b, 0, entry('t')), 0x82); // subscription identifier 0
});

test('a reason for each filter, in order [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2] [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.8.2-1] [MQTT-4.8.2-2], 3.1.1 [MQTT-3.8.4-4] [MQTT-3.8.4-5] [MQTT-3.9.3-1] [MQTT-3.9.3-2] [MQTT-4.7.1-2] [MQTT-4.7.1-3]', async () => {
  const good: [string, number][] = [
    ['a', 0],
    ['a/+', 1],
    ['#', 2],
    ['+', 0],
    ['/', 1],
    ['+/+/#', 2],
    ['a//b', 0],
    ['$share/g/a/#', 1],
  ];
  const bad = [
    '',
    'a#',
    'a/#/b',
    '#/a',
    '##',
    '+a',
    'a+',
    'a/b+/c',
    '$share/',
    '$share/g',
    '$share//a',
    '$share/g+/a',
    '$share/g#/a',
    '$share/g/',
  ];
  for (const level of BOTH) {
    const client = await subject.connect(level);
    const entries = [
      ...good.map(([filter, qos]) => entry(filter, qos)),
      ...bad.map((filter) => entry(filter, 1)),
      entry('last', 2),
    ];
    client.send(subscribe(level, 9, ...entries));
    const { granted } = (await client.next('suback')) as unknown as Granted;
    assert.equal(granted, [...good.map(([, qos]) => qos), ...bad.map(() => (level === 5 ? 0x8f : 0x80)), 2]);
    client.destroy();
  }
});

test('thousands of filters, in one packet and in many [MQTT-3.8.4-5], 3.1.1 [MQTT-3.8.4-4]', async () => {
  for (const level of BOTH) {
    const prefix = subject.name('many/');
    const client = await subject.connect(level);
    client.send(subscribe(level, 1, ...Array.from({ length: 3000 }, (_, i) => entry(`${prefix}/${i}`, 1))));
    const { granted } = (await client.next('suback')) as unknown as Granted;
    assert.equal([granted.length, new Set(granted)], [3000, new Set([1])]);
    client.send(...Array.from({ length: 3000 }, (_, i) => subscribe(level, i + 1, entry(`${prefix}/+/${i}`, 0))));
    for (let i = 0; i < 3000; i++) assert.is(((await client.next('suback')) as { messageId?: number }).messageId, i + 1);
    client.publish(`${prefix}/7`, 'one');
    client.publish(`${prefix}/x/2999`, 'two');
    assert.equal(texts(await client.settled()), ['one', 'two']);
    client.destroy();
  }
});

test('the same filter again replaces the subscription and loses nothing [MQTT-3.8.4-3] [MQTT-3.8.4-4], 3.1.1 [MQTT-3.8.4-3]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('again/');
    const client = await subject.connect(level);
    const publisher = await subject.connect(level);
    publisher.publish(topic, 'kept', { retain: true, qos: 1, packetId: 1 });
    await publisher.next('puback');
    await client.subscribe(topic, { qos: 0 });
    assert.is(await client.nextPayload(), 'kept');
    for (let i = 0; i < 20; i++) {
      publisher.publish(topic, `m${i}`, { qos: 1, packetId: 2 });
      if (i % 5 === 0) client.send(subscribe(level, 3, entry(topic, 1)));
      await publisher.next('puback');
    }
    const got = (await client.settled()).filter(({ cmd }) => cmd === 'publish') as unknown as ReceivedPublish[];
    const live = got.filter(({ payload }) => String(payload) !== 'kept');
    assert.equal(
      live.map(({ payload }) => String(payload)),
      Array.from({ length: 20 }, (_, i) => `m${i}`),
    );
    assert.is(live.at(-1)!.qos, 1, 'the new QoS counts');
    assert.is(got.length - live.length, 4, 'and the retained message is sent again each time');
    publisher.publish(topic, '', { retain: true });
    await publisher.settled();
    client.destroy();
  }
});

test('the lower QoS counts [MQTT-3.8.4-8] [MQTT-3.3.4-2], 3.1.1 [MQTT-3.8.4-6] [MQTT-3.3.5-1]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('qos/');
    for (const granted of [0, 1, 2] as const) {
      const client = await subject.connect(level);
      await client.subscribe(topic, { qos: granted });
      for (const published of [0, 1, 2] as const) {
        client.publish(topic, 'x', { qos: published, packetId: 5 });
        const got = (await client.settled()).find(({ cmd }) => cmd === 'publish') as unknown as ReceivedPublish;
        assert.is(got.qos, Math.min(granted, published));
      }
      client.destroy();
    }
    const overlapping = await subject.connect(level);
    await overlapping.subscribe(`${topic}/+`, { qos: 0 });
    await overlapping.subscribe(`${topic}/a`, { qos: 2 });
    await overlapping.subscribe(`${topic}/#`, { qos: 1 });
    overlapping.publish(`${topic}/a`, 'x', { qos: 2, packetId: 5 });
    const got = (await overlapping.settled()).filter(({ cmd }) => cmd === 'publish') as unknown as ReceivedPublish[];
    assert.equal(
      got.map(({ qos }) => qos),
      [2],
      'once, at the highest of them',
    );
    overlapping.destroy();
  }
});

test('subscription identifiers of overlapping subscriptions [MQTT-3.3.4-3] [MQTT-3.3.4-4]', async () => {
  const topic = subject.name('ids/');
  const client = await subject.connect(5);
  for (const [i, filter] of [topic, `${topic}/#`, '#'].entries())
    await client.subscribe(filter, { qos: 1 }, [1, 268_435_455, 300][i]);
  await client.subscribe('+/+');
  client.publish(topic, 'x');
  const got = await client.nextPublish();
  const ids = got.properties!.subscriptionIdentifier as unknown as number[];
  assert.equal(
    [...ids].sort((a, b) => a - b),
    [1, 300, 268_435_455],
  );
  assert.equal(await client.settled(), []);
  client.destroy();
});

test('no local [MQTT-3.8.3-3]', async () => {
  const topic = subject.name('own/');
  const client = await subject.connect(5);
  await client.subscribe(topic, { noLocal: true });
  client.publish(topic, 'mine');
  assert.equal(await client.settled(), []);
  const other = await subject.connect(5);
  other.publish(topic, 'theirs');
  assert.is(await client.nextPayload(), 'theirs');
});

test('no local on a shared subscription [MQTT-3.8.3-4]', async () => {
  await subject.breaks(5, subscribe(5, 1, entry('$share/g/t', 4)), 0x82);
});

test('wildcards and names that begin with $ [MQTT-4.7.2-1], 3.1.1 [MQTT-4.7.2-1]', async () => {
  for (const level of BOTH) {
    const own = subject.name('$own');
    const client = await subject.connect(level);
    for (const filter of ['#', '+/#', '+/x']) await client.subscribe(filter);
    client.publish(`${own}/x`, 'hidden');
    await client.subscribe(`${own}/#`);
    client.publish(`${own}/x`, 'asked for');
    assert.equal(
      texts(await client.settled()).filter((text) => text !== ''),
      ['asked for'],
    );
    client.destroy();
  }
});

test('UNSUBSCRIBE compares filters as they are written, and ends what is new, not what has begun [MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-3] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2], 3.1.1 [MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-3] [MQTT-3.10.4-6]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('ends/');
    const client = await subject.connect(level);
    for (const filter of [topic, `${topic}/+`]) await client.subscribe(filter, { qos: 2 });
    client.publish(topic, 'one', { qos: 1, packetId: 1 });
    client.publish(topic, 'two', { qos: 2, packetId: 2 });
    const begun = (await client.settled()).filter(({ cmd }) => cmd === 'publish') as unknown as ReceivedPublish[];
    client.send(unsubscribe(level, 3, `${topic}/#`, topic, topic.toUpperCase(), topic));
    const { granted } = (await client.next('unsuback')) as unknown as Granted;
    if (level === 5) assert.equal(granted, [0x11, 0, 0x11, 0x11]);
    client.publish(topic, 'no more');
    client.publish(`${topic}/x`, 'still');
    assert.equal(texts(await client.settled()), ['still']);
    client.send(puback(begun[0]!.messageId!), pubrec(begun[1]!.messageId!));
    assert.is(((await client.next('pubrel')) as { messageId?: number }).messageId, begun[1]!.messageId);
    client.send(pubcomp(begun[1]!.messageId!));
    assert.equal(await client.settled(), []);
    client.destroy();
  }
});

// ── Shared subscriptions ───────────────────────────────────────────────────────────────────────────────────────────────────────

test('a shared subscription keeps to the QoS granted to the member [MQTT-4.8.2-3]', async () => {
  const topic = subject.name('work/');
  const member = await subject.connect(5);
  await member.subscribe(`$share/g/${topic}`, { qos: 1 });
  member.publish(topic, 'x', { qos: 2, packetId: 1 });
  const got = (await member.settled()).find(({ cmd }) => cmd === 'publish') as unknown as ReceivedPublish;
  assert.is(got.qos, 1);
});

test('QoS 2 stays with the member that it was begun with [MQTT-4.8.2-4] [MQTT-4.8.2-5], and what it refuses goes nowhere [MQTT-4.8.2-6]', async () => {
  const topic = subject.name('work/');
  const settings = { clientId: subject.name('member'), cleanStart: false, sessionExpiry: 600 };
  const publisher = await subject.connect(5);
  const goes = await subject.connect(5, settings);
  await goes.subscribe(`$share/g/${topic}`, { qos: 2 });
  publisher.publish(topic, 'begun', { qos: 2, packetId: 1 });
  publisher.publish(topic, 'refused', { qos: 1, packetId: 2 });
  const [begun, refused] = [await goes.nextPublish(), await goes.nextPublish()];
  goes.send(packet(0x40, u16(refused.messageId!), 0x80));
  await goes.settled();
  const stays = await subject.connect(5);
  await stays.subscribe(`$share/g/${topic}`, { qos: 2 });
  goes.destroy();
  await subject.broker.untilOffline(settings.clientId);
  const back = await subject.connect(5, settings);
  const again = await back.nextPublish();
  assert.equal([String(again.payload), again.dup, again.messageId], ['begun', true, begun.messageId]);
  await back.disconnect(bytes(0xe0, 7, 0, 5, 0x11, 0, 0, 0, 0));
  await subject.broker.untilGone(settings.clientId);
  assert.equal(await stays.settled(), []);
});

test('a long filter, deep levels, odd places of wildcards [MQTT-4.7.3-3], 3.1.1 [MQTT-4.7.3-3]', async () => {
  for (const level of BOTH as readonly Level[]) {
    const client = await subject.connect(level);
    assert.equal(await client.subscribe('y'.repeat(65_535)), [0]);
    assert.equal(await client.subscribe(Array.from({ length: 128 }, () => '+').join('/')), [0]);
    assert.equal(await client.subscribe(Array.from({ length: 129 }, () => '+').join('/')), [level === 5 ? 0x8f : 0x80]);
    client.publish('y'.repeat(65_535), 'long');
    assert.is(await client.nextPayload(), 'long');
    assert.is(field('y').length, 3);
    client.destroy();
  }
});

test.run();
