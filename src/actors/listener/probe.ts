import { defineProbe, type MetricSpec, type Probe } from '../../base/probe.ts';

type ListenerMetric = 'accepted' | 'refused' | 'delayed' | 'tooFast' | 'failedOpenings' | 'sessionFailures';

const connectsLimited = (outcome: string): MetricSpec => ({
  name: 'sluice_mqtt_connects_rate_limited_total',
  kind: 'counter',
  help: 'Connections beyond what their listener lets in at a time: read later, or closed.',
  labels: { outcome },
});

export const LISTENER_PROBE: Probe<ListenerMetric> = defineProbe('listener', {
  accepted: { name: 'sluice_listener_accepted_total', kind: 'counter', help: 'Connections accepted.' },
  refused: {
    name: 'sluice_listener_refused_total',
    kind: 'counter',
    help: 'Connections turned away because there are too many, or too many at once.',
  },
  delayed: connectsLimited('delayed'),
  tooFast: connectsLimited('closed'),
  failedOpenings: {
    name: 'sluice_listener_failed_handshakes_total',
    kind: 'counter',
    help: 'Connections whose PROXY, TLS or WebSocket handshake came to nothing.',
  },
  sessionFailures: {
    name: 'sluice_listener_session_failures_total',
    kind: 'counter',
    help: 'Sessions that ended with an error of ours.',
  },
});
