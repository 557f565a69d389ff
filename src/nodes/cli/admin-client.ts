/** What commands that administer a node share: where its HTTP listener is, a request to it, and tables. */

import Table from 'cli-table3';
import { type Command, Option } from 'commander';
import { CommandError, EXIT } from './exit-codes.ts';

const REQUEST_MS_MAX = 30_000;

export interface AdminOptions {
  readonly node: string;
  readonly token?: string;
  readonly json?: boolean;
}

export function addAdminOptions(command: Command): Command {
  return command
    .addOption(new Option('--node <host:port>', 'HTTP address of the node').env('SLUICE_NODE').default('127.0.0.1:8090'))
    .addOption(new Option('--token <token>', 'token for its administration').env('SLUICE_TOKEN'))
    .option('--json', 'print JSON and nothing else');
}

/** The answer's JSON; undefined for an empty one. A problem ends the command: code 3 when nobody answers, 1 when the node refuses. */
export async function adminRequest(options: AdminOptions, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await send(options, method, path, body, AbortSignal.timeout(REQUEST_MS_MAX));
  const text = await response.text();
  return text === '' ? undefined : JSON.parse(text);
}

/** Lines of an answer that goes on until the node ends it, which is a failure too. */
export async function adminStream(options: AdminOptions, path: string, visit: (line: string) => void): Promise<void> {
  const response = await send(options, 'GET', path, undefined, undefined);
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of response.body ?? []) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
      rest = lines.pop()!;
      for (const line of lines) visit(line);
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(EXIT.unreachable, `${options.node} is gone: ${(error as Error).message}`);
  }
  throw new CommandError(EXIT.unreachable, `${options.node} has ended it`);
}

async function send(
  options: AdminOptions,
  method: string,
  path: string,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`http://${options.node}${path}`, {
      method,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    const cause = (error as { cause?: Error }).cause ?? (error as Error);
    throw new CommandError(EXIT.unreachable, `cannot reach ${options.node}: ${cause.message}`);
  }
  if (response.ok) return response;
  const text = await response.text();
  const { code, detail } = (text === '' ? {} : JSON.parse(text)) as { code?: string; detail?: string };
  throw new CommandError(EXIT.failed, `${code ?? response.status}: ${detail ?? response.statusText}`, code);
}

/** Writes what comes to standard output as it comes, until there is no more or the reader of standard output goes. */
export async function adminLines(options: AdminOptions, path: string): Promise<void> {
  const headers = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  const response = await fetch(`http://${options.node}${path}`, { headers }).catch((error: Error) => {
    throw new CommandError(
      EXIT.unreachable,
      `cannot reach ${options.node}: ${((error.cause as Error | undefined) ?? error).message}`,
    );
  });
  if (!response.ok) {
    const { code, detail } = JSON.parse(await response.text()) as { code?: string; detail?: string };
    throw new CommandError(EXIT.failed, `${code ?? response.status}: ${detail ?? response.statusText}`);
  }
  for await (const chunk of response.body ?? []) process.stdout.write(chunk as Uint8Array);
}

/** Columns of a table: a title, and what stands there for a row. */
export type Columns<Row> = readonly (readonly [title: string, cell: (row: Row) => string | number])[];

export function printTable<Row>(rows: readonly Row[], columns: Columns<Row>): void {
  const table = new Table({
    head: columns.map(([title]) => title),
    style: { head: [], border: [], compact: true },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '', top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  });
  for (const row of rows) table.push(columns.map(([, cell]) => String(cell(row))));
  process.stdout.write(`${table.toString()}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
