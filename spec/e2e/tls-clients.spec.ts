// What a TLS listener demands of its clients: certificates, versions, protocols.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../src/nodes/auth/password-hash.ts';
import { Authority, hasOpenssl } from './certificates.ts';
import { TlsBench } from './tls-bench.ts';

if (!hasOpenssl()) console.log('skipped: the openssl command is not installed');
else run();

function run(): void {
  const test = suite('TLS clients');
  const bench = new TlsBench();
  const stranger = new Authority('somebody else');

  test.after(async () => {
    stranger.remove();
    await bench.close();
  });

  test('client certificates that are demanded: no good one, no connection; revoked is not good', async () => {
    const good = bench.authority.issue('/O=Plant/CN=device-7');
    const revoked = bench.authority.issue('/CN=device-8');
    const broker = await bench.start({
      'mqtt.tls.client_certificate': 'required',
      'mqtt.tls.ca_file': bench.authority.file,
      'mqtt.tls.crl_file': bench.authority.revoke(revoked),
    });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      assert.is(await bench.isRefused(broker, { maxVersion }), true, 'none');
      const other = stranger.issue('/CN=device-7');
      assert.is(await bench.isRefused(broker, { maxVersion, cert: other.cert, key: other.key }), true, 'of a stranger');
      assert.is(await bench.isRefused(broker, { maxVersion, cert: revoked.cert, key: revoked.key }), true, 'revoked');
      const client = await bench.connect(broker, 'good', { maxVersion, cert: good.cert, key: good.key });
      await client.disconnect();
    }
    await broker.untilMetric('sluice_mqtt_connections', (count) => count === 0);
  });

  test('the name in a certificate is the user name and needs no password; without one the password counts', async () => {
    const users = join(bench.authority.folder, 'users');
    writeFileSync(users, `anna:${hashPassword('right', 10)}\n`);
    const good = bench.authority.issue('/O=Plant/CN=device-7', 'URI:urn:device:7');
    const other = stranger.issue('/CN=anna');
    const broker = await bench.start({
      'mqtt.tls.client_certificate': 'optional',
      'mqtt.tls.username_from': 'cn',
      'mqtt.tls.ca_file': bench.authority.file,
      'auth.users_file': users,
    });
    const device = await bench.connect(broker, 'device', { cert: good.cert, key: good.key });
    assert.is(device.connack.reasonCode, 0);
    const anna = await bench.connect(broker, 'anna', {}, { username: 'anna', password: Buffer.from('right') });
    assert.is(anna.connack.reasonCode, 0);
    const nobody = await bench.connect(broker, 'nobody');
    assert.is(nobody.connack.reasonCode, 0x86);
    assert.is(await bench.isRefused(broker, { cert: other.cert, key: other.key }), true, 'shown, and not good');
  });

  test('versions, ciphers and ALPN are as configured', async () => {
    const broker = await bench.start({ 'mqtt.tls.min_version': 'TLSv1.3' });
    assert.is(await bench.isRefused(broker, { maxVersion: 'TLSv1.2' }), true);
    const socket = await bench.secure(broker, { ALPNProtocols: ['mqtt'] });
    assert.is(socket.getProtocol(), 'TLSv1.3');
    assert.is(socket.alpnProtocol, 'mqtt');
    socket.destroy();
    assert.is(await bench.isRefused(broker, { ALPNProtocols: ['h2'] }), true);
    assert.is(await bench.isRefused(broker, {}), false, 'no ALPN at all');
    const picky = await bench.start({ 'mqtt.tls.ciphers': 'ECDHE-ECDSA-CHACHA20-POLY1305' });
    const old = await bench.secure(picky, { maxVersion: 'TLSv1.2' });
    assert.is(old.getCipher().name, 'ECDHE-ECDSA-CHACHA20-POLY1305');
    old.destroy();
  });

  test.run();
}
