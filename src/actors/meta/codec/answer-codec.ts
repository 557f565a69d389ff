/**
 * What a service says to a client, about the call or the watch of that id. Numbers are varints.
 *
 *   answer    = id, u8 kind, body
 *   done      0  reply to the end (reply-codec.ts)
 *   opened    1  session
 *   expired   2                                    the session is not there any more; whether the command was done in it, nobody knows
 *   values    3  revision, n, (u8 0 | u8 1 record) × n
 *   page      4  revision, flag isMore, n, record × n
 *   elsewhere 5  u53 service                       nothing was done; 0: nobody knows where
 *   refused   6  u8 reason                         nothing was done
 *   unknown   7                                    it may have been done, or may still be
 *   compacted 8  revision                          what was asked for is not there any more; this revision is
 *   future    9  revision                          it is not there yet; this revision is
 *   events    10 through, n, step × n              all changes of the watched keys up to revision `through`
 *   keptAlive 11 n, ttlMs × n                       in order of the leases; 0: there is no such lease any more
 *   step      =  revision, n, (key, u8 0 | u8 1 record) × n
 */
import { type ByteReader, MalformedBytes } from '../../raft/codec/byte-reader.ts';
import type { ByteWriter } from '../../raft/codec/byte-writer.ts';
import type { MetaKey, MetaRecord } from '../state/record.ts';
import { RECORD_BYTES_MIN, readKey, readOptionalRecord, readRecord, writeOptionalRecord, writeRecord } from './record-codec.ts';

export type ServiceRefusal = 'busy' | 'malformed' | 'too_many_watches';

const REFUSALS: readonly ServiceRefusal[] = ['busy', 'malformed', 'too_many_watches'];

export interface WatchedChange {
  readonly key: MetaKey;
  /** Undefined: it was deleted. */
  readonly record: MetaRecord | undefined;
}

export interface WatchedStep {
  readonly revision: number;
  readonly changes: readonly WatchedChange[];
}

export type Answer =
  | { readonly type: 'done'; readonly reply: Uint8Array }
  | { readonly type: 'opened'; readonly session: number }
  | { readonly type: 'expired' }
  | { readonly type: 'values'; readonly revision: number; readonly records: readonly (MetaRecord | undefined)[] }
  | { readonly type: 'page'; readonly revision: number; readonly isMore: boolean; readonly records: readonly MetaRecord[] }
  | { readonly type: 'elsewhere'; readonly service: number }
  | { readonly type: 'refused'; readonly reason: ServiceRefusal }
  | { readonly type: 'unknown' }
  | { readonly type: 'compacted'; readonly revision: number }
  | { readonly type: 'future'; readonly revision: number }
  | { readonly type: 'events'; readonly through: number; readonly steps: readonly WatchedStep[] }
  | { readonly type: 'keptAlive'; readonly ttlMs: readonly number[] };

export function writeAnswer(writer: ByteWriter, id: number, answer: Answer): void {
  writer.varint(id);
  switch (answer.type) {
    case 'done':
      writer.u8(0);
      writer.raw(answer.reply);
      break;
    case 'opened':
      writer.u8(1);
      writer.varint(answer.session);
      break;
    case 'expired':
      writer.u8(2);
      break;
    case 'values':
      writer.u8(3);
      writer.varint(answer.revision);
      writer.varint(answer.records.length);
      for (const record of answer.records) writeOptionalRecord(writer, record);
      break;
    case 'page':
      writer.u8(4);
      writer.varint(answer.revision);
      writer.u8(answer.isMore ? 1 : 0);
      writer.varint(answer.records.length);
      for (const record of answer.records) writeRecord(writer, record);
      break;
    case 'elsewhere':
      writer.u8(5);
      writer.u53(answer.service);
      break;
    case 'refused':
      writer.u8(6);
      writer.u8(REFUSALS.indexOf(answer.reason));
      break;
    case 'unknown':
      writer.u8(7);
      break;
    case 'compacted':
      writer.u8(8);
      writer.varint(answer.revision);
      break;
    case 'future':
      writer.u8(9);
      writer.varint(answer.revision);
      break;
    case 'events':
      writer.u8(10);
      writer.varint(answer.through);
      writer.varint(answer.steps.length);
      for (const step of answer.steps) writeStep(writer, step);
      break;
    case 'keptAlive':
      writer.u8(11);
      writer.varint(answer.ttlMs.length);
      for (const ttlMs of answer.ttlMs) writer.varint(ttlMs);
      break;
  }
}

function writeStep(writer: ByteWriter, { revision, changes }: WatchedStep): void {
  writer.varint(revision);
  writer.varint(changes.length);
  for (const { key, record } of changes) {
    writer.latin1(key);
    writeOptionalRecord(writer, record);
  }
}

/** Bytes are views. Throws MalformedBytes. */
export function readAnswer(reader: ByteReader): { readonly id: number; readonly answer: Answer } {
  const id = reader.varint();
  const answer = readBody(reader);
  reader.end();
  return { id, answer };
}

function readBody(reader: ByteReader): Answer {
  switch (reader.u8()) {
    case 0:
      return { type: 'done', reply: reader.raw(reader.left) };
    case 1:
      return { type: 'opened', session: reader.varint() };
    case 2:
      return { type: 'expired' };
    case 3: {
      const revision = reader.varint();
      return { type: 'values', revision, records: readAll(reader, 1, readOptionalRecord) };
    }
    case 4: {
      const revision = reader.varint();
      const isMore = reader.flag();
      return { type: 'page', revision, isMore, records: readAll(reader, RECORD_BYTES_MIN, readRecord) };
    }
    case 5:
      return { type: 'elsewhere', service: reader.u53() };
    case 6: {
      const reason = REFUSALS[reader.u8()];
      if (reason === undefined) throw new MalformedBytes('unknown reason');
      return { type: 'refused', reason };
    }
    case 7:
      return { type: 'unknown' };
    case 8:
      return { type: 'compacted', revision: reader.varint() };
    case 9:
      return { type: 'future', revision: reader.varint() };
    case 10: {
      const through = reader.varint();
      return { type: 'events', through, steps: readAll(reader, 2, readStep) };
    }
    case 11:
      return { type: 'keptAlive', ttlMs: readAll(reader, 1, (from) => from.varint()) };
    default:
      throw new MalformedBytes('unknown answer');
  }
}

function readStep(reader: ByteReader): WatchedStep {
  const revision = reader.varint();
  return { revision, changes: readAll(reader, 2, readChange) };
}

function readChange(reader: ByteReader): WatchedChange {
  const key = readKey(reader);
  return { key, record: readOptionalRecord(reader) };
}

function readAll<T>(reader: ByteReader, sizeMin: number, read: (reader: ByteReader) => T): T[] {
  const count = reader.count(sizeMin);
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(read(reader));
  return items;
}
