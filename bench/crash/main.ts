/** `npm run crash`: kills a node under load with kill -9, again and again, and checks that it keeps what it has acknowledged. Exit code 1: it does not. */
import { randomInt } from 'node:crypto';
import { Command } from 'commander';
import { collect, seconds, wholeNumber } from '../../src/nodes/cli/option-values.ts';
import { type CampaignReport, runCampaign } from './campaign.ts';

interface Options {
  readonly kills: number;
  readonly seconds: number;
  readonly seed: number;
  readonly loadMs: number;
  readonly killsPerDirectory: number;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

const integers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

function summary({ seed, kills, killsWhileStarting, orderlyStops, directories, ...more }: CampaignReport): string {
  const { acknowledged, delivered, recordsChecked, bytesChecked, tornTails } = more;
  const n = (value: number): string => integers.format(value);
  return [
    `seed ${seed}: ${kills} kills (${killsWhileStarting} while starting, ${orderlyStops} orderly stops) of ${directories} data directories in ${n(more.seconds)} s`,
    `  ${n(acknowledged)} messages acknowledged; ${n(recordsChecked)} records and ${n(bytesChecked / 1e6)} MB of log read back in all checks; ${n(tornTails)} torn tails; ${n(delivered)} delivered to sessions`,
    ...more.faults.map((fault) => `  FAULT ${fault}`),
    ...(more.keptDirectory === undefined ? [] : [`  the data directory is kept: ${more.keptDirectory}`]),
    more.faults.length === 0 ? '  nothing acknowledged is missing, nothing is there twice, every log is sound' : '  FAILED',
  ].join('\n');
}

async function crash(options: Options): Promise<void> {
  const report = await runCampaign({
    kills: options.kills,
    secondsMax: options.seconds,
    seed: options.seed,
    loadMsMax: options.loadMs,
    killsPerDirectory: options.killsPerDirectory,
    settings: options.set ?? [],
    keep: true,
    onKill: ({ kills, faults }) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${kills} of ${options.kills} kills, ${faults.length} faults `);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\r');
  console.log(options.json === true ? JSON.stringify(report) : summary(report));
  process.exit(report.faults.length === 0 ? 0 : 1);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await new Command('crash')
  .description('Kill a node under load with kill -9, again and again, and check that it keeps what it has acknowledged')
  .option('--kills <n>', 'how often', wholeNumber(1, 1_000_000), 200)
  .option('--seconds <s>', 'end after this time in any case', seconds(1, 86_400), 3600)
  .option('--seed <n>', 'of everything that is left to chance', wholeNumber(0, 2 ** 47), randomInt(2 ** 32))
  .option('--load-ms <ms>', 'longest load between two kills', wholeNumber(1, 60_000), 600)
  .option('--kills-per-directory <n>', 'kills before a new data directory is begun', wholeNumber(1, 10_000), 40)
  .option('--set <key=value>', 'setting of the node, repeatable', collect)
  .option('--json', 'print the report as one JSON object')
  .action((options: Options) => crash(options))
  .parseAsync();
