/** `sluice sub`: prints what comes in on some filters until told to stop. */
import { isUtf8 } from 'node:buffer';
import { Command } from 'commander';
import type { IPublishPacket, MqttClient } from 'mqtt';
import { addClientOptions, type ClientOptions, connectClient } from './client-options.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { collect, qos, seconds, wholeNumber } from './option-values.ts';

interface SubOptions extends ClientOptions {
  readonly topic: readonly string[];
  readonly qos: 0 | 1 | 2;
  readonly verbose?: boolean;
  readonly disableCleanSession?: boolean;
  readonly sessionExpiry: number;
  /** False with -R. */
  readonly retained: boolean;
  readonly count?: number;
  readonly wait?: number;
  readonly json?: boolean;
}

/** Reason codes and 3.1.1 return codes from here on say no. */
const FAILURE = 0x80;

/** One line per message: its payload, `topic payload`, or JSON with the payload as text when it is UTF-8 and as base64 when not. */
export function messageLine(
  topic: string,
  payload: Buffer,
  packet: IPublishPacket,
  options: { verbose?: boolean; json?: boolean },
): Buffer {
  if (options.json === true) {
    const body = isUtf8(payload) ? { payload: payload.toString() } : { payloadBase64: payload.toString('base64') };
    return Buffer.from(`${JSON.stringify({ topic, ...body, qos: packet.qos, retain: packet.retain, dup: packet.dup })}\n`);
  }
  const head = options.verbose === true ? Buffer.from(`${topic} `) : Buffer.alloc(0);
  return Buffer.concat([head, payload, Buffer.from('\n')]);
}

async function subscribe(client: MqttClient, options: SubOptions): Promise<void> {
  const grants = await client.subscribeAsync([...options.topic], { qos: options.qos });
  for (const { topic, qos: granted } of grants) {
    if (granted >= FAILURE) throw new CommandError(EXIT.failed, `the broker refused ${topic} (code ${granted})`);
  }
}

/** Prints until the count is reached, the time is over, a signal comes or the connection ends. */
function receive(client: MqttClient, options: SubOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    const late = options.wait === undefined ? undefined : setTimeout(() => finish(true), options.wait * 1000);
    const finish = (timedOut: boolean): void => {
      clearTimeout(late);
      client.removeAllListeners('message');
      if (timedOut && options.count !== undefined)
        reject(new CommandError(EXIT.failed, `${received} of ${options.count} messages came in time`));
      else resolve();
    };
    client.on('message', (topic, payload, packet) => {
      if (!options.retained && packet.retain) return;
      process.stdout.write(messageLine(topic, payload, packet, options));
      received += 1;
      if (received === options.count) finish(false);
    });
    client.once('close', () => reject(new CommandError(EXIT.failed, 'the broker closed the connection')));
    client.once('error', reject);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => finish(false));
  });
}

async function run(options: SubOptions): Promise<void> {
  const keep = options.disableCleanSession === true;
  if (keep && options.id === undefined) throw new CommandError(EXIT.usage, 'a session that is kept (-c) needs a client id (-i)');
  const properties =
    options.protocolVersion === 5 && keep ? { properties: { sessionExpiryInterval: options.sessionExpiry } } : {};
  const client = await connectClient(options, { clean: !keep, ...properties });
  try {
    // The listener comes first: retained messages may arrive in the same read as the SUBACK.
    await Promise.all([receive(client, options), subscribe(client, options)]);
    client.removeAllListeners('close');
    await client.endAsync();
  } catch (error) {
    client.end(true);
    throw error;
  }
}

export function subCommand(): Command {
  return addClientOptions(new Command('sub'))
    .description('Print the messages of some topic filters, one line each')
    .requiredOption('-t, --topic <filter>', 'topic filter, repeatable', collect)
    .option('-q, --qos <qos>', '0, 1 or 2', qos, 0)
    .option('-v, --verbose', 'print the topic before the message')
    .option('-c, --disable-clean-session', 'keep the session when this command ends')
    .option('-x, --session-expiry <seconds>', 'how long to keep it (5.0)', wholeNumber(0, 0xffff_ffff), 3600)
    .option('-R, --no-retained', 'leave retained messages out')
    .option('-C, --count <n>', 'end after so many messages', wholeNumber(1, 1_000_000_000))
    .option('-W, --wait <seconds>', 'end after so long', seconds(0.001, 1_000_000))
    .option('--json', 'one JSON object per message')
    .action((options: SubOptions) => run(options));
}
