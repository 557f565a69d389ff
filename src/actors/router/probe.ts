import { defineProbe, type Probe } from '../../base/probe.ts';

type RouterMetric =
  | 'subscriptions'
  | 'filters'
  | 'topics'
  | 'topicEvictions'
  | 'routeMisses'
  | 'cacheDrops'
  | 'interestFilters'
  | 'interestMessagesSent'
  | 'interestRetries'
  | 'interestFullSyncs'
  | 'interestWaitsGivenUp'
  | 'remoteRuns';

export const ROUTER_PROBE: Probe<RouterMetric> = defineProbe('router', {
  subscriptions: { name: 'sluice_router_subscriptions', kind: 'gauge', help: 'Subscriptions of local clients.' },
  filters: {
    name: 'sluice_router_filters',
    kind: 'gauge',
    help: 'Distinct topic filters of local clients, summed over reactors.',
  },
  topics: { name: 'sluice_router_topics_interned', kind: 'gauge', help: 'Topics whose match results are cached.' },
  topicEvictions: { name: 'sluice_router_topic_evictions_total', kind: 'counter', help: 'Topics evicted from the cache.' },
  routeMisses: {
    name: 'sluice_router_route_misses_total',
    kind: 'counter',
    help: 'Lookups that had to match the topic against the filters.',
  },
  cacheDrops: {
    name: 'sluice_router_cache_drops_total',
    kind: 'counter',
    help: 'Times that all match results were dropped to bound memory.',
  },
  interestFilters: { name: 'sluice_router_interest_filters', kind: 'gauge', help: 'Topic filters known of other reactors.' },
  interestMessagesSent: {
    name: 'sluice_router_interest_messages_total',
    kind: 'counter',
    help: 'Messages of the interest protocol sent.',
  },
  interestRetries: {
    name: 'sluice_router_interest_retries_total',
    kind: 'counter',
    help: 'Messages of the interest protocol sent again.',
  },
  interestFullSyncs: {
    name: 'sluice_router_interest_syncs_total',
    kind: 'counter',
    help: 'Full transfers of the filters to another reactor.',
  },
  interestWaitsGivenUp: {
    name: 'sluice_router_interest_waits_given_up_total',
    kind: 'counter',
    help: 'Subscriptions acknowledged before every reactor had confirmed them.',
  },
  remoteRuns: {
    name: 'sluice_router_remote_runs_total',
    kind: 'counter',
    help: 'Runs of publishes that came from other reactors.',
  },
});
