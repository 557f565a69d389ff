// Each listener asks its clients in its own way who they are; what they may do follows from who they turn out to be.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'mqtt-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../src/nodes/auth/password-hash.ts';
import type { Broker } from './broker.ts';
import { hasOpenssl } from './certificates.ts';
import { RawClient } from './raw-client.ts';
import { TlsBench } from './tls-bench.ts';
import { within } from './until.ts';

const BAD_USER_NAME_OR_PASSWORD = 0x86;
const BAD_AUTHENTICATION_METHOD = 0x8c;
const NOT_AUTHORIZED = 0x87;

if (!hasOpenssl()) console.log('skipped: the openssl command is not installed');
else run();

function run(): void {
  const test = suite('logins by listener');
  const bench = new TlsBench();
  const device = bench.authority.issue('/O=Plant/CN=device-7');
  let broker: Broker;
  test.before(async () => {
    const { folder, file } = bench.authority;
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    broker = await bench.start({
      'node.threads': 2,
      'node.data': join(folder, 'data'),
      'mqtt.tls.port': -1,
      'mqtt.tls.ca_file': file,
      'auth.scrypt_log_n': 10,
      'auth.timeout_ms': 4500,
      'auth.users_file': write('users', `anna:${hashPassword('right', 10)}\n`),
      'auth.chains': 'devices=tls,guests=anonymous,people=builtin',
      'acl.file': write('acl', 'topic readwrite public/#\nuser anna\ntopic readwrite #\npattern readwrite devices/%u/#\n'),
      'mqtt.listeners': `[
        {name="devices", type="tls", port=0, auth="devices", tls={client_certificate="optional"}},
        {name="guests", type="tcp", port=0, auth="guests"},
        {name="people", type="tcp", port=0, auth="people"}]`,
    });
    const response = await fetch(`${broker.http}/api/v1/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'otto', password: 'his own' }),
    });
    assert.ok(response.ok, await response.text());
  });
  test.after(() => bench.close());

  const reasons = async (name: string, logins: Record<string, object>): Promise<Record<string, number | undefined>> => {
    const found: Record<string, number | undefined> = {};
    for (const [who, login] of Object.entries(logins)) {
      const client = await RawClient.connect(broker.portOf(name), { clientId: `${name}-${who}`, ...login });
      found[who] = client.connack.reasonCode;
      client.destroy();
    }
    return found;
  };
  const anna = { username: 'anna', password: Buffer.from('right') };
  const otto = { username: 'otto', password: Buffer.from('his own') };

  test('the same credentials are good on one listener and not on another', async () => {
    const bad = BAD_USER_NAME_OR_PASSWORD;
    assert.equal(await reasons('tcp', { nobody: {}, anna, otto }), { nobody: bad, anna: 0, otto: bad });
    assert.equal(await reasons('guests', { nobody: {}, anna, otto }), { nobody: 0, anna: bad, otto: bad });
    assert.equal(await reasons('people', { nobody: {}, anna, otto }), { nobody: bad, anna: bad, otto: 0 });
  });

  test('SCRAM is offered where built-in users are, and nowhere else', async () => {
    const challenged = async (name: string): Promise<number | undefined> => {
      const client = await RawClient.open(broker.portOf(name));
      client.speak(5);
      const properties = { authenticationMethod: 'SCRAM-SHA-256', authenticationData: Buffer.from('n,,n=otto,r=abcdefgh') };
      client.send(generate({ cmd: 'connect', protocolVersion: 5, clientId: `scram-${name}`, clean: true, properties }));
      const answer = (await within('an answer', client.next())) as { reasonCode?: number };
      client.destroy();
      return answer.reasonCode;
    };
    assert.is(await challenged('people'), 0x18);
    for (const name of ['tcp', 'guests']) assert.is(await challenged(name), BAD_AUTHENTICATION_METHOD, name);
  });

  test('who has a certificate is who it says, and has the rights of that; who has none does not get in', async () => {
    const withCertificate = RawClient.over(await bench.secure(broker, { cert: device.cert, key: device.key }, 'devices'));
    await withCertificate.connect({ clientId: 'seven' });
    assert.is(withCertificate.connack.reasonCode, 0);
    assert.equal(await withCertificate.subscribe('devices/device-7/#'), [0]);
    assert.equal(await withCertificate.subscribe('devices/device-8/#'), [NOT_AUTHORIZED]);
    const without = RawClient.over(await bench.secure(broker, {}, 'devices'));
    await without.connect({ clientId: 'seven', ...anna });
    assert.is(without.connack.reasonCode, BAD_USER_NAME_OR_PASSWORD);
    withCertificate.destroy();
    without.destroy();
  });

  test.run();
}
