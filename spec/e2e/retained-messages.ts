// What specs of retained messages in a cluster ask of its nodes.
import type { LocalNode } from '../../bench/cluster/local-cluster.ts';
import { RawClient } from './raw-client.ts';
import { until } from './until.ts';

let clients: RawClient[] = [];
let made = 0;

export function endClients(): void {
  for (const client of clients) client.destroy();
  clients = [];
}

export async function connect(node: LocalNode): Promise<RawClient> {
  const client = await RawClient.connect(Number(node.ready!.mqtt!.tcp!.split(':').at(-1)), { clientId: `c${++made}` });
  clients.push(client);
  return client;
}

export async function retain(client: RawClient, topic: string, payload: string, properties?: Uint8Array): Promise<void> {
  client.publish(topic, payload, { qos: 1, retain: true, packetId: 1, ...(properties === undefined ? {} : { properties }) });
  await client.next('puback');
}

/** What a client gets there that subscribes now, in the order of topics. */
export async function retainedOn(node: LocalNode, filter: string): Promise<string[]> {
  const client = await connect(node);
  await client.subscribe(filter);
  const got = await client.settled();
  client.destroy();
  return got.map((packet) => (packet.cmd === 'publish' ? `${packet.topic}=${packet.payload}` : packet.cmd)).sort();
}

/** What there is at this moment: `count` messages, and any that come beyond them. */
export async function retainedNow(node: LocalNode, filter: string, count: number): Promise<string[]> {
  const client = await connect(node);
  await client.subscribe(filter);
  const got = [];
  for (let i = 0; i < count; i++) got.push(await client.nextPublish());
  got.push(...((await client.settled()) as typeof got));
  client.destroy();
  return got.map(({ topic, payload }) => `${topic}=${payload}`).sort();
}

export async function onAll(nodes: readonly LocalNode[], filter: string, expected: readonly string[]): Promise<void> {
  for (const node of nodes) {
    let got: string[] = [];
    const says = (): string => `node ${node.id} has ${expected}; it has ${got}`;
    await until(says, async () => {
      got = await retainedOn(node, filter);
      return got.join() === expected.join();
    });
  }
}
