// A node that stops with clients connected, and one that loses a reactor thread.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMeters } from '../../src/actors/insight/meters.ts';
import { NO_INTAKE } from '../../src/actors/intake/intake.ts';
import { allocateCounters } from '../../src/actors/listener/counters.ts';
import { OPEN_ACCESS } from '../../src/nodes/broker.ts';
import { defaultConfig } from '../../src/nodes/config/load.ts';
import { listenerSpecs } from '../../src/nodes/listeners/specs.ts';
import type { ReactorBoot } from '../../src/nodes/reactor-boot.ts';
import { openListeningSocket } from '../../src/nodes/sockets/listening-socket.ts';
import { startThreads, type ThreadHost } from '../../src/runtime/thread-host.ts';
import { Broker } from './broker.ts';
import { puback, RawClient } from './raw-client.ts';
import { until, within } from './until.ts';

const REACTOR = new URL('../../src/nodes/reactor.js', import.meta.url);

const stopping = suite('a node that stops');

for (const threads of [1, 2]) {
  stopping(`${threads} reactors: SIGTERM tells 5.0 clients 0x8B, closes all connections and ends with 0`, async () => {
    const broker = await Broker.start({ 'node.threads': threads });
    const will = { topic: 'will', payload: Buffer.from('x'), qos: 1 as const, retain: false };
    const modern = await Promise.all(Array.from({ length: 30 }, (_, i) => broker.connect({ sessionExpiry: i % 2, will })));
    const old = await Promise.all(Array.from({ length: 10 }, () => broker.connect({ level: 4 })));
    const silent = await Promise.all(Array.from({ length: 10 }, () => broker.open()));
    const end = broker.stop();
    for (const client of modern) assert.is(await client.reasonOfEnd(), 0x8b);
    for (const client of [...old, ...silent]) {
      await within('the end of the connection', client.closed);
      assert.equal(client.takeAll(), []);
    }
    assert.is(await end, 0, broker.node.stderr.join('\n'));
    assert.equal(broker.node.stderr, [], 'nothing to complain about');
  });

  stopping(`${threads} reactors: a drain with publishers and subscribers at full speed ends with 0 too`, async () => {
    const broker = await Broker.start({ 'node.threads': threads });
    const subscribers = await Promise.all(Array.from({ length: 4 }, () => broker.connect()));
    for (const client of subscribers) await client.subscribe('busy/#', { qos: 1 });
    const publishers = await Promise.all(Array.from({ length: 4 }, () => broker.connect()));
    const pumps = publishers.map((client) => {
      const block = Array.from({ length: 200 }, (_, i) =>
        client.encodePublish('busy/x', 'y'.repeat(100), { qos: 1, packetId: i + 1 }),
      );
      return client.pump(Buffer.concat(block), Number.POSITIVE_INFINITY);
    });
    await broker.untilMetric('sluice_mqtt_messages_received_total{qos="1"}', (value) => value > 1000);
    assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
    await Promise.all(pumps);
    for (const client of [...publishers, ...subscribers]) {
      await within('the end of the connection', client.closed);
    }
  });

  stopping(`${threads} reactors: a client that does not read does not keep the node from ending`, async () => {
    const broker = await Broker.start({ 'node.threads': threads });
    const deaf = await broker.connect();
    deaf.closesWhenTold = false;
    await deaf.subscribe('deaf');
    deaf.pause();
    const publisher = await broker.connect();
    for (let i = 0; i < 100; i++) {
      publisher.publish('deaf', 'z'.repeat(100_000));
      await publisher.settled();
    }
    assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
    deaf.destroy();
    publisher.destroy();
  });
}

stopping.run();

const dying = suite('a reactor that dies');
let host: ThreadHost;
let port: number;
let close: () => void;
let deaths = 0;

dying.before(async () => {
  const socket = await openListeningSocket({ host: '127.0.0.1', port: 0, key: 'mqtt.tcp.port' }, 2);
  const config = { ...defaultConfig(), log: { level: 'silent' as const } };
  port = Number(socket.address.split(':').pop());
  const { settings } = listenerSpecs(config, 2)[0]!;
  const counters = allocateCounters();
  close = () => socket.close();
  host = await startThreads({
    node: 1,
    reactors: 2,
    bootModule: REACTOR,
    bootArguments: (): ReactorBoot => ({
      config,
      wire: undefined,
      intake: NO_INTAKE,
      nodeName: 'spec',
      plugin: null,
      insight: { meters: allocateMeters(2), slow: null, traces: [] },
      security: { authenticates: false, authorizes: false, access: OPEN_ACCESS },
      listeners: [{ settings, row: 1, target: socket.lend() }],
      counters,
      declarations: undefined,
      scram: null,
    }),
    onGiveUp: (_thread, error) => assert.unreachable(String(error)),
    onDeath: () => {
      deaths++;
    },
  });
});
dying.after(async () => {
  close();
  await host.stop(5000);
});

for (const victim of [1, 2]) {
  dying(`reactor ${victim}: its clients are cut off, those of the other one miss nothing, and it comes back`, async () => {
    const name = (i: number): string => `v${victim}-${i}`;
    const settings = (i: number): { clientId: string; sessionExpiry: number; cleanStart: boolean } => ({
      clientId: name(i),
      sessionExpiry: 600,
      cleanStart: false,
    });
    const clients: RawClient[] = [];
    // The kernel deals them out: go on until both reactors have some, which shows at the latest when one dies.
    for (let i = 0; i < 40; i++) {
      const client = await RawClient.connect(port, settings(i));
      await client.subscribe('everybody', { qos: 1 });
      clients.push(client);
    }
    // A client on each side publishes through it all.
    const sent: string[][] = clients.map(() => []);
    let round = 0;
    const publishAll = (): void => {
      round++;
      for (const [i, client] of clients.entries()) {
        if (client.isClosed) continue;
        client.publish(`own/${name(i)}`, `${round}`, { qos: 1, packetId: (round % 65_535) + 1 });
        sent[i]!.push(`${round}`);
      }
    };
    for (const [i, client] of clients.entries()) await client.subscribe(`own/${name(i)}`);
    publishAll();
    let isBack = false;
    const back = new Promise<void>((resolve) =>
      host.system.onThreadChange((thread, state) => {
        if (thread !== victim || state !== 'up') return;
        isBack = true;
        resolve();
      }),
    );
    const deathsBefore = deaths;
    const killed = host.kill(victim);
    await until('the reactor is back', () => {
      publishAll();
      return isBack;
    });
    await Promise.all([killed, back]);
    publishAll();
    assert.is(deaths, deathsBefore + 1);

    const left = clients.filter(({ isClosed }) => !isClosed);
    assert.ok(left.length > 0 && left.length < clients.length, `${left.length} of ${clients.length} are left`);
    for (const [i, client] of clients.entries()) {
      if (client.isClosed) continue;
      const packets: { cmd: string; payload?: unknown }[] = [];
      const count = (cmd: string): number => packets.filter((packet) => packet.cmd === cmd).length;
      while (count('publish') < sent[i]!.length || count('puback') < sent[i]!.length) packets.push(await client.next());
      assert.equal(
        packets.filter(({ cmd }) => cmd === 'publish').map(({ payload }) => String(payload)),
        sent[i],
        'in order, nothing lost',
      );
    }

    // The lost ones come back, to either reactor; their client ids are free.
    const returned = await Promise.all(
      clients.map(async (client, i) => {
        if (!client.isClosed) return client;
        const again = await RawClient.open(port);
        await again.connect(settings(i));
        await again.subscribe('everybody', { qos: 1 });
        return again;
      }),
    );
    for (const client of left) {
      // Ids that live on are known to the registry that came back: a second connection takes over and finds the session.
      const again = await RawClient.connect(port, { clientId: client.clientId, sessionExpiry: 600, cleanStart: false });
      assert.is(again.connack.sessionPresent, true, client.clientId);
      assert.is(await client.reasonOfEnd(), 0x8e);
      returned[clients.indexOf(client)] = again;
    }
    // Everybody reaches everybody, across the new links as well.
    for (const [i, client] of returned.entries()) client.publish('everybody', name(i), { qos: 1, packetId: 1 });
    for (const client of returned) {
      const heard = new Set<string>();
      while (heard.size < returned.length) {
        const packet = (await client.next()) as {
          cmd: string;
          payload?: unknown;
          topic?: string;
          messageId?: number;
          qos?: number;
        };
        if (packet.cmd !== 'publish' || packet.topic !== 'everybody') continue;
        client.send(puback(packet.messageId!));
        assert.not(heard.has(String(packet.payload)));
        heard.add(String(packet.payload));
      }
    }
    for (const client of returned) await client.disconnect(Uint8Array.of(0xe0, 7, 0, 5, 0x11, 0, 0, 0, 0));
  });
}

dying.run();
