/**
 * The paced load: publisher i to subscriber i alone, at a fixed total rate over all pairs in turn. Two messages of one connection are
 * so far apart that each is a segment of its own on its way in, and as it goes to one subscriber, on its way out too: nothing can be
 * batched per connection. Covers the sparse scenarios (500 pairs, CPU per message), `latency` (few pairs, precise sending) and the pairs of `logins`.
 */
import { performance } from 'node:perf_hooks';
import { Histogram } from '../../src/base/histogram.ts';
import { Clients, topicsOf } from './clients.ts';
import type { LoginsJob, PacedJob, RawRun } from './job.ts';
import { drain, measure } from './meter.ts';
import { PacedPublisher } from './paced-publisher.ts';
import { Pacer } from './pacer.ts';
import { layoutOf, type PublishShape } from './packets.ts';
import { Receiver } from './receiver.ts';
import type { RunContext } from './run-context.ts';
import { StampSpan } from './stamp-span.ts';

const now = (): number => performance.now();

interface Pair {
  readonly publisher: PacedPublisher;
  readonly receiver: Receiver;
}

interface Figures {
  readonly span: StampSpan;
  readonly latency: Histogram;
  readonly ackLatency: Histogram;
  readonly sendLag: Histogram;
}

type PairsJob = PacedJob | LoginsJob;

async function openPair(
  job: PairsJob,
  clients: Clients,
  index: number,
  { span, latency, ackLatency, sendLag }: Figures,
): Promise<Pair> {
  const { qos, level, payloadBytes, window } = job;
  const shape: PublishShape = { topic: topicsOf(index, job.pairs)[0] as string, payloadBytes, qos, level };
  const subscriber = await clients.connect(`bench-sub-${index}`);
  await subscriber.subscribe(shape.topic, qos, level);
  const receiver = new Receiver({
    layout: layoutOf(shape),
    qos,
    write: (acks) => subscriber.socket.write(acks),
    now,
    span,
    latency,
  });
  subscriber.onBytes = (bytes, length) => receiver.take(bytes, length);
  const connection = await clients.connect(`bench-pub-${index}`);
  const publisher = new PacedPublisher(
    { connection, shapes: [shape], window, slotsMin: 2, stampEvery: 1, now, span, ackLatency },
    sendLag,
  );
  return { publisher, receiver };
}

/** Offers what is due until told to stop. */
function startPacing(job: PairsJob, pairs: readonly Pair[]): () => void {
  let running = true;
  const pacer = new Pacer(now(), job.rate, job.pairs);
  const tick = (): void => {
    if (!running) return;
    const current = now();
    pacer.due(current, (index, intended) => {
      (pairs[index] as Pair).publisher.offer(intended, current, job.kind === 'logins' ? current : intended);
    });
    if (job.pacing === 'spin') setImmediate(tick);
    else setTimeout(tick, 1);
  };
  tick();
  return () => {
    running = false;
  };
}

export function runPaced(job: PacedJob, context: RunContext): Promise<RawRun> {
  return measurePairs(job, context);
}

export async function measurePairs(job: PairsJob, context: RunContext): Promise<RawRun> {
  const figures: Figures = {
    span: new StampSpan(),
    latency: new Histogram(),
    ackLatency: new Histogram(),
    sendLag: new Histogram(),
  };
  const clients = new Clients(job, context);
  const pairs: Pair[] = [];
  for (let index = 0; index < job.pairs; index++) pairs.push(await openPair(job, clients, index, figures));
  const sum = (pick: (pair: Pair) => number): number => pairs.reduce((total, pair) => total + pick(pair), 0);
  const received = (): number => sum((pair) => pair.receiver.received);

  const stop = startPacing(job, pairs);
  const window = await measure({
    ...job,
    now,
    span: figures.span,
    counters: () => ({
      sent: sum((pair) => pair.publisher.sent),
      received: received(),
      perClient: pairs.map((pair) => pair.receiver.received),
    }),
    progress: context.progress,
  });
  stop();
  const lost = await drain(
    sum((pair) => pair.publisher.offered),
    received,
  );
  clients.closeAll();
  const { latency, ackLatency, sendLag } = figures;
  return {
    ...window,
    delivered: received(),
    lost,
    latency: latency.snapshot(),
    ackLatency: ackLatency.snapshot(),
    sendLag: sendLag.snapshot(),
  };
}
