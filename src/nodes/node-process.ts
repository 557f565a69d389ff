/**
 * The process around a node: its command line, its signals, its exit codes.
 *
 *   exit 0  stopped as asked (SIGTERM, SIGINT), or printed what was asked for
 *   exit 1  failed
 *   exit 2  a wrong option or configuration: one line on stderr says which
 */
import { type ErrorCode, isCoded, SluiceError } from '../base/errors.ts';
import { STOP_MS_MAX } from '../base/limits.ts';
import { asksForAuthentication } from './auth/chains.ts';
import { bootNode, type RunningNode } from './boot.ts';
import { bridgeSpecs } from './bridge/bridge-options.ts';
import { type CommandLine, HELP, parseCommandLine } from './command-line.ts';
import { digestConfig, type LoadedConfig, loadConfig } from './config/load.ts';
import { printConfig, printConfigJson } from './config/print.ts';
import { checkExposure } from './exposure.ts';
import { intakeOptions } from './extensions/intake-options.ts';
import { readPayloadSchemas } from './extensions/payload-schemas.ts';
import { createLog, errorFields, type Log } from './log.ts';
import { mosquittoSettings } from './mosquitto/to-config.ts';
import { checkPlugin } from './plugin/check-plugin.ts';
import { formatReady } from './ready-line.ts';
import { VERSION } from './version.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const USAGE_CODES: ReadonlySet<ErrorCode> = new Set([
  'SLUICE_CONFIG_UNKNOWN_KEY',
  'SLUICE_CONFIG_BAD_VALUE',
  'SLUICE_CONFIG_FILE',
  'SLUICE_NODE_USAGE',
  'SLUICE_LISTEN_INSECURE',
  'SLUICE_LISTEN_CERTIFICATE',
  'SLUICE_AUTH_USERS_FILE',
  'SLUICE_AUTH_JWT_KEY',
  'SLUICE_ACL_FILE',
  'SLUICE_HTTP_ADMINS_FILE',
  'SLUICE_BRIDGE_CONFIG',
  'SLUICE_PAYLOAD_SCHEMA',
  'SLUICE_PLUGIN_LOAD',
]);

export function exitCodeOf(error: SluiceError): number {
  return USAGE_CODES.has(error.code) ? EXIT_USAGE : EXIT_FAILED;
}

/** Says what is wrong in one line and ends the process. */
function fail(error: unknown): never {
  if (error instanceof SluiceError) {
    process.stderr.write(`${error.code}: ${error.message}\n`);
    process.exit(exitCodeOf(error));
  }
  process.stderr.write(`SLUICE_NODE_BOOT: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(EXIT_FAILED);
}

/** The code that the threads of a node run. */
export interface NodeModules {
  /** Makes a thread a reactor. */
  readonly reactor: URL;
  /** The state machines of replicated groups (raft/machines.ts). */
  readonly machines?: URL;
  /** They are the metadata. */
  readonly hasMetadata?: boolean;
}

/** The whole of `node dist/node.js`. */
export async function runNodeProcess(modules: NodeModules): Promise<void> {
  try {
    const commandLine = parseCommandLine(process.argv.slice(2));
    if (commandLine.action === 'help') return print(HELP);
    if (commandLine.action === 'version') return print(`sluice ${VERSION}\n`);
    const mosquitto = commandLine.mosquittoFile === undefined ? undefined : mosquittoSettings(commandLine.mosquittoFile);
    const warnings = mosquitto?.warnings ?? [];
    const read = (): LoadedConfig => {
      const values = commandLine.mosquittoFile === undefined ? undefined : mosquittoSettings(commandLine.mosquittoFile).values;
      return loadConfig({ ...commandLine, environment: process.env, foreign: values });
    };
    if (commandLine.action === 'run') return await runNode(read, warnings, modules);
    for (const warning of warnings) process.stderr.write(`${warning}\n`);
    print(await describeConfig(commandLine, read()));
  } catch (error) {
    fail(error);
  }
}

function print(text: string): void {
  process.stdout.write(text);
}

async function describeConfig(commandLine: CommandLine, { config, settings }: LoadedConfig): Promise<string> {
  if (commandLine.action === 'print-config') return commandLine.json ? printConfigJson(settings) : printConfig(settings);
  checkExposure(config);
  intakeOptions(config, 1);
  bridgeSpecs(config);
  checkPlugin(config);
  await readPayloadSchemas(config);
  const digest = digestConfig(settings);
  return commandLine.json ? `${JSON.stringify({ ok: true, digest })}\n` : `the configuration is good, digest ${digest}\n`;
}

async function runNode(readConfig: () => LoadedConfig, warnings: readonly string[], modules: NodeModules): Promise<void> {
  const { config, settings } = readConfig();
  const log = createLog({ level: config.log.level, node: config.node.id, worker: 0 });
  // Whoever started the node may close its end of the pipe.
  process.stdout.on('error', () => {});
  process.on('uncaughtException', (error) => {
    log.fatal(errorFields(error), 'the main thread failed');
    process.exit(EXIT_FAILED);
  });
  const stopper = new Stopper(log);
  for (const warning of warnings) log.warn(warning);
  for (const { key, source } of settings) {
    if (key.leaf.reserved === true && source !== 'default') log.warn({ key: key.path }, 'this key has no effect in this version');
  }
  log.info({ version: VERSION, nodeJs: process.versions.node, pid: process.pid }, 'node is starting');
  const onGiveUp = (error: unknown): void => {
    if (isCoded(error)) log.fatal({ code: error.code, error: error.message }, 'the store has failed, the node stops');
    else
      log.fatal(
        { code: 'SLUICE_NODE_REACTOR_LOST', error: errorFields(error).error },
        'a reactor died too often, the node stops',
      );
    stopper.stop(EXIT_FAILED);
  };
  const { signal } = stopper;
  const node = await bootNode({
    config,
    settings,
    readConfig,
    log,
    reactorModule: modules.reactor,
    machineModule: modules.machines,
    hasMetadata: modules.hasMetadata,
    signal,
    onGiveUp,
  });
  if (signal.aborted) return stopper.running(node);
  reloadOnHangup(node, log);
  if (!asksForAuthentication(config))
    log.info('clients need no password; set auth.users_file for one, and mqtt.tcp.host to let other machines in');
  const { node: id, pid, ...listeners } = node.ready;
  log.info({ ...listeners, readyMs: Math.round(process.uptime() * 1000) }, 'node is ready');
  print(formatReady({ node: id, pid, ...listeners }));
  stopper.running(node);
}

function reloadOnHangup(node: RunningNode, log: Log): void {
  process.on('SIGHUP', () => {
    node.reload().catch((error: unknown) => {
      const isConfig = isCoded(error) && error.code.startsWith('SLUICE_CONFIG_');
      const what = isConfig ? 'the configuration is bad' : 'a file of users or rules is bad';
      log.error(errorFields(error), `${what}, what was before stays`);
    });
    node
      .renewCertificates()
      .catch((error: unknown) => log.error(errorFields(error), 'certificates are bad, those before them stay'));
  });
}

/** First signal: drain and exit 0 within STOP_MS_MAX. Second: exit now. A signal during the boot waits for its end. */
class Stopper {
  readonly #log: Log;
  #node: RunningNode | undefined;
  readonly #abort = new AbortController();
  /** The exit code, once the node is to stop. */
  #exitCode: number | undefined;

  constructor(log: Log) {
    this.#log = log;
    process.on('SIGTERM', () => this.#signalled('SIGTERM', 143));
    process.on('SIGINT', () => this.#signalled('SIGINT', 130));
  }

  #signalled(signal: string, codeNow: number): void {
    if (this.#exitCode !== undefined) {
      this.#log.warn({ signal }, 'second signal, the node exits now');
      process.exit(codeNow);
    }
    this.#log.info({ signal }, 'node is draining');
    this.stop(0);
  }

  /** Aborted when the node is to stop. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  running(node: RunningNode): void {
    this.#node = node;
    if (this.#exitCode !== undefined) this.#drain(node, this.#exitCode);
  }

  stop(exitCode: number): void {
    if (this.#exitCode !== undefined) return;
    this.#exitCode = exitCode;
    this.#abort.abort();
    const deadline = setTimeout(() => {
      this.#log.error('the node did not stop in time and is cut off');
      process.exit(EXIT_FAILED);
    }, STOP_MS_MAX);
    deadline.unref();
    if (this.#node !== undefined) this.#drain(this.#node, exitCode);
  }

  #drain(node: RunningNode, exitCode: number): void {
    const started = performance.now();
    node.stop().then(
      () => {
        this.#log.info({ drainMs: Math.round(performance.now() - started) }, 'node has stopped');
        process.exit(exitCode);
      },
      (error) => {
        this.#log.fatal(errorFields(error), 'the node failed while it stopped');
        process.exit(EXIT_FAILED);
      },
    );
  }
}
