/** `/api/v1/topics`: declared topics over HTTP. */
import type { FastifyInstance } from 'fastify';
import type { Declaration } from '../../actors/shard/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import type { TopicCatalogue } from './catalogue.ts';
import { TOPIC_CHANGE_SCHEMA, TOPIC_REQUEST_SCHEMA, type TopicChange, type TopicRequest, topicSpec } from './topic-spec.ts';

/** What users see of a declaration. */
export interface TopicView {
  readonly name: string;
  readonly filter: string;
  readonly partitions: number;
  readonly engine: string;
  /** Of the journal engine. */
  readonly model?: string;
  readonly replicas: number;
  readonly fsync: string;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly cleanup: string;
}

interface ByName {
  readonly Params: { readonly name: string };
}

export function addTopicRoutes(app: FastifyInstance, topics: () => TopicCatalogue | undefined): void {
  const catalogue = (): TopicCatalogue => {
    const found = topics();
    if (found === undefined) throw new SluiceError('SLUICE_HTTP_UNAVAILABLE', 'there are no declared topics now');
    return found;
  };
  app.get('/api/v1/topics', () => ({ topics: catalogue().list().map(viewOf) }));
  app.post<{ Body: TopicRequest }>('/api/v1/topics', { schema: { body: TOPIC_REQUEST_SCHEMA } }, async (request, reply) => {
    const made = await catalogue().create(topicSpec(request.body));
    return reply.code(201).send(viewOf(made));
  });
  app.get<ByName>('/api/v1/topics/:name', async ({ params }) => {
    const partitions = await catalogue().describe(params.name);
    return { ...viewOf(catalogue().get(params.name)), partitionFacts: partitions };
  });
  app.patch<ByName & { Body: TopicChange }>(
    '/api/v1/topics/:name',
    { schema: { body: TOPIC_CHANGE_SCHEMA } },
    async ({ params, body }) => viewOf(await catalogue().alter(params.name, body)),
  );
  app.delete<ByName>('/api/v1/topics/:name', async ({ params }, reply) => {
    await catalogue().delete(params.name);
    return reply.code(204).send();
  });
}

function viewOf(topic: Declaration): TopicView {
  const { name, filter, shards, engine, replicas, fsync, retentionMs, retentionBytes, cleanup = 'delete' } = topic;
  const isJournal = engine === 'shared' || engine === 'dedicated';
  return {
    name,
    filter,
    partitions: shards.length,
    engine: isJournal ? 'journal' : engine,
    ...(isJournal ? { model: engine } : {}),
    replicas,
    fsync,
    retentionMs,
    retentionBytes,
    cleanup,
  };
}
