/** `sluice meta`: looks into the metadata of a cluster, and changes it. */
import { Command, Option } from 'commander';
import type { KeyView, PageView, WatchLine } from '../meta/routes.ts';
import {
  type AdminOptions,
  addAdminOptions,
  adminRequest,
  adminStream,
  type Columns,
  printJson,
  printTable,
} from './admin-client.ts';
import { printLine } from './admin-pages.ts';
import { metaBenchCommand } from './bench.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { wholeNumber } from './option-values.ts';

interface MetaOptions extends AdminOptions {
  readonly kind: string;
}

interface PutOptions extends MetaOptions {
  readonly expect?: number;
  readonly lease?: number;
  readonly base64?: boolean;
}

interface RangeOptions extends MetaOptions {
  readonly limit?: number;
  readonly revision?: number;
  readonly stale?: boolean;
}

interface WatchOptions extends MetaOptions {
  readonly since?: number;
}

const REVISION_MAX = 10 ** 15 - 1;
const KEYS: Columns<KeyView> = [
  ['KEY', ({ key }) => key],
  ['VALUE', ({ value, encoding }) => (encoding === undefined ? value : `${encoding}:${value}`)],
  ['MODIFIED', ({ modified }) => modified],
  ['VERSION', ({ version }) => version],
  ['LEASE', ({ lease }) => lease ?? ''],
];

async function get(key: string, options: RangeOptions): Promise<void> {
  const found = (await adminRequest(options, 'GET', path('key', options, { key, ...staleOf(options) }))) as KeyView;
  if (options.json === true) printJson(found);
  else
    process.stdout.write(
      `${found.encoding === 'base64' ? Buffer.from(found.value, 'base64').toString('latin1') : found.value}\n`,
    );
}

async function put(key: string, value: string, options: PutOptions): Promise<void> {
  const { kind, expect, lease, base64 } = options;
  const body = {
    kind,
    key,
    value,
    ...(base64 === true ? { encoding: 'base64' } : {}),
    ...(expect === undefined ? {} : { expected: expect }),
    ...(lease === undefined ? {} : { lease }),
  };
  show(options, await adminRequest(options, 'PUT', '/api/v1/meta/key', body));
}

async function remove(key: string, options: PutOptions): Promise<void> {
  const expected = options.expect === undefined ? {} : { expected: String(options.expect) };
  show(options, await adminRequest(options, 'DELETE', path('key', options, { key, ...expected })));
}

/** All pages at the revision of the first. */
async function range(prefix: string | undefined, options: RangeOptions): Promise<void> {
  const keys: KeyView[] = [];
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  let revision = options.revision ?? 0;
  for (let from: string | undefined; keys.length < limit; ) {
    const wanted = {
      ...(prefix === undefined ? {} : { prefix }),
      ...(from === undefined ? {} : { from }),
      ...(Number.isFinite(limit) ? { limit: String(limit - keys.length) } : {}),
      ...(revision === 0 ? {} : { revision: String(revision) }),
      ...staleOf(options),
    };
    const page = (await adminRequest(options, 'GET', path('keys', options, wanted))) as PageView;
    keys.push(...page.keys);
    revision = page.revision;
    from = page.next;
    if (from === undefined) break;
  }
  if (options.json === true) printJson({ revision, keys });
  else printTable(keys, KEYS);
}

async function watch(prefix: string | undefined, options: WatchOptions): Promise<void> {
  const wanted = {
    ...(prefix === undefined ? {} : { prefix }),
    ...(options.since === undefined ? {} : { since: String(options.since) }),
  };
  await adminStream(options, path('watch', options, wanted), (text) => {
    const line = JSON.parse(text) as WatchLine;
    if ('code' in line) throw new CommandError(EXIT.failed, `${line.code}: ${line.detail}`);
    if (options.json === true) printJson(line);
    else if ('key' in line) printLine(describe(line));
  });
}

function describe(line: Extract<WatchLine, { key: string }>): string {
  return 'deleted' in line ? `${line.revision}  deleted  ${line.key}` : `${line.revision}  ${line.key}  ${line.value}`;
}

function show(options: AdminOptions, answer: unknown): void {
  if (options.json === true) printJson(answer);
  else printLine(`revision ${(answer as { revision: number }).revision}`);
}

function staleOf({ stale }: RangeOptions): { readonly stale?: string } {
  return stale === true ? { stale: 'true' } : {};
}

function path(what: string, { kind }: MetaOptions, wanted: Readonly<Record<string, string>>): string {
  return `/api/v1/meta/${what}?${new URLSearchParams({ kind, ...wanted })}`;
}

export function metaCommand(): Command {
  const meta = new Command('meta').description('keys of the replicated metadata');
  const sub = (name: string, about: string): Command =>
    addAdminOptions(meta.command(name))
      .description(about)
      .addOption(new Option('--kind <kind>', 'of the groups').choices(['metadata', 'offset', 'data']).default('metadata'));
  const stale = '--stale';
  const whatever = 'what the node has will do, though others may have newer';
  const expect = '--expect <revision>';
  const revision = wholeNumber(0, REVISION_MAX);
  sub('get <key>', 'print the value of a key').option(stale, whatever).action(get);
  sub('put <key> <value>', 'give a key a value')
    .option(expect, 'only if that revision was the last to change it; 0: only if it is not there', revision)
    .option('--lease <id>', 'it goes when this lease ends', revision)
    .option('--base64', 'the value is given in base64')
    .action(put);
  sub('delete <key>', 'delete a key').option(expect, 'only if that revision was the last to change it', revision).action(remove);
  sub('range [prefix]', 'print the keys that begin with a prefix, or all')
    .option('--limit <n>', 'so many at most', wholeNumber(1, REVISION_MAX))
    .option('--revision <n>', 'as of this revision', revision)
    .option(stale, whatever)
    .action(range);
  sub('watch [prefix]', 'print changes of these keys as they happen, until it is interrupted')
    .option('--since <revision>', 'and those from this revision on', revision)
    .action(watch);
  meta.addCommand(metaBenchCommand());
  return meta;
}
