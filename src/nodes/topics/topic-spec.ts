/** What a declared topic may be: the schema of the HTTP API, and the checks that a schema cannot make. */

import { CLEANUPS, type Cleanup, type Declaration, type FsyncPolicy, isCompacted } from '../../actors/shard/messages.ts';
import type { EngineName } from '../../actors/store/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import { TOPIC_PARTITIONS_MAX } from '../../base/limits.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';

/** As it is asked for. */
export interface TopicRequest {
  readonly name: string;
  readonly filter: string;
  readonly partitions?: number;
  readonly engine?: 'journal' | 'memory' | 'rocksdb';
  readonly model?: 'shared' | 'dedicated';
  readonly replicas?: number;
  readonly fsync?: FsyncPolicy;
  readonly retentionMs?: number;
  readonly retentionBytes?: number;
  readonly cleanup?: Cleanup;
}

/** As it is made. */
export interface TopicSpec {
  readonly name: string;
  readonly filter: string;
  readonly partitions: number;
  readonly engine: EngineName;
  readonly replicas: number;
  readonly fsync: FsyncPolicy;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  /** Absent: delete. */
  readonly cleanup?: Cleanup;
}

/** What can be changed later; moving a topic to another filter or engine would tear it apart. */
export type TopicChange = Partial<Pick<TopicSpec, 'fsync' | 'retentionMs' | 'retentionBytes' | 'cleanup'>>;

const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

const CHANGEABLE = {
  fsync: { type: 'string', enum: ['always', 'interval', 'never'] },
  retentionMs: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  retentionBytes: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  cleanup: { type: 'string', enum: CLEANUPS },
} as const;

export const TOPIC_CHANGE_SCHEMA: Readonly<Record<string, unknown>> = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: CHANGEABLE,
};

export const TOPIC_REQUEST_SCHEMA: Readonly<Record<string, unknown>> = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'filter'],
  properties: {
    name: { type: 'string', pattern: TOPIC_NAME.source },
    filter: { type: 'string', minLength: 1, maxLength: 65_535 },
    partitions: { type: 'integer', minimum: 1, maximum: TOPIC_PARTITIONS_MAX },
    engine: { type: 'string', enum: ['journal', 'memory', 'rocksdb'] },
    model: { type: 'string', enum: ['shared', 'dedicated'] },
    replicas: { type: 'integer', minimum: 1, maximum: 1 },
    ...CHANGEABLE,
  },
};

/** Fills in what was left out. Throws SLUICE_TOPIC_INVALID. */
export function topicSpec(request: TopicRequest): TopicSpec {
  const { name, filter, partitions = 1, engine = 'journal', model, replicas = 1 } = request;
  const { fsync = 'always', retentionMs = 0, retentionBytes = 0, cleanup = 'delete' } = request;
  const parsed = parseFilter(filter);
  if (parsed === undefined || parsed.shareGroup !== undefined) {
    throw new SluiceError('SLUICE_TOPIC_INVALID', `'${filter}' is not a topic filter`);
  }
  if (model !== undefined && engine !== 'journal') {
    throw new SluiceError('SLUICE_TOPIC_INVALID', `the ${engine} engine has no models; leave model out`);
  }
  const kept: EngineName = engine === 'journal' ? (model ?? 'shared') : engine;
  const spec: TopicSpec = { name, filter, partitions, engine: kept, replicas, fsync, retentionMs, retentionBytes, cleanup };
  checkCleanup(spec);
  return spec;
}

/** Throws SLUICE_TOPIC_INVALID when the engine cannot do that. */
export function checkCleanup(topic: Pick<Declaration, 'engine' | 'cleanup'>): void {
  if (topic.engine === 'dedicated' || !isCompacted(topic)) return;
  throw new SluiceError(
    'SLUICE_TOPIC_INVALID',
    'only the journal compacts by key, with a log for each partition: set model to dedicated',
  );
}
