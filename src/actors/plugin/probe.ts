import { defineProbe, type Probe } from '../../base/probe.ts';

type PluginMetric = 'answered' | 'late' | 'threw' | 'garbage' | 'full' | 'gone' | 'lost';

const asked = { name: 'sluice_plugin_questions_total', kind: 'counter' } as const;
const help =
  'Questions to the plugin: answered; late, not within plugin.timeout_ms; threw; garbage, an answer that is none; full, too many waited; gone, its thread ended.';

export const PLUGIN_PROBE: Probe<PluginMetric> = defineProbe('plugin', {
  answered: { ...asked, help, labels: { result: 'answered' } },
  late: { ...asked, help, labels: { result: 'late' } },
  threw: { ...asked, help, labels: { result: 'threw' } },
  garbage: { ...asked, help, labels: { result: 'garbage' } },
  full: { ...asked, help, labels: { result: 'full' } },
  gone: { ...asked, help, labels: { result: 'gone' } },
  lost: {
    name: 'sluice_plugin_notices_lost_total',
    kind: 'counter',
    help: 'What the plugin was not told because it was behind, or not there.',
  },
});
