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
  | 'scanned';

export const RETAINED_PROBE: Probe<RetainedMetric> = defineProbe('retained', {
  messages: { name: 'sluice_retained_messages', kind: 'gauge', help: 'Retained messages kept.' },
  bytes: { name: 'sluice_retained_bytes', kind: 'gauge', help: 'Bytes of the retained messages, names and overhead included.' },
  stored: { name: 'sluice_retained_stored_total', kind: 'counter', help: 'Retained messages stored, replacements included.' },
  deleted: { name: 'sluice_retained_deleted_total', kind: 'counter', help: 'Retained messages deleted by an empty payload.' },
  refused: {
    name: 'sluice_retained_refused_total',
    kind: 'counter',
    help: 'Retained messages refused because the store is full.',
  },
  tooLarge: {
    name: 'sluice_retained_too_large_total',
    kind: 'counter',
    help: 'Messages that were delivered and not retained because they are larger than mqtt.retained.message_bytes_max.',
  },
  malformed: { name: 'sluice_retained_malformed_total', kind: 'counter', help: 'Store requests that hold no valid PUBLISH.' },
  expired: { name: 'sluice_retained_expired_total', kind: 'counter', help: 'Retained messages dropped because they expired.' },
  matches: { name: 'sluice_retained_lookups_total', kind: 'counter', help: 'Steps of retained lookups answered.' },
  scanned: { name: 'sluice_retained_scanned_total', kind: 'counter', help: 'Topics looked at by retained lookups.' },
});
