import { defineProbe, type Probe } from '../../base/probe.ts';

export const EVENTS_PROBE: Probe<'published' | 'lost'> = defineProbe('events', {
  published: { name: 'sluice_events_published_total', kind: 'counter', help: 'Event messages published to $events/.' },
  lost: { name: 'sluice_events_lost_total', kind: 'counter', help: 'Event messages lost because too many waited.' },
});
