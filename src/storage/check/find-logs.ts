/** The directories below one that are logs: those that hold segments or checkpoints. Links are not followed. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_DEPTH_MAX } from '../../base/limits.ts';
import { CHECKPOINT_NAMES } from '../checkpoint.ts';
import { segmentNumber } from '../segment-file.ts';

export function findLogs(directory: string, depth: number = LOG_DEPTH_MAX): string[] {
  const entries = readdirSync(directory, { withFileTypes: true });
  const isLog = entries.some((e) => e.isFile() && (segmentNumber(e.name) !== undefined || CHECKPOINT_NAMES.includes(e.name)));
  const found = isLog ? [directory] : [];
  if (depth === 0) return found;
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  // Numbers in their order: directories of dedicated logs are called by their shard.
  below.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return found.concat(below.flatMap((name) => findLogs(join(directory, name), depth - 1)));
}
