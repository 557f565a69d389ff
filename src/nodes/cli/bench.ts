/** `sluice bench [scenario]`: runs loads against a broker, alone or in turns with a peer. */
import { Command, Option } from 'commander';
import { BenchError } from '../../../bench/load/bench-error.ts';
import { comparisonLines, headline, resultLines } from '../../../bench/report.ts';
import { type Params, SCENARIOS, scenariosNamed, WIRE_TARGETS } from '../../../bench/scenario.ts';
import { runSuite, type SuiteListener } from '../../../bench/suite.ts';
import { isTargetName, TARGET_NAMES } from '../../../bench/targets/start-target.ts';
import { BenchProgress } from './bench-progress.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { collect, protocolLevel, qos, seconds, wholeNumber } from './option-values.ts';

interface BenchOptions {
  readonly target: string;
  readonly peer?: string;
  readonly rounds?: number;
  readonly reactors?: number;
  readonly set?: readonly string[];
  readonly nodeFlag?: readonly string[];
  readonly tls?: boolean;
  readonly pid?: number;
  readonly json?: boolean;
  readonly list?: boolean;
  readonly mqtt?: 3 | 4 | 5;
  readonly username?: string;
  readonly pw?: string;
  readonly seconds?: number;
  readonly warmup?: number;
  readonly payload?: number;
  readonly publishers?: number;
  readonly subscribers?: number;
  readonly topics?: number;
  readonly qos?: 0 | 1 | 2;
  readonly window?: number;
  readonly block?: number;
  readonly rate?: number;
  readonly pacing?: 'sleep' | 'spin';
  readonly connections?: number;
  readonly connectRate?: number;
  readonly concurrency?: number;
  readonly batch?: number;
  readonly messages?: number;
  readonly fsync?: 'always' | 'interval' | 'never';
  readonly model?: 'shared' | 'dedicated';
  readonly partitions?: number;
  readonly shards?: number;
  readonly gigabytes?: number;
  readonly receiverThread?: number;
  readonly members?: number;
}

const ROUNDS_WITH_PEER = 3;
const OTHER_TARGETS: readonly string[] = [...WIRE_TARGETS, 'etcd'];

/** Option values → what they change in a scenario's parameters. */
export function changesOf(options: Omit<BenchOptions, 'target'>): Partial<Params> {
  if (options.mqtt === 3) throw new CommandError(EXIT.usage, 'the load speaks MQTT 311 or 5');
  const changes: { [K in keyof Params]?: Params[K] | undefined } = {
    seconds: options.seconds,
    warmupSeconds: options.warmup,
    payloadBytes: options.payload,
    level: options.mqtt,
    username: options.username,
    password: options.pw,
    publishers: options.publishers,
    subscribers: options.subscribers,
    topics: options.topics,
    qos: options.qos,
    window: options.window,
    blockBytes: options.block,
    rate: options.rate,
    pacing: options.pacing,
    connections: options.connections,
    connectRate: options.connectRate,
    concurrency: options.concurrency,
    batch: options.batch,
    messages: options.messages,
    fsync: options.fsync,
    model: options.model,
    partitions: options.partitions,
    shards: options.shards,
    gigabytes: options.gigabytes,
    receiverThread: options.receiverThread,
    members: options.members,
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Partial<Params>;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function jsonListener(): SuiteListener {
  return {
    onStart: () => undefined,
    onProgress: () => undefined,
    onResult: (result) => print(JSON.stringify(result)),
    onComparison: (comparison) => print(JSON.stringify(comparison)),
  };
}

function humanListener(progress: BenchProgress | undefined): SuiteListener {
  return {
    onStart: (scenario, target, params) =>
      print(headline(scenario, target, Object.fromEntries(scenario.shown.map((key) => [key, params[key]])))),
    onProgress: (update) => progress?.update(update),
    onResult: (result, scenario) => {
      progress?.stop();
      print(`${resultLines(result, scenario).join('\n')}\n`);
    },
    onComparison: (comparison) => print(`${comparisonLines(comparison).join('\n')}\n`),
  };
}

function checkTarget(name: string): string {
  if (isTargetName(name) || OTHER_TARGETS.includes(name)) return name;
  const names = [...TARGET_NAMES, ...OTHER_TARGETS].join(', ');
  throw new CommandError(EXIT.usage, `no such target: ${name}; there are ${names} and host:port`);
}

async function bench(scenario: string | undefined, options: BenchOptions): Promise<void> {
  if (options.list === true) {
    for (const { name, summary } of SCENARIOS) print(`${name.padEnd(12)}${summary}`);
    return;
  }
  const progress = options.json !== true && process.stderr.isTTY ? new BenchProgress() : undefined;
  // Ending by process.exit, not by the signal itself, lets the exit hooks take the started processes along.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT.failed));
  const listener = options.json === true ? jsonListener() : humanListener(progress);
  try {
    const scenarios = scenario === undefined ? SCENARIOS : scenariosNamed(scenario);
    const targetOptions = {
      ...(options.reactors === undefined ? {} : { reactors: options.reactors }),
      ...(options.pid === undefined ? {} : { pid: options.pid }),
      ...(options.tls === true ? { tls: true } : {}),
      settings: options.set ?? [],
      nodeFlags: options.nodeFlag ?? [],
    };
    const peer = options.peer === undefined ? {} : { peer: checkTarget(options.peer) };
    const rounds = options.rounds ?? (options.peer === undefined ? 1 : ROUNDS_WITH_PEER);
    await runSuite(
      { scenarios, changes: changesOf(options), target: checkTarget(options.target), targetOptions, rounds, ...peer },
      listener,
    );
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    const code = error.kind === 'usage' ? EXIT.usage : error.kind === 'unreachable' ? EXIT.unreachable : EXIT.failed;
    throw new CommandError(code, error.message);
  } finally {
    progress?.stop();
  }
}

export function benchCommand(): Command {
  const many = 1_000_000;
  return new Command('bench')
    .description('Load a broker and print what it did; without a scenario, the bundled set')
    .argument('[scenario]', SCENARIOS.map(({ name }) => name).join(', '))
    .option(
      '--target <name>',
      `what to load: ${TARGET_NAMES.join(', ')} or host:port; wire scenarios: ${WIRE_TARGETS.join(', ')}`,
      'sluice',
    )
    .option('--peer <name>', 'give the same load to this one in turns and print the ratios')
    .option('--rounds <n>', `runs of each scenario (1; ${ROUNDS_WITH_PEER} with --peer)`, wholeNumber(1, 100))
    .option('--reactors <n>', 'reactor threads of the Sluice node', wholeNumber(1, 1024))
    .option('--set <key=value>', 'setting of the Sluice node, repeatable', collect)
    .option('--node-flag <flag>', 'Node.js flag for the Sluice node, e.g. --cpu-prof, repeatable', collect)
    .option('--tls', 'over TLS, with a certificate made for the run by the openssl command')
    .option('--pid <pid>', 'process to charge CPU and memory to when the target is host:port', wholeNumber(1, 2 ** 31))
    .option('--seconds <s>', 'length of the measured window', seconds(0.1, 86_400))
    .option('--warmup <s>', 'load before the window opens (connect: rest before memory is read)', seconds(0, 3600))
    .option('--publishers <n>', 'publishing clients (pairs in sparse and latency)', wholeNumber(1, 8000))
    .option('--subscribers <n>', 'subscribing clients', wholeNumber(1, 8000))
    .option('--topics <n>', 'topics of each publisher, in turn from message to message', wholeNumber(1, 10_000))
    .option('--payload <bytes>', 'payload of a message', wholeNumber(0, 32_768))
    .option('--qos <qos>', '0, 1 or 2', qos)
    .option('--window <n>', 'messages in flight per publisher, QoS 1 and 2', wholeNumber(1, 32_767))
    .option('--block <bytes>', 'bytes of one write, QoS 0', wholeNumber(64, 16_777_216))
    .option('--rate <n>', 'messages per second over all publishers (sparse, latency)', wholeNumber(1, 10 * many))
    .addOption(
      new Option('--pacing <how>', 'wait for the next message by timer or by looking at the clock').choices(['sleep', 'spin']),
    )
    .option('--connections <n>', 'connections to open (connect)', wholeNumber(1, 1_000_000))
    .option('--connect-rate <n>', 'connections per second (logins)', wholeNumber(1, 100_000))
    .option('--concurrency <n>', 'connections under way at a time (connect)', wholeNumber(1, 10_000))
    .option(
      '--batch <n>',
      'messages per turn (ring, wire), asks under way (wire-ask), records per commit (append, shards)',
      wholeNumber(1, many),
    )
    .option(
      '--messages <n>',
      'messages to send (ring, wire, wire-ask), records of each round (shards)',
      wholeNumber(1, 1000 * many),
    )
    .addOption(new Option('--fsync <when>', 'of the declared topic (durable)').choices(['always', 'interval', 'never']))
    .addOption(new Option('--model <model>', 'of the declared topic (durable)').choices(['shared', 'dedicated']))
    .option('--partitions <n>', 'of the declared topic; queues for AMQP (durable)', wholeNumber(1, 1024))
    .option('--shards <n>', 'shards that are written to in turn (shards)', wholeNumber(1, many))
    .option('--receiver-thread <n>', 'reactor of the receiving node that is sent to (wire, wire-ask)', wholeNumber(1, 31))
    .option('--members <n>', 'nodes of the cluster (meta-…)', wholeNumber(1, 7))
    .option('--gigabytes <n>', 'size of the log (recovery)', wholeNumber(1, 1000))
    .option('--mqtt <version>', 'protocol of the load: 311 or 5', protocolLevel)
    .option('-u, --username <name>', 'user name of every client')
    .option('-P, --pw <password>', 'password of every client')
    .option('--list', 'name the scenarios')
    .option('--json', 'one JSON object per run and nothing else')
    .action((scenario: string | undefined, options: BenchOptions) => bench(scenario, options));
}

/** `sluice meta bench`: those of the metadata, on clusters that it starts. */
export function metaBenchCommand(): Command {
  return new Command('bench')
    .description('start a cluster, call its metadata, and print what it did; with a peer, in turns')
    .option('--peer <name>', 'etcd')
    .option('--rounds <n>', `runs of each scenario (1; ${ROUNDS_WITH_PEER} with --peer)`, wholeNumber(1, 100))
    .option('--members <n>', 'nodes of the cluster', wholeNumber(1, 7))
    .option('--seconds <s>', 'length of the measured window', seconds(0.1, 86_400))
    .option('--json', 'one JSON object per run and nothing else')
    .action((options: Omit<BenchOptions, 'target'>) => bench('meta', { ...options, target: 'sluice' }));
}
