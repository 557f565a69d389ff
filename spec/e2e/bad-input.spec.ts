import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Prng } from '../../src/base/prng.ts';
import { encodeConnect, encodeSubscribe, PINGREQ } from '../../src/wire/mqtt/client-encoder.ts';
import { Broker } from './broker.ts';
import { puback, pubcomp, pubrec, type RawClient } from './raw-client.ts';
import { until, within } from './until.ts';

const MAX_PACKET_BYTES = 4096;

const connect = (clientId: string, level: 3 | 4 | 5 = 5): Uint8Array =>
  encodeConnect({ level, clientId, cleanStart: true, keepAliveSeconds: 0 });

/** PUBLISH of topic `t` with the property bytes `properties` and no payload. */
const publishWith = (...properties: number[]): Uint8Array =>
  Uint8Array.of(0x30, 4 + properties.length, 0, 1, 0x74, properties.length, ...properties);

/** What a connected 5.0 client must not send, with the reason that it is told and the counter that counts it. */
const BAD: readonly [what: string, bytes: Uint8Array, reason: number, counter: string][] = [
  ['a second CONNECT', connect('again'), 0x82, 'protocol_error'],
  ['a packet of type 0', Uint8Array.of(0x00, 0), 0x81, 'malformed_packet'],
  ['CONNACK', Uint8Array.of(0x20, 3, 0, 0, 0), 0x82, 'protocol_error'],
  ['SUBACK', Uint8Array.of(0x90, 4, 0, 1, 0, 0), 0x82, 'protocol_error'],
  ['PINGRESP', Uint8Array.of(0xd0, 0), 0x82, 'protocol_error'],
  ['AUTH out of the blue', Uint8Array.of(0xf0, 6, 0x19, 4, 0x15, 0, 1, 0x78), 0x82, 'protocol_error'],
  ['PINGREQ with reserved flags', Uint8Array.of(0xc1, 0), 0x81, 'malformed_packet'],
  ['PINGREQ with a body', Uint8Array.of(0xc0, 1, 0), 0x81, 'malformed_packet'],
  ['a remaining length of five bytes', Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x01), 0x81, 'malformed_packet'],
  ['a remaining length that is longer than it needs to be', Uint8Array.of(0xc0, 0x80, 0x00), 0x81, 'malformed_packet'],
  ['a packet that promises more than is allowed', Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f), 0x95, 'packet_too_large'],
  ['PUBLISH with QoS 3', Uint8Array.of(0x36, 6, 0, 1, 0x74, 0, 1, 0), 0x81, 'malformed_packet'],
  ['PUBLISH with DUP at QoS 0', Uint8Array.of(0x38, 4, 0, 1, 0x74, 0), 0x81, 'malformed_packet'],
  ['PUBLISH with packet id 0', Uint8Array.of(0x32, 6, 0, 1, 0x74, 0, 0, 0), 0x82, 'protocol_error'],
  ['PUBLISH whose topic reaches past its end', Uint8Array.of(0x30, 3, 0, 9, 0x74), 0x81, 'malformed_packet'],
  ['PUBLISH to a wildcard', Uint8Array.of(0x30, 4, 0, 1, 0x23, 0), 0x90, 'protocol_error'],
  ['PUBLISH with ill-formed UTF-8 in its topic', Uint8Array.of(0x30, 4, 0, 1, 0xff, 0), 0x81, 'malformed_packet'],
  ['PUBLISH with U+0000 in its topic', Uint8Array.of(0x30, 4, 0, 1, 0x00, 0), 0x81, 'malformed_packet'],
  ['PUBLISH without topic and alias', Uint8Array.of(0x30, 3, 0, 0, 0), 0x82, 'protocol_error'],
  ['PUBLISH with a property of CONNECT', publishWith(0x21, 0, 1), 0x81, 'malformed_packet'],
  ['PUBLISH with a property twice', publishWith(1, 0, 1, 0), 0x82, 'protocol_error'],
  ['PUBLISH with a subscription identifier', publishWith(0x0b, 1), 0x82, 'protocol_error'],
  ['PUBLISH with a wildcard as response topic', publishWith(8, 0, 1, 0x23), 0x82, 'protocol_error'],
  ['PUBLISH whose property is cut off', publishWith(2, 0, 0), 0x81, 'malformed_packet'],
  ['PUBLISH with topic alias 0', publishWith(0x23, 0, 0), 0x94, 'protocol_error'],
  ['PUBLISH with topic alias 65', publishWith(0x23, 0, 65), 0x94, 'protocol_error'],
  ['PUBLISH with an alias that was not set', Uint8Array.of(0x30, 6, 0, 0, 3, 0x23, 0, 7), 0x82, 'protocol_error'],
  ['SUBSCRIBE with reserved flags', Uint8Array.of(0x80, 7, 0, 1, 0, 0, 1, 0x74, 0), 0x81, 'malformed_packet'],
  ['SUBSCRIBE without a filter', Uint8Array.of(0x82, 3, 0, 1, 0), 0x82, 'protocol_error'],
  ['SUBSCRIBE with packet id 0', Uint8Array.of(0x82, 7, 0, 0, 0, 0, 1, 0x74, 0), 0x82, 'protocol_error'],
  ['SUBSCRIBE with QoS 3', Uint8Array.of(0x82, 7, 0, 1, 0, 0, 1, 0x74, 3), 0x82, 'protocol_error'],
  ['SUBSCRIBE with reserved options', Uint8Array.of(0x82, 7, 0, 1, 0, 0, 1, 0x74, 0x40), 0x81, 'malformed_packet'],
  ['UNSUBSCRIBE without a filter', Uint8Array.of(0xa2, 3, 0, 1, 0), 0x82, 'protocol_error'],
  ['PUBACK with packet id 0', puback(0), 0x82, 'protocol_error'],
  ['PUBACK that is too short', Uint8Array.of(0x40, 1, 0), 0x81, 'malformed_packet'],
  ['PUBACK with reserved flags', Uint8Array.of(0x41, 2, 0, 1), 0x81, 'malformed_packet'],
  ['PUBREL without its flags', Uint8Array.of(0x60, 2, 0, 1), 0x81, 'malformed_packet'],
  ['DISCONNECT with a reason that only a server has', Uint8Array.of(0xe0, 1, 0x8b), 0x82, 'protocol_error'],
];

for (const threads of [1, 2]) {
  const test = suite(`bad input, ${threads} reactors`);
  let broker: Broker;
  /** Innocent bystanders. */
  let talker: RawClient;
  let listener: RawClient;
  test.before(async () => {
    broker = await Broker.start({
      'node.threads': threads,
      'mqtt.max_packet_bytes': MAX_PACKET_BYTES,
      'mqtt.inflight_max': 8,
      'mqtt.connect_timeout_ms': 1000,
    });
    talker = await broker.connect({ clientId: 'talker' });
    listener = await broker.connect({ clientId: 'listener' });
    await listener.subscribe('innocent', { qos: 1 });
  });
  test.after.each(async () => {
    talker.publish('innocent', 'still here', { qos: 1, packetId: 1 });
    assert.is((await talker.next()).cmd, 'puback');
    const message = await listener.nextPublish();
    assert.is(String(message.payload), 'still here');
    listener.send(puback(message.messageId!));
    await broker.assertSound();
  });
  test.after(async () => {
    talker.destroy();
    listener.destroy();
    await broker.untilMetric('sluice_mqtt_connections', (value) => value === 0);
    assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
  });

  test('what breaks the rules ends the connection with its reason and is counted', async () => {
    for (const [what, bytes, reason, counter] of BAD) {
      const before = await broker.disconnects(counter);
      const client = await broker.connect();
      client.send(bytes, PINGREQ);
      assert.is(await client.reasonOfEnd(), reason, what);
      assert.is(await broker.disconnects(counter), before + 1, what);
    }
  });

  test('the same byte by byte, after a good packet that is still served', async () => {
    for (const [what, bytes, reason] of BAD) {
      const client = await broker.connect();
      await client.sendInPieces(Buffer.concat([PINGREQ, bytes]));
      assert.is((await client.next()).cmd, 'pingresp', what);
      assert.is(await client.reasonOfEnd(), reason, what);
    }
  });

  test('3.1.1 has no DISCONNECT from the server: the connection just ends', async () => {
    for (const [what, bytes] of BAD.filter(([what]) => !/PROPERTY|property|alias|options|AUTH/.test(what))) {
      if (/^(PUBLISH|SUBSCRIBE|UNSUBSCRIBE|DISCONNECT)/.test(what)) continue; // those bytes are those of 5.0
      const client = await broker.connect({ level: 4 });
      client.send(bytes, PINGREQ);
      await within(what, client.closed);
      assert.equal(client.takeAll(), [], what);
    }
  });

  test('good packets in pieces of one byte are good packets', async () => {
    const client = await broker.open();
    client.speak(5);
    await client.sendInPieces(connect('pieces'));
    assert.is((await client.next()).cmd, 'connack');
    await client.sendInPieces(
      encodeSubscribe(1, 7, [{ filter: 'pieces/#', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }]),
    );
    assert.is((await client.next()).cmd, 'suback');
    const payload = 'x'.repeat(300);
    await client.sendInPieces(client.encodePublish('pieces/of/eight', payload, { qos: 1, packetId: 5 }));
    const both = [await client.next(), await client.next()];
    assert.equal(both.map(({ cmd }) => cmd).sort(), ['puback', 'publish']);
    const published = both.find(({ cmd }) => cmd === 'publish') as { payload?: unknown };
    assert.is(String(published.payload), payload);
    client.destroy();
  });

  test('the first packet must be a CONNECT, a whole and sane one', async () => {
    const timedOut = await broker.disconnects('connect_timeout');
    const table: [string, Uint8Array, number | undefined][] = [
      ['PINGREQ', PINGREQ, undefined],
      ['PUBLISH', publishWith(), undefined],
      ['the first byte of another packet', Uint8Array.of(0x30), undefined],
      ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), undefined],
      [
        'another protocol',
        Buffer.concat([Uint8Array.of(0x10, 13, 0, 4), Buffer.from('MQTX'), Uint8Array.of(5, 2, 0, 0, 0, 0, 0)]),
        undefined,
      ],
      ['level 6', Buffer.concat([Uint8Array.of(0x10, 13, 0, 4), Buffer.from('MQTT'), Uint8Array.of(6, 2, 0, 0, 0, 0, 0)]), 0x84],
      [
        'a reserved flag',
        Buffer.concat([Uint8Array.of(0x10, 13, 0, 4), Buffer.from('MQTT'), Uint8Array.of(5, 3, 0, 0, 0, 0, 0)]),
        0x81,
      ],
      [
        'a receive maximum of 0',
        Buffer.concat([Uint8Array.of(0x10, 16, 0, 4), Buffer.from('MQTT'), Uint8Array.of(5, 2, 0, 0, 3, 0x21, 0, 0, 0, 0)]),
        0x82,
      ],
      [
        'trailing bytes',
        Buffer.concat([Uint8Array.of(0x10, 14, 0, 4), Buffer.from('MQTT'), Uint8Array.of(5, 2, 0, 0, 0, 0, 0, 9)]),
        0x81,
      ],
      [
        'enhanced authentication',
        Buffer.concat([Uint8Array.of(0x10, 17, 0, 4), Buffer.from('MQTT'), Uint8Array.of(5, 2, 0, 0, 4, 0x15, 0, 1, 0x78, 0, 0)]),
        0x8c,
      ],
    ]; // prettier-ignore
    for (const [what, bytes, reason] of table) {
      const client = await broker.open();
      client.speak(5);
      client.send(bytes);
      await within(what, client.closed);
      const answers = client.takeAll() as { cmd: string; reasonCode?: number }[];
      assert.equal(
        answers.map(({ cmd, reasonCode }) => [cmd, reasonCode]),
        reason === undefined ? [] : [['connack', reason]],
        what,
      );
    }
    assert.is(await broker.disconnects('connect_timeout'), timedOut, 'none of them was waited for');
    const old = await broker.open();
    old.speak(4);
    old.send(Buffer.concat([Uint8Array.of(0x10, 12, 0, 4), Buffer.from('MQTT'), Uint8Array.of(3, 2, 0, 0, 0, 0)]));
    await within('the refusal', old.closed);
    assert.equal(
      (old.takeAll() as { returnCode?: number }[]).map(({ returnCode }) => returnCode),
      [1],
    );
    const nameless = await broker.open();
    nameless.speak(4);
    nameless.send(Buffer.concat([Uint8Array.of(0x10, 12, 0, 4), Buffer.from('MQTT'), Uint8Array.of(4, 0, 0, 0, 0, 0)]));
    await within('the refusal', nameless.closed);
    assert.equal(
      (nameless.takeAll() as { returnCode?: number }[]).map(({ returnCode }) => returnCode),
      [2],
    );
  });

  test('out of order: PUBREC for QoS 1, PUBACK for QoS 2, PUBCOMP before PUBREC; unknown ids are only answered', async () => {
    for (const [qos, bad] of [
      [1, pubrec],
      [1, pubcomp],
      [2, puback],
      [2, pubcomp],
    ] as const) {
      const client = await broker.connect();
      await client.subscribe('order', { qos });
      talker.publish('order', 'x', { qos: 2, packetId: 2 });
      assert.is((await talker.next()).cmd, 'pubrec');
      talker.send(Uint8Array.of(0x62, 2, 0, 2));
      assert.is((await talker.next()).cmd, 'pubcomp');
      const { messageId } = await client.nextPublish();
      client.send(bad(messageId!));
      assert.is(await client.reasonOfEnd(), 0x82);
    }
    const client = await broker.connect();
    client.send(puback(999), pubcomp(999), pubrec(999), Uint8Array.of(0x62, 2, 3, 0xe7));
    const answers = (await client.settled()) as { cmd: string; reasonCode?: number }[];
    assert.equal(
      answers.map(({ cmd, reasonCode }) => [cmd, reasonCode]),
      [
        ['pubrel', 0x92],
        ['pubcomp', 0x92],
      ],
    );
    client.destroy();
  }); // prettier-ignore

  test('more QoS 2 messages at once than the receive maximum end the connection with 0x93', async () => {
    const client = await broker.connect();
    assert.is((client.connack.properties as { receiveMaximum?: number }).receiveMaximum, 8);
    for (let id = 1; id <= 9; id++) client.publish('window', 'x', { qos: 2, packetId: id });
    for (let id = 1; id <= 8; id++) assert.is((await client.next()).cmd, 'pubrec');
    assert.is(await client.reasonOfEnd(), 0x93);
  });

  test('packets up to the maximum size pass, one byte more ends the connection with 0x95', async () => {
    const client = await broker.connect();
    assert.is((client.connack.properties as { maximumPacketSize?: number }).maximumPacketSize, MAX_PACKET_BYTES);
    await client.subscribe('size');
    const overhead = client.encodePublish('size', Buffer.alloc(1000)).length - 1000;
    const largest = client.encodePublish('size', Buffer.alloc(MAX_PACKET_BYTES - overhead));
    assert.is(largest.length, MAX_PACKET_BYTES);
    client.send(largest);
    assert.is((await client.nextPublish()).raw.length, MAX_PACKET_BYTES);
    client.send(client.encodePublish('size', Buffer.alloc(MAX_PACKET_BYTES - overhead + 1)));
    assert.is(await client.reasonOfEnd(), 0x95);
  });

  test('a client that goes on sending after it was shut out is cut off', async () => {
    const client = await broker.connect();
    client.closesWhenTold = false;
    client.send(Uint8Array.of(0xc1, 0));
    assert.is((await client.next('disconnect')).cmd, 'disconnect');
    await until('it is cut off', () => {
      client.send(PINGREQ);
      return client.isClosed;
    });
  });

  test('random bytes at many sockets, before and after CONNECT', async () => {
    const random = new Prng(threads);
    const garbage = (): Uint8Array =>
      Uint8Array.from({ length: 1 + Math.floor(random.next() * 400) }, () => Math.floor(random.next() * 256));
    for (let round = 0; round < 5; round++) {
      const clients = await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          if (i % 2 === 0) return broker.open();
          return broker.connect({ level: i % 4 === 1 ? 5 : 4 });
        }),
      );
      for (const client of clients) {
        client.ignoreWhatComes();
        for (let i = 0; i < 20; i++) client.send(garbage());
      }
      await until('all are shut out', () => {
        for (const client of clients) if (!client.isClosed) client.send(garbage());
        return clients.every(({ isClosed }) => isClosed);
      });
    }
    await broker.untilMetric('sluice_mqtt_connections', (value) => value === 2);
  });

  test('a thousand half-open connections time out', async () => {
    const before = await broker.disconnects('connect_timeout');
    const half = await Promise.all(Array.from({ length: 1000 }, () => broker.open()));
    const start = connect('half').subarray(0, 5);
    for (const [i, client] of half.entries()) if (i % 2 === 0) client.send(start);
    await Promise.all(half.map((client) => within('the time-out', client.closed)));
    assert.equal(
      half.flatMap((client) => client.takeAll()),
      [],
    );
    assert.is(await broker.disconnects('connect_timeout'), before + 1000);
    await broker.untilMetric('sluice_mqtt_connections', (value) => value === 2);
  }); // prettier-ignore

  test.run();
}
