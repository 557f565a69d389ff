/**
 * Which replica this node is in its groups: drawn once, when its directory is new, and kept there. A node that has lost its directory is another one: it has not voted for what the lost one
 * has voted for.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type ReplicaId, replicaId } from '../../actors/raft/replica.ts';
import { SluiceError } from '../../base/errors.ts';

export interface OwnReplica {
  readonly replica: ReplicaId;
  /** It has been drawn just now. */
  readonly isNew: boolean;
}

const INCARNATION_SPAN = 2 ** 32;

/** Throws SLUICE_NODE_DATA when the file is of another node, damaged, or cannot be made. */
export function ownReplica(folder: string, node: number, random: () => number): OwnReplica {
  const path = join(folder, 'replica.json');
  try {
    const kept = read(path);
    if (kept === undefined) {
      const incarnation = 1 + Math.floor(random() * (INCARNATION_SPAN - 1));
      mkdirSync(folder, { recursive: true });
      write(folder, path, JSON.stringify({ node, incarnation }));
      return { replica: replicaId(node, incarnation), isNew: true };
    }
    if (kept.node !== node) throw new Error(`it belongs to node ${kept.node}, not to node ${node}`);
    return { replica: replicaId(node, kept.incarnation), isNew: false };
  } catch (error) {
    throw new SluiceError('SLUICE_NODE_DATA', `${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function read(path: string): { readonly node: number; readonly incarnation: number } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { node, incarnation } = JSON.parse(text) as { node?: unknown; incarnation?: unknown };
  if (!Number.isSafeInteger(node) || !Number.isSafeInteger(incarnation)) throw new Error('it is damaged');
  return { node: node as number, incarnation: incarnation as number };
}

function write(folder: string, path: string, text: string): void {
  const file = openSync(`${path}.new`, 'w');
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
