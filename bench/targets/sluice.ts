/** A Sluice node of this tree, on ports of its own and with a data folder of its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashPassword } from '../../src/nodes/auth/password-hash.ts';
import { makeCertificate } from './certificate.ts';
import { startNodeScript } from './node-process.ts';
import type { Target, TargetOptions } from './target.ts';

// From dist/bench/targets/: the compiled entry and the package description.
const ENTRY = new URL('../../node.js', import.meta.url);
const PACKAGE = new URL('../../../package.json', import.meta.url);

export function startSluice(options: TargetOptions): Promise<Target> {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string };
  const data = mkdtempSync(join(tmpdir(), 'sluice-bench-node-'));
  const settings = ['mqtt.tcp.port=0', 'mqtt.ws.port=-1', 'http.port=0', `node.data=${data}`];
  if (options.reactors !== undefined) settings.push(`node.threads=${options.reactors}`);
  if (options.tls === true) {
    const { certFile, keyFile } = makeCertificate(data);
    settings.push('mqtt.tls.port=0', 'mqtt.wss.port=-1', `mqtt.tls.cert_file=${certFile}`, `mqtt.tls.key_file=${keyFile}`);
  }
  if (options.login !== undefined) {
    const users = join(data, 'users');
    writeFileSync(users, `${options.login.username}:${hashPassword(options.login.password)}\n`);
    settings.push(`auth.users_file=${users}`);
  }
  settings.push(...(options.settings ?? []));
  return startNodeScript({
    name: 'sluice',
    version: `sluice ${version}`,
    script: ENTRY,
    flags: options.nodeFlags ?? [],
    ...(options.startMsMax === undefined ? {} : { startMsMax: options.startMsMax }),
    args: settings.flatMap((setting) => ['--set', setting]),
    address: (ready) => (ready.mqtt as Record<string, string>)[options.tls === true ? 'tls' : 'tcp']!,
    ...(options.tls === true ? { tls: true } : {}),
    http: (ready) => String(ready.http),
    cleanUp: () => rmSync(data, { recursive: true, force: true }),
  });
}
