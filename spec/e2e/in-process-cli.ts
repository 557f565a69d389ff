// The `sluice` command within the spec's own process: starting one of its own costs a second of CPU.
import { runCli } from '../../src/nodes/cli/program.ts';
import type { Broker } from './broker.ts';

/** Runs a command against the HTTP listener of `broker` and returns the JSON that it prints. Throws when it fails. */
export function cliOf(broker: Pick<Broker, 'http'>, ...args: readonly string[]): Promise<unknown> {
  return cliAt(broker.http.replace('http://', ''), ...args);
}

export async function cliAt(node: string, ...args: readonly string[]): Promise<unknown> {
  const { code, out, err } = await cliEnds(node, ...args, '--json');
  if (code !== 0) throw new Error(`sluice ${args.join(' ')} ended with ${code}: ${err}`);
  return JSON.parse(out);
}

/** What a command prints, and how it ends. */
export async function cliEnds(
  node: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const printed = { out: '', err: '' };
  const { stdout, stderr } = process;
  const writes = [stdout.write, stderr.write] as const;
  const into = (which: keyof typeof printed): typeof stdout.write =>
    ((chunk: string | Uint8Array) => {
      printed[which] += String(chunk);
      return true;
    }) as typeof stdout.write;
  stdout.write = into('out');
  stderr.write = into('err');
  try {
    const code = await runCli([...args, '--node', node]);
    return { code, ...printed };
  } finally {
    [stdout.write, stderr.write] = writes;
  }
}
