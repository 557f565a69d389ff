/**
 * `/api/v1/meta`: keys of the metadata over HTTP, for tools and for people. Values are text, or base64 where they are not. Users, rules and bans are not among them: they have routes of their own, and
 * password hashes never come out.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { decodeNodeRecord, NODE_PREFIX, NODES_GROUP, type NodeRecord } from '../../actors/controller/messages.ts';
import { metaError } from '../../actors/meta/client/errors.ts';
import { ANY, type ClaimResult } from '../../actors/meta/command.ts';
import { endOfPrefix, keyOf, type MetaKey, type MetaRecord, textOf } from '../../actors/meta/state/record.ts';
import { GROUP_KINDS, type GroupKind } from '../../actors/raft/group-id.ts';
import { SluiceError } from '../../base/errors.ts';
import { META_KEY_BYTES_MAX, META_RANGE_ENTRIES_MAX } from '../../base/limits.ts';
import { SECURITY_PREFIX } from '../security/kept-entries.ts';
import type { NodeMeta } from './node-meta.ts';

/** What users see of a key. */
export interface KeyView {
  readonly key: string;
  readonly value: string;
  /** Only of what is no text. */
  readonly encoding?: 'base64';
  readonly created: number;
  readonly modified: number;
  readonly version: number;
  readonly lease?: number;
}

export interface PageView {
  readonly revision: number;
  readonly keys: readonly KeyView[];
  /** Where to go on, at this revision; absent at the end. */
  readonly next?: string;
}

/** A line of a watch. */
export type WatchLine =
  | { readonly revision: number; readonly key: string; readonly deleted: true }
  | ({ readonly revision: number } & KeyView)
  /** Nothing was up to here. */
  | { readonly through: number }
  | { readonly code: string; readonly detail: string };

const KIND = { type: 'string', enum: [...GROUP_KINDS], default: 'metadata' } as const;
const NUMBER = { type: 'string', pattern: '^[0-9]{1,15}$' } as const;
const FLAG = { type: 'string', enum: ['true', 'false'] } as const;
const KEY = { type: 'string', minLength: 1, maxLength: META_KEY_BYTES_MAX } as const;
const PUT_SCHEMA = {
  type: 'object',
  required: ['key', 'value'],
  additionalProperties: false,
  properties: {
    kind: KIND,
    key: KEY,
    value: { type: 'string' },
    encoding: { type: 'string', enum: ['utf8', 'base64'], default: 'utf8' },
    expected: { type: 'integer', minimum: 0 },
    lease: { type: 'integer', minimum: 0, default: 0 },
  },
} as const;
const query = (properties: object): object => ({
  type: 'object',
  additionalProperties: false,
  properties: { kind: KIND, ...properties },
});
const GET_SCHEMA = { ...query({ key: KEY, stale: FLAG }), required: ['key'] };
const DELETE_SCHEMA = { ...query({ key: KEY, expected: NUMBER }), required: ['key'] };
const RANGE_SCHEMA = query({
  prefix: { type: 'string' },
  from: { type: 'string' },
  limit: NUMBER,
  revision: NUMBER,
  stale: FLAG,
});
const WATCH_SCHEMA = query({ prefix: { type: 'string' }, since: NUMBER });

interface Put {
  readonly kind: GroupKind;
  readonly key: string;
  readonly value: string;
  readonly encoding: 'utf8' | 'base64';
  readonly expected?: number;
  readonly lease: number;
}

interface Query {
  readonly kind: GroupKind;
  readonly key: string;
  readonly prefix?: string;
  readonly from?: string;
  readonly limit?: string;
  readonly revision?: string;
  readonly expected?: string;
  readonly since?: string;
  readonly stale?: 'true' | 'false';
}

export function addMetaRoutes(app: FastifyInstance, meta: () => NodeMeta | undefined): void {
  const here = (): NodeMeta => {
    const found = meta();
    if (found === undefined) throw new SluiceError('SLUICE_HTTP_UNAVAILABLE', 'this node holds no metadata now');
    return found;
  };
  const nameOf = (key: string): MetaKey => {
    if (key.startsWith(SECURITY_PREFIX))
      throw new SluiceError('SLUICE_HTTP_FORBIDDEN', `${SECURITY_PREFIX} has commands of its own`);
    return keyOf(key);
  };
  app.get('/api/v1/nodes', async () => ({ nodes: await nodes(here()) }));
  app.put<{ Body: Put }>('/api/v1/meta/key', { schema: { body: PUT_SCHEMA } }, ({ body }) => {
    const { kind, key, value, encoding, expected, lease } = body;
    return claim(here(), kind, nameOf(key), Buffer.from(value, encoding), expected, lease);
  });
  app.delete<{ Querystring: Query }>(
    '/api/v1/meta/key',
    { schema: { querystring: DELETE_SCHEMA } },
    ({ query: { kind, key, expected } }) =>
      claim(here(), kind, nameOf(key), undefined, expected === undefined ? undefined : Number(expected), 0),
  );
  app.get<{ Querystring: Query }>(
    '/api/v1/meta/key',
    { schema: { querystring: GET_SCHEMA } },
    async ({ query: { kind, key, stale } }) => {
      const name = nameOf(key);
      const { records } = await here().get(here().groupOf(kind, name), [name], stale === 'true');
      if (records[0] === undefined) throw new SluiceError('SLUICE_META_NO_KEY', `there is no key ${JSON.stringify(key)}`);
      return viewOf(records[0]);
    },
  );
  app.get<{ Querystring: Query }>('/api/v1/meta/keys', { schema: { querystring: RANGE_SCHEMA } }, ({ query }) =>
    range(here(), query),
  );
  app.get<{ Querystring: Query }>(
    '/api/v1/meta/watch',
    { schema: { querystring: WATCH_SCHEMA }, exposeHeadRoute: false },
    ({ query }, reply) => watch(here(), query, reply),
  );
}

/** Who is up and who is down, as the controller has recorded it. */
async function nodes(meta: NodeMeta): Promise<NodeRecord[]> {
  const request = { from: NODE_PREFIX, to: endOfPrefix(NODE_PREFIX), limit: 0, revision: 0 };
  const { records } = await meta.range(NODES_GROUP, request, false);
  return records.flatMap(({ value }) => decodeNodeRecord(value!) ?? []).sort((a, b) => a.node - b.node);
}

/** A put or a deletion, under a condition or without. */
async function claim(
  meta: NodeMeta,
  kind: GroupKind,
  name: MetaKey,
  value: Uint8Array | undefined,
  expected: number | undefined,
  lease: number,
): Promise<{ readonly revision: number; readonly modified: number }> {
  const claims = [{ key: name, expected: expected ?? ANY, value, lease }];
  const reply = await meta.command(meta.groupOf(kind, name), { type: 'claim', claims, wantsBefore: value === undefined });
  if (reply.type !== 'claimed') throw metaError('malformed', 0);
  const { isDone, modified, before } = reply.results[0] as ClaimResult;
  if (!isDone) {
    const found = modified === 0 ? 'it is not there' : `it was last changed in revision ${modified}`;
    throw new SluiceError('SLUICE_META_CONFLICT', `${JSON.stringify(textOf(name))} is not as expected: ${found}`);
  }
  if (value === undefined && before === undefined)
    throw new SluiceError('SLUICE_META_NO_KEY', `there is no key ${JSON.stringify(textOf(name))}`);
  return { revision: reply.revision, modified };
}

/** Of a kind that has several groups, page by page out of all of them; the revision is then that of no single one. */
async function range(meta: NodeMeta, query: Query): Promise<PageView> {
  const { kind, prefix = '', from = '', limit, revision = '0', stale } = query;
  const start = keyOf(prefix);
  const request = {
    from: from === '' ? start : largest(start, keyOf(from)),
    to: endOfPrefix(start),
    limit: Math.min(Number(limit ?? META_RANGE_ENTRIES_MAX), META_RANGE_ENTRIES_MAX),
    revision: Number(revision),
  };
  const pages = await Promise.all(meta.groupsOf(kind).map((group) => meta.range(group, request, stale === 'true')));
  const records = pages.flatMap((page) => page.records).sort((a, b) => (a.key < b.key ? -1 : 1));
  // Behind the end of a page that is not the last there may be keys that are not here.
  const known = pages.filter(({ isMore }) => isMore).map((page) => page.records.at(-1)!.key);
  const end = known.length === 0 ? undefined : known.reduce((a, b) => (a < b ? a : b));
  const whole = (end === undefined ? records : records.filter(({ key }) => key <= end)).slice(0, request.limit);
  const shown = whole.filter(({ key }) => !isHidden(key));
  const isMore = end !== undefined || whole.length < records.length;
  const next = isMore && whole.length > 0 ? { next: nextOf(whole.at(-1)!.key) } : {};
  return { revision: pages.length === 1 ? pages[0]!.revision : 0, keys: shown.map(viewOf), ...next };
}

/** A line of JSON per change, for as long as the client listens. */
function watch(meta: NodeMeta, { kind, prefix = '', since = '0' }: Query, reply: FastifyReply): FastifyReply {
  const start = keyOf(prefix);
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
  raw.flushHeaders();
  // Nobody else tells a watcher that reads slowly from one that is gone.
  const say = (line: WatchLine): void => void raw.write(`${JSON.stringify(line)}\n`);
  const handles = meta.groupsOf(kind).map((group) =>
    meta.watch(group, start, endOfPrefix(start), Number(since), {
      changed: (steps, through) => {
        if (raw.writableLength > WATCH_BYTES_MAX) {
          raw.destroy();
          return;
        }
        for (const { revision, changes } of steps) {
          for (const { key, record } of changes) {
            if (isHidden(key)) continue;
            say(record === undefined ? { revision, key: textOf(key), deleted: true } : { revision, ...viewOf(record) });
          }
        }
        if (steps.length === 0) say({ through });
      },
      compacted: (revision) => {
        const { code, message } = metaError('compacted', revision);
        say({ code, detail: message });
        raw.end();
      },
    }),
  );
  raw.on('close', () => {
    for (const handle of handles) handle.stop();
  });
  return reply;
}

/** What waits for a watcher that does not read, bytes; then it is cut off, and may resume where it was. */
const WATCH_BYTES_MAX = 8 << 20;

function isHidden(key: MetaKey): boolean {
  return key.startsWith(SECURITY_PREFIX);
}

/** Where the page behind this key begins, without a hidden name in it. */
function nextOf(key: MetaKey): string {
  return isHidden(key) ? textOf(endOfPrefix(SECURITY_PREFIX)) : `${textOf(key)}\0`;
}

function largest(a: MetaKey, b: MetaKey): MetaKey {
  return a > b ? a : b;
}

function viewOf({ key, value, created, modified, version, lease }: MetaRecord): KeyView {
  const bytes = Buffer.from(value!);
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes);
  return {
    key: textOf(key),
    ...(isText ? { value: text } : { value: bytes.toString('base64'), encoding: 'base64' as const }),
    created,
    modified,
    version,
    ...(lease === 0 ? {} : { lease }),
  };
}
