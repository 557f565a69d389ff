/** Pages of a range, now or as of a revision that is not compacted: a reader that takes several pages at the revision of its first sees one state. */
import { META_RANGE_BYTES_MAX } from '../../../base/limits.ts';
import type { MetaMachine } from '../machine.ts';
import { isHot, type MetaKey, type MetaRecord } from './record.ts';
import { pageOf } from './transaction.ts';

export interface RangeRequest {
  readonly from: MetaKey;
  /** Empty: the end. */
  readonly to: MetaKey;
  /** 0: as many as a page takes. */
  readonly limit: number;
  /** 0: now. */
  readonly revision: number;
}

export type RangePage =
  /** Records may lack their values. */
  | { readonly type: 'page'; readonly revision: number; readonly records: readonly MetaRecord[]; readonly isMore: boolean }
  /** The oldest that can still be asked for. */
  | { readonly type: 'compacted'; readonly revision: number }
  /** Not reached yet, here. */
  | { readonly type: 'future'; readonly revision: number };

export function readRange(machine: MetaMachine, { from, to, limit, revision }: RangeRequest): RangePage {
  const { history, keyspace } = machine;
  if (revision > machine.revision) return { type: 'future', revision: machine.revision };
  if (revision === 0 || revision === machine.revision) {
    const { records, isMore } = pageOf(keyspace.range(from, to), limit, META_RANGE_BYTES_MAX);
    return { type: 'page', revision: machine.revision, records, isMore };
  }
  if (revision < history.compacted) return { type: 'compacted', revision: history.compacted };
  const { records, isMore } = pageOf(rangeAt(machine, from, to, revision), limit, META_RANGE_BYTES_MAX);
  // What was replaced while its value lay in the store is gone.
  const isGone = records.some((record) => !isHot(record) && keyspace.get(record.key)?.modified !== record.modified);
  if (isGone) return { type: 'compacted', revision: machine.revision };
  return { type: 'page', revision, records, isMore };
}

/** The present keys, with what has changed since put back. */
function* rangeAt(machine: MetaMachine, from: MetaKey, to: MetaKey, revision: number): Generator<MetaRecord, void, undefined> {
  const changed = machine.history.changedAfter(revision);
  const former = [...changed.values()]
    .filter((record) => record !== undefined)
    .filter(({ key }) => key >= from && (to === '' || key < to))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  let next = 0;
  for (const record of machine.keyspace.range(from, to)) {
    if (changed.has(record.key)) continue;
    while (next < former.length && former[next]!.key < record.key) yield former[next++]!;
    yield record;
  }
  while (next < former.length) yield former[next++]!;
}
