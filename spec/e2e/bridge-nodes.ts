// Nodes with bridges, and what goes over those.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { BridgeList } from '../../src/nodes/bridge/routes.ts';
import { Broker } from './broker.ts';
import { puback, pubcomp, pubrec, pubrel, type RawClient } from './raw-client.ts';
import { until } from './until.ts';

const folder: string = mkdtempSync(join(tmpdir(), 'sluice-bridge-'));
const running = new Set<Broker>();

/** For `test.after`. */
export async function endAll(): Promise<void> {
  for (const broker of running) await broker.stop();
  rmSync(folder, { recursive: true });
}

export async function start(name: string, settings: Readonly<Record<string, string | number>> = {}): Promise<Broker> {
  const broker = await Broker.start({ 'node.data': join(folder, name), 'node.roles': 'broker,journal', ...settings });
  running.add(broker);
  return broker;
}

/** The table of a bridge for `mqtt.bridges`. */
export function bridge(name: string, port: number, topics: string, more = ''): string {
  const url = `"mqtt://127.0.0.1:${port}"`;
  return `[{name="${name}",urls=[${url}],reconnect_min_ms=50,reconnect_max_ms=200,topics=[${topics}]${more}}]`;
}

/** All of its bridges are connected. */
export async function isUp(broker: Broker, count = 1): Promise<void> {
  await until('the bridges are connected', async () => {
    const { bridges } = (await (await fetch(`${broker.http}/api/v1/bridges`)).json()) as BridgeList;
    return bridges.length === count && bridges.every(({ isConnected }) => isConnected);
  });
}

export const crossed = (broker: Broker, name: string, direction: string): Promise<number> =>
  broker.metric(`sluice_bridge_messages_total{bridge="${name}",direction="${direction}"}`);
export const discarded = (broker: Broker, name: string, reason: string): Promise<number> =>
  broker.metric(`sluice_bridge_discarded_total{bridge="${name}",reason="${reason}"}`);

/** Its end is no news: it was killed. */
export function forget(broker: Broker): void {
  running.delete(broker);
}

export async function end(...brokers: readonly Broker[]): Promise<void> {
  for (const broker of brokers) {
    running.delete(broker);
    await broker.assertSound();
    assert.is(await broker.stop(), 0);
  }
}

/** The next PUBLISH, acknowledged. */
export async function take(client: RawClient): Promise<string> {
  for (;;) {
    const packet = await client.next();
    if (packet.cmd === 'pubrel') client.send(pubcomp(packet.messageId!));
    if (packet.cmd !== 'publish') continue;
    if (packet.qos === 1) client.send(puback(packet.messageId!));
    if (packet.qos === 2) client.send(pubrec(packet.messageId!));
    return `${packet.topic} ${packet.payload} ${packet.qos}`;
  }
}

/** Publishes, and comes back when the broker has it. */
export async function give(client: RawClient, topic: string, payload: string, qos: 0 | 1 | 2): Promise<void> {
  client.publish(topic, payload, { qos, packetId: qos });
  if (qos === 1) await client.next('puback');
  if (qos < 2) return;
  await client.next('pubrec');
  client.send(pubrel(2));
  await client.next('pubcomp');
}
