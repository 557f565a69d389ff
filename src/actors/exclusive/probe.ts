import { defineProbe, type Probe } from '../../base/probe.ts';

export const EXCLUSIVE_PROBE: Probe<'held' | 'refused' | 'lost'> = defineProbe('exclusive', {
  held: { name: 'sluice_exclusive_subscriptions', kind: 'gauge', help: 'Exclusive subscriptions that a client has.' },
  lost: {
    name: 'sluice_exclusive_lost_total',
    kind: 'counter',
    help: 'Exclusive subscriptions that ended because a client of another node has them.',
  },
  refused: {
    name: 'sluice_exclusive_refused_total',
    kind: 'counter',
    help: 'Exclusive subscriptions that were refused because another client has them.',
  },
});
