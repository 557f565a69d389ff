/** The durable load over MQTT, QoS 1: the load process's usual sender, without a receiver. */

import { topicsOf } from '../clients.ts';
import { Connection } from '../connection.ts';
import { PacketSender } from '../packet-sender.ts';
import type { Level, PublishShape } from '../packets.ts';
import type { AckPublisher, AckPublisherOptions } from './ack-publisher.ts';

const STAMP_EVERY = 32;
const SLOTS_MIN = 1024;

export function shapeOf({ publishers, payloadBytes, level }: Shaped, publisher: number): PublishShape {
  return { topic: topicsOf(publisher, publishers)[0]!, payloadBytes, qos: 1, level };
}

interface Shaped {
  readonly publishers: number;
  readonly payloadBytes: number;
  readonly level: Level;
}

export async function mqttPublisher(options: AckPublisherOptions, level: Level): Promise<AckPublisher> {
  const { endpoint, index, publishers, payloadBytes, window, now, span, ackLatency, fail } = options;
  const connection = new Connection(endpoint, `bench-pub-${index}`, fail);
  await connection.handshake(level);
  let running = false;
  const onCredit = (): void => {
    if (running) sender.fill();
  };
  const shapes = [shapeOf({ publishers, payloadBytes, level }, index)];
  const stampEvery = window < STAMP_EVERY ? 1 : STAMP_EVERY;
  const sender = new PacketSender({
    connection,
    shapes,
    window,
    slotsMin: SLOTS_MIN,
    stampEvery,
    now,
    span,
    ackLatency,
    onCredit,
  });
  return {
    get sent() {
      return sender.sent;
    },
    get acked() {
      return sender.acked;
    },
    start: () => {
      running = true;
      sender.fill();
    },
    stop: () => {
      running = false;
    },
  };
}
