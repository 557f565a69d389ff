/**
 * A copy of the node's program whose groups reach their bounds within seconds, as others do within hours: it takes snapshots of little log, keeps so little log that who was away for a moment gets a snapshot, has most values in the store alone,
 * forgets sessions of clients that say nothing for a moment, and compacts its history while watchers are away. Production has no switch for that.
 */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { edited, type Mutant, mutant } from '../../../spec/sim/planting/mutant.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

const LIMITS = 'src/base/limits.js';
const TIGHT = mutant(
  'tight',
  [LIMITS, 'RAFT_LOG_BYTES_MAX = 64 << 20', 'RAFT_LOG_BYTES_MAX = 512 << 10'],
  [LIMITS, 'RAFT_SNAPSHOT_LOG_BYTES = 16 << 20', 'RAFT_SNAPSHOT_LOG_BYTES = 256 << 10'],
  [LIMITS, 'META_HISTORY_BYTES_MAX = 16 << 20', 'META_HISTORY_BYTES_MAX = 1 << 20'],
  [LIMITS, 'META_HOT_BYTES_MAX = 256 << 20', 'META_HOT_BYTES_MAX = 512 << 10'],
  [LIMITS, 'META_FLUSH_BYTES = 2 << 20', 'META_FLUSH_BYTES = 64 << 10'],
  [LIMITS, 'META_SESSION_TTL_MS = 24 * 3600 * 1000', 'META_SESSION_TTL_MS = 1000'],
);

/** Returns what is to be started. `planted`: with this bug in it, which the clients are to find. */
export function makeTightProgram(directory: string, planted?: Mutant): string {
  const dist = join(directory, 'dist');
  for (const name of ['node.js', 'package.json', 'src']) {
    cpSync(join(ROOT, 'dist', name), join(dist, name), { recursive: true, filter: (path) => !/\.(d\.ts|map)$/.test(path) });
  }
  cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  for (const { name, edits } of planted === undefined ? [TIGHT] : [TIGHT, planted]) {
    for (const edit of edits) {
      const path = join(dist, edit.file);
      writeFileSync(path, edited(readFileSync(path, 'utf8'), edit, name));
    }
  }
  return join(dist, 'node.js');
}
