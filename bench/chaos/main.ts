/** `npm run chaos`: real nodes that are killed, stopped, cut off from each other and given bad disks, while clients use them. Exit code 1: what they have seen makes no sense, or something is broken in the end. */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { META_MUTANTS } from '../../spec/sim/meta/mutants.ts';
import type { Mutant } from '../../spec/sim/planting/mutant.ts';
import { seconds, wholeNumber } from '../../src/nodes/cli/option-values.ts';
import { type ChaosReport, runChaos, WORKLOADS, type WorkloadName } from './campaign.ts';

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly nodes: number;
  readonly load: WorkloadName;
  readonly clients: number;
  readonly plant?: Mutant;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** Those of the client are not in nodes. */
function bug(name: string): Mutant {
  const found = META_MUTANTS.find((mutant) => mutant.name === name);
  if (found === undefined) throw new InvalidArgumentError(`there are ${META_MUTANTS.map((mutant) => mutant.name).join(', ')}`);
  return found;
}

function summary({ seed, seconds: took, strikes, summary: clients, silenceMs, faults, directory }: ChaosReport): string {
  const list = Object.entries(strikes).map(([trouble, count]) => `${count} × ${trouble}`);
  return [
    `seed ${seed}: ${took} s, ${list.join(', ')}`,
    `  ${clients}; longest silence ${silenceMs} ms`,
    ...faults.map((fault) => `  FAULT ${fault}`),
    ...(directory === undefined ? [] : [`  data and logs are kept: ${directory}`]),
    faults.length === 0 ? '  what the clients have seen makes sense, every group serves, every log is sound' : '  FAILED',
  ].join('\n');
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await new Command('chaos')
  .description('Put a cluster of real nodes in trouble while clients use it, and check what they have heard')
  .option('--seconds <s>', 'length of the trouble', seconds(1, 86_400), 60)
  .option('--seed <n>', 'of everything that is left to chance', wholeNumber(0, 2 ** 47), randomInt(2 ** 32))
  .option('--nodes <n>', 'nodes of the cluster', wholeNumber(1, 7), 3)
  .addOption(
    new Option(
      '--load <kind>',
      'what the clients do: registers of the replicated groups, MQTT sessions that go from node to node, or keys, leases and watches of the metadata',
    )
      .choices(WORKLOADS)
      .default('registers'),
  )
  .option('--clients <n>', 'clients that write, at a time', wholeNumber(1, 1000), 8)
  .addOption(
    new Option('--plant <bug>', 'a bug of spec/sim/meta/mutants.ts that the nodes are to have, and the run to find')
      .argParser(bug)
      .implies({ load: 'meta' }),
  )
  .option('--verbose', 'say what happens as it happens')
  .option('--json', 'print the report as one JSON object')
  .action(async (options: Options, command: Command) => {
    if (options.plant !== undefined && options.load !== 'meta') command.error('error: --plant is for --load meta');
    const report = await runChaos({
      ...options,
      onEvent: (atMs, event, answered) => {
        if (options.verbose === true) console.error(`${String(Math.round(atMs)).padStart(8)} ms  ${event}, ${answered} answered`);
      },
    });
    console.log(options.json === true ? JSON.stringify(report) : summary(report));
    process.exit(report.faults.length === 0 ? 0 : 1);
  })
  .parseAsync();
