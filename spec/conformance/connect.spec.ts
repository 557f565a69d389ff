// CONNECT, CONNACK, DISCONNECT, PINGREQ: sections 3.1, 3.2, 3.12, 3.14, 4.1.
import * as assert from 'uvu/assert';
import type { ConnectSettings, RawClient } from '../e2e/raw-client.ts';
import { within } from '../e2e/until.ts';
import {
  answerOf,
  BOTH,
  bytes,
  conformance,
  connect,
  endsWith,
  field,
  goodConnect,
  type Level,
  none,
  packet,
  publish,
  texts,
  u16,
} from './subject.ts'; // prettier-ignore

const { test, subject } = conformance('connect', { 'mqtt.connect_timeout_ms': 60000 });

const lasting = (level: Level): Partial<ConnectSettings> =>
  level === 5 ? { cleanStart: false, sessionExpiry: 600 } : { cleanStart: false };

test('CONNECT comes first, and once [MQTT-3.1.0-1] [MQTT-3.1.0-2], 3.1.1 [MQTT-3.1.0-1] [MQTT-3.1.0-2]', async () => {
  for (const level of BOTH) {
    for (const first of [publish(level, 't'), packet(0xc0), packet(0x82, u16(1), none(level), field('t'), 0)]) {
      await subject.refuses(level, first, null);
    }
    await subject.breaks(level, goodConnect(level, { clientId: subject.name('again') }), 0x82);
  }
});

test('protocol names and levels [MQTT-3.1.2-1] [MQTT-3.1.2-2], 3.1.1 [MQTT-3.1.2-1] [MQTT-3.1.2-2] [MQTT-3.2.2-4] [MQTT-3.2.2-5]', async () => {
  await subject.refuses(4, connect(4, { name: 'MQTS' }), null);
  await subject.refuses(4, connect(4, { name: 'mqtt' }), null);
  await subject.refuses(5, connect(6), 0x84);
  await subject.refuses(4, connect(2), 1);
  await subject.refuses(4, packet(0x10, field('MQIsdp'), 4, 2, u16(0), field('c')), 1);
  const old = await subject.broker.open();
  old.speak(3);
  old.send(packet(0x10, field('MQIsdp'), 3, 2, u16(0), field('old')));
  assert.equal(answerOf(await old.next('connack')), [0, false]);
});

test('flags that contradict themselves [MQTT-3.1.2-3] [MQTT-3.1.2-11] [MQTT-3.1.2-12] [MQTT-3.1.2-13] [MQTT-3.1.4-1], 3.1.1 [MQTT-3.1.2-3] [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-14] [MQTT-3.1.2-15] [MQTT-3.1.2-22] [MQTT-3.1.4-1]', async () => {
  for (const level of BOTH) {
    const code = level === 5 ? 0x81 : null;
    const will = bytes(field('c'), none(level), field('t'), field('m'));
    for (const flags of [0x03, 0x0a, 0x12, 0x22]) await subject.refuses(level, connect(level, { flags }), code);
    await subject.refuses(level, connect(level, { flags: 0x1e, payload: will }), code);
  }
  await subject.refuses(4, connect(4, { flags: 0x42, payload: bytes(field('c'), field('p')) }), null);
});

test('what the flags announce is there, and nothing else, in its order [MQTT-3.1.2-9] [MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT-3.1.2-18] [MQTT-3.1.2-19] [MQTT-3.1.3-1] [MQTT-3.1.3-3], 3.1.1 [MQTT-3.1.2-9] [MQTT-3.1.2-18] [MQTT-3.1.2-19] [MQTT-3.1.2-20] [MQTT-3.1.2-21] [MQTT-3.1.3-1] [MQTT-3.1.3-3]', async () => {
  for (const level of BOTH) {
    const code = level === 5 ? 0x81 : null;
    await subject.refuses(level, connect(level, { payload: bytes() }), code);
    await subject.refuses(level, connect(level, { flags: 0x06, payload: field('c') }), code);
    await subject.refuses(level, connect(level, { flags: 0x82, payload: field('c') }), code);
    await subject.refuses(level, connect(level, { flags: 0xc2, payload: bytes(field('c'), field('u')) }), code);
    await subject.refuses(level, connect(level, { payload: bytes(field('c'), field('u')) }), code);
    await subject.refuses(level, connect(level, { flags: 0x82, payload: bytes(field('c'), field('u'), field('p')) }), code);
    const all = bytes(field(subject.name('c')), none(level), field('will/t'), field('m'), field('user'), field('pass'));
    const client = await subject.broker.open();
    client.speak(level);
    client.send(connect(level, { flags: 0xc6, payload: all }));
    assert.is(answerOf(await client.next('connack'))[0], 0);
    await client.disconnect();
  }
});

test('clean start [MQTT-3.1.2-4] [MQTT-3.1.4-4] [MQTT-3.2.2-2] [MQTT-3.1.4-5] [MQTT-4.1.0-1], 3.1.1 [MQTT-3.1.2-6] [MQTT-3.1.4-3] [MQTT-3.2.2-1] [MQTT-3.1.4-4] [MQTT-4.1.0-1] [MQTT-4.1.0-2]', async () => {
  for (const level of BOTH) {
    const clientId = subject.name('clean');
    const first = await subject.connect(level, { ...lasting(level), clientId });
    await first.subscribe(clientId, { qos: 1 });
    first.publish(clientId, 'mine', { qos: 1, packetId: 1 });
    assert.is(texts([await first.next(), await first.next()])[0], 'mine', 'the session is there as long as the connection');
    await first.disconnect();
    const clean = await subject.connect(level, { clientId, cleanStart: true });
    assert.equal(answerOf(clean.connack as never), [0, false]);
    clean.publish(clientId, 'x');
    assert.equal(await clean.settled(), []);
    await clean.disconnect();
    await subject.broker.untilGone(clientId);
    const after = await subject.connect(level, { ...lasting(level), clientId });
    assert.is(answerOf(after.connack as never)[1], false, 'nothing of it is used again');
    await after.disconnect();
  }
});

test('a session goes on [MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-3.1.2-23] [MQTT-3.1.3-2] [MQTT-3.2.2-3] [MQTT-4.5.0-1], 3.1.1 [MQTT-3.1.2-4] [MQTT-3.1.2-5] [MQTT-3.1.3-2] [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT-4.5.0-1]', async () => {
  for (const level of BOTH) {
    const clientId = subject.name('goes-on');
    const first = await subject.connect(level, { ...lasting(level), clientId });
    assert.is(answerOf(first.connack as never)[1], false);
    await first.subscribe(clientId, { qos: 2 });
    first.destroy();
    await subject.broker.untilOffline(clientId);
    const publisher = await subject.connect(level);
    publisher.publish(clientId, 'one', { qos: 1, packetId: 1 });
    publisher.publish(clientId, 'two', { qos: 2, packetId: 2 });
    await publisher.settled();
    const second = await subject.connect(level, { ...lasting(level), clientId });
    assert.is(answerOf(second.connack as never)[1], true);
    assert.equal([await second.nextPayload(), await second.nextPayload()], ['one', 'two']);
    await second.disconnect();
    const stranger = await subject.connect(level, { ...lasting(level), clientId: `${clientId}x` });
    assert.is(answerOf(stranger.connack as never)[1], false, 'by its client id alone');
  }
});

test('a session that has expired is gone [MQTT-4.1.0-2]', async () => {
  const clientId = subject.name('expires');
  (await subject.connect(5, { clientId, cleanStart: false, sessionExpiry: 1 })).destroy();
  await subject.broker.untilOffline(clientId);
  await subject.broker.untilGone(clientId);
  const after = await subject.connect(5, { clientId, cleanStart: false });
  assert.is(answerOf(after.connack as never)[1], false);
});

test('client ids [MQTT-3.1.3-5] [MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16], 3.1.1 [MQTT-3.1.3-5] [MQTT-3.1.3-6]', async () => {
  const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  for (const level of BOTH) {
    for (let at = 0; at < alphabet.length; at += 23) {
      (await subject.connect(level, { clientId: alphabet.slice(at, at + 23) })).destroy();
    }
    const given = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const client = await subject.connect(level, { clientId: '' });
      const topic = subject.name('anonymous/');
      await client.subscribe(topic);
      client.publish(topic, 'served');
      assert.is(await client.nextPayload(), 'served');
      if (level === 5) given.add(client.connack.properties!.assignedClientIdentifier!);
    }
    if (level === 5) assert.is(given.size, 3);
  }
});

test('an id that is not accepted [MQTT-3.1.3-8], 3.1.1 [MQTT-3.1.3-7] [MQTT-3.1.3-8] [MQTT-3.1.3-9]', async () => {
  await subject.refuses(4, connect(4, { flags: 0, payload: field('') }), 2);
  // 5.0 has a case of its own below, with ids switched off
  const client = await subject.broker.open();
  client.speak(5);
  client.send(connect(5, { flags: 0, payload: field('') }));
  assert.is(answerOf(await client.next('connack'))[0], 0);
});

test('takeover [MQTT-3.1.4-3] [MQTT-3.14.2-1] [MQTT-3.14.2-2] [MQTT-3.14.4-1] [MQTT-3.14.4-2], 3.1.1 [MQTT-3.1.4-2]', async () => {
  for (const level of BOTH) {
    const clientId = subject.name('taken');
    const first = await subject.connect(level, { clientId, ...(level === 5 ? { sessionExpiry: 100 } : {}) });
    const second = await subject.connect(level, { clientId });
    if (level === 5) {
      const told = await first.next('disconnect');
      assert.is((told as { reasonCode?: number }).reasonCode, 0x8e);
      assert.is((told as { properties?: { sessionExpiryInterval?: number } }).properties?.sessionExpiryInterval, undefined);
    }
    await within('the end of the connection', first.closed);
    assert.equal(first.takeAll(), [], 'nothing after DISCONNECT');
    assert.equal(await second.settled(), []);
  }
});

test('what follows a refused CONNECT is not looked at [MQTT-3.1.4-6] [MQTT-3.2.2-6] [MQTT-3.2.2-7] [MQTT-3.14.0-1], 3.1.1 [MQTT-3.1.4-5]', async () => {
  const topic = subject.name('refused/');
  const watcher = await subject.connect(5);
  await watcher.subscribe(topic);
  for (const level of BOTH) {
    const bad = level === 5 ? connect(6) : connect(4, { flags: 0, payload: field('') });
    await subject.refuses(level, bytes(bad, publish(level, topic)), level === 5 ? 0x84 : 2);
  }
  assert.equal(await watcher.settled(), []);
});

test('CONNACK comes first, and once [MQTT-3.2.0-1] [MQTT-3.2.0-2] [MQTT-3.2.2-1] [MQTT-3.2.2-8], 3.1.1 [MQTT-3.2.0-1]', async () => {
  for (const level of BOTH) {
    const clientId = subject.name('first');
    const before = await subject.connect(level, { ...lasting(level), clientId });
    await before.subscribe(clientId, { qos: 1 });
    before.destroy();
    await subject.broker.untilOffline(clientId);
    const publisher = await subject.connect(level);
    publisher.publish(clientId, 'waits', { qos: 1, packetId: 1 });
    await publisher.next('puback');
    const client = await subject.broker.open();
    client.speak(level);
    client.send(bytes(goodConnect(level, { ...lasting(level), clientId }), publish(level, 'pipelined'), packet(0xc0)));
    const order: string[] = [];
    while (!order.includes('pingresp') || !order.includes('publish')) {
      const next = await client.next();
      if (next.cmd === 'connack') assert.is(next.raw[level === 5 ? 2 : 2]! & 0xfe, 0);
      order.push(next.cmd!);
    }
    assert.is(order[0], 'connack');
    assert.is(order.filter((cmd) => cmd === 'connack').length, 1);
    client.destroy();
  }
});

test('keep-alive [MQTT-3.1.2-22] [MQTT-3.2.2-22], 3.1.1 [MQTT-3.1.2-24]', async () => {
  for (const level of BOTH) {
    const client = await subject.connect(level, { keepAliveSeconds: 1 });
    assert.is(client.connack.properties?.serverKeepAlive, undefined);
    await endsWith(client, level, 0x8d);
  }
});

test('PINGREQ [MQTT-3.12.4-1], 3.1.1 [MQTT-3.12.4-1]', async () => {
  for (const level of BOTH) {
    const client = await subject.connect(level);
    client.send(packet(0xc0));
    assert.equal((await client.next('pingresp')).raw, bytes(0xd0, 0));
  }
});

// ── Wills ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function watch(topic: string): Promise<RawClient> {
  const watcher = await subject.connect(5);
  await watcher.subscribe(topic, { qos: 2, retainAsPublished: true });
  return watcher;
}

test('a will is published when its client is gone, with its QoS and RETAIN [MQTT-3.1.2-7] [MQTT-3.1.2-8] [MQTT-3.1.2-14] [MQTT-3.1.2-15], 3.1.1 [MQTT-3.1.2-8] [MQTT-3.1.2-16] [MQTT-3.1.2-17]', async () => {
  for (const level of BOTH) {
    for (const retain of [false, true]) {
      for (const qos of [0, 1, 2] as const) {
        const topic = subject.name('will/');
        const watcher = await watch(topic);
        const client = await subject.connect(level, { will: { topic, payload: Buffer.from('gone'), qos, retain } });
        client.destroy();
        const got = await watcher.nextPublish();
        assert.equal([String(got.payload), got.qos, got.retain], ['gone', qos, retain]);
        const later = await subject.connect(5);
        await later.subscribe(topic);
        assert.equal(texts(await later.settled()), retain ? ['gone'] : []);
        watcher.destroy();
        later.destroy();
      }
    }
  }
});

test('a good-bye discards the will; it comes once [MQTT-3.1.2-10] [MQTT-3.14.4-3], 3.1.1 [MQTT-3.1.2-10] [MQTT-3.1.2-12] [MQTT-3.14.4-3]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('will/');
    const clientId = subject.name('wills');
    const will = { topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false };
    const watcher = await watch(topic);
    await (await subject.connect(level, { clientId, will })).disconnect();
    (await subject.connect(level, { clientId, will, ...lasting(level) })).destroy();
    assert.is(await watcher.nextPayload(), 'gone');
    await (await subject.connect(level, { clientId, ...lasting(level) })).disconnect();
    (await subject.connect(level, { clientId })).destroy();
    await subject.broker.untilGone(clientId);
    assert.equal(await watcher.settled(), [], 'neither again nor without a will');
  }
});

test('DISCONNECT 0x04 publishes the will [MQTT-3.1.2-8]', async () => {
  const topic = subject.name('will/');
  const watcher = await watch(topic);
  const client = await subject.connect(5, { will: { topic, payload: Buffer.from('wanted'), qos: 0, retain: false } });
  await client.disconnect(bytes(0xe0, 1, 4));
  assert.is(await watcher.nextPayload(), 'wanted');
});

test('a client that is back in time stops its will; the end of its session publishes it [MQTT-3.1.2-8] [MQTT-3.1.3-9]', async () => {
  const topic = subject.name('will/');
  const watcher = await watch(topic);
  const clientId = subject.name('delayed');
  const will = { topic, payload: Buffer.from('late'), qos: 0 as const, retain: false, delaySeconds: 1 };
  const settings = { clientId, cleanStart: false, sessionExpiry: 600, will };
  (await subject.connect(5, settings)).destroy();
  await subject.broker.untilOffline(clientId);
  const back = await subject.connect(5, { ...settings, will: { ...will, payload: Buffer.from('second') } });
  back.destroy();
  assert.is(await watcher.nextPayload(), 'second', 'the first one never came');
  const ends = subject.name('ends');
  (
    await subject.connect(5, {
      clientId: ends,
      sessionExpiry: 1,
      will: { ...will, payload: Buffer.from('end'), delaySeconds: 3600 },
    })
  ).destroy();
  assert.is(await watcher.nextPayload(), 'end');
});

test('user properties of a will keep their order [MQTT-3.1.3-10] [MQTT-3.3.2-18]', async () => {
  const topic = subject.name('will/');
  const watcher = await watch(topic);
  const pairs = bytes(...['b', 'a', 'b', 'c'].flatMap((name, i) => [0x26, field(name), field(String(i))]));
  const client = await subject.broker.open();
  client.speak(5);
  client.send(connect(5, { flags: 6, payload: bytes(field(subject.name('c')), pairs.length, pairs, field(topic), field('m')) }));
  await client.next('connack');
  client.destroy();
  const { raw } = await watcher.nextPublish();
  assert.ok(raw.includes(pairs), raw.toString('hex'));
});

test.run();
