// Chapters 1 and 2: strings, integers, flags, packet ids; and what ends a connection in general.
import * as assert from 'uvu/assert';
import { puback, pubcomp, pubrec, pubrel } from '../e2e/raw-client.ts';
import {
  BOTH,
  bytes,
  conformance,
  connect,
  entry,
  field,
  goodConnect,
  ILL_FORMED,
  none,
  packet,
  publish,
  subscribe,
  u16,
  unsubscribe,
} from './subject.ts'; // prettier-ignore

const { test, subject } = conformance('format');

test('ill-formed strings anywhere [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-3.8.3-1] [MQTT-3.10.3-1] [MQTT-4.7.3-2], 3.1.1 [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-3.8.3-1] [MQTT-3.10.3-1] [MQTT-4.7.3-2]', async () => {
  for (const level of BOTH) {
    for (const text of Object.values(ILL_FORMED)) {
      await subject.breaks(level, publish(level, text), 0x81);
      await subject.breaks(level, subscribe(level, 1, entry(text)), 0x81);
      await subject.breaks(level, unsubscribe(level, 1, text), 0x81);
    }
  }
});

test('the fields of CONNECT are strings [MQTT-3.1.3-4] [MQTT-3.1.3-11] [MQTT-3.1.3-12], 3.1.1 [MQTT-3.1.3-4] [MQTT-3.1.3-10] [MQTT-3.1.3-11] [MQTT-3.1.4-1] [MQTT-3.2.2-6]', async () => {
  for (const text of Object.values(ILL_FORMED)) {
    for (const level of BOTH) {
      const code = level === 5 ? 0x81 : null; // 3.1.1 has no return code for it
      await subject.refuses(level, connect(level, { payload: field(text) }), code);
      await subject.refuses(
        level,
        connect(level, { flags: 6, payload: bytes(field('c'), none(level), field(text), field('m')) }),
        code,
      );
      await subject.refuses(level, connect(level, { flags: 0x82, payload: bytes(field('c'), field(text)) }), code);
    }
  }
});

test('U+FEFF stays where it is [MQTT-1.5.4-3], 3.1.1 [MQTT-1.5.3-3]', async () => {
  for (const level of BOTH) {
    const topic = `\ufeff${subject.name('t')}`;
    const client = await subject.connect(level);
    await client.subscribe(topic);
    client.publish(topic, 'with');
    client.publish(topic.slice(1), 'without');
    assert.is((await client.nextPublish()).topic, topic);
    assert.equal(await client.settled(), []);
  }
});

test('integers in their shortest form [MQTT-1.5.5-1]', async () => {
  await subject.breaks(5, bytes(0xc0, 0x80, 0x00), 0x81);
  await subject.breaks(5, bytes(0x30, 0x84, 0x80, 0x00, field('t'), 0), 0x81);
  await subject.breaks(5, packet(0x30, field('t'), 0x80, 0x00), 0x81);
});

test('both halves of a user property are strings [MQTT-1.5.7-1]', async () => {
  for (const text of Object.values(ILL_FORMED)) {
    for (const pair of [bytes(0x26, field(text), field('v')), bytes(0x26, field('k'), field(text))]) {
      await subject.breaks(5, packet(0x82, u16(1), pair.length, pair, entry('t')), 0x81);
      await subject.breaks(5, packet(0x30, field('t'), pair.length, pair), 0x81);
    }
  }
});

test('reserved flags [MQTT-2.1.3-1] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] [MQTT-3.15.1-1], 3.1.1 [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1]', async () => {
  for (const level of BOTH) {
    for (const wrong of [0, 1, 3, 4, 8]) {
      await subject.breaks(level, packet(0x60 | wrong, u16(1)), 0x81);
      await subject.breaks(level, packet(0x80 | wrong, u16(1), none(level), entry('t')), 0x81);
      await subject.breaks(level, packet(0xa0 | wrong, u16(1), none(level), field('t')), 0x81);
    }
    for (const type of [0x40, 0x50, 0x70]) await subject.breaks(level, packet(type | 1, u16(1)), 0x81);
    for (const type of [0xc0, 0xe0, 0xf0]) await subject.breaks(level, packet(type | 2), 0x81);
  }
});

test('packet ids [MQTT-2.2.1-2] [MQTT-2.2.1-3] [MQTT-2.2.1-5] [MQTT-2.2.1-6] [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-5], 3.1.1 [MQTT-2.3.1-1] [MQTT-2.3.1-5] [MQTT-2.3.1-6] [MQTT-2.3.1-7] [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-5]', async () => {
  for (const level of BOTH) {
    await subject.breaks(level, subscribe(level, 0, entry('t')), 0x82);
    await subject.breaks(level, unsubscribe(level, 0, 't'), 0x82);
    await subject.breaks(level, publish(level, 't', 'x', 0x32, 0), 0x82);
    const client = await subject.connect(level);
    client.publish('p', 'x', { qos: 1, packetId: 0x1234 });
    assert.is(((await client.next('puback')) as { messageId?: number }).messageId, 0x1234);
    client.publish('p', 'x', { qos: 2, packetId: 0x1235 });
    assert.is(((await client.next('pubrec')) as { messageId?: number }).messageId, 0x1235);
    client.send(pubrel(0x1235));
    assert.is(((await client.next('pubcomp')) as { messageId?: number }).messageId, 0x1235);
    client.send(subscribe(level, 0x4321, entry('p', 0)));
    assert.is(((await client.next('suback')) as { messageId?: number }).messageId, 0x4321);
    client.send(unsubscribe(level, 0x4322, 'never subscribed'));
    assert.is(((await client.next('unsuback')) as { messageId?: number }).messageId, 0x4322);
    // A QoS 0 message for a subscriber: nothing lies between topic and payload.
    client.publish('p', 'zero');
    const got = await client.nextPublish();
    assert.equal(got.raw, publish(level, 'p', 'zero'));
  }
});

test('the server’s packet ids are free ones [MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT-4.3.3-1] [MQTT-4.3.3-2], 3.1.1 [MQTT-2.3.1-4]', async () => {
  for (const level of BOTH) {
    const topic = subject.name('ids/');
    const client = await subject.connect(level);
    await client.subscribe(topic, { qos: 2 });
    const out = new Set<number>();
    for (let i = 1; i <= 50; i++) {
      client.publish(topic, `m${i}`, { qos: i % 2 === 0 ? 1 : 2, packetId: i });
      let got = await client.next();
      while (got.cmd !== 'publish') got = await client.next();
      const { messageId, dup } = got as unknown as { messageId: number; dup: boolean };
      assert.is(dup, false);
      assert.ok(messageId > 0 && !out.has(messageId), 'not 0 and not in use');
      if (i % 3 === 0 && i % 2 === 0) client.send(puback(messageId));
      else out.add(messageId);
    }
    client.destroy();
  }
});

test('no properties are a length of 0 [MQTT-2.2.2-1]', async () => {
  const client = await subject.connect(5);
  client.send(subscribe(5, 1, entry('none')));
  assert.equal((await client.next('suback')).raw, packet(0x90, u16(1), 0, 0));
  client.publish('none', 'x');
  assert.equal((await client.nextPublish()).raw, packet(0x30, field('none'), 0, 'x'));
});

test('violations end the connection with their reason [MQTT-4.13.1-1] [MQTT-4.13.2-1] [MQTT-3.14.2-1], 3.1.1 [MQTT-4.8.0-1] [MQTT-4.8.0-2]', async () => {
  for (const level of BOTH) {
    await subject.breaks(level, bytes(0x00, 0x00), 0x81);
    await subject.breaks(level, bytes(0x30, 0xff, 0xff, 0xff, 0xff, 0x01), 0x81);
    await subject.breaks(level, packet(0x20, 0, 0), 0x82);
    await subject.breaks(level, packet(0xd0), 0x82);
    await subject.breaks(level, packet(0xc0, 1), 0x81);
    await subject.breaks(level, bytes(0x30, 0xff, 0xff, 0xff, 0x7f, field('t')), 0x95);
  }
  await subject.breaks(5, puback(0), 0x82);
  await subject.breaks(5, pubrec(0), 0x82);
  await subject.breaks(5, pubcomp(0), 0x82);
});

test('a property that is cut off, unknown, out of place or repeated [MQTT-4.13.1-1]', async () => {
  const properties = (...parts: (number | Uint8Array)[]): Buffer => {
    const all = bytes(...parts);
    return packet(0x30, field('t'), all.length, all, 'x');
  };
  await subject.breaks(5, properties(0x01), 0x81); // its value is missing
  await subject.breaks(5, properties(0x02, 0, 0, 0), 0x81);
  await subject.breaks(5, properties(0x03, 0, 9, 0x61), 0x81);
  await subject.breaks(5, properties(0x7f, 1), 0x81);
  await subject.breaks(5, properties(0x21, u16(1)), 0x81);
  await subject.breaks(5, properties(0x01, 1, 0x01, 1), 0x82);
  await subject.breaks(5, packet(0x30, field('t'), 0x05, 0x01), 0x81); // longer than the packet
});

test('packets in pieces of one byte, and many in one, are the same [MQTT-4.2-1], 3.1.1 [MQTT-7.1.1-1] [MQTT-7.0.0-2]', async () => {
  for (const level of [3, 4, 5] as const) {
    const client = await subject.broker.open();
    client.speak(level);
    const dialect = level === 5 ? 5 : 4;
    const topic = subject.name('pieces/');
    await client.sendInPieces(bytes(goodConnect(level, { clientId: subject.name('c') }), subscribe(dialect, 1, entry(topic))));
    for (const cmd of ['connack', 'suback'] as const) await client.next(cmd);
    await client.sendInPieces(publish(dialect, topic, 'slow'));
    assert.is(await client.nextPayload(), 'slow');
    client.send(bytes(...Array.from({ length: 40 }, (_, i) => publish(dialect, topic, `m${i}`))));
    for (let i = 0; i < 40; i++) assert.is(await client.nextPayload(), `m${i}`);
    await client.disconnect();
  }
});

test.run();
