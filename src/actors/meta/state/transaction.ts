/** The operations of a transaction, one after the other; each sees what those before it have done. */
import { META_RANGE_BYTES_MAX, META_RANGE_ENTRIES_MAX } from '../../../base/limits.ts';
import { bytesOfPut, type TxnOp, type TxnResult } from '../command.ts';
import type { Keyspace } from './keyspace.ts';
import { type MetaRecord, recordBytes } from './record.ts';
import type { Revision } from './revision.ts';

const PUT: TxnResult = { type: 'put' };

export function carryOut(ops: readonly TxnOp[], change: Revision, keyspace: Keyspace): TxnResult[] {
  // All answers of a transaction share one page's bytes.
  let room = META_RANGE_BYTES_MAX;
  const results: TxnResult[] = [];
  for (const op of ops) {
    const result = one(op, change, keyspace, room);
    if (result.type === 'records') for (const { key, valueBytes } of result.records) room -= recordBytes(key.length, valueBytes);
    results.push(result);
  }
  return results;
}

function one(op: TxnOp, change: Revision, keyspace: Keyspace, room: number): TxnResult {
  switch (op.type) {
    case 'put':
      change.put(op.put.key, bytesOfPut(op.put)!, op.put.lease);
      return PUT;
    case 'delete':
      return { type: 'deleted', count: change.delete(op.key) ? 1 : 0 };
    case 'deleteRange': {
      const keys = [...keyspace.range(op.from, op.to)].map(({ key }) => key);
      for (const key of keys) change.delete(key);
      return { type: 'deleted', count: keys.length };
    }
    case 'get': {
      const record = keyspace.get(op.key);
      return pageOf(record === undefined ? [] : [record], 1, room);
    }
    case 'range':
      return pageOf(keyspace.range(op.from, op.to), op.limit, room);
  }
}

/** Records of a range as far as `limit` and `bytesMax` let them; one at least, when there is room for any. */
export function pageOf(
  found: Iterable<MetaRecord>,
  limit: number,
  bytesMax: number,
): { type: 'records'; records: MetaRecord[]; isMore: boolean } {
  const max = limit === 0 ? META_RANGE_ENTRIES_MAX : Math.min(limit, META_RANGE_ENTRIES_MAX);
  const records: MetaRecord[] = [];
  let bytes = 0;
  for (const record of found) {
    if (records.length >= max || bytes >= bytesMax) return { type: 'records', records, isMore: true };
    records.push(record);
    bytes += recordBytes(record.key.length, record.valueBytes);
  }
  return { type: 'records', records, isMore: false };
}
