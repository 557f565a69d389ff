// MQTT over TLS carries what bare TCP carries, and what is no TLS troubles nobody.
import net from 'node:net';
import mqtt from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeConnect } from '../../src/wire/mqtt/client-encoder.ts';
import { hasOpenssl } from './certificates.ts';
import { RawClient } from './raw-client.ts';
import { TlsBench } from './tls-bench.ts';
import { until, within } from './until.ts';

if (!hasOpenssl()) console.log('skipped: the openssl command is not installed');
else run();

function run(): void {
  const test = suite('TLS');
  const bench = new TlsBench();

  test.after(async () => {
    await bench.close();
  });

  test('MQTT.js, 3.1.1 and 5, at every QoS and with more than a record holds', async () => {
    const broker = await bench.start({ 'node.threads': 2 });
    for (const protocolVersion of [4, 5] as const) {
      const url = `mqtts://127.0.0.1:${broker.portOf('tls')}`;
      const client = await mqtt.connectAsync(url, { ca: bench.authority.cert, protocolVersion, reconnectPeriod: 0 });
      const got: Buffer[] = [];
      client.on('message', (_topic, payload) => got.push(payload));
      await client.subscribeAsync('big/#', { qos: 2 });
      const sent = [0, 1, 70_000, 300_000].map((size) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => i * 7)));
      for (const payload of sent) for (const qos of [0, 1, 2] as const) await client.publishAsync('big/one', payload, { qos });
      await until('everything has come', () => got.length === 12);
      assert.ok(Buffer.concat(got).equals(Buffer.concat(sent.flatMap((payload) => [payload, payload, payload]))));
      await client.endAsync();
    }
  });

  test('bytes in any pieces, floods in both directions, a DISCONNECT with its reason', async () => {
    const broker = await bench.start();
    const slow = RawClient.over(await bench.secure(broker));
    await slow.sendInPieces(encodeConnect({ level: 5, clientId: 'slow', cleanStart: true, keepAliveSeconds: 0 }));
    await slow.next('connack');
    const flood = await bench.connect(broker, 'flood');
    await flood.subscribe('flood', { qos: 1 });
    const packets = Array.from({ length: 2000 }, (_, i) => flood.encodePublish('flood', `${i}:${'x'.repeat(500)}`));
    flood.send(...packets);
    for (let i = 0; i < packets.length; i++) assert.is((await flood.nextPayload()).split(':')[0], String(i));
    flood.send(Uint8Array.of(0xf3, 0)); // reserved flags
    assert.is(await flood.reasonOfEnd(), 0x81);
    slow.destroy();
  });

  test('a client that ends without a close_notify, or sends what is no TLS, troubles nobody', async () => {
    const broker = await bench.start({ 'log.level': 'debug' });
    const witness = await bench.connect(broker, 'witness');
    for (const bytes of [
      new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'),
      encodeConnect({ level: 5, clientId: 'plain', cleanStart: true, keepAliveSeconds: 0 }),
    ]) {
      const socket = net.connect(broker.portOf('tls'), '127.0.0.1', () => socket.write(bytes));
      await within(
        'the end',
        new Promise((resolve) =>
          socket
            .on('error', () => {})
            .on('close', resolve)
            .resume(),
        ),
      );
    }
    // Beneath TLS, so that the next record cannot be decrypted.
    const raw = net.connect(broker.portOf('tls'), '127.0.0.1');
    const broken = RawClient.over(await bench.secure(broker, { socket: raw }));
    await broken.connect({ clientId: 'broken' });
    raw.write(Buffer.from([0x17, 3, 3, 0, 20, ...Buffer.alloc(20, 1)]));
    await within('the end', broken.closed);
    await broker.untilGone('broken');
    const reset = net.connect(broker.portOf('tls'), '127.0.0.1');
    const gone = RawClient.over(await bench.secure(broker, { socket: reset }));
    await gone.connect({ clientId: 'gone' });
    reset.resetAndDestroy();
    await broker.untilGone('gone');
    await witness.settled();
    assert.ok((await broker.metric('sluice_listener_failed_handshakes_total')) >= 2);
    await broker.untilMetric('sluice_mqtt_connections', (count) => count === 1);
  });

  test('who does not get through the handshake in time is cut off', async () => {
    const broker = await bench.start({ 'mqtt.handshake_timeout_ms': 200 });
    const silent = net.connect(broker.portOf('tls'), '127.0.0.1');
    await within(
      'the end',
      new Promise((resolve) =>
        silent
          .on('error', () => {})
          .on('close', resolve)
          .resume(),
      ),
    );
    await bench.connect(broker, 'quick');
  });

  test('only so many handshakes are under way at a time, and the others wait instead of failing', async () => {
    const broker = await bench.start({ 'mqtt.handshakes_max': 2, 'mqtt.handshake_timeout_ms': 60_000 });
    const silent = [1, 2].map(() => net.connect(broker.portOf('tls'), '127.0.0.1'));
    await broker.untilMetric('sluice_listener_accepted_total', (count) => count === 2);
    let isIn = false;
    const waiting = bench.connect(broker, 'patient').then(() => {
      isIn = true;
    });
    await broker.untilMetric('sluice_listener_accepted_total', (count) => count === 3);
    assert.is(isIn, false);
    for (const socket of silent) socket.destroy();
    await within('the one who waits', waiting);
  });

  test.run();
}
