/** The `sluice` command: its commands, and one place that turns every way to fail into a line on standard error and an exit code. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { aclCommand } from './acl.ts';
import { alarmCommand } from './alarm.ts';
import { banCommand } from './ban.ts';
import { benchCommand } from './bench.ts';
import { bridgeCommand } from './bridge.ts';
import { clientCommand } from './client.ts';
import { clusterCommand } from './cluster.ts';
import { configCommand } from './config.ts';
import { delayedCommand } from './delayed.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { listenerCommand } from './listener.ts';
import { logCommand } from './log.ts';
import { metaCommand } from './meta.ts';
import { pubCommand } from './pub.ts';
import { raftCommand } from './raft.ts';
import { subCommand } from './sub.ts';
import { topicCommand } from './topic.ts';
import { slowCommand, topicMetricsCommand } from './topic-metrics.ts';
import { traceCommand } from './trace.ts';
import { userCommand } from './user.ts';

function version(): string {
  // From dist/src/nodes/cli/.
  const file = new URL('../../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function createProgram(): Command {
  const program = new Command('sluice')
    .description('Sluice: one message platform for every messaging workload')
    .version(version(), '--version', 'print the version')
    // Options behind a command's name are that command's: -V is the protocol version there.
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .addHelpText('after', '\nExit codes: 0 ok, 1 failed, 2 usage, 3 unreachable');
  const commands = [
    pubCommand(),
    subCommand(),
    topicCommand(),
    metaCommand(),
    logCommand(),
    benchCommand(),
    userCommand(),
    aclCommand(),
    banCommand(),
    clusterCommand(),
    raftCommand(),
    listenerCommand(),
    delayedCommand(),
    topicMetricsCommand(),
    slowCommand(),
    alarmCommand(),
    clientCommand(),
    traceCommand(),
    configCommand(),
    bridgeCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)])
    command.exitOverride();
  return program;
}

/** Runs one command line (without node and script) and returns the exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    // Commander has printed its message already; help and version end with code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    process.stderr.write(`sluice: ${(error as Error).message}\n`);
    return exitCodeOf(error);
  }
}
