/**
 * rabbitmq-server with its data in a folder of its own and without plugins, and else with its defaults. It is spoken to over AMQP 0-9-1, which is what it does best: its
 * MQTT plugin is a translation on top. Erlang's port mapper gets a port of its own too, so that no other node is met.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchError } from '../load/bench-error.ts';
import { freePort, startProcess, untilAccepting } from './broker-process.ts';
import type { Target } from './target.ts';

/** Not the script in PATH: that one changes to a user and a folder of the distribution. */
const START_MS_MAX = 180_000;
const SCRIPT = '/usr/lib/rabbitmq/bin/rabbitmq-server';

export async function startRabbitmq(): Promise<Target> {
  if (!existsSync(SCRIPT))
    throw new BenchError('target', 'rabbitmq-server is not installed (Debian: apt install rabbitmq-server)');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-rabbitmq-'));
  const endpoint = { host: '127.0.0.1', port: await freePort() };
  const environment = await environmentIn(folder, endpoint.port);
  const broker = startProcess(SCRIPT, [], environment);
  // Neither goes with the script when the bench is interrupted.
  const orphaned = (): void => {
    killErlang(folder, 'SIGKILL');
    endPortMapper(environment);
  };
  process.once('exit', orphaned);
  const stop = async (): Promise<void> => {
    killErlang(folder, 'SIGTERM');
    await broker.stop();
    endPortMapper(environment);
    process.off('exit', orphaned);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilAccepting(broker, 'rabbitmq-server', endpoint, START_MS_MAX);
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    return { name: 'rabbitmq', version: versionOf(environment), endpoint, protocol: 'amqp', pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function environmentIn(folder: string, port: number): Promise<NodeJS.ProcessEnv> {
  for (const name of ['mnesia', 'log']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${port}\nlog.file.level = error\n`);
  writeFileSync(join(folder, 'plugins'), '[].\n');
  return {
    ...process.env,
    HOME: folder,
    RABBITMQ_NODENAME: `bench-${process.pid}@localhost`,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_DIST_PORT: String(await freePort()),
    ERL_EPMD_PORT: String(await freePort()),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
}

/** The broker is a child of the script, or has taken its place. */
function killErlang(folder: string, signal: NodeJS.Signals): void {
  const file = join(folder, 'pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  if (!(pid > 1)) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

function endPortMapper(environment: NodeJS.ProcessEnv): void {
  try {
    execFileSync('epmd', ['-kill'], { env: environment, stdio: 'ignore' });
  } catch {
    // It has gone by itself, or was never started.
  }
}

function versionOf(environment: NodeJS.ProcessEnv): string {
  const text = execFileSync('/usr/lib/rabbitmq/bin/rabbitmqctl', ['version'], { encoding: 'utf8', env: environment });
  return `rabbitmq ${text.trim().split('\n').at(-1)}`;
}
