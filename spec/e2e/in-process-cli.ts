// The `sluice` command within the spec's own process: starting one of its own costs a second of CPU.
import { runCli } from '../../src/nodes/cli/program.ts';
import type { Broker } from './broker.ts';

/** Runs a command against the HTTP listener of `broker` and returns the JSON that it prints. Throws when it fails. */
export function cliOf(broker: Pick<Broker, 'http'>, ...args: readonly string[]): Promise<unknown> {
  return cliAt(broker.http.replace('http://', ''), ...args);
}

export async function cliAt(node: string, ...args: readonly string[]): Promise<unknown> {
  const printed: string[] = [];
  const write = process.stdout.write;
  process.stdout.write = ((chunk: string | Uint8Array) => printed.push(String(chunk)) > 0) as typeof write;
  let code: number;
  try {
    code = await runCli([...args, '--node', node, '--json']);
  } finally {
    process.stdout.write = write;
  }
  if (code !== 0) throw new Error(`sluice ${args.join(' ')} ended with ${code}`);
  return JSON.parse(printed.join(''));
}
