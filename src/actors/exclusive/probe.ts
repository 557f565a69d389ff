import { defineProbe, type Probe } from '../../base/probe.ts';

export const EXCLUSIVE_PROBE: Probe<'held' | 'refused'> = defineProbe('exclusive', {
  held: { name: 'sluice_exclusive_subscriptions', kind: 'gauge', help: 'Exclusive subscriptions that a client has.' },
  refused: {
    name: 'sluice_exclusive_refused_total',
    kind: 'counter',
    help: 'Exclusive subscriptions that were refused because another client has them.',
  },
});
