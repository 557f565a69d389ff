/** `sluice pub`: publishes one message, a file, or every line of standard input. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { addClientOptions, type ClientOptions, connectClient } from './client-options.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { InFlight } from './in-flight.ts';
import { qos, wholeNumber } from './option-values.ts';

/** Publishes under way at a time when lines are read. */
const IN_FLIGHT_MAX = 64;

interface PubOptions extends ClientOptions {
  readonly topic: string;
  readonly message?: string;
  readonly file?: string;
  readonly nullMessage?: boolean;
  readonly stdinFile?: boolean;
  readonly stdinLine?: boolean;
  readonly qos: 0 | 1 | 2;
  readonly retain?: boolean;
  readonly repeat: number;
  readonly json?: boolean;
}

async function wholeInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The one message of the command line; undefined when standard input is to be read line by line. */
async function messageOf(options: PubOptions): Promise<Buffer | undefined> {
  const given = [
    options.message !== undefined,
    options.file !== undefined,
    options.nullMessage,
    options.stdinFile,
    options.stdinLine,
  ];
  if (given.filter(Boolean).length > 1) throw new CommandError(EXIT.usage, 'give one of -m, -f, -n, -s and -l');
  if (options.message !== undefined) return Buffer.from(options.message);
  if (options.nullMessage === true) return Buffer.alloc(0);
  if (options.stdinFile === true) return wholeInput();
  if (options.file === undefined) return undefined;
  try {
    return await readFile(options.file);
  } catch (error) {
    throw new CommandError(EXIT.failed, `cannot read ${options.file}: ${(error as Error).message}`);
  }
}

async function* messages(options: PubOptions, single: Buffer | undefined): AsyncGenerator<Buffer> {
  if (single === undefined) {
    for await (const line of createInterface({ input: process.stdin })) yield Buffer.from(line);
  } else {
    for (let i = 0; i < options.repeat; i++) yield single;
  }
}

async function publish(options: PubOptions): Promise<void> {
  if (/[+#]/.test(options.topic)) throw new CommandError(EXIT.usage, `a topic to publish to has no wildcards: ${options.topic}`);
  const single = await messageOf(options);
  const client = await connectClient(options);
  const inFlight = new InFlight(IN_FLIGHT_MAX);
  let published = 0;
  let bytes = 0;
  const lost = new Promise<never>((_, reject) => {
    client.once('close', () => reject(new CommandError(EXIT.failed, 'the broker closed the connection')));
    client.once('error', reject);
  });
  lost.catch(() => undefined);
  const all = async (): Promise<void> => {
    for await (const message of messages(options, single)) {
      await inFlight.add(client.publishAsync(options.topic, message, { qos: options.qos, retain: options.retain === true }));
      published += 1;
      bytes += message.length;
    }
    await inFlight.settled();
  };
  try {
    await Promise.race([all(), lost]);
  } catch (error) {
    client.end(true);
    throw error;
  }
  await client.endAsync();
  if (options.json === true) {
    const { topic, qos: level } = options;
    process.stdout.write(`${JSON.stringify({ topic, qos: level, retain: options.retain === true, published, bytes })}\n`);
  }
}

export function pubCommand(): Command {
  return addClientOptions(new Command('pub'))
    .description('Publish a message, or every line of standard input')
    .requiredOption('-t, --topic <topic>', 'topic to publish to')
    .option('-m, --message <text>', 'the message')
    .option('-f, --file <path>', 'send a file as the message')
    .option('-n, --null-message', 'send an empty message')
    .option('-s, --stdin-file', 'send all of standard input as one message')
    .option('-l, --stdin-line', 'send every line of standard input as a message (the default without -m, -f, -n and -s)')
    .option('-q, --qos <qos>', '0, 1 or 2', qos, 0)
    .option('-r, --retain', 'have the broker keep the message')
    .option('--repeat <n>', 'send the message so many times', wholeNumber(1, 1_000_000_000), 1)
    .option('--json', 'print what was published as one JSON object')
    .action((options: PubOptions) => publish(options));
}
