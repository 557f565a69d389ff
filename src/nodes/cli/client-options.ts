/** What `pub` and `sub` share: mosquitto's connection options and a connected MQTT.js client. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { CommandError, EXIT, exitCodeOf } from './exit-codes.ts';
import { protocolLevel, wholeNumber } from './option-values.ts';

const CONNECT_MS_MAX = 10_000;

export interface ClientOptions {
  readonly host: string;
  readonly port: number;
  readonly id?: string;
  readonly username?: string;
  readonly pw?: string;
  readonly protocolVersion: 3 | 4 | 5;
  readonly keepalive: number;
}

/** Adds the options that mosquitto's clients have under the same letters. Help is `--help` alone: -h is the host. */
export function addClientOptions(command: Command): Command {
  return command
    .helpOption('--help', 'print this')
    .option('-h, --host <host>', 'broker host', '127.0.0.1')
    .option('-p, --port <port>', 'broker port', wholeNumber(1, 65_535), 1883)
    .option('-i, --id <id>', 'client id (a random one by default)')
    .option('-u, --username <name>', 'user name')
    .option('-P, --pw <password>', 'password')
    .option('-V, --protocol-version <version>', '31, 311 or 5', protocolLevel, 5)
    .option('-k, --keepalive <seconds>', 'keep-alive', wholeNumber(0, 65_535), 60);
}

export function brokerUrl({ host, port }: Pick<ClientOptions, 'host' | 'port'>): string {
  return `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Options of the command line → options of MQTT.js. */
export function mqttOptions(options: ClientOptions, session: Partial<IClientOptions> = {}): IClientOptions {
  return {
    clientId: options.id ?? `sluice-${randomBytes(6).toString('hex')}`,
    protocolVersion: options.protocolVersion,
    protocolId: options.protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    keepalive: options.keepalive,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_MS_MAX,
    resubscribe: false,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.pw === undefined ? {} : { password: options.pw }),
    ...session,
  };
}

/** Connects or ends the command: code 3 when nobody answers, 1 when the broker refuses. */
export async function connectClient(options: ClientOptions, session: Partial<IClientOptions> = {}): Promise<MqttClient> {
  const where = `${options.host}:${options.port}`;
  try {
    return await connectAsync(brokerUrl(options), mqttOptions(options, session), false);
  } catch (error) {
    const { code, message } = error as { code?: string | number; message: string };
    // A number is the reason code of a CONNACK: somebody answered, and said no.
    if (typeof code === 'number')
      throw new CommandError(EXIT.failed, `${where} refused the connection: ${message} (code ${code})`);
    const exitCode = code === undefined ? EXIT.unreachable : exitCodeOf(error);
    throw new CommandError(exitCode, `cannot reach ${where}: ${message || code}`);
  }
}
