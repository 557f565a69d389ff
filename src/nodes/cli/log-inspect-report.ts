/** What `sluice log inspect` says about a segment: lines for people, objects for tools. */

import type { ScannedFrame, ScannedGap } from '../../storage/check/segment-scan.ts';
import { CONTROL, CONTROL_BYTES, type ControlOp, readControl } from '../../storage/control.ts';
import { forEachRecipient, GONE } from '../../storage/fan-out.ts';
import { FRAME, FRAME_HEADER_BYTES } from '../../storage/frame.ts';
import type { SegmentEnds } from '../../storage/segment-ends.ts';
import { recordsOf, type ShownRecord } from './log-records.ts';

const TYPES: Readonly<Record<number, string>> = Object.fromEntries(Object.entries(FRAME).map(([name, type]) => [type, name]));
const OPS: Readonly<Record<number, string>> = Object.fromEntries(Object.entries(CONTROL).map(([name, op]) => [op, name]));
const RECIPIENTS_SHOWN = 8;

const hex = (value: number): string => value.toString(16).padStart(8, '0');
const time = (milliseconds: number): string => new Date(milliseconds).toISOString();

export function segmentHeadLines(path: string, { size, header, trailer }: SegmentEnds): string[] {
  const lines = [`${path}   ${size} bytes`];
  if (header === undefined) lines.push('header    DAMAGED: no segment, or its first page is lost');
  else {
    const { log, generation, number, startLsn, createdAt } = header;
    lines.push(
      `header    log ${hex(log)}   generation ${hex(generation)}   number ${number}   first lsn ${startLsn}   made ${time(createdAt)}`,
    );
  }
  if (trailer === undefined) lines.push('trailer   none: not sealed, or damaged');
  else {
    const { entries, footerAt, nextLsn, shards, maxTimestamp } = trailer;
    lines.push(
      `trailer   footer at ${footerAt}   ${entries} entries of ${shards} shards   next lsn ${nextLsn}   latest record ${time(maxTimestamp)}`,
    );
  }
  return lines;
}

export function inspectedLines(item: ScannedFrame | ScannedGap, withRecords: boolean): string[] {
  if (item.kind === 'gap') {
    const what = { zeros: 'zeros', remains: 'remains of an earlier use of the file', unreadable: 'bytes that are no frame' }[
      item.what
    ];
    return [`${String(item.position).padStart(10)}  ${'-'.padEnd(8)} ${item.end - item.position} bytes   ${what}`];
  }
  const { position, header, isSound, remarks } = item;
  const type = TYPES[header.type] ?? `type ${header.type}`;
  const state = isSound ? 'crc ok' : 'CRC MISMATCH';
  const notes = remarks.map((remark) => `   ! ${remark}`).join('');
  const line = `${String(position).padStart(10)}  ${type.padEnd(8)} ${String(header.length).padStart(8)} bytes   lsn ${header.lsn}   ${summary(item)}   ${state}${notes}`;
  if (!withRecords || !isSound) return [line];
  return [line, ...recordsOf(item).map((record) => `${' '.repeat(12)}${recordLine(record)}`)];
}

function summary(item: ScannedFrame): string {
  const { header } = item;
  switch (header.type) {
    case FRAME.commit:
      return `${header.recordCount} frames follow, ${header.shard} bytes with this   durable before: lsn < ${header.baseOffset}`;
    case FRAME.data:
    case FRAME.entry:
      return `shard ${header.shard}   offsets ${header.baseOffset}–${header.baseOffset + header.lastOffsetDelta}   ${header.recordCount} records`;
    case FRAME.fanOut: {
      const all = item.isSound ? recipients(item) : [];
      const shown = all
        .slice(0, RECIPIENTS_SHOWN)
        .map(({ shard, offset }) => (offset < 0 ? `${shard} (gone)` : `${shard} from ${offset}`));
      return `${header.recordCount} messages for ${all.length} shards: ${shown.join(', ')}${all.length > RECIPIENTS_SHOWN ? ' …' : ''}`;
    }
    case FRAME.control:
      return (item.isSound ? controls(item) : [])
        .map(({ op, shard, kind, value }) => `${op} ${shard}${kind === 0 ? '' : ` kind ${kind}`} ${value}`)
        .join(', ');
    case FRAME.footer:
      return `${header.recordCount} entries`;
    default:
      return 'of a version that this one does not know';
  }
}

function recordLine({ offset, timestamp, key, value, headers, valueBytes }: ShownRecord): string {
  const extra = Object.keys(headers).length === 0 ? '' : `   ${JSON.stringify(headers)}`;
  return `${offset}  ${time(timestamp)}  ${key ?? '(no key)'}  ${valueBytes} bytes  ${value ?? '(null)'}${extra}`;
}

/** The same as one object. */
export function inspectedJson(item: ScannedFrame | ScannedGap, withRecords: boolean): object {
  if (item.kind === 'gap') return { item: 'gap', position: item.position, bytes: item.end - item.position, what: item.what };
  const { position, header, isSound, remarks } = item;
  const { length, type, lsn, shard, baseOffset, lastOffsetDelta, recordCount, leaderEpoch, generation, maxTimestamp } = header;
  const base = {
    item: 'frame',
    position,
    type: TYPES[type] ?? type,
    bytes: length,
    lsn,
    generation,
    crc: isSound ? 'ok' : 'mismatch',
    remarks,
  };
  if (!isSound) return base;
  switch (type) {
    case FRAME.commit:
      return { ...base, frames: recordCount, commitBytes: shard, durableBelowLsn: baseOffset };
    case FRAME.control:
      return { ...base, operations: controls(item) };
    case FRAME.fanOut:
      return { ...base, messages: recordCount, maxTimestamp, recipients: recipients(item) };
    case FRAME.footer:
      return { ...base, entries: recordCount };
    default: {
      const facts = {
        ...base,
        shard,
        baseOffset,
        lastOffset: baseOffset + lastOffsetDelta,
        count: recordCount,
        leaderEpoch,
        maxTimestamp,
      };
      return withRecords ? { ...facts, records: recordsOf(item) } : facts;
    }
  }
}

function controls({ view, at, header }: ScannedFrame): { op: string; shard: number; kind: number; value: number }[] {
  const operation: ControlOp = { op: 0, kind: 0, shard: 0, value: 0 };
  const found: { op: string; shard: number; kind: number; value: number }[] = [];
  for (let from = at + FRAME_HEADER_BYTES; from + CONTROL_BYTES <= at + header.length; from += CONTROL_BYTES) {
    readControl(view, from, operation);
    const { op, shard, kind, value } = operation;
    if (op !== 0) found.push({ op: OPS[op] ?? String(op), shard, kind, value });
  }
  return found;
}

function recipients({ view, at, header }: ScannedFrame): { shard: number; offset: number }[] {
  const found: { shard: number; offset: number }[] = [];
  forEachRecipient(view, at + FRAME_HEADER_BYTES, at + header.length, ({ shard, baseOffset }) => {
    found.push({ shard, offset: baseOffset === GONE ? -1 : baseOffset });
  });
  return found;
}
