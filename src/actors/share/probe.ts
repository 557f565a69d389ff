import { defineProbe, type Probe } from '../../base/probe.ts';

type ShareMetric = 'members' | 'forwarded' | 'redelivered' | 'dropped';

export const SHARE_PROBE: Probe<ShareMetric> = defineProbe('share', {
  members: {
    name: 'sluice_share_members',
    kind: 'gauge',
    help: 'Members of shared subscriptions: one for each client and filter.',
  },
  forwarded: {
    name: 'sluice_share_forwarded_total',
    kind: 'counter',
    help: 'Messages of shared subscriptions that went to a member on another reactor.',
  },
  redelivered: {
    name: 'sluice_share_redelivered_total',
    kind: 'counter',
    help: 'Messages that a member of a shared subscription had not acknowledged and another one got.',
  },
  dropped: {
    name: 'sluice_share_dropped_total',
    kind: 'counter',
    help: 'Messages of shared subscriptions that no member could have: nobody was connected and they were not to be kept.',
  },
});
