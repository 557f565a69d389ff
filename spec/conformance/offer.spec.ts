import * as assert from 'uvu/assert';
import type { Received, ReceivedPublish } from '../e2e/raw-client.ts';
import { within } from '../e2e/until.ts';
import { BOTH, bytes, conformance, connect, field, goodConnect, publish } from './subject.ts'; // prettier-ignore

type Told = { readonly reasonCode?: number; readonly properties?: Record<string, unknown> };
const told = (packet: Received): Told => packet as unknown as Told;

// ── Little is offered ──────────────────────────────────────────────────────────────────────────────────────────────────────────
{
  const { test, subject } = conformance('a server that offers little', {
    'mqtt.qos_max': 0,
    'mqtt.retained.available': 'false',
    'mqtt.wildcards_available': 'false',
    'mqtt.subscription_ids_available': 'false',
    'mqtt.shared.available': 'false',
    'mqtt.client_id.empty': 'false',
    'mqtt.client_id.bytes_max': 23,
    'mqtt.topic_levels_max': 3,
    'mqtt.keep_alive_max_s': 2,
    'mqtt.session_expiry_max_s': 5,
    'mqtt.max_packet_bytes': 1000,
    'mqtt.subscriptions_max': 3,
  });

  test('it says so in CONNACK [MQTT-3.2.2-9]', async () => {
    const { connack } = await subject.connect(5, { sessionExpiry: 100, keepAliveSeconds: 60 });
    const { receiveMaximum: _r, topicAliasMaximum: _t, ...properties } = { ...connack.properties };
    assert.equal(properties, {
      maximumQoS: 0,
      retainAvailable: false,
      maximumPacketSize: 1000,
      wildcardSubscriptionAvailable: false,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
      serverKeepAlive: 2,
      sessionExpiryInterval: 5,
    });
  });

  test('what it does not take ends the connection [MQTT-4.13.1-1], 3.1.1 [MQTT-4.8.0-1]', async () => {
    for (const level of BOTH) {
      await subject.breaks(level, publish(level, 't', 'x', 0x32), 0x9b);
      await subject.breaks(level, publish(level, 't', 'x', 0x31), 0x9a);
      await subject.breaks(level, publish(level, 'a/b/c/d'), 0x90);
      await subject.breaks(level, publish(level, 't', 'x'.repeat(1000)), 0x95);
    }
  });

  test('subscriptions above it are granted less [MQTT-3.2.2-10] [MQTT-3.9.3-2]', async () => {
    const client = await subject.connect(5);
    assert.equal(await client.subscribe('a', { qos: 2 }), [0]);
    assert.equal(await client.subscribe('a', { qos: 1 }, 7), [0xa1]);
    assert.equal(await client.subscribe('a/+'), [0xa2]);
    assert.equal(await client.subscribe('$share/g/a'), [0x9e]);
    assert.equal(await client.subscribe('a/b/c/d'), [0x8f]);
    assert.equal([await client.subscribe('b'), await client.subscribe('c'), await client.subscribe('d')], [[0], [0], [0x97]]);
  });

  test('filters with wildcards are refused, 3.1.1 [MQTT-3.8.3-2]', async () => {
    const client = await subject.connect(4);
    for (const filter of ['#', 'a/+', '+']) assert.equal(await client.subscribe(filter), [0x80]);
    assert.equal(await client.subscribe('a'), [0]);
  });

  test('wills that it cannot publish [MQTT-3.2.2-12] [MQTT-3.2.2-13] [MQTT-3.1.4-2]', async () => {
    const will = { topic: 't', payload: Buffer.from('w'), qos: 0 as const, retain: false };
    await subject.refuses(5, goodConnect(5, { clientId: 'c', will: { ...will, qos: 1 } }), 0x9b);
    await subject.refuses(5, goodConnect(5, { clientId: 'c', will: { ...will, retain: true } }), 0x9a);
    await subject.refuses(5, goodConnect(5, { clientId: 'c', will: { ...will, topic: 'a/b/c/d' } }), 0x90);
    await subject.refuses(4, goodConnect(4, { clientId: 'c', will: { ...will, qos: 1 } }), null);
  });

  test('client ids that it does not accept [MQTT-3.1.3-8], 3.1.1 [MQTT-3.1.3-9]', async () => {
    for (const level of BOTH) {
      const code = level === 5 ? 0x85 : 2;
      for (const clientId of ['', 'x'.repeat(24)]) await subject.refuses(level, goodConnect(level, { clientId }), code);
      (await subject.connect(level, { clientId: 'x'.repeat(23) })).destroy();
    }
  });

  test('the keep-alive that it wants counts in 5.0; older clients keep theirs [MQTT-3.1.2-22], 3.1.1 [MQTT-3.1.2-24]', async () => {
    const [old, without] = await Promise.all([subject.connect(4, { keepAliveSeconds: 60 }), subject.connect(4)]);
    const modern = await subject.connect(5, { keepAliveSeconds: 60 });
    assert.is(await modern.reasonOfEnd(), 0x8d);
    assert.equal([await old.settled(), await without.settled()], [[], []]);
  });

  test.run();
}

// ── One copy for each subscription, and a server that sends its clients elsewhere ──────────────────────────────────────────────
{
  const { test, subject } = conformance('overlap', { 'mqtt.overlap': 'separate', 'mqtt.response_information': 'answers/%c/' });

  test('a copy for each overlapping subscription, with its own identifier and QoS [MQTT-3.3.4-5] [MQTT-3.3.4-2]', async () => {
    const client = await subject.connect(5);
    await client.subscribe('o/+', { qos: 0 }, 1);
    await client.subscribe('o/#', { qos: 1 }, 2);
    await client.subscribe('o/a', { qos: 2 });
    client.publish('o/a', 'x', { qos: 2, packetId: 1 });
    const got = (await client.settled()).filter(({ cmd }) => cmd === 'publish') as unknown as ReceivedPublish[];
    const seen = got.map(({ qos, properties }) => [qos, properties?.subscriptionIdentifier]);
    assert.equal(seen.sort(), [
      [0, 1],
      [1, 2],
      [2, undefined],
    ]);
  });

  test('response information for those who ask [MQTT-3.1.2-28]', async () => {
    const ask = async (value: number | undefined): Promise<unknown> => {
      const client = await subject.broker.open();
      client.speak(5);
      const properties = value === undefined ? bytes() : bytes(0x19, value);
      client.send(connect(5, { properties, payload: field('asks') }));
      return told(await client.next('connack')).properties?.responseInformation;
    };
    assert.equal([await ask(undefined), await ask(0), await ask(1)], [undefined, undefined, 'answers/asks/']);
  });

  test.run();
}
{
  const { test, subject } = conformance('redirect', { 'mqtt.redirect.to': 'other.example:1883' });

  test('clients are sent to another server [MQTT-3.2.2-7] [MQTT-3.2.2-8]', async () => {
    await subject.refuses(4, goodConnect(4), 3);
    const client = await subject.broker.open();
    client.speak(5);
    client.send(goodConnect(5));
    const { reasonCode, properties } = told(await client.next('connack'));
    assert.equal([reasonCode, properties?.serverReference], [0x9c, 'other.example:1883']);
    await within('the end of the connection', client.closed);
  });

  test.run();
}
