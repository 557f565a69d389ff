import { defineProbe, type Probe } from '../../base/probe.ts';

export const LISTENER_PROBE: Probe<'accepted' | 'refused' | 'sessionFailures'> = defineProbe('listener', {
  accepted: { name: 'sluice_listener_accepted_total', kind: 'counter', help: 'Connections accepted.' },
  refused: {
    name: 'sluice_listener_refused_total',
    kind: 'counter',
    help: 'Connections closed at once because there are too many.',
  },
  sessionFailures: {
    name: 'sluice_listener_session_failures_total',
    kind: 'counter',
    help: 'Sessions that ended with an error of ours.',
  },
});
