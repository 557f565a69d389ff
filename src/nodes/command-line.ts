/**
 * The command line of a node: `node dist/node.js [--config FILE] [--set key=value]…`. Pure: what to do is returned, not done.
 */
import { parseArgs } from 'node:util';
import { SluiceError } from '../base/errors.ts';
import { quoteValue } from './config/load.ts';
import { nearestWord } from './config/nearest.ts';

export type CommandLineAction = 'run' | 'check-config' | 'print-config' | 'help' | 'version';

export interface CommandLine {
  readonly action: CommandLineAction;
  readonly file: string | undefined;
  /** A mosquitto.conf in its place. */
  readonly mosquittoFile: string | undefined;
  /** Arguments of `--set`, in order. */
  readonly assignments: readonly string[];
  readonly json: boolean;
}

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  'mosquitto-config': { type: 'string' },
  set: { type: 'string', short: 's', multiple: true },
  'check-config': { type: 'boolean' },
  'print-config': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const;

const ARGUMENTS = {
  config: 'the path of a TOML file',
  'mosquitto-config': 'the path of a mosquitto.conf',
  set: 'key=value',
} as const;

const LONG_OPTIONS = Object.keys(OPTIONS).map((name) => `--${name}`);

function usage(message: string): SluiceError {
  return new SluiceError('SLUICE_NODE_USAGE', message);
}

export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { tokens } = parseArgs({ args: [...argv], options: OPTIONS, strict: false, allowPositionals: true, tokens: true });
  const given = new Set<string>();
  const assignments: string[] = [];
  let file: string | undefined;
  let mosquittoFile: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional')
      throw usage(`${quoteValue(token.value)}: a node takes no arguments besides options; see --help`);
    const option = Object.hasOwn(OPTIONS, token.name) ? OPTIONS[token.name as keyof typeof OPTIONS] : undefined;
    if (option === undefined) {
      throw usage(
        `${quoteValue(token.rawName)}: no such option; the nearest is ${nearestWord(token.rawName, LONG_OPTIONS)}; see --help`,
      );
    }
    if (option.type === 'boolean') {
      if (token.value !== undefined) throw usage(`${token.rawName}=${quoteValue(token.value)}: this option takes no value`);
      given.add(token.name);
      continue;
    }
    if (token.value === undefined || token.value === '' || (!token.inlineValue && token.value.startsWith('--'))) {
      throw usage(`${token.rawName} lacks its argument: ${ARGUMENTS[token.name as keyof typeof ARGUMENTS]}`);
    }
    if (token.name === 'set') assignments.push(token.value);
    else if (token.name === 'config') file = token.value;
    else mosquittoFile = token.value;
  }
  if (file !== undefined && mosquittoFile !== undefined) throw usage('--config and --mosquitto-config: there can be one of them');
  const action = (['help', 'version', 'print-config', 'check-config'] as const).find((name) => given.has(name)) ?? 'run';
  return { action, file, mosquittoFile, assignments, json: given.has('json') };
}

export const HELP = `Usage: node dist/node.js [options]

Runs a Sluice node. With no options at all it serves MQTT on 127.0.0.1:1883 and, over WebSocket, on
127.0.0.1:8083, and HTTP on 127.0.0.1:8090.

Options
  -c, --config FILE     read a TOML file
      --mosquitto-config FILE
                        run a mosquitto.conf instead; with --print-config: what it is in TOML
  -s, --set KEY=VALUE   set one key; may be repeated
      --check-config    say whether the configuration is good, and its digest; do not run
      --print-config    print every value with its source, as TOML (--json: as JSON); do not run
  -V, --version         print the version
  -h, --help            print this

A value comes from the first of: --set, the environment (mqtt.tcp.port is SLUICE_MQTT__TCP__PORT), the file, the default.
All keys: docs/reference/config.md. Once the node serves, it prints one line on stdout: READY {"node":1,…}. Logs go to stderr.

Exit codes: 0 stopped as asked, 1 failed, 2 wrong option or configuration.
`;
