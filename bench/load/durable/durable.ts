/** The durable load: publishers alone, as fast as the peer acknowledges, over the protocol that the peer speaks best. What counts is acknowledgements. */
import { performance } from 'node:perf_hooks';
import { Histogram } from '../../../src/base/histogram.ts';
import type { DurableJob, RawRun } from '../job.ts';
import { drain, measure } from '../meter.ts';
import type { RunContext } from '../run-context.ts';
import { StampSpan } from '../stamp-span.ts';
import type { AckPublisher, AckPublisherOptions } from './ack-publisher.ts';
import { amqpPublisher } from './amqp-publisher.ts';
import { mqttPublisher } from './mqtt-publisher.ts';
import { createStream, natsPublisher } from './nats-publisher.ts';

const now = (): number => performance.now();

async function openAll(job: DurableJob, options: Omit<AckPublisherOptions, 'index'>): Promise<AckPublisher[]> {
  const { endpoint, protocol, level, partitions } = job;
  if (protocol === 'nats') await createStream(endpoint.host, endpoint.port);
  const publishers: AckPublisher[] = [];
  for (let index = 0; index < job.publishers; index++) {
    const each = { ...options, index };
    if (protocol === 'nats') publishers.push(await natsPublisher(each));
    else if (protocol === 'amqp') publishers.push(await amqpPublisher(each, partitions));
    else publishers.push(await mqttPublisher(each, level));
  }
  return publishers;
}

export async function runDurable(job: DurableJob, { fail, progress }: RunContext): Promise<RawRun> {
  const span = new StampSpan();
  const ackLatency = new Histogram();
  const { endpoint, payloadBytes, window } = job;
  const publishers = await openAll(job, {
    endpoint,
    publishers: job.publishers,
    payloadBytes,
    window,
    now,
    span,
    ackLatency,
    fail,
  });
  const sum = (pick: (publisher: AckPublisher) => number): number => publishers.reduce((total, each) => total + pick(each), 0);
  const sent = (): number => sum((each) => each.sent);
  const acked = (): number => sum((each) => each.acked);
  for (const publisher of publishers) publisher.start();
  const counters = () => ({ sent: sent(), received: acked(), perClient: publishers.map((each) => each.acked) });
  const figures = await measure({ ...job, now, span, counters, progress });
  for (const publisher of publishers) publisher.stop();
  const lost = await drain(sent(), acked);
  const empty = new Histogram().snapshot();
  return { ...figures, delivered: acked(), lost, latency: empty, ackLatency: ackLatency.snapshot(), sendLag: empty };
}
