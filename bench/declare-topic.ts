/** Tells a Sluice node that the load's messages are to be kept. Other brokers have their own ways, which are part of starting them. */
import { BenchError } from './load/bench-error.ts';
import type { Params } from './scenario.ts';

export async function declareTopic(http: string, { partitions, model, fsync }: Params): Promise<void> {
  const answer = await fetch(`http://${http}/api/v1/topics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', filter: 'bench/#', engine: 'journal', model, partitions, fsync }),
  });
  if (!answer.ok) throw new BenchError('target', `the topic cannot be declared: ${answer.status} ${await answer.text()}`);
}
