/**
 * Messages for a session whose client is away, and its return: publishers as in the durable load, to one persistent session; then the client comes back and takes everything, as fast as it can
 * acknowledge. The rate counts what the broker has acknowledged while the client was away; what it gets afterwards is a fact of its own.
 */
import { performance } from 'node:perf_hooks';
import { Histogram } from '../../../src/base/histogram.ts';
import { Clients } from '../clients.ts';
import type { OfflineJob, RawRun } from '../job.ts';
import { drain, measure } from '../meter.ts';
import { layoutOf } from '../packets.ts';
import { Receiver } from '../receiver.ts';
import type { RunContext } from '../run-context.ts';
import { StampSpan } from '../stamp-span.ts';
import type { AckPublisher } from './ack-publisher.ts';
import { mqttPublisher, shapeOf } from './mqtt-publisher.ts';

const SUBSCRIBER = 'bench-away';
const now = (): number => performance.now();

export async function runOffline(job: OfflineJob, { fail, progress }: RunContext): Promise<RawRun> {
  const { endpoint, payloadBytes, window, level } = job;
  const span = new StampSpan();
  const ackLatency = new Histogram();
  const clients = new Clients(job, { fail, progress });
  const away = await clients.connect(SUBSCRIBER, true);
  await away.subscribe(job.publishers > 1 ? 'bench/+' : shapeOf(job, 0).topic, 1, level);
  away.close();
  const options = { endpoint, publishers: job.publishers, payloadBytes, window, now, span, ackLatency, fail };
  const publishers: AckPublisher[] = [];
  for (let index = 0; index < job.publishers; index++) publishers.push(await mqttPublisher({ ...options, index }, level));
  const sum = (pick: (publisher: AckPublisher) => number): number => publishers.reduce((total, each) => total + pick(each), 0);
  const acked = (): number => sum((each) => each.acked);
  for (const publisher of publishers) publisher.start();
  const counters = () => ({ sent: sum((each) => each.sent), received: acked(), perClient: publishers.map((each) => each.acked) });
  const figures = await measure({ ...job, now, span, counters, progress });
  for (const publisher of publishers) publisher.stop();
  await drain(
    sum((each) => each.sent),
    acked,
  );
  const backlog = acked();
  const beganAt = now();
  let lastAt = beganAt;
  const back = await clients.connect(SUBSCRIBER, true);
  const receiver = new Receiver({
    layout: layoutOf(shapeOf(job, 0)),
    qos: 1,
    write: (acks) => void back.socket.write(acks),
    now,
    span: new StampSpan(),
    latency: new Histogram(),
  });
  back.consume((bytes, length) => {
    receiver.take(bytes, length);
    lastAt = now();
  });
  const lost = await drain(backlog, () => receiver.received);
  clients.closeAll();
  const outSeconds = (lastAt - beganAt) / 1000;
  const empty = new Histogram().snapshot();
  return {
    ...figures,
    delivered: receiver.received,
    lost,
    latency: empty,
    ackLatency: ackLatency.snapshot(),
    sendLag: empty,
    facts: { backlog, outPerSecond: receiver.received / outSeconds },
  };
}
