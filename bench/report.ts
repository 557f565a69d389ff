/** A run and a comparison as lines for people. Pure: text out. */
import type { Comparison, Medians } from './compare.ts';
import type { BenchResult, ClientSpread, Percentiles } from './result.ts';
import type { Scenario } from './scenario.ts';

const integers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function count(value: number): string {
  return integers.format(value);
}

/** With as many digits as it has, and the thousands apart. */
function figure(value: number): string {
  return value >= 1000 ? count(value) : String(value);
}

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(3) : value.toFixed(1);
}

function latencyLine(label: string, { p50, p90, p99, p999, p9999, max }: Percentiles): string {
  const parts = { p50, p90, p99, 'p99.9': p999, 'p99.99': p9999, max };
  const text = Object.entries(parts).map(([name, value]) => `${name} ${milliseconds(value)}`);
  return `${label.padEnd(13)}${text.join('  ')} ms`;
}

function clientsLine({ min, avg, max, stddev }: ClientSpread): string {
  return `Clients      min ${count(min)} | avg ${count(avg)} | max ${count(max)} | stddev ${count(stddev)} per second`;
}

export function headline(
  scenario: Scenario,
  target: string,
  params: Readonly<Record<string, number | string | boolean>>,
): string {
  const shown = Object.entries(params).map(([key, value]) => `${key}=${value}`);
  return `sluice bench ${scenario.name}  target=${target}  ${shown.join(' ')}`;
}

/** The body under the headline. */
export function resultLines(result: BenchResult, { unit, each }: Pick<Scenario, 'unit' | 'each'>): string[] {
  const bytes = result.megabytesPerSecond > 0 ? `   ${result.megabytesPerSecond.toFixed(1)} MB/s` : '';
  const lines = [
    `Throughput   ${count(result.msgs)} ${unit} in ${result.seconds.toFixed(2)} s   ${count(result.rate)} ${unit}/s${bytes}`,
  ];
  if (result.latencyMs !== null) lines.push(latencyLine('Latency', result.latencyMs));
  if (result.ackLatencyMs !== null) lines.push(latencyLine('Ack latency', result.ackLatencyMs));
  if (result.sendLagMs !== null) lines.push(latencyLine('Send lag', result.sendLagMs));
  if (result.clients !== null) lines.push(clientsLine(result.clients));
  if (result.lost !== 0) lines.push(`Lost         ${count(result.lost)} deliveries never came`);
  for (const [name, value] of Object.entries(result.facts ?? {})) lines.push(`  ${name.padEnd(26)}${figure(value)}`);
  const broker: string[] = [];
  if (result.brokerCores !== null) broker.push(`${(result.brokerCores * 100).toFixed(0)} % of a core`);
  if (result.cpuUsPerMsg !== null) broker.push(`${result.cpuUsPerMsg.toFixed(3)} µs of CPU per ${each}`);
  if (result.brokerRssBytes !== null) broker.push(`RSS ${(result.brokerRssBytes / 2 ** 20).toFixed(1)} MiB`);
  if (result.rssPerConnectionBytes !== null)
    broker.push(`${(result.rssPerConnectionBytes / 1024).toFixed(2)} KiB per idle connection`);
  if (broker.length > 0) lines.push(`Broker       ${result.version}: ${broker.join(', ')}`);
  const bound = result.loadBound ? ': at its own limit, the rate is a lower bound' : '';
  lines.push(
    `${result.brokerCores === null && result.facts !== undefined ? 'Process  ' : result.scenario === 'ring' || result.scenario.startsWith('wire') ? 'Process  ' : 'Generator'}    ${(result.loadCores * 100).toFixed(0)} % of a core${bound}`,
  );
  return lines;
}

function mediansLine(name: string, medians: Medians): string {
  const parts = [`${count(medians.rate)}/s`];
  if (medians.cpuUsPerMsg !== null) parts.push(`${medians.cpuUsPerMsg.toFixed(3)} µs/msg`);
  if (medians.p50Ms !== null) parts.push(`p50 ${milliseconds(medians.p50Ms)} ms`);
  if (medians.p99Ms !== null) parts.push(`p99 ${milliseconds(medians.p99Ms)} ms`);
  if (medians.rssPerConnectionBytes !== null) parts.push(`${(medians.rssPerConnectionBytes / 1024).toFixed(2)} KiB/connection`);
  if (medians.lost > 0) parts.push(`${count(medians.lost)} lost`);
  return `  ${name.padEnd(20)}${parts.join('   ')}`;
}

export function comparisonLines({ scenario, comparison, medians, ratios }: Comparison): string[] {
  const shown = Object.entries({
    rate: ratios.rate,
    'CPU per message': ratios.cpuUsPerMsg,
    p50: ratios.p50Ms,
    p99: ratios.p99Ms,
    'RSS per connection': ratios.rssPerConnectionBytes,
  }).filter(([, value]) => value !== null);
  return [
    `${scenario}: medians of ${comparison.rounds} rounds in turns`,
    mediansLine(comparison.target, medians.target),
    mediansLine(comparison.peer, medians.peer),
    `  ${'ratio'.padEnd(20)}${shown.map(([name, value]) => `${name} ${value} ×`).join('   ')}`,
  ];
}
