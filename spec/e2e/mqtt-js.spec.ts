// MQTT.js, a client that nobody here wrote, against a node.
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { until } from './until.ts';

interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
}

for (const threads of [1, 2]) {
  for (const protocolVersion of [4, 5] as const) {
    const test = suite(`MQTT.js, protocol ${protocolVersion}, ${threads} reactors`);
    let broker: Broker;
    const clients: MqttClient[] = [];
    test.before(async () => {
      broker = await Broker.start({ 'node.threads': threads });
    });
    test.after(async () => {
      await Promise.all(clients.map((client) => client.endAsync(true)));
      await broker.assertSound();
      assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
    });

    async function connect(
      options: IClientOptions = {},
    ): Promise<{ client: MqttClient; messages: Message[]; sessionPresent: boolean }> {
      const client = mqtt.connect(broker.url, { protocolVersion, reconnectPeriod: 0, ...options });
      clients.push(client);
      const messages: Message[] = [];
      client.on('message', (topic, payload, { qos, retain, dup }) =>
        messages.push({ topic, payload: String(payload), qos, retain, dup }),
      );
      const sessionPresent = await new Promise<boolean>((resolve, reject) => {
        client.once('connect', (connack) => resolve(connack.sessionPresent));
        client.once('error', reject);
      });
      return { client, messages, sessionPresent };
    }
    const arrived = (messages: readonly Message[], count: number): Promise<void> =>
      until(
        () => `${count} messages have come; ${messages.length} have`,
        () => messages.length >= count,
      );

    test('publish and subscribe at every QoS, with wildcards', async () => {
      const { client: publisher } = await connect();
      for (const wanted of [0, 1, 2] as const) {
        const { client, messages } = await connect();
        const [granted] = await client.subscribeAsync(`rooms/+/q${wanted}/#`, { qos: wanted });
        assert.is(granted!.qos, wanted);
        for (const sent of [0, 1, 2] as const)
          await publisher.publishAsync(`rooms/a/q${wanted}/x/${sent}`, 'hello', { qos: sent });
        await publisher.publishAsync(`rooms/a/b/q${wanted}/x`, 'elsewhere', { qos: 1 });
        await publisher.publishAsync(`rooms/b/q${wanted}`, 'last', { qos: 0 });
        await arrived(messages, 4);
        assert.equal(
          messages.map(({ topic, payload, qos }) => `${topic} ${payload} ${qos}`).sort(), // QoS 2 is handed out last
          [0, 1, 2]
            .map((sent) => `rooms/a/q${wanted}/x/${sent} hello ${Math.min(sent, wanted)}`)
            .concat(`rooms/b/q${wanted} last 0`),
        );
        await client.unsubscribeAsync(`rooms/+/q${wanted}/#`);
      }
    });

    test('a thousand messages at each QoS all come, in order, once', async () => {
      const { client: publisher } = await connect();
      const { client, messages } = await connect();
      for (const qos of [0, 1, 2] as const) {
        messages.length = 0;
        await client.subscribeAsync(`bulk/${qos}`, { qos });
        await Promise.all(Array.from({ length: 1000 }, (_, i) => publisher.publishAsync(`bulk/${qos}`, String(i), { qos })));
        await arrived(messages, 1000);
        assert.equal(
          messages.map(({ payload }) => payload),
          Array.from({ length: 1000 }, (_, i) => String(i)),
        );
      }
    });

    test('retained messages', async () => {
      const { client: publisher } = await connect();
      await publisher.publishAsync('kept/one', 'first', { retain: true, qos: 1 });
      await publisher.publishAsync('kept/one', 'second', { retain: true, qos: 1 });
      const { client, messages } = await connect();
      await client.subscribeAsync('kept/#', { qos: 1 });
      await arrived(messages, 1);
      assert.equal(messages, [{ topic: 'kept/one', payload: 'second', qos: 1, retain: true, dup: false }]);
      await publisher.publishAsync('kept/one', '', { retain: true, qos: 1 });
      await arrived(messages, 2);
      const late = await connect();
      await late.client.subscribeAsync('kept/#');
      await publisher.publishAsync('kept/two', 'live', { qos: 1 });
      await arrived(late.messages, 1);
      assert.is(late.messages[0]!.payload, 'live');
    });

    test('a will', async () => {
      const { client: watcher, messages } = await connect();
      await watcher.subscribeAsync('gone/+', { qos: 1 });
      const polite = await connect({ will: { topic: 'gone/polite', payload: Buffer.from('x'), qos: 1, retain: false } });
      await polite.client.endAsync();
      const lost = await connect({ will: { topic: 'gone/lost', payload: Buffer.from('x'), qos: 1, retain: false } });
      lost.client.stream.destroy();
      await arrived(messages, 1);
      assert.is(messages[0]!.topic, 'gone/lost');
    });

    test('a persistent session', async () => {
      const options: IClientOptions = {
        clientId: `sleeper-${protocolVersion}`,
        clean: false,
        ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 600 } }),
      };
      const first = await connect(options);
      assert.is(first.sessionPresent, false);
      await first.client.subscribeAsync('sleep/#', { qos: 2 });
      await first.client.endAsync();
      const { client: publisher } = await connect();
      for (let i = 0; i < 50; i++) await publisher.publishAsync('sleep/x', String(i), { qos: 2 });
      const second = await connect(options);
      assert.is(second.sessionPresent, true);
      await arrived(second.messages, 50);
      assert.equal(
        second.messages.map(({ payload }) => Number(payload)),
        Array.from({ length: 50 }, (_, i) => i),
      );
    }); // prettier-ignore

    if (protocolVersion === 5) {
      test('properties, in both directions', async () => {
        const { client: publisher } = await connect({ clientId: '' });
        const { client } = await connect();
        const properties = {
          contentType: 'text/plain',
          responseTopic: 'answer',
          correlationData: Buffer.from([0, 255]),
          payloadFormatIndicator: true,
          userProperties: { a: ['1', '2'], b: '3' },
        };
        const got = new Promise<object>((resolve) =>
          client.once('message', (_topic, _payload, packet) => resolve(packet.properties!)),
        );
        await client.subscribeAsync('properties', { qos: 1, properties: { subscriptionIdentifier: 5 } });
        await publisher.publishAsync('properties', 'x', { qos: 1, properties: { ...properties, messageExpiryInterval: 60 } });
        const received = JSON.parse(JSON.stringify(await got)) as Record<string, unknown>;
        assert.equal(
          received,
          JSON.parse(JSON.stringify({ ...properties, messageExpiryInterval: 60, subscriptionIdentifier: 5 })),
        );
      });
    }

    test.run();
  }
}
