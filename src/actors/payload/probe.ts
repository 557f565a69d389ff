import { defineProbe, type Probe } from '../../base/probe.ts';

type PayloadMetric = 'good' | 'bad' | 'large';

const name = 'sluice_payload_checked_total';
const help = 'Messages whose payload was held against a schema: it kept to it, it did not, or it was too large to look at.';

export const PAYLOAD_PROBE: Probe<PayloadMetric> = defineProbe('payload', {
  good: { name, kind: 'counter', help, labels: { result: 'good' } },
  bad: { name, kind: 'counter', help, labels: { result: 'bad' } },
  large: { name, kind: 'counter', help, labels: { result: 'large' } },
});
