/**
 * Which life of this node the process is. Other nodes tell lives apart by it: `incarnation` grows with each one, `boots`
 * counts them for the refs of actors. Kept in `node.data`, so that it grows although a clock went back; a node that lost
 * its disk begins at a random count, so that its refs are not those of its first life.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../base/errors.ts';

export interface Incarnation {
  /** Milliseconds since the epoch at the start, or one more than that of the life before. */
  readonly incarnation: number;
  readonly boots: number;
}

const BOOTS_MAX = 2 ** 31;

/** Reads the last life, if there was one, and files the next one, which is durable when this returns. */
export function beginIncarnation(folder: string, wallClockMs: number, random: () => number): Incarnation {
  const path = join(folder, 'incarnation.json');
  const last = readLast(path);
  const next: Incarnation = {
    incarnation: Math.max(Math.floor(wallClockMs), last === undefined ? 0 : last.incarnation + 1),
    boots: last === undefined ? Math.floor(random() * BOOTS_MAX) : (last.boots + 1) % BOOTS_MAX,
  };
  try {
    mkdirSync(folder, { recursive: true });
    writeDurably(path, JSON.stringify(next));
  } catch (error) {
    throw new SluiceError('SLUICE_NODE_DATA', `node.data = ${JSON.stringify(folder)}: ${String(error)}`, { cause: error });
  }
  return next;
}

/** Undefined in the first life, and when the file is none of ours any more: a life with a wrong count is better than none. */
function readLast(path: string): Incarnation | undefined {
  try {
    const { incarnation, boots } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Incarnation>;
    if (!Number.isSafeInteger(incarnation) || !Number.isSafeInteger(boots)) return undefined;
    return { incarnation: incarnation!, boots: boots! };
  } catch {
    return undefined;
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(`${path}.new`, 'w');
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}
