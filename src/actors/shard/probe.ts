import { defineProbe, type Probe } from '../../base/probe.ts';

type ShardMetric = 'declared' | 'partitions' | 'appended';

export const SHARD_PROBE: Probe<ShardMetric> = defineProbe('shard', {
  declared: { name: 'sluice_topics_declared', kind: 'gauge', help: 'Declared topics, counted on each reactor.' },
  partitions: {
    name: 'sluice_topics_partitions',
    kind: 'gauge',
    help: 'Partitions of declared topics, counted on each reactor.',
  },
  appended: { name: 'sluice_topics_appended_records_total', kind: 'counter', help: 'Messages written to declared topics.' },
});
