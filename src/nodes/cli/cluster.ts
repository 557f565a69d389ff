/** `sluice cluster`: a cluster of node processes on this machine, kept in a directory: started, looked at and stopped. */
import { Command } from 'commander';
import type { HealthReport } from '../health.ts';
import { type Columns, printJson, printTable } from './admin-client.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { type NodeFacts, runningNodes, startNodes, stopNodes } from './local-nodes.ts';
import { collect, wholeNumber } from './option-values.ts';

const NODES_MAX = 31;
const REQUEST_MS_MAX = 5000;

interface ClusterOptions {
  readonly dir: string;
  readonly json?: boolean;
}

interface StartOptions extends ClusterOptions {
  readonly nodes: number;
  readonly portBase: number;
  readonly set?: readonly string[];
}

const NODES: Columns<NodeFacts> = [
  ['NODE', ({ node }) => node],
  ['PID', ({ pid }) => pid ?? '-'],
  ['STATE', ({ state }) => state],
  ['MQTT', ({ mqtt }) => mqtt ?? '-'],
  ['HTTP', ({ http }) => http ?? '-'],
  ['WIRE', ({ wire }) => wire ?? '-'],
  ['DATA', ({ data }) => data],
];

export function clusterCommand(): Command {
  const cluster = new Command('cluster').description('a cluster of nodes on this machine');
  for (const command of [startCommand(), stopCommand(), statusCommand(), healthCommand()]) cluster.addCommand(command);
  return cluster;
}

function addOptions(command: Command): Command {
  return command
    .option('--dir <directory>', 'where the cluster keeps data and logs', './cluster')
    .option('--json', 'print JSON and nothing else');
}

function startCommand(): Command {
  const command = new Command('start')
    .description('start all nodes, or those that do not run; ends when they serve')
    .option('-n, --nodes <n>', 'number of nodes', wholeNumber(1, NODES_MAX), 3)
    .option(
      '--port-base <port>',
      'node i: MQTT on this port + i, HTTP + 100 + i, wire + 200 + i, WebSocket + 300 + i; 0: ports that are free',
      wholeNumber(0, 65_000),
      18_000,
    )
    .option('--set <key=value>', 'setting of all nodes, repeatable', collect);
  return addOptions(command).action(async (options: StartOptions) => {
    const nodes = await startNodes({
      directory: options.dir,
      nodes: options.nodes,
      portBase: options.portBase,
      settings: options.set ?? [],
    });
    show(options, nodes);
  });
}

function stopCommand(): Command {
  return addOptions(new Command('stop').description('stop all nodes, one after the other, leaders handed over')).action(
    async (options: ClusterOptions) => show(options, await stopNodes(options.dir)),
  );
}

function statusCommand(): Command {
  return addOptions(new Command('status').description('show the nodes')).action(async (options: ClusterOptions) => {
    show(options, runningNodes(options.dir));
  });
}

function healthCommand(): Command {
  return addOptions(
    new Command('health').description('ask every node how the cluster is; exit code 1 when anything is wrong'),
  ).action(async (options: ClusterOptions) => {
    const reports = await Promise.all(runningNodes(options.dir).map(healthOf));
    if (options.json === true) printJson(reports);
    else for (const { node, report } of reports) process.stdout.write(`node ${node}: ${lineOf(report)}\n`);
    if (reports.some(({ report }) => report?.status !== 'ok')) throw new CommandError(EXIT.failed, 'the cluster is not well');
  });
}

async function healthOf({ node, http }: NodeFacts): Promise<{ readonly node: number; readonly report: HealthReport | null }> {
  if (http === undefined) return { node, report: null };
  try {
    const response = await fetch(`http://${http}/health/cluster`, { signal: AbortSignal.timeout(REQUEST_MS_MAX) });
    return { node, report: (await response.json()) as HealthReport };
  } catch {
    return { node, report: null };
  }
}

function lineOf(report: HealthReport | null): string {
  if (report === null) return 'does not answer';
  const wrong = report.checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name} ${detail}`);
  return wrong.length === 0 ? 'ok' : wrong.join('; ');
}

function show(options: ClusterOptions, nodes: readonly NodeFacts[]): void {
  if (options.json === true) printJson(nodes);
  else printTable(nodes, NODES);
}
