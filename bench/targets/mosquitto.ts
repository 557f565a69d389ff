/**
 * Debian's (or any) mosquitto with everything that would make it drop or limit switched off, and else with its defaults. Its socket
 * option no-delay stays off: switched on, fan-in becomes a sixth slower and the other figures stay.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchError } from '../load/bench-error.ts';
import { freePort, startProcess, untilAccepting } from './broker-process.ts';
import { makeCertificate } from './certificate.ts';
import { findProgram } from './find-program.ts';
import type { Target, TargetOptions } from './target.ts';

function versionOf(file: string): string {
  try {
    return execFileSync(file, ['-h'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ?? 'mosquitto';
  } catch (error) {
    // Its help ends with exit code 1 in some versions, the text is there all the same.
    return String((error as { stdout?: string }).stdout ?? '').split('\n')[0] || 'mosquitto';
  }
}

export async function startMosquitto(options: TargetOptions): Promise<Target> {
  const file = findProgram('mosquitto');
  if (file === undefined) throw new BenchError('target', 'mosquitto is not installed (Debian: apt install mosquitto)');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-mosquitto-'));
  const endpoint = { host: '127.0.0.1', port: await freePort(), ...(options.tls === true ? { tls: true } : {}) };
  const config = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${endpoint.port} ${endpoint.host}`,
    `allow_anonymous ${options.login === undefined}`,
    'persistence false',
    'max_inflight_messages 0',
    'max_queued_messages 0',
    'log_type error',
  ];
  if (options.login !== undefined) {
    const { username, password } = options.login;
    const users = join(folder, 'users');
    const passwd = findProgram('mosquitto_passwd');
    if (passwd === undefined) throw new BenchError('target', 'mosquitto_passwd is not installed');
    execFileSync(passwd, ['-b', '-c', users, username, password], { stdio: 'ignore' });
    lines.push(`password_file ${users}`);
  }
  if (options.tls === true) {
    const { certFile, keyFile } = makeCertificate(folder);
    lines.push(`certfile ${certFile}`, `keyfile ${keyFile}`);
  }
  // Started by root it becomes somebody who cannot read our folder.
  if (process.getuid?.() === 0) lines.push('user root');
  writeFileSync(config, `${lines.join('\n')}\n`);
  const broker = startProcess(file, ['-c', config]);
  const stop = async (): Promise<void> => {
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilAccepting(broker, 'mosquitto', endpoint);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: 'mosquitto', version: versionOf(file).replace(' version', ''), endpoint, pid: broker.child.pid!, stop };
}
