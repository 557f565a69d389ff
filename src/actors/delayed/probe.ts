import { defineProbe, type Probe } from '../../base/probe.ts';

type DelayedMetric = 'messages' | 'bytes' | 'taken' | 'published' | 'deleted' | 'refused';

export const DELAYED_PROBE: Probe<DelayedMetric> = defineProbe('delayed', {
  messages: { name: 'sluice_delayed_messages', kind: 'gauge', help: 'Messages that wait for their time.' },
  bytes: { name: 'sluice_delayed_bytes', kind: 'gauge', help: 'Bytes of messages that wait for their time.' },
  taken: { name: 'sluice_delayed_taken_total', kind: 'counter', help: 'Messages taken for later.' },
  published: { name: 'sluice_delayed_published_total', kind: 'counter', help: 'Delayed messages whose time has come.' },
  deleted: { name: 'sluice_delayed_deleted_total', kind: 'counter', help: 'Delayed messages deleted by an operator.' },
  refused: {
    name: 'sluice_delayed_refused_total',
    kind: 'counter',
    help: 'Messages for later that there was no room for (mqtt.delayed.messages_max, bytes_max).',
  },
});
