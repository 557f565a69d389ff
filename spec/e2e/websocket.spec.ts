// MQTT over WebSocket, by MQTT.js, by `ws`, and by frames that no library would send.
import { once } from 'node:events';
import net from 'node:net';
import mqtt from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as ws from 'ws';
import { encodeConnect, PINGREQ } from '../../src/wire/mqtt/client-encoder.ts';
import { Broker } from './broker.ts';
import { Authority, hasOpenssl } from './certificates.ts';
import { DISCONNECT } from './raw-client.ts';
import { until, within } from './until.ts';

const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } };
const CONNECT = encodeConnect({ level: 5, clientId: 'frames', cleanStart: true, keepAliveSeconds: 0 });
const BINARY = 2;
const CONTINUATION = 0;

function frame(opcode: number, payload: Uint8Array, fin = true, mask = true): Buffer {
  return Buffer.concat(Sender.frame(Buffer.from(payload), { fin, opcode, mask, readOnly: true, rsv1: false }));
}

/** A handshake by hand, after which frames are sent and what comes is gathered as it is. */
class FrameClient {
  readonly socket: net.Socket;
  readonly ended: Promise<unknown>;
  #got: Buffer = Buffer.alloc(0);

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1' });
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.#got = Buffer.concat([this.#got, chunk]);
    });
    this.ended = once(this.socket, 'close');
  }

  static async open(
    port: number,
    headers = 'Sec-WebSocket-Protocol: mqtt\r\n',
    early: Uint8Array = new Uint8Array(0),
  ): Promise<FrameClient> {
    const client = new FrameClient(port);
    const request = [
      'GET /mqtt HTTP/1.1',
      'Host: localhost',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    client.socket.write(Buffer.concat([Buffer.from(`${request.join('\r\n')}\r\n${headers}\r\n`), early]));
    const response = await client.until((got) => got.includes('\r\n\r\n'));
    const end = response.indexOf('\r\n\r\n') + 4;
    client.status = response.toString('latin1', 9, 12);
    client.#got = response.subarray(end);
    return client;
  }

  status = '';

  async until(isEnough: (got: Buffer) => boolean): Promise<Buffer> {
    await until(
      () => `enough has come; there is ${this.#got.toString('hex')}`,
      () => isEnough(this.#got),
    );
    return this.#got;
  }

  /** The next `length` bytes. */
  async take(length: number): Promise<Buffer> {
    const got = await this.until(({ length: there }) => there >= length);
    this.#got = got.subarray(length);
    return got.subarray(0, length);
  }

  /** Sends nothing more and returns the close code that comes, after which the connection has to close. */
  async closeCode(): Promise<number> {
    const got = await this.until((there) => there.length >= 4 && there[there.length - 4] === 0x88);
    await within('the end', this.ended);
    return got.readUInt16BE(got.length - 2);
  }
}

const test = suite('WebSocket');
const authority = hasOpenssl() ? new Authority() : undefined;
let broker: Broker;
test.before(async () => {
  const server = authority?.issue('/CN=localhost', 'IP:127.0.0.1');
  const secure = server === undefined ? {} : { 'mqtt.tls.cert_file': server.certFile, 'mqtt.tls.key_file': server.keyFile };
  broker = await Broker.start({
    'node.threads': 2,
    'mqtt.ws.port': 0,
    'mqtt.wss.port': 0,
    'mqtt.tls.port': -1,
    'mqtt.handshake_timeout_ms': 1000,
    'mqtt.max_packet_bytes': 400_000,
    'mqtt.listeners': '[{name="pages", type="ws", port=0, path="/chat", origins=["https://app.example"]}]',
    ...secure,
  });
});
test.after(async () => {
  authority?.remove();
  await broker.assertSound();
  assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
});

test('MQTT.js, 3.1.1 and 5, plain and secure, at every QoS and with large messages', async () => {
  const ca = authority?.cert;
  const urls = [
    `ws://127.0.0.1:${broker.portOf('ws')}/mqtt`,
    ...(ca === undefined ? [] : [`wss://127.0.0.1:${broker.portOf('wss')}/mqtt`]),
  ];
  for (const url of urls) {
    for (const protocolVersion of [4, 5] as const) {
      const client = await mqtt.connectAsync(url, { protocolVersion, reconnectPeriod: 0, ...(ca === undefined ? {} : { ca }) });
      const got: Buffer[] = [];
      client.on('message', (_topic, payload) => got.push(payload));
      await client.subscribeAsync('big', { qos: 2 });
      const sent = [0, 1, 200, 70_000, 300_000].map((size) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => i * 7)));
      for (const payload of sent) for (const qos of [0, 1, 2] as const) await client.publishAsync('big', payload, { qos });
      await until('everything has come', () => got.length === 15);
      assert.ok(Buffer.concat(got).equals(Buffer.concat(sent.flatMap((payload) => [payload, payload, payload]))));
      await client.endAsync();
    }
  }
});

test('a packet in many frames, many packets in a frame, pings between, all in any pieces [MQTT-6.0.0-2]', async () => {
  const client = await FrameClient.open(broker.portOf('ws'));
  const pieces = [...CONNECT].map((byte, i) =>
    frame(i === 0 ? BINARY : CONTINUATION, Uint8Array.of(byte), i === CONNECT.length - 1),
  );
  const bytes = Buffer.concat([...pieces.slice(0, 5), frame(9, Buffer.from('are you there')), ...pieces.slice(5)]);
  for (let at = 0; at < bytes.length; at += 3) {
    client.socket.write(bytes.subarray(at, at + 3));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal([...(await client.take(15))], [0x8a, 13, ...Buffer.from('are you there')]);
  const connack = await client.take(2);
  assert.is(connack[0], 0x82, 'one whole binary frame');
  assert.is((await client.take(connack[1]!))[0], 0x20);
  client.socket.write(frame(BINARY, Buffer.concat([PINGREQ, PINGREQ, PINGREQ])));
  assert.equal([...(await client.take(8))], [0x82, 6, 0xd0, 0, 0xd0, 0, 0xd0, 0], 'the answers of one turn leave in one frame');
  client.socket.write(frame(BINARY, DISCONNECT));
  assert.is(await client.closeCode(), 1000);
});

test('frames that come along with the handshake are not lost', async () => {
  const client = await FrameClient.open(broker.portOf('ws'), undefined, frame(BINARY, CONNECT));
  assert.is((await client.take(3))[2], 0x20);
  client.socket.destroy();
});

test('a close is answered in kind, and the session hears of it', async () => {
  const peer = new ws.WebSocket(`ws://127.0.0.1:${broker.portOf('ws')}/mqtt`, 'mqtt');
  await once(peer, 'open');
  assert.is(peer.protocol, 'mqtt');
  peer.send(encodeConnect({ level: 5, clientId: 'closing', cleanStart: true, keepAliveSeconds: 0 }));
  const [, isBinary] = (await once(peer, 'message')) as [Buffer, boolean];
  assert.is(isBinary, true);
  peer.close(1001);
  const [code] = (await within('the close', once(peer, 'close'))) as [number];
  assert.is(code, 1000);
  await broker.untilGone('closing');
});

test('what WebSocket or MQTT forbids closes the connection with the right code', async () => {
  const table: [why: string, bytes: Uint8Array, code: number][] = [
    ['text [MQTT-6.0.0-1]', frame(1, Buffer.from('hello')), 1003],
    ['no mask', frame(BINARY, CONNECT, true, false), 1002],
    ['a reserved opcode', frame(5, CONNECT), 1002],
    ['a continuation of nothing', frame(CONTINUATION, CONNECT), 1002],
    ['a length without end', Uint8Array.of(0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 1009],
    ['MQTT that is none', frame(BINARY, Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0xff, 0xff)), 1000],
    ['an MQTT packet that is too large', frame(BINARY, Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0x7f)), 1000],
  ];
  for (const [why, bytes, code] of table) {
    const client = await FrameClient.open(broker.portOf('ws'));
    client.socket.write(bytes);
    assert.is(await client.closeCode(), code, why);
  }
});

test('a frame that promises gigabytes costs what has come of it', async () => {
  const before = broker.residentBytes();
  const clients = await Promise.all(Array.from({ length: 50 }, () => FrameClient.open(broker.portOf('ws'))));
  for (const { socket } of clients) {
    socket.write(Buffer.concat([Uint8Array.of(0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0), CONNECT]));
  }
  for (const client of clients) assert.is((await client.take(3))[2], 0x20);
  assert.ok(broker.residentBytes() - before < 100 * 1024 * 1024);
  for (const { socket } of clients) socket.destroy();
});

test('only MQTT is spoken, on its path, and to pages of the right origin', async () => {
  const { ws: plain, pages } = { ws: broker.portOf('ws'), pages: broker.portOf('pages') };
  for (const headers of ['', 'Sec-WebSocket-Protocol: chat\r\n']) {
    const refused = await FrameClient.open(plain, headers);
    assert.is(refused.status, '400');
    await within('the end', refused.ended);
  }
  assert.is((await fetch(`http://127.0.0.1:${plain}/mqtt`)).status, 426);
  assert.is((await fetch(`http://127.0.0.1:${plain}/other`)).status, 404);
  assert.is(
    (await fetch(`http://127.0.0.1:${plain}/mqtt`, { method: 'POST', body: 'x'.repeat(100_000) }).catch(() => ({ status: 405 })))
      .status,
    405,
  );
  const statusOf = async (port: number, path: string, origin: string): Promise<number> => {
    const peer = new ws.WebSocket(`ws://127.0.0.1:${port}${path}`, 'mqtt', { origin });
    return await new Promise((resolve) => {
      peer.on('open', () => resolve(101));
      peer.on('error', () => {});
      peer.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    });
  };
  assert.is(await statusOf(pages, '/chat', 'https://app.example'), 101);
  assert.is(await statusOf(pages, '/chat', 'https://evil.example'), 403);
  assert.is(await statusOf(pages, '/mqtt', 'https://app.example'), 404);
});

test('who does not ask for an upgrade in time, or asks at too great a length, is cut off', async () => {
  const silent = new FrameClient(broker.portOf('ws'));
  await within('the end', silent.ended);
  const halting = new FrameClient(broker.portOf('ws'));
  halting.socket.write('GET /mqtt HTTP/1.1\r\nHost:');
  await within('the end', halting.ended);
  const verbose = new FrameClient(broker.portOf('ws'));
  verbose.socket.write(`GET /mqtt HTTP/1.1\r\nHost: ${'x'.repeat(20_000)}\r\n\r\n`);
  await within('the end', verbose.ended);
});

test.run();
