/** nats-server with JetStream, its store in a folder of its own, and else with its defaults: it acknowledges before fsync and syncs every two minutes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchError } from '../load/bench-error.ts';
import { freePort, startProcess, untilAccepting } from './broker-process.ts';
import { findProgram } from './find-program.ts';
import type { Target } from './target.ts';

export async function startNats(): Promise<Target> {
  const file = findProgram('nats-server');
  if (file === undefined) throw new BenchError('target', 'nats-server is not installed (Debian: apt install nats-server)');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-nats-'));
  const endpoint = { host: '127.0.0.1', port: await freePort() };
  const broker = startProcess(file, ['-js', '-sd', folder, '-a', endpoint.host, '-p', String(endpoint.port)]);
  const stop = async (): Promise<void> => {
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilAccepting(broker, 'nats-server', endpoint);
  } catch (error) {
    await stop();
    throw error;
  }
  const version = execFileSync(file, ['--version'], { encoding: 'utf8' }).trim().replace(':', '');
  return { name: 'nats', version: `${version}, JetStream on files`, endpoint, protocol: 'nats', pid: broker.child.pid!, stop };
}
