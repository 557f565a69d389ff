// mosquitto_pub and mosquitto_sub as child processes.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Whether a command can be run at all. */
export function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['--help'], { stdio: 'ignore' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
  }
  return true;
}

export class Tool {
  output = '';
  readonly ended: Promise<number>;
  readonly #child: ReturnType<typeof spawn>;

  /** `at` says where to connect: a port of this machine, or the options for it. */
  constructor(command: 'mosquitto_pub' | 'mosquitto_sub', at: number | readonly string[], args: readonly string[], input = '') {
    const where = typeof at === 'number' ? ['-h', '127.0.0.1', '-p', String(at)] : at;
    this.#child = spawn(command, [...where, ...args]);
    this.#child.stdout!.on('data', (chunk) => {
      this.output += chunk;
    });
    this.#child.stderr!.on('data', (chunk) => {
      this.output += chunk;
    });
    this.#child.stdin!.on('error', () => {}).end(input); // it may have ended without reading
    this.ended = once(this.#child, 'close').then(([code]) => code as number);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
