import { defineProbe, type Probe } from '../../base/probe.ts';

export const REGISTRY_PROBE: Probe<'clients' | 'claims' | 'takeovers'> = defineProbe('registry', {
  clients: { name: 'sluice_registry_client_ids', kind: 'gauge', help: 'Client ids that have an owner.' },
  claims: { name: 'sluice_registry_claims_total', kind: 'counter', help: 'Client ids claimed by a new connection.' },
  takeovers: { name: 'sluice_registry_takeovers_total', kind: 'counter', help: 'Claims of an id that had an owner.' },
});
