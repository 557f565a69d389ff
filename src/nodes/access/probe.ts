/** How often back ends were asked what a client may do. Counted on main. */
import { defineProbe, type MetricSpec, type Probe } from '../../base/probe.ts';

export type AclMetric = `${'http' | 'mysql' | 'postgresql' | 'redis'}.${'answered' | 'failed'}`;

const spec = (source: string, outcome: string): MetricSpec => ({
  name: 'sluice_acl_questions_total',
  kind: 'counter',
  help: 'Questions to back ends about what a client may do; `failed`: no answer in time, or none that makes sense.',
  labels: { source, outcome },
});

export const ACL_PROBE: Probe<AclMetric> = defineProbe('acl', {
  'http.answered': spec('http', 'answered'),
  'http.failed': spec('http', 'failed'),
  'mysql.answered': spec('mysql', 'answered'),
  'mysql.failed': spec('mysql', 'failed'),
  'postgresql.answered': spec('postgresql', 'answered'),
  'postgresql.failed': spec('postgresql', 'failed'),
  'redis.answered': spec('redis', 'answered'),
  'redis.failed': spec('redis', 'failed'),
});
