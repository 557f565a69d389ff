import { defineProbe, type Probe } from '../../base/probe.ts';

type StoreMetric =
  | 'appends'
  | 'bytesAppended'
  | 'commits'
  | 'syncs'
  | 'commitMicroseconds'
  | 'refused'
  | 'failed'
  | 'reads'
  | 'bytesRead'
  | 'shards'
  | 'logBytes'
  | 'segmentsRemoved'
  | 'bytesRewritten'
  | 'rewritesFailed'
  | 'compactions'
  | 'recordsCompacted'
  | 'bytesCompacted'
  | 'compactionsFailed'
  | 'recoveredFrames'
  | 'tornBytes'
  | 'damages';

export const STORE_PROBE: Probe<StoreMetric> = defineProbe('store', {
  appends: { name: 'sluice_storage_appends_total', kind: 'counter', help: 'Record batches and message blocks appended.' },
  bytesAppended: { name: 'sluice_storage_appended_bytes_total', kind: 'counter', help: 'Bytes of them.' },
  commits: {
    name: 'sluice_storage_commits_total',
    kind: 'counter',
    help: 'Commits: everything that one turn of the store appended.',
  },
  syncs: {
    name: 'sluice_storage_syncs_total',
    kind: 'counter',
    help: 'Commits that were made durable before they were answered.',
  },
  commitMicroseconds: {
    name: 'sluice_storage_commit_microseconds_total',
    kind: 'counter',
    help: 'Time spent in commits: writing and, where asked for, syncing.',
  },
  refused: {
    name: 'sluice_storage_refused_total',
    kind: 'counter',
    help: 'Appends refused by themselves: unknown shard, offset mismatch, too large.',
  },
  failed: {
    name: 'sluice_storage_commits_failed_total',
    kind: 'counter',
    help: 'Commits that failed, mostly because the disk is full.',
  },
  reads: { name: 'sluice_storage_reads_total', kind: 'counter', help: 'Reads answered.' },
  bytesRead: { name: 'sluice_storage_read_bytes_total', kind: 'counter', help: 'Bytes read.' },
  shards: { name: 'sluice_storage_shards', kind: 'gauge', help: 'Shards of all engines.' },
  logBytes: { name: 'sluice_storage_log_bytes', kind: 'gauge', help: 'Bytes of the segments of all logs.' },
  segmentsRemoved: {
    name: 'sluice_storage_segments_removed_total',
    kind: 'counter',
    help: 'Segments given up because nothing in them is kept any more.',
  },
  bytesRewritten: {
    name: 'sluice_storage_rewritten_freed_bytes_total',
    kind: 'counter',
    help: 'Bytes freed by putting what was left of old segments into one.',
  },
  rewritesFailed: {
    name: 'sluice_storage_rewrites_failed_total',
    kind: 'counter',
    help: 'Times that was given up, because the disk was full, failed, or holds a damaged record.',
  },
  compactions: {
    name: 'sluice_storage_compactions_total',
    kind: 'counter',
    help: 'Times that the front of a log was compacted by key.',
  },
  recordsCompacted: {
    name: 'sluice_storage_compacted_records_total',
    kind: 'counter',
    help: 'Records removed by that, because a later one has their key.',
  },
  bytesCompacted: { name: 'sluice_storage_compacted_freed_bytes_total', kind: 'counter', help: 'Bytes freed by that.' },
  compactionsFailed: {
    name: 'sluice_storage_compactions_failed_total',
    kind: 'counter',
    help: 'Times that was given up, because the disk was full, failed, or holds a damaged record.',
  },
  recoveredFrames: { name: 'sluice_storage_recovered_frames', kind: 'gauge', help: 'Frames walked when the logs were opened.' },
  tornBytes: {
    name: 'sluice_storage_torn_bytes',
    kind: 'gauge',
    help: 'Bytes of unfinished commits cut off when the logs were opened.',
  },
  damages: { name: 'sluice_storage_damages', kind: 'gauge', help: 'Damages found when the logs were opened and passed over.' },
});
