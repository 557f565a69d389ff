/** A topic as the cluster knows it: what was declared, without what any node has of it. */
import { CLEANUPS, type Declaration } from '../../actors/shard/messages.ts';
import { ENGINE_NAMES } from '../../actors/store/messages.ts';
import { TOPIC_PARTITIONS_MAX } from '../../base/limits.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { TopicSpec } from './topic-spec.ts';

export interface DeclaredTopic extends TopicSpec {
  /** Another one for a topic that is made again under the same name. */
  readonly id: string;
}

/** Without its shards. */
export function declaredOf({ shards, ...rest }: Declaration, id: string): DeclaredTopic {
  return { ...rest, partitions: shards.length, id };
}

export function encodeDeclared(topic: DeclaredTopic): Uint8Array {
  return Buffer.from(JSON.stringify(topic));
}

/** Undefined: not of this version. */
export function decodeDeclared(bytes: Uint8Array, name: string): DeclaredTopic | undefined {
  try {
    const topic = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'),
    ) as Partial<DeclaredTopic>;
    return isSound(topic) && topic.name === name ? topic : undefined;
  } catch {
    return undefined;
  }
}

function isSound(topic: Partial<DeclaredTopic>): topic is DeclaredTopic {
  const { id, filter, partitions, engine, replicas, fsync, retentionMs, retentionBytes, cleanup = 'delete' } = topic;
  const isCount = (value: unknown, min: number, max: number): boolean =>
    Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
  return (
    typeof id === 'string' &&
    typeof filter === 'string' &&
    parseFilter(filter) !== undefined &&
    isCount(partitions, 1, TOPIC_PARTITIONS_MAX) &&
    (ENGINE_NAMES as readonly unknown[]).includes(engine) &&
    isCount(replicas, 1, Number.MAX_SAFE_INTEGER) &&
    ['always', 'interval', 'never'].includes(String(fsync)) &&
    (CLEANUPS as readonly unknown[]).includes(cleanup) &&
    isCount(retentionMs, 0, Number.MAX_SAFE_INTEGER) &&
    isCount(retentionBytes, 0, Number.MAX_SAFE_INTEGER)
  );
}
