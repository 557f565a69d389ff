import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../src/base/errors.ts';
import { loadConfig } from '../../src/nodes/config/load.ts';
import { checkExposure } from '../../src/nodes/exposure.ts';

function refused(...assignments: string[]): string | undefined {
  const { config } = loadConfig({ assignments, environment: {}, file: undefined });
  try {
    checkExposure(config);
    return undefined;
  } catch (error) {
    assert.is((error as SluiceError).code, 'SLUICE_LISTEN_INSECURE');
    return (error as SluiceError).message;
  }
}

const test = suite('exposure');

test('a listener off loopback needs authentication or an explicit word', () => {
  assert.is(refused(), undefined);
  assert.match(refused('mqtt.tcp.host=0.0.0.0') ?? '', /^mqtt\.tcp\.host = "0\.0\.0\.0".*auth\.users_file/);
  assert.match(refused('mqtt.tcp.host=::') ?? '', /\[::\]:1883/);
  assert.is(refused('mqtt.tcp.host=0.0.0.0', 'auth.users_file=users'), undefined);
  assert.is(refused('mqtt.tcp.host=0.0.0.0', 'auth.insecure=true'), undefined);
  assert.is(refused('mqtt.tcp.host=0.0.0.0', 'mqtt.tcp.port=-1'), undefined);
  assert.is(refused('mqtt.tls.host=0.0.0.0', 'mqtt.tls.psk_file=keys'), undefined, 'whoever has a key is let in');
  assert.match(refused('mqtt.tls.host=0.0.0.0', 'mqtt.tls.cert_file=c', 'mqtt.tls.key_file=k') ?? '', /^mqtt\.tls\.host/);
  const open = '{name="open", type="tcp", port=1, host="0.0.0.0", auth="guests"}';
  assert.match(
    refused('auth.users_file=users', 'auth.chains=guests=anonymous', `mqtt.listeners=[${open}]`) ?? '',
    /listeners\[0\]\.host/,
  );
});

test('HTTP has no authentication, so the users file does not open it', () => {
  assert.match(refused('http.host=10.0.0.1', 'auth.users_file=users') ?? '', /^http\.host/);
  assert.is(refused('http.host=10.0.0.1', 'auth.insecure=true'), undefined);
  assert.is(refused('http.host=10.0.0.1', 'http.port=-1'), undefined);
});

test('the wire off loopback needs a secret, certificates, or an explicit word', () => {
  const wire = ['cluster.meta=2@a:1', 'wire.host=0.0.0.0'];
  assert.is(refused('wire.host=0.0.0.0'), undefined);
  assert.match(refused(...wire) ?? '', /^wire\.host = "0\.0\.0\.0".*wire\.secret/);
  for (const remedy of ['wire.secret=x', 'wire.tls.cert=x', 'auth.insecure=true', 'wire.port=-1']) {
    assert.is(refused(...wire, remedy), undefined, remedy);
  }
});

test.run();
