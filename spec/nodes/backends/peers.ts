/**
 * Real databases for specs, as Debian packages them: each started on a free port of loopback with its data in a temporary folder, gone with the spec.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../../bench/targets/broker-process.ts';
import { until } from '../../e2e/until.ts';

export interface Peer {
  readonly port: number;
  readonly url: string;
  /** As if the machine had died, or hung (SIGSTOP) and come back (SIGCONT). */
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

/** Where programs are that no user has in their PATH. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', ...postgresqlFolders()];

function postgresqlFolders(): string[] {
  try {
    return readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}

export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => socket.destroy() && resolve(true));
    socket.once('error', () => resolve(false));
  });
}

/** A user that is not root, for programs that refuse to run as root; undefined when we are not root ourselves. */
function ordinaryUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** To a process and its children: PostgreSQL has one for each connection. */
function signalAll(pid: number, signal: NodeJS.Signals): void {
  for (const each of [pid, ...childrenOf(pid)]) {
    try {
      process.kill(each, signal);
    } catch {
      // It is gone already.
    }
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => parentOf(each) === pid);
}

function parentOf(pid: number): number | undefined {
  try {
    // The name in parentheses may hold anything, the parent is the second field behind it.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()?.split(' ')[1]);
  } catch {
    return undefined;
  }
}

interface Start {
  readonly file: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly folder: string;
  readonly url: string;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** Whether it serves, once it accepts connections. */
  readonly isReady?: () => boolean;
}

async function run({ file, args, port, folder, url, user, isReady = () => true }: Start): Promise<Peer> {
  const child = spawn(file, args, { stdio: 'ignore', cwd: folder, ...user });
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await until(`${file} serves`, async () => {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}`);
    return (await accepts(port)) && isReady();
  });
  return {
    port,
    url,
    kill: (signal) => signalAll(child.pid!, signal),
    async stop() {
      signalAll(child.pid!, 'SIGKILL');
      await ended;
      process.off('exit', orphaned);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const folderFor = (name: string): string => mkdtempSync(join(tmpdir(), `sluice-${name}-`));

/** Undefined, as with the others, when it is not installed. */
export async function startMariadb(): Promise<Peer | undefined> {
  const [install, server] = [findProgram('mariadb-install-db'), findProgram('mariadbd')];
  if (install === undefined || server === undefined) return undefined;
  const folder = folderFor('mariadb');
  const data = join(folder, 'data');
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const trusting = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  execFileSync(install, ['--no-defaults', `--datadir=${data}`, ...trusting, ...user], { stdio: 'ignore', cwd: folder });
  const port = await freePort();
  const socket = `--socket=${join(folder, 'socket')}`;
  const small = ['--innodb-buffer-pool-size=8M', '--innodb-flush-log-at-trx-commit=0', '--skip-name-resolve'];
  const args = ['--no-defaults', `--datadir=${data}`, '--bind-address=127.0.0.1', `--port=${port}`, socket, ...small, ...user];
  return run({ file: server, args, port, folder, url: `mysql://root@127.0.0.1:${port}/mysql` });
}

export async function startPostgresql(): Promise<Peer | undefined> {
  const [init, server, probe] = [findProgram('initdb'), findProgram('postgres'), findProgram('pg_isready')];
  if (init === undefined || server === undefined || probe === undefined) return undefined;
  const folder = folderFor('postgresql');
  const user = ordinaryUser();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const trusting = ['-D', data, '-U', 'sluice', '--auth=trust', '-E', 'UTF8', '--no-sync'];
  execFileSync(init, trusting, { stdio: 'ignore', cwd: folder, ...user });
  const port = await freePort();
  const args = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder];
  // It accepts connections while it still starts, and refuses them then.
  const isReady = (): boolean => spawnSync(probe, ['-q', '-h', '127.0.0.1', '-p', String(port)]).status === 0;
  return run({ file: server, args, port, folder, url: `postgresql://sluice@127.0.0.1:${port}/postgres`, user, isReady });
}

export async function startRedis(): Promise<Peer | undefined> {
  const server = findProgram('redis-server');
  if (server === undefined) return undefined;
  const folder = folderFor('redis');
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  return run({ file: server, args, port, folder, url: `redis://127.0.0.1:${port}/0` });
}
