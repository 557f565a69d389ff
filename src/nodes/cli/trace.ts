/** `sluice trace`: what a client, or what comes from an address, or what is published to topics, line by line. */
import { Command } from 'commander';
import type { TraceView } from '../extensions/trace-book.ts';
import { type AdminOptions, addAdminOptions, adminLines, adminRequest, printJson, printTable } from './admin-client.ts';
import { printLine } from './admin-pages.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { wholeNumber } from './option-values.ts';

interface StartOptions extends AdminOptions {
  readonly client?: string;
  readonly topic?: string;
  readonly address?: string;
  readonly seconds: number;
  readonly payload?: boolean;
}

const TRACES = '/api/v1/traces';
const pathOf = (name: string): string => `${TRACES}/${encodeURIComponent(name)}`;

async function start(
  name: string,
  { client, topic, address, seconds, payload = false, ...options }: StartOptions,
): Promise<void> {
  const given = Object.entries({ client, topic, address }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) throw new CommandError(EXIT.usage, 'give one of --client, --topic and --address');
  const [kind, value] = given[0]!;
  const answer = await adminRequest(options, 'POST', TRACES, { name, kind, value, seconds, payload });
  if (options.json === true) printJson(answer);
  else printLine(`traces ${kind} ${value} for ${seconds} s; see: sluice trace tail ${name}`);
}

async function list(options: AdminOptions): Promise<void> {
  const answer = (await adminRequest(options, 'GET', TRACES)) as { traces: TraceView[] };
  if (options.json === true) return printJson(answer);
  printTable<TraceView>(answer.traces, [
    ['trace', ({ name }) => name],
    ['of', ({ kind, value }) => (kind === undefined ? '' : `${kind} ${value}`)],
    ['until', ({ endsAt }) => (endsAt === undefined ? 'over' : new Date(endsAt).toISOString())],
    ['bytes', ({ bytes }) => bytes],
  ]);
}

async function show(name: string, options: AdminOptions): Promise<void> {
  await adminLines(options, pathOf(name));
}

async function tail(name: string, options: AdminOptions): Promise<void> {
  await adminLines(options, `${pathOf(name)}/live`);
}

async function stop(name: string, options: AdminOptions): Promise<void> {
  await adminRequest(options, 'POST', `${pathOf(name)}/stop`);
  if (options.json === true) printJson({ stopped: name });
  else printLine(`stopped ${name}; its lines: sluice trace show ${name}`);
}

async function remove(name: string, options: AdminOptions): Promise<void> {
  await adminRequest(options, 'DELETE', pathOf(name));
  if (options.json === true) printJson({ deleted: name });
  else printLine(`deleted ${name}`);
}

export function traceCommand(): Command {
  const trace = new Command('trace').description('Follow what clients do, packet by packet');
  const sub = (name: string, about: string): Command => addAdminOptions(trace.command(name)).description(about);
  sub('start <name>', 'begin to trace a client, the clients of an address, or topics')
    .option('--client <id>', 'a client, by its id')
    .option('--topic <filter>', 'what is published to the topics that a filter matches')
    .option('--address <ip>', 'the clients that come from an address')
    .option('--seconds <n>', 'for so long', wholeNumber(1, 86_400), 600)
    .option('--payload', 'show the beginning of payloads')
    .action(start);
  sub('list', 'print the traces').action(list);
  sub('show <name>', 'print what has been traced').action(show);
  sub('tail <name>', 'print what is traced from now on').action(tail);
  sub('stop <name>', 'end a trace; its lines stay').action(stop);
  sub('delete <name>', 'end a trace and delete its lines').action(remove);
  return trace;
}
