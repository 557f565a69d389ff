// MQTT over QUIC, by the client of @matrixai/quic.
import { webcrypto } from 'node:crypto';
import { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeConnect, encodePublish, encodeSubscribe } from '../../src/wire/mqtt/client-encoder.ts';
import { frameLength } from '../../src/wire/mqtt/frame.ts';
import { Broker } from './broker.ts';
import { Authority, hasOpenssl } from './certificates.ts';
import { until, within } from './until.ts';

interface QuicClient {
  readonly connection: { newStream(type: 'bidi'): Parameters<typeof Duplex.fromWeb>[0] };
  destroy(options: { force: boolean }): Promise<void>;
}
interface QuicModule {
  readonly QUICClient: { createQUICClient(options: object): Promise<QuicClient> };
}

const PACKAGE = '@matrixai/quic';
const quic = await (import(PACKAGE) as Promise<QuicModule>).catch(() => undefined);
const reason =
  quic === undefined ? `${PACKAGE} cannot be loaded here` : hasOpenssl() ? '' : 'the openssl command is not installed';
if (quic === undefined || reason !== '') console.log(`skipped: ${reason}`);
else run(quic);

function run({ QUICClient }: QuicModule): void {
  const test = suite('QUIC');
  const authority = new Authority();
  let broker: Broker;
  test.before(async () => {
    const { certFile, keyFile } = authority.issue('/CN=localhost', 'DNS:localhost,IP:127.0.0.1');
    const tls = `{cert_file="${certFile}", key_file="${keyFile}"}`;
    broker = await Broker.start({
      'node.threads': 2,
      'mqtt.listeners': `[{name="fast", type="quic", port=0, tls=${tls}, limits={connections_max=2}}]`,
    });
  });
  test.after(async () => {
    authority.remove();
    await broker.assertSound();
    assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
  });

  const silent = { getChild: (): unknown => silent, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

  /** A connection and what comes from it, packet by packet. */
  async function connect(): Promise<{ stream: Duplex; packets: Buffer[]; client: QuicClient }> {
    const randomBytes = async (into: ArrayBuffer): Promise<void> => void webcrypto.getRandomValues(new Uint8Array(into));
    const client = await within(
      'the QUIC connection',
      QUICClient.createQUICClient({
        host: '127.0.0.1',
        port: broker.portOf('fast'),
        localHost: '127.0.0.1',
        crypto: { ops: { randomBytes } },
        config: { verifyPeer: false, applicationProtos: ['mqtt'] },
        logger: silent,
      }),
    );
    const stream = Duplex.fromWeb(client.connection.newStream('bidi'));
    stream.on('error', () => {});
    const packets: Buffer[] = [];
    let rest = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (
        let length = frameLength(rest, 0, rest.length);
        length > 0 && length <= rest.length;
        length = frameLength(rest, 0, rest.length)
      ) {
        packets.push(rest.subarray(0, length));
        rest = rest.subarray(length);
      }
    });
    return { stream, packets, client };
  }

  const CONNECT = (clientId: string): Uint8Array => encodeConnect({ level: 5, clientId, cleanStart: true, keepAliveSeconds: 0 });

  test('carries MQTT on its first stream, large messages too, and meets clients of other listeners', async () => {
    const { stream, packets, client } = await connect();
    stream.write(CONNECT('over-quic'));
    await until('CONNACK', () => packets.length === 1);
    assert.is(packets[0]![0], 0x20);
    stream.write(encodeSubscribe(1, 1, [{ filter: 'q', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }]));
    await until('SUBACK', () => packets.length === 2);
    const other = await broker.connect();
    other.publish('q', 'x'.repeat(200_000));
    await until('the message', () => packets.length === 3);
    assert.ok(packets[2]!.length > 200_000);
    await other.subscribe('r');
    stream.write(encodePublish(1, { topic: 'r', payload: Buffer.alloc(100_000, 1) }));
    assert.is((await other.nextPublish()).payload.length, 100_000);
    const { detail } = (await broker.sessions()).find((session) => session.detail.clientId === 'over-quic')!;
    assert.match(detail.address!, /^127\.0\.0\.1:\d+$/);
    stream.write(Uint8Array.of(0xf3, 0)); // reserved flags
    await until('DISCONNECT', () => packets.at(-1)![0] === 0xe0);
    await broker.untilGone('over-quic');
    await client.destroy({ force: true }).catch(() => {});
  });

  test('a client that goes without a word, and one too many, leave no trace', async () => {
    const clients = [await connect(), await connect()];
    for (const [i, { stream, packets }] of clients.entries()) {
      stream.write(CONNECT(`quic-${i}`));
      await until('CONNACK', () => packets.length === 1);
    }
    const third = await connect();
    third.stream.write(CONNECT('quic-2'));
    await within('the end', new Promise((resolve) => third.stream.on('close', resolve).on('end', resolve)));
    for (const { client } of [...clients, third]) await client.destroy({ force: true }).catch(() => {});
    await broker.untilMetric('sluice_mqtt_connections', (count) => count <= 1);
    const { listeners } = (await (await fetch(`${broker.http}/api/v1/listeners`)).json()) as {
      listeners: { name: string; connections: number; refused: number }[];
    };
    const fast = listeners.find(({ name }) => name === 'fast')!;
    assert.is(fast.refused, 1);
    await until('both are gone', async () => fast.connections >= 0 && (await broker.metric('sluice_mqtt_connections')) <= 1);
  });

  test.run();
}
