/**
 * What reactors tell each other about shared subscriptions.
 *
 * Members: an entry per group, `<online> <offline> <name>/<filter>`, kept up to date by the interest protocol (router/interest-machine.ts), for which it is a
 * string like a filter: a change of the numbers is a new entry and the old one gone.
 *
 * Messages: a `sharedRun` record to the router of the reactor whose member was chosen.
 *
 *    0      1     2            4         8
 *   +------+-----+------------+---------+--------- … --+---------- … --+
 *   | hops | 0   | key bytes  | place   | key          | run           |
 *   | u8   |     | u16 le     | u32 le  | UTF-8        | run-codec.ts  |
 *   +------+-----+------------+---------+--------- … --+---------- … --+
 */
import { assert } from '../../base/assert.ts';
import { encodedRunSize, encodeRun } from '../router/run-codec.ts';
import type { Run } from '../router/sink.ts';

export interface ShareEntry {
  readonly online: number;
  readonly offline: number;
  readonly key: string;
}

export function encodeEntry(online: number, offline: number, key: string): string {
  return `${online} ${offline} ${key}`;
}

export function parseEntry(entry: string): ShareEntry {
  const first = entry.indexOf(' ');
  const second = entry.indexOf(' ', first + 1);
  assert(first > 0 && second > first, 'an entry has two numbers and a key');
  return {
    online: Number(entry.slice(0, first)),
    offline: Number(entry.slice(first + 1, second)),
    key: entry.slice(second + 1),
  };
}

export const SHARED_RUN_HEADER_BYTES = 8;

export function sharedRunSize(key: Uint8Array, run: Run): number {
  return SHARED_RUN_HEADER_BYTES + key.length + encodedRunSize(run);
}

export function encodeSharedRun(run: Run, from: number, key: Uint8Array, place: number, hops: number, out: Uint8Array): void {
  const header = new DataView(out.buffer, out.byteOffset, SHARED_RUN_HEADER_BYTES);
  header.setUint8(0, hops);
  header.setUint8(1, 0);
  header.setUint16(2, key.length, true);
  header.setUint32(4, place, true);
  out.set(key, SHARED_RUN_HEADER_BYTES);
  encodeRun(run, from, out, SHARED_RUN_HEADER_BYTES + key.length);
}

export interface SharedRunHead {
  readonly hops: number;
  readonly place: number;
  readonly key: string;
  /** Where the run begins. */
  readonly runStart: number;
}

export function readSharedRunHead(bytes: Uint8Array, start: number, end: number): SharedRunHead {
  const header = new DataView(bytes.buffer, bytes.byteOffset + start, SHARED_RUN_HEADER_BYTES);
  const keyStart = start + SHARED_RUN_HEADER_BYTES;
  const runStart = keyStart + header.getUint16(2, true);
  assert(runStart < end, 'a shared run has a run');
  const key = Buffer.from(bytes.buffer, bytes.byteOffset + keyStart, runStart - keyStart).toString('utf8');
  return { hops: header.getUint8(0), place: header.getUint32(4, true), key, runStart };
}
