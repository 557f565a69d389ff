import { defineProbe, type Probe } from '../../base/probe.ts';

type Key =
  | 'calls'
  | 'commands'
  | 'entries'
  | 'reads'
  | 'readRounds'
  | 'renewals'
  | 'elsewhere'
  | 'refused'
  | 'malformed'
  | 'watches'
  | 'events'
  | 'keys'
  | 'stateBytes'
  | 'hotBytes';

export const META_PROBE: Probe<Key> = defineProbe('meta', {
  calls: { name: 'sluice_meta_calls_total', kind: 'counter', help: 'Calls of the metadata service.' },
  commands: { name: 'sluice_meta_commands_total', kind: 'counter', help: 'Commands proposed to groups of the metadata.' },
  entries: { name: 'sluice_meta_entries_total', kind: 'counter', help: 'Log entries that these commands shared.' },
  reads: { name: 'sluice_meta_reads_total', kind: 'counter', help: 'Linearizable reads.' },
  readRounds: { name: 'sluice_meta_read_rounds_total', kind: 'counter', help: 'Confirmations that these reads shared.' },
  renewals: {
    name: 'sluice_meta_lease_renewals_total',
    kind: 'counter',
    help: 'Leases renewed at the leader of their group.',
  },
  elsewhere: {
    name: 'sluice_meta_redirects_total',
    kind: 'counter',
    help: 'Calls that were sent on to the leader of their group.',
  },
  refused: { name: 'sluice_meta_refused_total', kind: 'counter', help: 'Calls refused because too much was under way.' },
  malformed: { name: 'sluice_meta_malformed_total', kind: 'counter', help: 'Calls that could not be read.' },
  watches: { name: 'sluice_meta_watches', kind: 'gauge', help: 'Watches of the metadata.' },
  events: { name: 'sluice_meta_events_total', kind: 'counter', help: 'Revisions told to watchers.' },
  keys: { name: 'sluice_meta_keys', kind: 'gauge', help: 'Keys in the groups of this node.' },
  stateBytes: { name: 'sluice_meta_state_bytes', kind: 'gauge', help: 'Keys and values in the groups of this node.' },
  hotBytes: { name: 'sluice_meta_hot_bytes', kind: 'gauge', help: 'Values of these groups in memory.' },
});
