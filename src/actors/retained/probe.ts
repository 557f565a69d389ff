import { defineProbe, type Probe } from '../../base/probe.ts';

type RetainedMetric =
  | 'messages'
  | 'bytes'
  | 'stored'
  | 'deleted'
  | 'refused'
  | 'tooLarge'
  | 'malformed'
  | 'expired'
  | 'matches'
  | 'scanned'
  | 'waitingBytes'
  | 'writes'
  | 'written'
  | 'unwritten'
  | 'ahead'
  | 'reads';

export const RETAINED_PROBE: Probe<RetainedMetric> = defineProbe('retained', {
  messages: { name: 'sluice_retained_messages', kind: 'gauge', help: 'Retained messages kept.' },
  bytes: { name: 'sluice_retained_bytes', kind: 'gauge', help: 'Bytes of the retained messages, names and overhead included.' },
  stored: { name: 'sluice_retained_stored_total', kind: 'counter', help: 'Retained messages stored, replacements included.' },
  deleted: { name: 'sluice_retained_deleted_total', kind: 'counter', help: 'Retained messages deleted by an empty payload.' },
  refused: {
    name: 'sluice_retained_refused_total',
    kind: 'counter',
    help: 'Retained messages refused because the store is full, or the metadata.',
  },
  tooLarge: {
    name: 'sluice_retained_too_large_total',
    kind: 'counter',
    help: 'Messages that were delivered and not retained because they are larger than mqtt.retained.message_bytes_max.',
  },
  malformed: { name: 'sluice_retained_malformed_total', kind: 'counter', help: 'Store requests that hold no valid PUBLISH.' },
  expired: { name: 'sluice_retained_expired_total', kind: 'counter', help: 'Retained messages dropped because they expired.' },
  matches: { name: 'sluice_retained_lookups_total', kind: 'counter', help: 'Steps of retained lookups answered.' },
  waitingBytes: {
    name: 'sluice_retained_waiting_bytes',
    kind: 'gauge',
    help: 'Bytes of retained messages on their way to the metadata of the cluster.',
  },
  writes: { name: 'sluice_retained_writes_total', kind: 'counter', help: 'Writes of retained messages to the metadata.' },
  written: {
    name: 'sluice_retained_written_total',
    kind: 'counter',
    help: 'Retained messages written to the metadata, deletions included; of several of a topic in one write the last.',
  },
  unwritten: {
    name: 'sluice_retained_dropped_total',
    kind: 'counter',
    help: 'Messages of QoS 0 that were not retained because too much waited for the metadata.',
  },
  ahead: {
    name: 'sluice_retained_ahead_topics',
    kind: 'gauge',
    help: 'Topics whose retained message is served here and not yet known to be in the metadata.',
  },
  reads: {
    name: 'sluice_retained_reads_total',
    kind: 'counter',
    help: 'Times that all retained messages of a group of the metadata were read.',
  },
  scanned: { name: 'sluice_retained_scanned_total', kind: 'counter', help: 'Topics looked at by retained lookups.' },
});
