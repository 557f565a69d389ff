import { defineProbe, type Probe } from '../../base/probe.ts';

type RelayMetric = 'filters' | 'waitingBytes' | 'backlog' | 'sent' | 'batches' | 'dropped' | 'received' | 'malformed';

export const RELAY_PROBE: Probe<RelayMetric> = defineProbe('relay', {
  filters: {
    name: 'sluice_relay_filters',
    kind: 'gauge',
    help: 'Topic filters that this node wants messages of from other nodes.',
  },
  waitingBytes: {
    name: 'sluice_relay_waiting_bytes',
    kind: 'gauge',
    help: 'Bytes for other nodes that wait or are not acknowledged.',
  },
  backlog: {
    name: 'sluice_relay_backlog_messages',
    kind: 'gauge',
    help: 'Messages for other nodes that are kept on disk: those nodes are away, or were.',
  },
  sent: { name: 'sluice_relay_messages_sent_total', kind: 'counter', help: 'Messages passed on to other nodes, once for each.' },
  batches: { name: 'sluice_relay_batches_sent_total', kind: 'counter', help: 'Batches of messages sent to other nodes.' },
  dropped: {
    name: 'sluice_relay_messages_dropped_total',
    kind: 'counter',
    help: 'Messages not passed on: the other node was away (QoS 0), or too much waited for it, or they are too large.',
  },
  received: { name: 'sluice_relay_runs_received_total', kind: 'counter', help: 'Runs of messages that came from other nodes.' },
  malformed: { name: 'sluice_relay_malformed_total', kind: 'counter', help: 'Batches from other nodes that could not be read.' },
});
