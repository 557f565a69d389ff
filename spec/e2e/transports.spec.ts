// One node, every transport: mosquitto's clients over TCP, TLS and a Unix socket, MQTT.js over WebSocket and secure WebSocket, at 3.1.1 and 5, all of them
// in one topic tree.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { Authority, hasOpenssl } from './certificates.ts';
import { isInstalled, Tool } from './mosquitto-tool.ts';
import { within } from './until.ts';

const missing = [...(isInstalled('mosquitto_sub') ? [] : ['mosquitto-clients']), ...(hasOpenssl() ? [] : ['openssl'])];
if (missing.length > 0) console.log(`skipped: ${missing.join(' and ')} is not installed`);
else for (const threads of [1, 2]) run(threads);

function run(threads: number): void {
  const test = suite(`transports, ${threads} reactors`);
  const authority = new Authority();
  const server = authority.issue('/CN=localhost', 'DNS:localhost,IP:127.0.0.1');
  const device = authority.issue('/O=Plant/CN=device-7');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-transports-'));
  const path = join(folder, 'mqtt.sock');
  let broker: Broker;
  test.before(async () => {
    broker = await Broker.start({
      'node.threads': threads,
      'mqtt.ws.port': 0,
      'mqtt.tls.port': 0,
      'mqtt.wss.port': 0,
      'mqtt.tls.cert_file': server.certFile,
      'mqtt.tls.key_file': server.keyFile,
      'mqtt.tls.ca_file': authority.file,
      'mqtt.listeners': `[{name="unix", type="unix", path="${path}"},
        {name="mutual", type="tls", port=0, tls={client_certificate="required", username_from="cn"}}]`,
    });
  });
  test.after(async () => {
    await broker.assertSound();
    assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
    rmSync(folder, { recursive: true });
    authority.remove();
  });

  const places: Readonly<Record<string, () => readonly string[]>> = {
    tcp: () => ['-h', '127.0.0.1', '-p', String(broker.port)],
    tls: () => ['-h', 'localhost', '-p', String(broker.portOf('tls')), '--cafile', authority.file],
    mutual: () => [
      ...['-h', 'localhost', '-p', String(broker.portOf('mutual')), '--cafile', authority.file],
      ...['--cert', device.certFile, '--key', device.keyFile],
    ],
    unix: () => ['--unix', path],
  };
  const subscriptions = (count: number): Promise<void> =>
    broker.untilMetric('sluice_router_subscriptions', (value) => value === count);

  for (const version of ['311', '5']) {
    test(`mosquitto's clients, version ${version}: whoever publishes, on whatever, reaches whoever subscribes, on whatever`, async () => {
      const payload = 'x'.repeat(40_000);
      const subscribers = Object.entries(places).map(
        ([, at]) => new Tool('mosquitto_sub', at(), ['-V', version, '-q', '1', '-t', 'all/+', '-C', '4', '-F', '%t %l']),
      );
      await subscriptions(subscribers.length);
      for (const [name, at] of Object.entries(places)) {
        const publisher = new Tool('mosquitto_pub', at(), ['-V', version, '-q', '2', '-t', `all/${name}`, '-s'], payload);
        assert.is(await within('the end of mosquitto_pub', publisher.ended), 0, publisher.output);
      }
      for (const subscriber of subscribers) {
        assert.is(await within('the end of mosquitto_sub', subscriber.ended), 0, subscriber.output);
        assert.is(
          subscriber.output,
          Object.keys(places)
            .map((name) => `all/${name} 40000\n`)
            .join(''),
        );
      }
      await subscriptions(0);
    });
  }

  for (const protocolVersion of [4, 5] as const) {
    test(`MQTT.js, version ${protocolVersion}: WebSocket, secure WebSocket, TLS and TCP`, async () => {
      const urls = [
        `mqtt://127.0.0.1:${broker.port}`,
        `mqtts://localhost:${broker.portOf('tls')}`,
        `ws://127.0.0.1:${broker.portOf('ws')}/mqtt`,
        `wss://localhost:${broker.portOf('wss')}/mqtt`,
      ];
      const clients = await Promise.all(
        urls.map((url) => mqtt.connectAsync(url, { protocolVersion, ca: authority.cert, reconnectPeriod: 0 })),
      );
      try {
        const all = clients.map(async (client) => {
          const topics: string[] = [];
          const complete = new Promise<void>((resolve) =>
            client.on('message', (topic, payload) => {
              topics.push(`${topic} ${payload.length}`);
              if (topics.length === clients.length) resolve();
            }),
          );
          await client.subscribeAsync('js/+', { qos: 1 });
          return { complete, topics };
        });
        const received = await Promise.all(all);
        for (const [i, client] of clients.entries()) await client.publishAsync(`js/${i}`, Buffer.alloc(70_000), { qos: 2 });
        for (const { complete, topics } of received) {
          await within('all messages', complete);
          assert.equal(
            [...topics].sort(),
            clients.map((_, i) => `js/${i} 70000`),
          );
        }
      } finally {
        await Promise.all(clients.map((client) => client.endAsync(true)));
      }
    });
  }

  test.run();
}
