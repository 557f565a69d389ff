/** The flood: every publisher at full speed, every subscriber gets everything. Covers fan-in, fan-out and all three QoS. */
import { performance } from 'node:perf_hooks';
import { Histogram } from '../../src/base/histogram.ts';
import { Clients, topicsOf } from './clients.ts';
import type { Connection } from './connection.ts';
import { FloodPublisher, FloodPump } from './flood-publisher.ts';
import type { FloodJob, RawRun } from './job.ts';
import { drain, measure } from './meter.ts';
import { PacketSender } from './packet-sender.ts';
import { layoutOf, type PublishShape } from './packets.ts';
import { Receiver } from './receiver.ts';
import type { RunContext } from './run-context.ts';
import { StampSpan } from './stamp-span.ts';

/** With a window, one message in so many carries a stamp; without, one per block. */
const STAMP_EVERY = 32;
const SLOTS_MIN = 1024;

interface FloodSource {
  readonly sent: () => number;
  readonly start: () => void;
  readonly stop: () => void;
}

interface Figures {
  readonly span: StampSpan;
  readonly latency: Histogram;
  readonly ackLatency: Histogram;
}

const now = (): number => performance.now();
const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

function shapesOf({ publishers, topics, payloadBytes, qos, level }: FloodJob, publisher: number): PublishShape[] {
  return topicsOf(publisher, publishers, topics).map((topic) => ({ topic, payloadBytes, qos, level }));
}

/** One topic is subscribed to by name, more by a wildcard. */
function filterOf(job: FloodJob): string {
  return job.shared ? `$share/bench/${plainFilterOf(job)}` : plainFilterOf(job);
}

function plainFilterOf(job: FloodJob): string {
  if (job.topics > 1) return 'bench/#';
  return job.publishers > 1 ? 'bench/+' : (shapesOf(job, 0)[0] as PublishShape).topic;
}

async function openReceiver(job: FloodJob, clients: Clients, index: number, { span, latency }: Figures): Promise<Receiver> {
  const connection = await clients.connect(`bench-sub-${index}`);
  await connection.subscribe(filterOf(job), job.qos, job.level);
  const write = (acks: Buffer): void => void connection.socket.write(acks);
  const receiver = new Receiver({
    layout: layoutOf(shapesOf(job, 0)[0] as PublishShape),
    qos: job.qos,
    write,
    now,
    span,
    latency,
  });
  connection.onBytes = (bytes, length) => receiver.take(bytes, length);
  return receiver;
}

function windowed(job: FloodJob, connection: Connection, shapes: PublishShape[], { span, ackLatency }: Figures): FloodSource {
  let running = false;
  const onCredit = (): void => {
    if (running) sender.fill();
  };
  const options = { connection, shapes, window: job.window, slotsMin: SLOTS_MIN, stampEvery: STAMP_EVERY, now, span, ackLatency };
  const sender = new PacketSender({ ...options, onCredit });
  const start = (): void => {
    running = true;
    sender.fill();
  };
  const stop = (): void => {
    running = false;
  };
  return { sent: () => sender.sent, start, stop };
}

function unbounded(job: FloodJob, connection: Connection, shapes: PublishShape[], pump: FloodPump): FloodSource {
  const publisher = new FloodPublisher(connection, shapes, job.blockBytes, pump, now);
  return { sent: () => publisher.sent, start: () => publisher.start(), stop: () => publisher.stop() };
}

export async function runFlood(job: FloodJob, context: RunContext): Promise<RawRun> {
  const figures: Figures = { span: new StampSpan(), latency: new Histogram(), ackLatency: new Histogram() };
  const clients = new Clients(job, context);
  const receivers: Receiver[] = [];
  for (let i = 0; i < job.subscribers; i++) receivers.push(await openReceiver(job, clients, i, figures));
  const pump = new FloodPump();
  const sources: FloodSource[] = [];
  for (let i = 0; i < job.publishers; i++) {
    const connection = await clients.connect(`bench-pub-${i}`);
    const shapes = shapesOf(job, i);
    sources.push(job.qos === 0 ? unbounded(job, connection, shapes, pump) : windowed(job, connection, shapes, figures));
  }
  const sent = (): number => total(sources.map((source) => source.sent()));
  const received = (): number => total(receivers.map((receiver) => receiver.received));
  const perClient = (): number[] =>
    job.subscribers >= job.publishers ? receivers.map((receiver) => receiver.received) : sources.map((source) => source.sent());

  for (const source of sources) source.start();
  const { span } = figures;
  const counters = () => ({ sent: sent(), received: received(), perClient: perClient() });
  const window = await measure({ ...job, now, span, counters, progress: context.progress });
  for (const source of sources) source.stop();
  const lost = await drain(sent() * (job.shared ? 1 : job.subscribers), received);
  clients.closeAll();
  const { latency, ackLatency } = figures;
  return {
    ...window,
    delivered: received(),
    lost,
    latency: latency.snapshot(),
    ackLatency: ackLatency.snapshot(),
    sendLag: new Histogram().snapshot(),
  };
}
