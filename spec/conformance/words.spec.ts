import * as assert from 'uvu/assert';
import type { Received } from '../e2e/raw-client.ts';
import { answerOf, bytes, conformance, connect, entry, field, packet, subscribe, u16 } from './subject.ts'; // prettier-ignore

type Told = { readonly reasonCode?: number; readonly properties?: Record<string, unknown> };
const told = (packet: Received): Told => packet as unknown as Told;

// ── Packet sizes and words ─────────────────────────────────────────────────────────────────────────────────────────────────────
{
  const { test, subject } = conformance('sizes and words');

  /** The answers to everything that can be refused, for a client that wants `problemInformation` and takes packets of `packetMax`. */
  async function answers(problemInformation: number, packetMax: number): Promise<Record<string, Received>> {
    const client = await subject.broker.open();
    client.speak(5);
    const properties = bytes(0x17, problemInformation, 0x27, 0, 0, u16(packetMax));
    client.send(connect(5, { properties, payload: field(subject.name('words')) }));
    assert.is(answerOf(await client.next('connack'))[0], 0);
    const falseText = (first: number): Buffer => packet(first, field('t'), u16(9), 2, 0x01, 1, bytes(0xff));
    const got: Record<string, Received> = {};
    for (const [cmd, request] of [
      ['suback', subscribe(5, 1, entry('#a'))],
      ['unsuback', packet(0xa2, u16(2), 0, field('nothing'))],
      ['puback', falseText(0x32)],
      ['pubrec', falseText(0x34)],
      ['pubcomp', packet(0x62, u16(99))],
      ['pubrel', packet(0x50, u16(99))],
      ['disconnect', packet(0x30, field('#'), 0)],
    ] as const) {
      client.send(request);
      got[cmd] = await client.next(cmd);
    }
    return got;
  }

  test('no words where they are not wanted or do not fit [MQTT-3.1.2-29] [MQTT-3.4.2-2] [MQTT-3.4.2-3] [MQTT-3.5.2-2] [MQTT-3.5.2-3] [MQTT-3.6.2-2] [MQTT-3.6.2-3] [MQTT-3.7.2-2] [MQTT-3.7.2-3] [MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-3.11.2-1] [MQTT-3.11.2-2] [MQTT-3.14.2-3] [MQTT-3.14.2-4]', async () => {
    const words = (packet: Received): unknown => told(packet).properties?.reasonString;
    const wanted = await answers(1, 1000);
    for (const cmd of ['suback', 'puback', 'pubrec', 'disconnect']) assert.ok(words(wanted[cmd]!), cmd);
    const unwanted = await answers(0, 1000);
    for (const [cmd, packet] of Object.entries(unwanted)) if (cmd !== 'disconnect') assert.is(words(packet), undefined, cmd);
    const small = await answers(1, 24);
    for (const [cmd, packet] of Object.entries(small)) {
      assert.is(words(packet), undefined, cmd);
      assert.is(told(packet).properties?.userProperties, undefined, cmd);
      assert.ok(packet.raw.length <= 24, cmd);
    }
    assert.equal((small.suback as unknown as { granted: number[] }).granted, [0x8f]);
    assert.equal([told(small.puback!).reasonCode, told(small.pubrec!).reasonCode], [0x99, 0x99]);
    assert.equal([told(small.pubcomp!).reasonCode, told(small.pubrel!).reasonCode], [0x92, 0x92]);
    assert.is(told(small.disconnect!).reasonCode, 0x90);
  });

  test('a CONNACK that refuses leaves out what does not fit [MQTT-3.2.2-19] [MQTT-3.2.2-20]', async () => {
    const refusal = async (packetMax: number): Promise<Received> => {
      const client = await subject.broker.open();
      client.speak(5);
      client.send(connect(5, { properties: bytes(0x27, 0, 0, u16(packetMax), 0x15, field('unknown')) }));
      return client.next('connack');
    };
    const [large, small] = [await refusal(1000), await refusal(12)];
    assert.equal([told(large).reasonCode, told(small).reasonCode], [0x8c, 0x8c]);
    assert.ok(told(large).properties?.reasonString);
    assert.ok(small.raw.length <= 12 && told(small).properties?.reasonString === undefined);
  });

  test('what is too large for a client is as good as delivered [MQTT-3.1.2-24] [MQTT-3.1.2-25]', async () => {
    const client = await subject.connect(5, { maximumPacketSize: 200, receiveMaximum: 1 });
    await client.subscribe('large', { qos: 1 });
    const publisher = await subject.connect(5);
    for (const [i, size] of [10, 500, 20, 300, 30].entries())
      publisher.publish('large', 'x'.repeat(size), { qos: 1, packetId: i + 1 });
    for (const size of [10, 20, 30]) {
      const got = await client.nextPublish();
      assert.is(got.payload.length, size);
      client.send(bytes(0x40, 2, u16(got.messageId!)));
    }
    assert.equal(await client.settled(), []);
  });

  test('without a method no AUTH [MQTT-4.12.0-6] [MQTT-4.12.0-7] [MQTT-4.12.0-1]', async () => {
    const client = await subject.connect(5);
    assert.is(client.connack.properties?.authenticationMethod, undefined);
    await subject.breaks(5, packet(0xf0, 0x19, 8, 0x15, field('SCRAM')), 0x82);
    await subject.refuses(5, connect(5, { properties: bytes(0x15, field('unknown')) }), 0x8c);
  });

  test.run();
}
