import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeSubscribe, PINGREQ } from '../../src/wire/mqtt/client-encoder.ts';
import { Broker } from './broker.ts';
import type { RawClient } from './raw-client.ts';
import { until } from './until.ts';

const OUTPUT_BYTES = 256 * 1024;
const QUEUE_MESSAGES = 500;
const PAYLOAD = Buffer.alloc(4096, 0x78);
/** What is published at clients that do not read: many times what they may hold, kernel buffers included. */
const FLOOD_MESSAGES = 10_000;
/** Generous: the broker may hold far less than this for them. */
const GROWTH_BYTES_MAX = 120 * 1024 * 1024;

for (const threads of [1, 2]) {
  const test = suite(`clients that do not read, ${threads} reactors`);
  let broker: Broker;
  let publisher: RawClient;
  test.before(async () => {
    broker = await Broker.start({
      'node.threads': threads,
      'mqtt.output.bytes_max': OUTPUT_BYTES,
      'mqtt.queue.messages_max': QUEUE_MESSAGES,
      'mqtt.inflight_max': 32,
    });
    publisher = await broker.connect({ clientId: 'publisher' });
  });
  test.after(async () => {
    await broker.assertSound();
    publisher.destroy();
    assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
  });

  /** Publishes the flood at `qos` and waits until the broker has dealt with the last one. */
  async function flood(topic: string, qos: 0 | 1): Promise<void> {
    for (let sent = 0; sent < FLOOD_MESSAGES; ) {
      const block = Array.from({ length: 50 }, () =>
        publisher.encodePublish(topic, PAYLOAD, qos === 0 ? {} : { qos, packetId: (sent++ % 65_535) + 1 }),
      );
      if (qos === 0) sent += block.length;
      publisher.send(...block);
      if (qos === 0) assert.equal(await publisher.settled(), []);
      else for (let i = 0; i < block.length; i++) assert.is((await publisher.next()).cmd, 'puback');
    }
  }

  for (const place of threads === 1 ? [1] : [1, 2]) {
    test(`QoS 0 to one on reactor ${place} is dropped and counted, memory stays bounded, publishers and readers go on`, async () => {
      const topic = `flood/0/${place}`;
      const deaf = await broker.connectOn(place);
      await deaf.subscribe(topic);
      deaf.pause();
      const reader = await broker.connect();
      await reader.subscribe(topic);
      const before = broker.residentBytes();
      const dropped = await broker.dropped('slow_client');
      await flood(topic, 0);
      assert.ok((await broker.dropped('slow_client')) > dropped, 'messages were dropped');
      assert.ok(broker.residentBytes() - before < GROWTH_BYTES_MAX, `grew by ${broker.residentBytes() - before} bytes`);
      let got = 0;
      await until('the reader has everything', () => {
        got += reader.takeAll().length;
        return got >= FLOOD_MESSAGES;
      });
      deaf.resume();
      await until('the deaf one has what was kept for it', async () => (await deaf.settled()).length === 0);
      publisher.publish(topic, 'after');
      assert.is(await deaf.nextPayload(), 'after', 'it is served again when it reads again');
      deaf.destroy();
      reader.destroy();
    });

    for (const sessionExpiry of [0, 60]) {
      test(`QoS 1 beyond the queue of one on reactor ${place}, session expiry ${sessionExpiry}: 0x97, publishers go on`, async () => {
        const topic = `flood/1/${place}/${sessionExpiry}`;
        const before = await broker.disconnects('quota_exceeded');
        const resident = broker.residentBytes();
        const deaf = await broker.connectOn(place, { clientId: `deaf-${place}-${sessionExpiry}`, sessionExpiry });
        await deaf.subscribe(topic, { qos: 1 });
        await flood(topic, 1);
        assert.is(await broker.disconnects('quota_exceeded'), before + 1);
        assert.ok(broker.residentBytes() - resident < GROWTH_BYTES_MAX, `grew by ${broker.residentBytes() - resident} bytes`);
        let last = await deaf.next();
        let got = 0;
        for (; last.cmd === 'publish'; last = await deaf.next()) got++;
        assert.equal([last.cmd, (last as { reasonCode?: number }).reasonCode], ['disconnect', 0x97]);
        assert.is(got, 32, 'no more than the window');
        if (sessionExpiry > 0) {
          const again = await broker.connect({ clientId: deaf.clientId, cleanStart: false });
          assert.is(again.connack.sessionPresent, true);
          assert.is((await again.nextPublish()).dup, true, 'what was in flight is not lost');
          await again.disconnect();
        }
      });
    }
  }

  test('one that asks without end and never reads the answers is bounded', async () => {
    const deaf = await broker.connect();
    deaf.pause();
    const block = Buffer.concat(Array.from({ length: 20_000 }, () => PINGREQ));
    const before = broker.residentBytes();
    let isOver = false;
    const pumped = deaf.pump(block, 200 * 1024 * 1024).then(() => {
      isOver = true;
    });
    // Either it is pushed back for good or it is shut out; others are served meanwhile.
    let seen = -1;
    await until('the broker takes no more from it', async () => {
      const now = deaf.bytesPumped;
      const isStill = now === seen;
      seen = now;
      await publisher.settled();
      return isOver || (isStill && deaf.isStuck);
    });
    assert.ok(broker.residentBytes() - before < GROWTH_BYTES_MAX, `grew by ${broker.residentBytes() - before} bytes`);
    deaf.destroy();
    await pumped;
  });

  test('retained messages are fed to a slow subscriber as it reads, all of them', async () => {
    const count = 2000;
    for (let i = 0; i < count; i += 50) {
      publisher.send(
        ...Array.from({ length: 50 }, (_, j) => publisher.encodePublish(`kept/${i + j}`, PAYLOAD, { retain: true })),
      );
      await publisher.settled();
    }
    const slow = await broker.connect();
    slow.send(encodeSubscribe(1, 1, [{ filter: 'kept/+', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }]));
    slow.pause();
    await publisher.settled();
    slow.resume();
    const topics = new Set<string>();
    while (topics.size < count) {
      const packet = (await slow.next()) as { cmd: string; topic?: string; retain?: boolean };
      if (packet.cmd !== 'publish') continue;
      assert.is(packet.retain, true);
      assert.not(topics.has(packet.topic!));
      topics.add(packet.topic!);
    }
    publisher.send(...Array.from({ length: count }, (_, i) => publisher.encodePublish(`kept/${i}`, '', { retain: true })));
    await publisher.settled();
    slow.destroy();
  });

  test.run();
}
