// TLS with keys that clients share with the node, instead of certificates.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { isInstalled, Tool } from './mosquitto-tool.ts';
import { RawClient } from './raw-client.ts';
import { until, within } from './until.ts';

const test = suite('shared keys');
const folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
const keys = join(folder, 'keys');
const acl = join(folder, 'acl');
const KEY = '00112233445566778899aabbccddeeff';
let broker: Broker;
test.before(async () => {
  writeFileSync(keys, `device-7:${KEY}\nother:${KEY}\n`);
  writeFileSync(acl, 'topic readwrite public/#\npattern readwrite devices/%u/#\n');
  broker = await Broker.start({
    'node.threads': 2,
    'mqtt.tls.port': 0,
    'mqtt.tls.psk_file': keys,
    'mqtt.tls.psk_hint': 'the plant',
    'mqtt.tls.username_from': 'identity',
    'acl.file': acl,
  });
});
test.after(async () => {
  await broker.assertSound();
  assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
  rmSync(folder, { recursive: true });
});

/** A connection, or why there is none. */
async function secure(identity: string, psk: string, maxVersion: tls.SecureVersion, session?: Buffer): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    port: broker.portOf('tls'),
    host: '127.0.0.1',
    pskCallback: () => ({ psk: Buffer.from(psk, 'hex'), identity }),
    checkServerIdentity: () => undefined,
    ciphers: 'PSK:TLS_AES_128_GCM_SHA256',
    maxVersion,
    ...(session === undefined ? {} : { session }),
  });
  const outcome = new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
  await within('the TLS handshake', outcome);
  return socket;
}

async function connect(identity: string, maxVersion: tls.SecureVersion): Promise<RawClient> {
  const client = RawClient.over(await secure(identity, KEY, maxVersion));
  await client.connect({ clientId: `${identity}-${maxVersion}` });
  return client;
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: whoever has the key is who it says`, async () => {
    const client = await connect('device-7', version);
    assert.is(client.connack.reasonCode, 0);
    assert.equal(await client.subscribe('devices/device-7/#'), [0]);
    assert.equal(await client.subscribe('devices/other/#'), [0x87]);
    client.publish('devices/device-7/up', 'x'.repeat(50_000));
    assert.is((await client.nextPayload()).length, 50_000);
    client.destroy();
  });

  test(`${version}: another key or an unknown identity is no connection`, async () => {
    for (const [identity, key] of [
      ['device-7', 'ff'],
      ['nobody', KEY],
    ]) {
      const outcome = await secure(identity!, key!, version).then(
        (socket) => {
          socket.destroy();
          return 'connected';
        },
        () => 'refused',
      );
      assert.is(outcome, 'refused', identity);
    }
  });
}

test('a session is not resumed, which would leave out who the client is', async () => {
  const first = await secure('device-7', KEY, 'TLSv1.2');
  const session = first.getSession();
  first.destroy();
  const second = await secure('other', KEY, 'TLSv1.2', session);
  assert.not.ok(second.isSessionReused());
  const client = RawClient.over(second);
  await client.connect({ clientId: 'second' });
  assert.equal(await client.subscribe('devices/device-7/#'), [0x87]);
  assert.equal(await client.subscribe('devices/other/#'), [0]);
  client.destroy();
});

test('keys that change are in force at the next handshake; a bad file changes nothing', async () => {
  const staying = await connect('other', 'TLSv1.3');
  writeFileSync(keys, `device-7:${KEY}\nnewcomer:${KEY}\n`);
  broker.node.kill('SIGHUP');
  await until('the newcomer gets in', () =>
    connect('newcomer', 'TLSv1.2').then(
      (client) => {
        client.destroy();
        return true;
      },
      () => false,
    ),
  );
  await assertRefused(connect('other', 'TLSv1.2'));
  await staying.settled();
  writeFileSync(keys, 'device-7 without a key\n');
  broker.node.kill('SIGHUP');
  await until('the node has complained', () => broker.node.stderr.some((line) => line.includes('certificates are bad')));
  (await connect('newcomer', 'TLSv1.3')).destroy();
  staying.destroy();
});

async function assertRefused(connecting: Promise<RawClient>): Promise<void> {
  const outcome = await connecting.then(
    () => 'in',
    () => 'out',
  );
  assert.is(outcome, 'out');
}

if (isInstalled('mosquitto_pub')) {
  test('mosquitto_pub and mosquitto_sub', async () => {
    const at = ['-h', '127.0.0.1', '-p', String(broker.portOf('tls')), '--psk', KEY, '--psk-identity', 'device-7'];
    const sub = new Tool('mosquitto_sub', at, ['-t', 'devices/device-7/up', '-C', '1']);
    await broker.untilMetric('sluice_router_subscriptions', (count) => count === 1);
    const pub = new Tool('mosquitto_pub', at, ['-t', 'devices/device-7/up', '-m', 'hello', '-q', '1']);
    assert.is(await within('the end of mosquitto_pub', pub.ended), 0, pub.output);
    assert.is(await within('the end of mosquitto_sub', sub.ended), 0, sub.output);
    assert.is(sub.output, 'hello\n');
  });
} else console.log('mosquitto-clients is not installed');

test.run();
