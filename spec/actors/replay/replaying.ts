/** What the specs of replays share: a node with a declared topic, and clients that subscribe to its past. */
import type { Declaration } from '../../../src/actors/shard/messages.ts';
import type { Qos } from '../../../src/wire/mqtt/constants.ts';
import { SimDisk } from '../../storage/sim-disk.ts';
import type { Decoded } from '../session/packets.ts';
import type { SimClient } from '../session/reactors.ts';
import type { SimStoreOptions } from '../store/sim-store.ts';

export function declaration(some: Partial<Declaration> = {}): Declaration {
  return {
    name: 'telemetry',
    filter: 'sensors/#',
    engine: 'shared',
    shards: [1],
    fsync: 'always',
    retentionMs: 0,
    retentionBytes: 0,
    replicas: 1,
    ...some,
  };
}

export function storeOf(...declarations: Declaration[]): SimStoreOptions {
  return { disk: new SimDisk(), metadata: new Map(), declarations, failures: [] };
}

/** A message of a replay. */
export interface Replayed {
  readonly topic: string;
  readonly text: string;
  readonly partition: number;
  readonly offset: number;
  readonly dup: boolean;
  readonly qos: number;
  readonly messageId: number | undefined;
}

export interface Properties {
  readonly from?: string;
  readonly topic?: string;
  readonly partition?: string;
}

export interface From extends Properties {
  readonly qos?: Qos;
  readonly nl?: boolean;
  readonly subscriptionIdentifier?: number;
}

export function subscribeFrom(client: SimClient, filter: string, { qos = 1, nl = false, ...rest }: From): void {
  const { subscriptionIdentifier, from, topic, partition } = rest;
  const userProperties = {
    ...(from === undefined ? {} : { 'sluice-from': from }),
    ...(topic === undefined ? {} : { 'sluice-topic': topic }),
    ...(partition === undefined ? {} : { 'sluice-partition': partition }),
  };
  client.send({
    cmd: 'subscribe',
    messageId: 7,
    subscriptions: [{ topic: filter, qos, nl }],
    properties: { userProperties, ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }) },
  });
}

export function replayedOf(packets: readonly Decoded[]): Replayed[] {
  return packets
    .filter(({ cmd }) => cmd === 'publish')
    .map(({ topic, payload, dup, qos, messageId, properties }) => {
      const user = properties?.userProperties as Record<string, string> | undefined;
      return {
        topic,
        text: payload.toString(),
        partition: Number(user?.['sluice-partition']),
        offset: Number(user?.['sluice-offset']),
        dup,
        qos,
        messageId,
      };
    });
}

/** Answers PUBREL; returns whether there was any. */
export function complete(client: SimClient, packets: readonly { readonly cmd: string; readonly messageId?: number }[]): boolean {
  const released = packets.filter(({ cmd }) => cmd === 'pubrel');
  for (const { messageId } of released) client.feed({ cmd: 'pubcomp', messageId });
  return released.length > 0;
}

/** Takes what has come and acknowledges it, until nothing more comes. */
export function takeAll(client: SimClient): Replayed[] {
  const all: Replayed[] = [];
  for (;;) {
    const packets = client.received();
    const some = replayedOf(packets);
    if (!complete(client, packets) && some.length === 0) return all;
    for (const { qos, messageId } of some) if (qos > 0) client.feed({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId });
    all.push(...some);
    client.send({ cmd: 'pingreq' });
  }
}
