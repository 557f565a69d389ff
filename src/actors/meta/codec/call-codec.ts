/**
 * What a client asks of a service. Numbers are varints.
 *
 *   call    = id, group, u8 kind, body
 *   command 0  u8 0 | u8 1 session seq answeredTo, command to the end          without a session; in one
 *   open    1                                                                  a session
 *   get     2  flag isStale, n, key × n
 *   range   3  flag isStale, key from, key to, limit, revision
 *   watch   4  key from, key to, since                                         its id names the watch
 *   unwatch 5  watch
 *   taken   6  watch, bytes                                                    a watcher has room for as much again
 *   keepAlive 7  n, lease × n                                                  their holder holds them still
 */
import { META_OPS_MAX } from '../../../base/limits.ts';
import { type ByteReader, MalformedBytes } from '../../raft/codec/byte-reader.ts';
import type { ByteWriter } from '../../raft/codec/byte-writer.ts';
import type { RangeRequest } from '../state/range.ts';
import type { MetaKey } from '../state/record.ts';
import { readKey } from './record-codec.ts';

export interface InSession {
  readonly session: number;
  readonly seq: number;
  readonly answeredTo: number;
}

export type Call =
  | { readonly type: 'command'; readonly inSession: InSession | undefined; readonly bytes: Uint8Array }
  | { readonly type: 'open' }
  /** `isStale`: what the replica has will do. */
  | { readonly type: 'get'; readonly isStale: boolean; readonly keys: readonly MetaKey[] }
  | ({ readonly type: 'range'; readonly isStale: boolean } & RangeRequest)
  /** From revision `since` on; 0: from now on. */
  | { readonly type: 'watch'; readonly from: MetaKey; readonly to: MetaKey; readonly since: number }
  | { readonly type: 'unwatch'; readonly watch: number }
  | { readonly type: 'taken'; readonly watch: number; readonly bytes: number }
  | { readonly type: 'keepAlive'; readonly ids: readonly number[] };

export interface CallHeader {
  readonly id: number;
  readonly group: number;
}

export function writeCall(writer: ByteWriter, { id, group }: CallHeader, call: Call): void {
  writer.varint(id);
  writer.varint(group);
  switch (call.type) {
    case 'command':
      writer.u8(0);
      writer.u8(call.inSession === undefined ? 0 : 1);
      if (call.inSession !== undefined) {
        writer.varint(call.inSession.session);
        writer.varint(call.inSession.seq);
        writer.varint(call.inSession.answeredTo);
      }
      writer.raw(call.bytes);
      break;
    case 'open':
      writer.u8(1);
      break;
    case 'get':
      writer.u8(2);
      writer.u8(call.isStale ? 1 : 0);
      writer.varint(call.keys.length);
      for (const key of call.keys) writer.latin1(key);
      break;
    case 'range':
      writer.u8(3);
      writer.u8(call.isStale ? 1 : 0);
      writer.latin1(call.from);
      writer.latin1(call.to);
      writer.varint(call.limit);
      writer.varint(call.revision);
      break;
    case 'watch':
      writer.u8(4);
      writer.latin1(call.from);
      writer.latin1(call.to);
      writer.varint(call.since);
      break;
    case 'unwatch':
      writer.u8(5);
      writer.varint(call.watch);
      break;
    case 'taken':
      writer.u8(6);
      writer.varint(call.watch);
      writer.varint(call.bytes);
      break;
    case 'keepAlive':
      writer.u8(7);
      writer.varint(call.ids.length);
      for (const id of call.ids) writer.varint(id);
      break;
  }
}

export function readCallHeader(reader: ByteReader): CallHeader {
  const id = reader.varint();
  return { id, group: reader.varint() };
}

/** The bytes of a command are a view. Throws MalformedBytes. */
export function readCall(reader: ByteReader): Call {
  const call = readBody(reader);
  reader.end();
  return call;
}

function readBody(reader: ByteReader): Call {
  switch (reader.u8()) {
    case 0: {
      const inSession = reader.flag() ? readInSession(reader) : undefined;
      return { type: 'command', inSession, bytes: reader.raw(reader.left) };
    }
    case 1:
      return { type: 'open' };
    case 2: {
      const isStale = reader.flag();
      const count = reader.count(1);
      if (count > META_OPS_MAX) throw new MalformedBytes('too many keys');
      const keys: MetaKey[] = [];
      for (let i = 0; i < count; i++) keys.push(readKey(reader));
      return { type: 'get', isStale, keys };
    }
    case 3: {
      const isStale = reader.flag();
      const from = readKey(reader);
      const to = readKey(reader);
      const limit = reader.varint();
      return { type: 'range', isStale, from, to, limit, revision: reader.varint() };
    }
    case 4: {
      const from = readKey(reader);
      const to = readKey(reader);
      return { type: 'watch', from, to, since: reader.varint() };
    }
    case 5:
      return { type: 'unwatch', watch: reader.varint() };
    case 6: {
      const watch = reader.varint();
      return { type: 'taken', watch, bytes: reader.varint() };
    }
    case 7: {
      const count = reader.count(1);
      if (count > META_OPS_MAX) throw new MalformedBytes('too many leases');
      const ids: number[] = [];
      for (let i = 0; i < count; i++) ids.push(reader.varint());
      return { type: 'keepAlive', ids };
    }
    default:
      throw new MalformedBytes('unknown call');
  }
}

function readInSession(reader: ByteReader): InSession {
  const session = reader.varint();
  const seq = reader.varint();
  return { session, seq, answeredTo: reader.varint() };
}
