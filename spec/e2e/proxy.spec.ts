// PROXY headers, in front of TCP, TLS and WebSocket.
import { once } from 'node:events';
import net from 'node:net';
import * as tls from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as ws from 'ws';
import { encodeConnect } from '../../src/wire/mqtt/client-encoder.ts';
import { proxyV2 } from '../wire/proxy/proxy-v2.ts';
import { Broker } from './broker.ts';
import { Authority, hasOpenssl } from './certificates.ts';
import { RawClient } from './raw-client.ts';
import { until, within } from './until.ts';

const V1 = Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 56324 1883\r\n');
const V2 = proxyV2({
  family: 0x11,
  body: Buffer.concat([Uint8Array.of(192, 0, 2, 8, 198, 51, 100, 1, 0xdc, 4, 7, 0x5b), Buffer.alloc(40, 9)]),
});
const LOCAL = proxyV2({ command: 0, family: 0, body: Buffer.alloc(0) });

const test = suite('PROXY protocol');
const authority = hasOpenssl() ? new Authority() : undefined;
let broker: Broker;
test.before(async () => {
  const server = authority?.issue('/CN=localhost', 'IP:127.0.0.1');
  const secure =
    server === undefined
      ? ''
      : `, {name="ptls", type="tls", port=0, proxy_protocol=true, tls={cert_file="${server.certFile}", key_file="${server.keyFile}"}}`;
  broker = await Broker.start({
    'mqtt.handshake_timeout_ms': 1000,
    'mqtt.listeners': `[{name="ptcp", type="tcp", port=0, proxy_protocol=true}, {name="pws", type="ws", port=0, proxy_protocol=true}${secure}]`,
  });
});
test.after(async () => {
  authority?.remove();
  await broker.assertSound();
  assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
});

async function open(listener: string): Promise<net.Socket> {
  const socket = net.connect(broker.portOf(listener), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function addressOf(clientId: string): Promise<string> {
  let address: string | undefined;
  await until(`${clientId} has a session`, async () => {
    address = (await broker.sessions()).find(({ detail }) => detail.clientId === clientId)?.detail.address;
    return address !== undefined;
  });
  return address!;
}

test('the client’s address is the one that the proxy tells, in either version, in any pieces', async () => {
  const table: [header: Buffer, expected: RegExp][] = [
    [V1, /^192\.0\.2\.7:56324$/],
    [V2, /^192\.0\.2\.8:56324$/],
    [LOCAL, /^127\.0\.0\.1:\d+$/],
    [Buffer.from('PROXY UNKNOWN\r\n'), /^127\.0\.0\.1:\d+$/],
    [Buffer.from('PROXY TCP6 2001:db8::7 ::1 56324 1883\r\n'), /^\[2001:db8::7\]:56324$/],
  ];
  for (const [i, [header, expected]] of table.entries()) {
    const socket = await open('ptcp');
    for (const byte of header) await new Promise<void>((resolve) => socket.write(Uint8Array.of(byte), () => resolve()));
    const client = RawClient.over(socket);
    await client.connect({ clientId: `proxied-${i}` });
    assert.match(await addressOf(`proxied-${i}`), expected);
    client.destroy();
  }
});

test('what comes along with the header is not lost', async () => {
  const socket = await open('ptcp');
  const client = RawClient.over(socket);
  client.speak(5);
  socket.write(Buffer.concat([V2, encodeConnect({ level: 5, clientId: 'at-once', cleanStart: true, keepAliveSeconds: 0 })]));
  await client.next('connack');
  const packets = Array.from({ length: 500 }, (_, i) => client.encodePublish('along', `${i}`));
  await client.subscribe('along');
  client.send(...packets);
  for (let i = 0; i < packets.length; i++) assert.is(await client.nextPayload(), String(i));
  client.destroy();
});

test('in front of WebSocket and TLS', async () => {
  const below = await open('pws');
  below.write(V1);
  const peer = new ws.WebSocket('ws://localhost/mqtt', 'mqtt', { createConnection: () => below });
  await within('the upgrade', once(peer, 'open'));
  peer.send(encodeConnect({ level: 5, clientId: 'over-ws', cleanStart: true, keepAliveSeconds: 0 }));
  await once(peer, 'message');
  assert.is(await addressOf('over-ws'), '192.0.2.7:56324');
  peer.terminate();
  if (authority === undefined) return;
  const raw = await open('ptls');
  raw.write(V2);
  const secure = tls.connect({ socket: raw, ca: authority.cert, host: '127.0.0.1' });
  await within('the handshake', once(secure, 'secureConnect'));
  const client = RawClient.over(secure);
  await client.connect({ clientId: 'over-tls' });
  assert.is(await addressOf('over-tls'), '192.0.2.8:56324');
  client.destroy();
});

test('no header, a malformed one or half of one: no connection', async () => {
  const connect = encodeConnect({ level: 5, clientId: 'bare', cleanStart: true, keepAliveSeconds: 0 });
  const table: [why: string, bytes: Uint8Array][] = [
    ['bare MQTT', connect],
    ['a bad line', Buffer.from('PROXY TCP9 a b c d\r\n')],
    ['a line without end', Buffer.from(`PROXY ${'x'.repeat(200)}`)],
    ['an endless version 2', Buffer.concat([V2.subarray(0, 14), Uint8Array.of(0xff, 0xff), Buffer.alloc(5000)])],
    ['half a header', V1.subarray(0, 20)],
    ['nothing', new Uint8Array(0)],
  ];
  const before = await broker.metric('sluice_listener_failed_handshakes_total');
  for (const [why, bytes] of table) {
    const socket = await open('ptcp');
    const got: Buffer[] = [];
    socket.on('data', (chunk) => got.push(chunk));
    socket.write(bytes);
    await within(`the end: ${why}`, new Promise((resolve) => socket.on('close', resolve)));
    assert.is(Buffer.concat(got).length, 0, why);
  }
  // A client may see the end before the turn that counts it is over.
  await broker.untilMetric('sluice_listener_failed_handshakes_total', (count) => count === before + table.length);
  await broker.untilMetric('sluice_mqtt_connections', (count) => count === 0);
});

test.run();
