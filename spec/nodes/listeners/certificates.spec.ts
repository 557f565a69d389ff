import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/base/errors.ts';
import type { TlsTable } from '../../../src/nodes/config/listener-schema.ts';
import { defaultConfig } from '../../../src/nodes/config/load.ts';
import { fingerprintOf, readCertificates } from '../../../src/nodes/listeners/certificates.ts';
import { Authority, hasOpenssl } from '../../e2e/certificates.ts';

if (!hasOpenssl()) console.log('skipped: the openssl command is not installed');
else run();

function run(): void {
  const test = suite('certificate files');
  const authority = new Authority();
  const server = authority.issue('/CN=server', 'DNS:Server.example,DNS:*.server.example,IP:127.0.0.1');
  const other = authority.issue('/CN=other');
  const keys = new Uint8Array(48);
  test.after(() => authority.remove());

  function files(some: Partial<TlsTable> = {}): TlsTable {
    return { ...defaultConfig().mqtt.tls, cert_file: server.certFile, key_file: server.keyFile, ...some };
  }

  test('are read with the names that they are for', () => {
    const sni = [{ cert_file: other.certFile, key_file: other.keyFile }];
    const { settings, certificates } = readCertificates(files({ sni, ca_file: authority.file }), keys, 'mqtt.tls');
    assert.equal(
      settings.certificates.map(({ names }) => names),
      [['server.example', '*.server.example'], []],
    );
    assert.equal(
      certificates.map(({ subject }) => subject),
      ['CN=server', 'CN=other'],
    );
    assert.is(settings.clientAuthorities, authority.cert);
    assert.is(settings.revocations, '');
  });

  test('that cannot be used are refused, with the key', () => {
    const table: [some: Partial<TlsTable>, message: RegExp][] = [
      [{ key_file: '/nowhere' }, /^mqtt\.tls\.key_file = "\/nowhere": it cannot be read \(ENOENT\)/],
      [{ key_file: '' }, /^mqtt\.tls\.key_file: it is missing/],
      [{ key_file: other.keyFile }, /^mqtt\.tls\.key_file = .*does not belong to/],
      [{ cert_file: server.keyFile }, /^mqtt\.tls\.cert_file = .*not PEM of the right kind/],
      [{ key_file: server.certFile }, /^mqtt\.tls\.key_file = .*not PEM of the right kind/],
      [{ client_certificate: 'optional' }, /^mqtt\.tls\.client_certificate: optional needs ca_file/],
      [{ ciphers: 'nonsense' }, /^mqtt\.tls: OpenSSL refuses this/],
      [{ ca_file: server.keyFile, crl_file: server.keyFile }, /^mqtt\.tls: OpenSSL refuses this/],
    ];
    for (const [some, message] of table) {
      try {
        readCertificates(files(some), keys, 'mqtt.tls');
        assert.unreachable(String(message));
      } catch (error) {
        assert.instance(error, SluiceError, String(error));
        assert.is((error as SluiceError).code, 'SLUICE_LISTEN_CERTIFICATE');
        assert.match((error as SluiceError).message, message);
      }
    }
  });

  test('have a fingerprint that changes when one of them does, is gone or is back', () => {
    const before = fingerprintOf(files());
    assert.is(fingerprintOf(files()), before);
    assert.is.not(fingerprintOf(files({ ca_file: authority.file })), before);
    assert.is.not(fingerprintOf(files({ ca_file: '/nowhere' })), fingerprintOf(files({ ca_file: authority.file })));
  });

  test.run();
}
