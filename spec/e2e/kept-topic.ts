// A declared topic of a real node, as specs about disks use it.
import * as assert from 'uvu/assert';
import type { RawClient } from './raw-client.ts';

export async function declare(http: string, name: string, filter: string): Promise<void> {
  const answer = await fetch(`${http}/api/v1/topics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, filter }),
  });
  assert.is(answer.status, 201, await answer.text());
}

export async function endOf(http: string, name: string): Promise<number> {
  const { partitionFacts } = (await (await fetch(`${http}/api/v1/topics/${name}`)).json()) as {
    partitionFacts: { end: number }[];
  };
  return partitionFacts.reduce((sum, { end }) => sum + end, 0);
}

export async function acknowledged(client: RawClient, id: number, topic: string): Promise<void> {
  client.publish(topic, `message ${id}`, { qos: 1, packetId: id });
  assert.is(((await client.next('puback')) as { messageId?: number }).messageId, id);
}
