/** `sluice topic`: declares topics, shows, changes and deletes them. */
import { Command, Option } from 'commander';
import type { PartitionFacts } from '../topics/local-topics.ts';
import type { TopicView } from '../topics/routes.ts';
import { type AdminOptions, addAdminOptions, adminRequest, type Columns, printJson, printTable } from './admin-client.ts';
import { byteSize, duration, wholeNumber } from './option-values.ts';

interface PolicyOptions extends AdminOptions {
  readonly fsync?: string;
  readonly retention?: number;
  readonly retentionBytes?: number;
  readonly cleanup?: string;
}

interface CreateOptions extends PolicyOptions {
  readonly filter: string;
  readonly partitions: number;
  readonly engine: string;
  readonly model?: string;
  readonly replicas: number;
}

const TOPICS: Columns<TopicView> = [
  ['NAME', ({ name }) => name],
  ['FILTER', ({ filter }) => filter],
  ['PARTITIONS', ({ partitions }) => partitions],
  ['ENGINE', ({ engine, model }) => (model === undefined ? engine : `${engine}/${model}`)],
  ['FSYNC', ({ fsync }) => fsync],
  ['CLEANUP', ({ cleanup }) => cleanup],
  ['RETENTION', ({ retentionMs, retentionBytes }) => retentionText(retentionMs, retentionBytes)],
];

const PARTITIONS: Columns<PartitionFacts> = [
  ['PARTITION', ({ partition }) => partition],
  ['SHARD', ({ shard }) => shard],
  ['START', ({ start }) => start],
  ['END', ({ end }) => end],
  ['BYTES', ({ bytes }) => bytes],
];

export function topicCommand(): Command {
  const topic = new Command('topic').description('declared topics: MQTT messages that match a filter are kept in a log');
  for (const command of [createCommand(), listCommand(), describeCommand(), alterCommand(), deleteCommand()])
    topic.addCommand(command);
  return topic;
}

function createCommand(): Command {
  const command = new Command('create')
    .description('declare a topic')
    .argument('<name>', 'letters, digits, dots, dashes and underscores')
    .requiredOption('--filter <filter>', 'MQTT topic filter of the messages that are kept')
    .option('--partitions <n>', 'a message goes to the one that its topic name hashes to', wholeNumber(1, 1024), 1)
    .addOption(new Option('--engine <engine>', 'where it is kept').choices(['journal', 'memory', 'rocksdb']).default('journal'))
    .addOption(
      new Option('--model <model>', 'of the journal: one log for all shards, or one each').choices(['shared', 'dedicated']),
    )
    .option('--replicas <n>', 'copies', wholeNumber(1, 1), 1);
  return addAdminOptions(addPolicyOptions(command)).action(async (name: string, options: CreateOptions) => {
    const { filter, partitions, engine, model, replicas } = options;
    const body = { name, filter, partitions, engine, ...(model === undefined ? {} : { model }), replicas, ...policyOf(options) };
    show(options, [(await adminRequest(options, 'POST', '/api/v1/topics', body)) as TopicView]);
  });
}

function listCommand(): Command {
  return addAdminOptions(new Command('list').description('show all declared topics')).action(async (options: AdminOptions) => {
    const { topics } = (await adminRequest(options, 'GET', '/api/v1/topics')) as { topics: TopicView[] };
    if (options.json === true) printJson(topics);
    else show(options, topics);
  });
}

function describeCommand(): Command {
  const command = new Command('describe').description('show a declared topic and its partitions').argument('<name>');
  return addAdminOptions(command).action(async (name: string, options: AdminOptions) => {
    const answer = await adminRequest(options, 'GET', pathOf(name));
    if (options.json === true) return printJson(answer);
    printTable([answer as TopicView], TOPICS);
    printTable((answer as { partitionFacts: PartitionFacts[] }).partitionFacts, PARTITIONS);
  });
}

function alterCommand(): Command {
  const command = new Command('alter')
    .description('change how long a topic is kept and when a message counts as kept')
    .argument('<name>');
  return addAdminOptions(addPolicyOptions(command)).action(async (name: string, options: PolicyOptions) => {
    show(options, [(await adminRequest(options, 'PATCH', pathOf(name), policyOf(options))) as TopicView]);
  });
}

function deleteCommand(): Command {
  const command = new Command('delete').description('delete a declared topic and its records').argument('<name>');
  return addAdminOptions(command).action(async (name: string, options: AdminOptions) => {
    await adminRequest(options, 'DELETE', pathOf(name));
    if (options.json === true) printJson({ deleted: name });
    else process.stdout.write(`${name} is deleted\n`);
  });
}

function addPolicyOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--fsync <when>', 'always: before it is acknowledged; interval: within a second; never').choices([
        'always',
        'interval',
        'never',
      ]),
    )
    .option('--retention <time>', 'keep records for this long, as 7d, 12h, 30m or 90s; 0 for ever', duration)
    .option('--retention-bytes <size>', 'keep this much of each partition, as 10g, 500m or 64k; 0 any', byteSize)
    .addOption(
      new Option(
        '--cleanup <how>',
        'delete: by age and size; compact: only the last message of each topic name stays, and none after one without payload (model dedicated)',
      ).choices(['delete', 'compact', 'compact,delete']),
    );
}

function policyOf({ fsync, retention, retentionBytes, cleanup }: PolicyOptions): object {
  return {
    ...(fsync === undefined ? {} : { fsync }),
    ...(retention === undefined ? {} : { retentionMs: retention }),
    ...(retentionBytes === undefined ? {} : { retentionBytes }),
    ...(cleanup === undefined ? {} : { cleanup }),
  };
}

function show(options: AdminOptions, topics: readonly TopicView[]): void {
  if (options.json === true) printJson(topics[0]);
  else printTable(topics, TOPICS);
}

function pathOf(name: string): string {
  return `/api/v1/topics/${encodeURIComponent(name)}`;
}

function retentionText(ms: number, bytes: number): string {
  const parts = [...(ms > 0 ? [`${ms / 1000} s`] : []), ...(bytes > 0 ? [`${bytes} B`] : [])];
  return parts.length === 0 ? 'for ever' : parts.join(', ');
}
