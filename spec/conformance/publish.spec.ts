// PUBLISH and its acknowledgements: sections 3.3 to 3.7, 4.3 to 4.7, 4.9.
import * as assert from 'uvu/assert';
import {
  type ConnectSettings,
  puback,
  pubcomp,
  pubrec,
  pubrel,
  type RawClient,
  type ReceivedPublish,
} from '../e2e/raw-client.ts';
import { BOTH, bytes, conformance, field, type Level, none, packet, publish, texts, u16 } from './subject.ts'; // prettier-ignore

const { test, subject } = conformance('publish', { 'mqtt.inflight_max': 20 });

type Ack = { readonly cmd: string; readonly messageId?: number; readonly reasonCode?: number };
const lasting = (level: Level): Partial<ConnectSettings> =>
  level === 5 ? { cleanStart: false, sessionExpiry: 600 } : { cleanStart: false };

async function subscriber(
  level: Level,
  topic: string,
  qos: 0 | 1 | 2 = 0,
  settings: Partial<ConnectSettings> = {},
): Promise<RawClient> {
  const client = await subject.connect(level, settings);
  await client.subscribe(topic, { qos });
  return client;
}

const propertied = (topic: string, properties: Uint8Array, payload = 'x', first = 0x30): Buffer =>
  packet(first, field(topic), first & 6 ? u16(9) : bytes(), properties.length, properties, payload);

test('DUP [MQTT-3.3.1-2] [MQTT-3.3.1-3] [MQTT-4.3.1-1], 3.1.1 [MQTT-3.3.1-2] [MQTT-3.3.1-3] [MQTT-4.3.1-1]', async () => {
  for (const level of BOTH) {
    await subject.breaks(level, publish(level, 't', 'x', 0x38), 0x81);
    const topic = subject.name('dup/');
    const client = await subscriber(level, topic, 1);
    client.publish(topic, 'x', { qos: 1, packetId: 1, dup: true });
    client.publish(topic, 'y', { qos: 0 });
    const got = (await client.settled()).filter(({ cmd }) => cmd === 'publish') as unknown as ReceivedPublish[];
    assert.equal(
      got.map(({ dup }) => dup),
      [false, false],
    );
  }
});

test('QoS 3 [MQTT-3.3.1-4], 3.1.1 [MQTT-3.3.1-4]', async () => {
  for (const level of BOTH) await subject.breaks(level, publish(level, 't', 'x', 0x36), 0x81);
});

test('a retained message is kept, replaced, left alone and removed [MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-8], 3.1.1 [MQTT-3.1.2-7] [MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-8] [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT-3.3.1-12]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('retained/');
    const publisher = await subject.connect(level);
    const live = await subscriber(level, topic, 2);
    const kept = async (): Promise<unknown[]> => {
      await publisher.settled();
      const client = await subscriber(level, topic, 2);
      const got = (await client.settled()).filter(({ cmd }) => cmd === 'publish') as unknown as ReceivedPublish[];
      client.destroy();
      return got.map(({ payload, qos, retain }) => [String(payload), qos, retain]);
    };
    publisher.publish(topic, 'one', { qos: 2, packetId: 1, retain: true });
    assert.equal(await kept(), [['one', 2, true]]);
    publisher.publish(topic, 'two', { retain: true });
    assert.equal(await kept(), [['two', 0, true]]);
    publisher.publish(topic, 'not kept');
    publisher.publish(topic, '');
    assert.equal(await kept(), [['two', 0, true]]);
    publisher.destroy();
    const other = await subject.connect(level);
    other.publish(topic, '', { retain: true });
    await other.settled();
    assert.equal(texts(await live.settled()), ['one', 'two', 'not kept', '', ''], 'and all of it is delivered');
    const after = await subscriber(level, topic);
    assert.equal(await after.settled(), []);
  }
});

test('RETAIN towards established subscriptions [MQTT-3.3.1-12] [MQTT-3.3.1-13], 3.1.1 [MQTT-3.3.1-9]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('flag/');
    const plain = await subscriber(level, topic);
    const asPublished = await subject.connect(5);
    await asPublished.subscribe(topic, { retainAsPublished: true });
    plain.publish(topic, 'x', { retain: true });
    plain.publish(topic, 'y');
    await plain.settled().then((got) =>
      assert.equal(
        (got as unknown as ReceivedPublish[]).map(({ retain }) => retain),
        [false, false],
      ),
    );
    assert.equal([(await asPublished.nextPublish()).retain, (await asPublished.nextPublish()).retain], [true, false]);
  }
});

test('retain handling [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]', async () => {
  const topic = subject.name('handling/');
  const client = await subject.connect(5);
  client.publish(topic, 'kept', { retain: true });
  await client.settled();
  const got = async (retainHandling: 0 | 1 | 2): Promise<number> => {
    await client.subscribe(topic, { retainHandling });
    return texts(await client.settled()).length;
  };
  assert.equal([await got(2), await got(1), await got(0), await got(0)], [0, 0, 1, 1]);
  client.send(packet(0xa2, u16(5), 0, field(topic)));
  await client.next('unsuback');
  assert.equal([await got(1), await got(1)], [1, 0]);
});

test('topic names [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.0-1] [MQTT-4.7.3-1] [MQTT-4.7.3-3], 3.1.1 [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.3-1] [MQTT-4.7.3-3]', async () => {
  for (const level of BOTH) {
    for (const topic of ['a/+', '#', 'a/#/b', '+', 'a+b']) await subject.breaks(level, publish(level, topic), 0x90);
    await subject.breaks(level, publish(level, ''), level === 5 ? 0x82 : 0x90);
    await subject.breaks(level, packet(0x30, 0, 9, 'a'), 0x81);
    const longest = 'x'.repeat(65_535);
    const client = await subscriber(level, longest);
    client.publish(longest, 'long');
    assert.is((await client.nextPublish()).topic.length, 65_535);
    client.destroy();
  }
});

test('the topic of a message is as it was published and matches [MQTT-3.3.2-3] [MQTT-4.7.3-4], 3.1.1 [MQTT-3.3.2-3] [MQTT-4.7.3-4]', async () => {
  for (const level of BOTH) {
    const prefix = subject.name('exact/');
    const client = await subscriber(level, `${prefix}/+`);
    const names = ['é', 'é', 'E', 'e', ' ', '', '\u{1f600}', '$'];
    for (const name of names) client.publish(`${prefix}/${name}`, 'x');
    client.publish(prefix, 'no');
    client.publish(`${prefix}/a/b`, 'no');
    assert.equal(
      ((await client.settled()) as unknown as ReceivedPublish[]).map(({ topic }) => topic),
      names.map((name) => `${prefix}/${name}`),
    );
  }
});

test('what a publisher says of its message comes with it [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20]', async () => {
  const topic = subject.name('described/');
  const client = await subscriber(5, topic, 1);
  const pair = (name: string, value: string): Buffer => bytes(0x26, field(name), field(value));
  const properties = bytes(
    pair('z', '1'),
    0x01,
    1,
    0x03,
    field('text/plain'),
    0x08,
    field('reply/to'),
    pair('a', '2'),
    0x09,
    field(bytes(0, 255, 1)),
    pair('z', '3'),
  ); // prettier-ignore
  for (const [i, first] of [0x30, 0x32].entries()) {
    client.send(propertied(topic, properties, `m${i}`, first));
    let got = await client.next();
    while (got.cmd !== 'publish') got = await client.next();
    assert.ok(got.raw.includes(properties), got.raw.toString('hex'));
  }
});

test('response topic and content type [MQTT-3.3.2-13] [MQTT-3.3.2-14] [MQTT-3.3.2-19]', async () => {
  for (const topic of ['', 'a/#', '+']) await subject.breaks(5, propertied('t', bytes(0x08, field(topic))), 0x82);
  for (const id of [0x03, 0x08]) await subject.breaks(5, propertied('t', bytes(id, field(bytes(0xff)))), 0x81);
});

test('message expiry is counted down, and ends what has not begun [MQTT-3.3.2-5] [MQTT-3.3.2-6] [MQTT-4.3.3-7] [MQTT-4.3.3-13]', async () => {
  const topic = subject.name('expiry/');
  const clientId = subject.name('expiry');
  const settings = { ...lasting(5), clientId };
  const expiry = (seconds: number): Buffer => bytes(0x02, 0, 0, 0, seconds);
  const publisher = await subject.connect(5);
  const first = await subscriber(5, topic, 2, settings);
  publisher.send(propertied(topic, expiry(1), 'begun', 0x34));
  assert.is(await first.nextPayload(), 'begun');
  assert.is(((await publisher.next('pubrec')) as Ack).reasonCode, 0);
  first.destroy();
  await subject.broker.untilOffline(clientId);
  publisher.send(propertied(topic, expiry(1), 'dies', 0x32), propertied(topic, expiry(100), 'lives', 0x32));
  for (let i = 0; i < 2; i++) await publisher.next('puback');
  await new Promise((resolve) => setTimeout(resolve, 1100));
  publisher.send(pubrel(9));
  assert.is(((await publisher.next('pubcomp')) as Ack).reasonCode, 0, 'the exchange is completed');
  const second = await subject.connect(5, settings);
  const again = await second.nextPublish();
  assert.equal([String(again.payload), again.dup], ['begun', true]);
  const lives = await second.nextPublish();
  const left = lives.properties!.messageExpiryInterval!;
  assert.is(String(lives.payload), 'lives');
  assert.ok(left >= 90 && left <= 99, `${left} s left`);
  assert.equal(await second.settled(), []);
});

test('topic aliases from a client [MQTT-3.3.2-7] [MQTT-3.3.2-8] [MQTT-3.3.2-9] [MQTT-3.3.2-12]', async () => {
  const alias = (topic: string, id: number): Buffer => propertied(topic, bytes(0x23, u16(id)));
  await subject.breaks(5, alias('t', 0), 0x94);
  await subject.breaks(5, alias('', 1), 0x82);
  const prefix = subject.name('alias/');
  const watcher = await subscriber(5, `${prefix}/+`);
  const client = await subject.connect(5, { clientId: subject.name('aliases') });
  const max = client.connack.properties!.topicAliasMaximum!;
  await subject.breaks(5, alias('t', max + 1), 0x94);
  for (const id of [1, 2, max]) client.send(alias(`${prefix}/${id}`, id));
  for (const id of [max, 1, 2]) client.send(alias('', id));
  client.send(alias(`${prefix}/other`, 1), alias('', 1));
  const topics: string[] = [];
  for (let i = 0; i < 8; i++) topics.push((await watcher.nextPublish()).topic.slice(prefix.length + 1));
  assert.equal(topics, ['1', '2', String(max), String(max), '1', '2', 'other', 'other']);
  const again = await subject.connect(5, { clientId: client.clientId, cleanStart: false });
  again.send(alias('', 1));
  assert.is(await again.reasonOfEnd(), 0x82);
});

test('topic aliases to a client that takes some [MQTT-3.1.2-26] [MQTT-3.1.2-27] [MQTT-3.3.2-11] [MQTT-3.3.2-7]', async () => {
  const prefix = subject.name('towards/a/subscriber/');
  const publisher = await subject.connect(5);
  const clientId = subject.name('takes');
  const settings = { ...lasting(5), clientId, topicAliasMaximum: 2 };
  const received = async (client: RawClient, count: number): Promise<[string, number | undefined][]> => {
    const got: [string, number | undefined][] = [];
    for (let i = 0; i < count; i++) {
      const { topic, properties } = await client.nextPublish();
      got.push([topic, properties?.topicAlias]);
    }
    return got;
  };
  const known = new Map<number, string>();
  const resolve = ([topic, alias]: [string, number | undefined]): string => {
    if (alias === undefined) return topic;
    assert.ok(alias >= 1 && alias <= 2, `alias ${alias}`);
    if (topic !== '') known.set(alias, topic);
    return known.get(alias)!;
  };
  const takes = await subscriber(5, `${prefix}/#`, 1, settings);
  const none5 = await subscriber(5, `${prefix}/#`);
  const sent: string[] = [];
  for (let i = 0; i < 30; i++) sent.push(`${prefix}/${i < 10 ? 0 : i % 5}`);
  for (const topic of sent) publisher.publish(topic, 'x');
  const got = await received(takes, sent.length);
  assert.equal(got.map(resolve), sent);
  assert.ok(got.filter(([topic]) => topic === '').length >= 9, 'bytes are saved');
  assert.ok((await received(none5, sent.length)).every(([, alias]) => alias === undefined));
  takes.destroy();
  await subject.broker.untilOffline(clientId);
  known.clear();
  const back = await subject.connect(5, settings);
  publisher.publish(sent[0]!, 'x');
  assert.equal((await received(back, 1)).map(resolve), [sent[0]!], 'the new connection knows no alias of the old one');
});

test('a PUBLISH is answered as its QoS asks, in order [MQTT-3.3.4-1] [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.7.2-1] [MQTT-4.3.2-4] [MQTT-4.3.3-8] [MQTT-4.3.3-11], 3.1.1 [MQTT-3.3.4-1] [MQTT-3.3.5-2] [MQTT-4.6.0-2] [MQTT-4.6.0-3]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('answers/');
    const client = await subject.connect(level);
    client.publish(topic, 'x');
    assert.equal(await client.settled(), []);
    for (const id of [5, 3, 4]) client.publish(topic, 'x', { qos: 1, packetId: id });
    for (const id of [8, 6, 7]) client.publish(topic, 'x', { qos: 2, packetId: id });
    const got = (await client.settled()) as unknown as Ack[];
    assert.equal(
      got.map(({ cmd, messageId }) => [cmd, messageId]),
      [
        ['puback', 5],
        ['puback', 3],
        ['puback', 4],
        ['pubrec', 8],
        ['pubrec', 6],
        ['pubrec', 7],
      ],
    ); // prettier-ignore
    if (level === 5)
      assert.ok(
        got.every(({ reasonCode }) => reasonCode === 0x10),
        'nobody is subscribed',
      );
    client.send(pubrel(8), pubrel(99));
    const ends = (await client.settled()) as unknown as Ack[];
    assert.equal(
      ends.map(({ cmd, messageId }) => [cmd, messageId]),
      [
        ['pubcomp', 8],
        ['pubcomp', 99],
      ],
    );
    if (level === 5)
      assert.equal(
        ends.map(({ reasonCode }) => reasonCode),
        [0, 0x92],
      );
  }
});

test('QoS 1 from a client: after PUBACK the id means a new message [MQTT-4.3.2-5], 3.1.1 [MQTT-4.3.2-2]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('again/');
    const watcher = await subscriber(level, topic, 1);
    const client = await subject.connect(level);
    for (const dup of [false, true, false]) {
      client.publish(topic, String(dup), { qos: 1, packetId: 7, dup });
      await client.next('puback');
    }
    assert.equal(
      [await watcher.nextPayload(), await watcher.nextPayload(), await watcher.nextPayload()],
      ['false', 'true', 'false'],
    );
  }
});

test('QoS 2 from a client: one delivery until PUBREL, also over connections [MQTT-4.3.3-10] [MQTT-4.3.3-12], 3.1.1 [MQTT-4.3.3-2]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('once/');
    const watcher = await subscriber(level, topic, 2);
    const settings = { ...lasting(level), clientId: subject.name('once') };
    const client = await subject.connect(level, settings);
    for (const dup of [false, true, false]) {
      client.publish(topic, 'once', { qos: 2, packetId: 7, dup });
      await client.next('pubrec');
    }
    client.destroy();
    await subject.broker.untilOffline(settings.clientId);
    const back = await subject.connect(level, settings);
    back.publish(topic, 'once', { qos: 2, packetId: 7, dup: true });
    await back.next('pubrec');
    back.send(pubrel(7));
    await back.next('pubcomp');
    back.publish(topic, 'new', { qos: 2, packetId: 7 });
    await back.next('pubrec');
    assert.equal([await watcher.nextPayload(), await watcher.nextPayload()], ['once', 'new']);
  }
});

test('unacknowledged until PUBACK and PUBCOMP; sent again in order, with DUP, and at no other time [MQTT-3.3.1-1] [MQTT-3.6.2-1] [MQTT-4.3.2-3] [MQTT-4.3.3-3] [MQTT-4.3.3-4] [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-4.4.0-1], 3.1.1 [MQTT-3.3.1-1] [MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-4.6.0-4]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('resent/');
    const settings = { ...lasting(level), clientId: subject.name('resent') };
    const client = await subscriber(level, topic, 2, settings);
    const publisher = await subject.connect(level);
    for (let i = 0; i < 6; i++) publisher.publish(topic, `m${i}`, { qos: i < 3 ? 1 : 2, packetId: i + 1 });
    const ids: number[] = [];
    for (let i = 0; i < 6; i++) ids.push((await client.nextPublish()).messageId!);
    assert.equal(await client.settled(), [], 'nothing is sent again on a live connection');
    client.send(puback(ids[1]!), pubrec(ids[4]!), pubrec(ids[3]!));
    const released = (await client.settled()) as unknown as Ack[];
    assert.equal(
      released.map(({ cmd, messageId }) => [cmd, messageId]),
      [
        ['pubrel', ids[4]],
        ['pubrel', ids[3]],
      ],
    );
    client.destroy();
    await subject.broker.untilOffline(settings.clientId);
    const back = await subject.connect(level, settings);
    const again = (await back.settled()) as unknown as (Ack & { dup: boolean })[];
    assert.equal(
      again.map(({ cmd, messageId, dup }) => [cmd, messageId, cmd === 'publish' ? dup : true]),
      [
        ['publish', ids[0], true],
        ['publish', ids[2], true],
        ['pubrel', ids[3], true],
        ['pubrel', ids[4], true],
        ['publish', ids[5], true],
      ],
    ); // prettier-ignore
    back.send(puback(ids[0]!), puback(ids[2]!), pubcomp(ids[3]!), pubcomp(ids[4]!), pubrec(ids[5]!));
    await back.next('pubrel');
    back.send(pubcomp(ids[5]!));
    await back.settled();
    back.destroy();
    await subject.broker.untilOffline(settings.clientId);
    assert.equal(await (await subject.connect(level, settings)).settled(), []);
  }
});

test('a message that is refused is not sent again [MQTT-4.4.0-2]', async () => {
  const topic = subject.name('refused/');
  const settings = { ...lasting(5), clientId: subject.name('refuses') };
  const client = await subscriber(5, topic, 2, settings);
  client.publish(topic, 'one', { qos: 1, packetId: 1 });
  client.publish(topic, 'two', { qos: 2, packetId: 2 });
  const ids = ((await client.settled()).filter(({ cmd }) => cmd === 'publish') as unknown as Ack[]).map(
    ({ messageId }) => messageId!,
  );
  client.send(packet(0x40, u16(ids[0]!), 0x80), packet(0x50, u16(ids[1]!), 0x97));
  assert.equal(await client.settled(), [], 'no PUBREL');
  client.destroy();
  await subject.broker.untilOffline(settings.clientId);
  assert.equal(await (await subject.connect(5, settings)).settled(), []);
});

test('after a PUBREC that refuses, the id means a new message [MQTT-4.3.3-9] [MQTT-3.5.2-1]', async () => {
  const topic = subject.name('false/');
  const watcher = await subscriber(5, topic, 2);
  const client = await subject.connect(5);
  client.send(packet(0x34, field(topic), u16(9), 2, 0x01, 1, bytes(0xff)));
  assert.is(((await client.next('pubrec')) as Ack).reasonCode, 0x99);
  client.publish(topic, 'good', { qos: 2, packetId: 9 });
  assert.is(((await client.next('pubrec')) as Ack).reasonCode, 0);
  assert.is(await watcher.nextPayload(), 'good');
});

test('the payload format is looked at [MQTT-3.4.2-1]', async () => {
  const topic = subject.name('text/');
  const client = await subject.connect(5);
  client.send(packet(0x32, field(topic), u16(9), 2, 0x01, 1, bytes(0xff)));
  const refused = (await client.next('puback')) as Ack & { properties?: { reasonString?: string } };
  assert.is(refused.reasonCode, 0x99);
  assert.ok(refused.properties?.reasonString);
  client.send(packet(0x32, field(topic), u16(9), 2, 0x01, 1, 'naïve'));
  assert.is(((await client.next('puback')) as Ack).reasonCode, 0x10);
  await subject.breaks(5, packet(0x30, field(topic), 2, 0x01, 1, bytes(0xff)), 0x99);
});

test('the client’s receive maximum [MQTT-3.3.4-9] [MQTT-3.3.4-10] [MQTT-4.9.0-1] [MQTT-4.9.0-2] [MQTT-4.9.0-3]', async () => {
  const topic = subject.name('window/');
  const client = await subscriber(5, topic, 2, { receiveMaximum: 3 });
  const publisher = await subject.connect(5);
  for (let i = 0; i < 8; i++) publisher.publish(topic, `m${i}`, { qos: i % 2 === 0 ? 1 : 2, packetId: i + 1 });
  publisher.publish(topic, 'zero');
  await publisher.settled();
  const got = (await client.settled()) as unknown as ReceivedPublish[];
  assert.equal(
    got.map(({ payload }) => String(payload)),
    ['m0', 'm1', 'm2', 'zero'],
    'QoS 0 and PINGRESP are not held back',
  );
  client.send(pubrec(got[1]!.messageId!));
  assert.is(((await client.next('pubrel')) as Ack).messageId, got[1]!.messageId);
  assert.equal(await client.settled(), [], 'PUBREC makes no room');
  client.send(pubcomp(got[1]!.messageId!), puback(got[0]!.messageId!));
  assert.equal([await client.nextPayload(), await client.nextPayload()], ['m3', 'm4']);
  assert.equal(texts(await client.settled()), []);
});

test('the server’s receive maximum [MQTT-3.3.4-7]', async () => {
  const client = await subject.connect(5);
  const max = client.connack.properties!.receiveMaximum!;
  for (let id = 1; id <= max; id++) client.publish('t', 'x', { qos: 2, packetId: id });
  assert.is((await client.settled()).length, max);
  client.publish('t', 'x', { qos: 2, packetId: max + 1 });
  assert.is(await client.reasonOfEnd(), 0x93);
});

test('no subscription identifier from a client [MQTT-3.3.4-6]', async () => {
  await subject.breaks(5, propertied('t', bytes(0x0b, 1)), 0x82);
});

test('order of each publisher, topic and QoS [MQTT-4.6.0-5] [MQTT-4.6.0-6], 3.1.1 [MQTT-4.6.0-5] [MQTT-4.6.0-6]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('order/');
    const client = await subscriber(level, topic, 2);
    const publishers = await Promise.all([4, 5].map((each) => subject.connect(each as Level)));
    for (let i = 0; i < 60; i++) {
      for (const [p, publisher] of publishers.entries()) {
        const qos = (i % 3) as 0 | 1 | 2;
        publisher.publish(topic, `${p}/${qos}/${String(i).padStart(2, '0')}`, { qos, packetId: (i % 20) + 1 });
        if (qos === 2) publisher.send(pubrel((i % 20) + 1));
      }
    }
    const last = new Map<string, string>();
    for (let count = 0; count < 120; ) {
      const got = await client.next();
      const { messageId, qos } = got as unknown as ReceivedPublish;
      if (got.cmd === 'pubrel') client.send(pubcomp(messageId!));
      if (got.cmd !== 'publish') continue;
      count++;
      if (qos > 0) client.send((qos === 1 ? puback : pubrec)(messageId!));
      const text = String((got as unknown as ReceivedPublish).payload);
      const key = text.slice(0, 3);
      assert.ok((last.get(key) ?? '') < text, `${last.get(key)} before ${text}`);
      last.set(key, text);
    }
    assert.is(none(level).length, level === 5 ? 1 : 0);
    for (const each of [client, ...publishers]) each.destroy();
  }
});

test.run();
