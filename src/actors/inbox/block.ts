/**
 * Messages in a fan-out frame (storage/fan-out.ts): the packets as they came, in runs, and beside each recipient what it gets of them.
 *
 *   block:       run *
 *   run:         bytes u32 · messages u32 · dialect u8 · qos u8 · retain u8 · 0 u8 · 0 u32 · expires at f64 (wall ms, 0 never) · PUBLISH packets … · 0 … (to 8)
 *   attributes:  qos u8 · flags u8 (1 retain as published, 2 shared) · ids u16 · subscription id u32 * · if shared: bytes u16 · key of the shared subscription
 *
 * Packets stay as they are because that is how they leave again: as a block, with only their packet ids written over.
 */
import { assert } from '../../base/assert.ts';
import type { Dialect, Qos } from '../../wire/mqtt/constants.ts';
import type { Delivery, Run } from '../router/sink.ts';
import type { Outgoing } from '../session/outgoing.ts';

export const RUN_HEADER_BYTES = 24;
const ATTRIBUTES_BYTES = 4;
const FLAG = { retainAsPublished: 1, shared: 2 } as const;
/** Attributes have a u16 for their size. A longer key is left out: its messages stay with the member that they fell to. */
const SHARE_KEY_BYTES_MAX = 65_000;

/** What one recipient gets of a block. */
export type Grant = Pick<Delivery, 'qos' | 'retainAsPublished' | 'subscriptionIds' | 'share'>;

export function runBytes(run: Pick<Run, 'start' | 'end'>): number {
  return RUN_HEADER_BYTES + ((run.end - run.start + 7) & ~7);
}

/** Writes a run at `at`, where there is room for `runBytes`; returns its end. */
export function writeRun(bytes: Uint8Array, view: DataView, at: number, run: Run): number {
  const length = run.end - run.start;
  view.setUint32(at, length, true);
  view.setUint32(at + 4, run.count, true);
  bytes[at + 8] = run.dialect;
  bytes[at + 9] = run.qos;
  bytes[at + 10] = run.retain ? 1 : 0;
  bytes[at + 11] = 0;
  view.setUint32(at + 12, 0, true);
  view.setFloat64(at + 16, run.expiresAt, true);
  bytes.set(run.buffer.subarray(run.start, run.end), at + RUN_HEADER_BYTES);
  const end = at + runBytes(run);
  bytes.fill(0, at + RUN_HEADER_BYTES + length, end);
  return end;
}

/** The runs of `bytes[from, to)` as one recipient gets them, in order. The bytes are lent to the result. */
export function readRuns(bytes: Uint8Array, view: DataView, from: number, to: number, grant: Grant, out: Outgoing[]): void {
  for (let at = from; at + RUN_HEADER_BYTES <= to; ) {
    const length = view.getUint32(at, true);
    const count = view.getUint32(at + 4, true);
    if (count === 0) break; // padding
    const start = at + RUN_HEADER_BYTES;
    assert(start + length <= to, 'a run lies inside its block');
    const qos = bytes[at + 9]!;
    out.push({
      dialect: bytes[at + 8] as Dialect,
      qos: (qos < grant.qos ? qos : grant.qos) as Qos,
      retain: bytes[at + 10] === 1 && grant.retainAsPublished,
      subscriptionIds: grant.subscriptionIds,
      buffer: bytes,
      start,
      end: start + length,
      count,
      expiresAt: view.getFloat64(at + 16, true),
      share: grant.share,
    });
    at = start + ((length + 7) & ~7);
  }
}

export function attributeBytes({ subscriptionIds, share }: Grant): number {
  const key = shareKey(share);
  return ATTRIBUTES_BYTES + 4 * (subscriptionIds?.length ?? 0) + (key === null ? 0 : 2 + key.length);
}

export function writeAttributes(view: DataView, at: number, { qos, retainAsPublished, subscriptionIds, share }: Grant): void {
  const key = shareKey(share);
  view.setUint8(at, qos);
  view.setUint8(at + 1, (retainAsPublished ? FLAG.retainAsPublished : 0) | (key === null ? 0 : FLAG.shared));
  view.setUint16(at + 2, subscriptionIds?.length ?? 0, true);
  for (const [i, id] of (subscriptionIds ?? []).entries()) view.setUint32(at + ATTRIBUTES_BYTES + 4 * i, id, true);
  if (key === null) return;
  const keyAt = at + ATTRIBUTES_BYTES + 4 * (subscriptionIds?.length ?? 0);
  view.setUint16(keyAt, key.length, true);
  new Uint8Array(view.buffer, view.byteOffset + keyAt + 2, key.length).set(key);
}

export function readAttributes(view: DataView, at: number): Grant {
  const flags = view.getUint8(at + 1);
  const ids = view.getUint16(at + 2, true);
  return {
    qos: view.getUint8(at) as Qos,
    retainAsPublished: (flags & FLAG.retainAsPublished) !== 0,
    subscriptionIds:
      ids === 0 ? null : Array.from({ length: ids }, (_, i) => view.getUint32(at + ATTRIBUTES_BYTES + 4 * i, true)),
    share: (flags & FLAG.shared) === 0 ? null : readShareKey(view, at + ATTRIBUTES_BYTES + 4 * ids),
  };
}

function shareKey(share: string | null): Uint8Array | null {
  const key = share === null ? null : Buffer.from(share);
  return key === null || key.length > SHARE_KEY_BYTES_MAX ? null : key;
}

function readShareKey(view: DataView, at: number): string {
  return Buffer.from(view.buffer, view.byteOffset + at + 2, view.getUint16(at, true)).toString('utf8');
}
