// The certificates that a TLS listener shows: by name, renewed while it runs.
import { copyFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Authority, hasOpenssl, type Issued } from './certificates.ts';
import { TlsBench } from './tls-bench.ts';
import { until, within } from './until.ts';

if (!hasOpenssl()) console.log('skipped: the openssl command is not installed');
else run();

function run(): void {
  const test = suite('certificates');
  const bench = new TlsBench();
  const stranger = new Authority('somebody else');

  test.after(async () => {
    stranger.remove();
    await bench.close();
  });

  test('SIGHUP renews certificates; who is connected stays, whoever comes sees the new ones, and bad ones change nothing', async () => {
    const [certFile, keyFile] = [join(bench.authority.folder, 'live.pem'), join(bench.authority.folder, 'live.key')];
    const put = ({ certFile: cert, keyFile: key }: Issued): void => {
      copyFileSync(cert, certFile);
      copyFileSync(key, keyFile);
    };
    put(bench.server);
    const broker = await bench.start(
      { 'mqtt.tls.reload_interval_ms': 0, 'node.threads': 2, 'log.level': 'info' },
      { ...bench.server, certFile, keyFile },
    );
    const serialOf = async (): Promise<string> => {
      const socket = await bench.secure(broker);
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const early = await bench.connect(broker, 'early');
    const before = await serialOf();

    writeFileSync(keyFile, stranger.issue('/CN=x').key);
    broker.node.kill('SIGHUP');
    const complaint = await broker.node.logged('certificates are bad, those before them stay');
    assert.is(complaint.code, 'SLUICE_LISTEN_CERTIFICATE');
    assert.is(await serialOf(), before);

    put(bench.authority.issue('/CN=localhost', 'DNS:localhost,IP:127.0.0.1'));
    broker.node.kill('SIGHUP');
    for (let i = 0; i < 8; i++) await until('the new certificate is shown', async () => (await serialOf()) !== before);
    await early.settled();
    assert.is(early.isClosed, false);
  });

  test('a certificate that changes on disk is renewed without being told', async () => {
    const [certFile, keyFile] = [join(bench.authority.folder, 'watched.pem'), join(bench.authority.folder, 'watched.key')];
    copyFileSync(bench.server.certFile, certFile);
    copyFileSync(bench.server.keyFile, keyFile);
    const broker = await bench.start(
      { 'mqtt.tls.reload_interval_ms': 50, 'log.level': 'info' },
      { ...bench.server, certFile, keyFile },
    );
    const before = (await bench.secure(broker)).getPeerCertificate().serialNumber;
    const next = bench.authority.issue('/CN=localhost', 'IP:127.0.0.1');
    copyFileSync(next.keyFile, keyFile); // for a moment they do not belong together
    await broker.node.logged('changed certificates are bad, those before them stay');
    copyFileSync(next.certFile, certFile);
    utimesSync(certFile, new Date(), new Date());
    await until(
      'the new certificate is shown',
      async () => (await bench.secure(broker)).getPeerCertificate().serialNumber !== before,
    );
  });

  test('SNI: the certificate is the one for the name that is asked for', async () => {
    const one = bench.authority.issue('/CN=one', 'DNS:one.example');
    const wild = bench.authority.issue('/CN=wild', 'DNS:*.two.example,DNS:two.example');
    const sni = `[{cert_file="${one.certFile}", key_file="${one.keyFile}"}, {cert_file="${wild.certFile}", key_file="${wild.keyFile}"}]`;
    const broker = await bench.start({ 'mqtt.tls.sni': sni });
    const table: [servername: string, expected: string][] = [
      ['one.example', 'one'],
      ['ONE.example', 'one'],
      ['a.two.example', 'wild'],
      ['two.example', 'wild'],
      ['a.b.two.example', 'localhost'],
      ['three.example', 'localhost'],
      ['', 'localhost'],
    ];
    for (const [servername, expected] of table) {
      const socket = await bench.secure(broker, { servername, checkServerIdentity: () => undefined });
      assert.is(socket.getPeerCertificate().subject.CN, expected, servername);
      socket.destroy();
    }
  });

  test('a session is resumed on whichever reactor the client comes back to', async () => {
    const broker = await bench.start({ 'node.threads': 2 });
    const first = await bench.secure(broker);
    const session = await within('a ticket', new Promise<Buffer>((resolve) => first.once('session', resolve)));
    first.destroy();
    for (let i = 0; i < 10; i++) {
      const again = await bench.secure(broker, { session });
      assert.is(again.isSessionReused(), true);
      again.destroy();
    }
  });

  test.run();
}
