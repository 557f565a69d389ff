/** How often each link was asked and what came of it. Counted on main. */
import { defineProbe, type MetricSpec, type Probe } from '../../base/probe.ts';
import { AUTH_LINKS } from '../config/auth-schema.ts';
import type { LinkName } from './link.ts';

export type AuthOutcome = 'allow' | 'deny' | 'ignore' | 'overloaded' | 'failed';
export type AuthMetric = `${LinkName}.${AuthOutcome}`;

const OUTCOMES: readonly AuthOutcome[] = ['allow', 'deny', 'ignore', 'overloaded', 'failed'];

const spec = (link: LinkName, outcome: AuthOutcome): MetricSpec => ({
  name: 'sluice_auth_checks_total',
  kind: 'counter',
  help: 'Clients that a link of an authentication chain was asked about, by what it said; `failed`: it gave no answer in time, or none that makes sense.',
  labels: { link, outcome },
});

const metrics = AUTH_LINKS.flatMap((link) => OUTCOMES.map((outcome) => [`${link}.${outcome}`, spec(link, outcome)] as const));

export const AUTH_PROBE: Probe<AuthMetric> = defineProbe('auth', Object.fromEntries(metrics) as Record<AuthMetric, MetricSpec>);
