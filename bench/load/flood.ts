/** The flood: every publisher at full speed, every subscriber gets everything. Covers fan-in, fan-out and all three QoS. */
import { performance } from 'node:perf_hooks';
import { Histogram } from '../../src/base/histogram.ts';
import { Connection } from './connection.ts';
import { FloodPublisher, FloodPump } from './flood-publisher.ts';
import type { FloodJob, RawRun } from './job.ts';
import { drain, measure } from './meter.ts';
import { layoutOf, type PublishShape } from './packets.ts';
import { Receiver } from './receiver.ts';
import type { RunContext } from './run-context.ts';
import { WindowPublisher } from './window-publisher.ts';

interface Flood {
  readonly connections: readonly Connection[];
  readonly publishers: readonly (FloodPublisher | WindowPublisher)[];
  readonly receivers: readonly Receiver[];
}

const now = (): number => performance.now();
const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/** Topics of one length, so that all packets have one size. */
function shapeOf(job: FloodJob, publisher: number): PublishShape {
  const digits = String(job.publishers - 1).length;
  return {
    topic: `bench/${String(publisher).padStart(digits, '0')}`,
    payloadBytes: job.payloadBytes,
    qos: job.qos,
    level: job.level,
  };
}

async function prepare(job: FloodJob, context: RunContext, latency: Histogram, ackLatency: Histogram): Promise<Flood> {
  const connections: Connection[] = [];
  const open = async (clientId: string): Promise<Connection> => {
    const connection = new Connection(job.endpoint, clientId, context.fail);
    connections.push(connection);
    await connection.handshake(job.level);
    return connection;
  };
  const receivers: Receiver[] = [];
  for (let i = 0; i < job.subscribers; i++) {
    const connection = await open(`bench-sub-${i}`);
    await connection.subscribe(job.publishers === 1 ? shapeOf(job, 0).topic : 'bench/+', job.qos, job.level);
    const write = (acks: Buffer): void => void connection.socket.write(acks);
    const receiver = new Receiver({ layout: layoutOf(shapeOf(job, 0)), qos: job.qos, write, now, latency });
    connection.onBytes = (bytes, length) => receiver.take(bytes, length);
    receivers.push(receiver);
  }
  const pump = new FloodPump();
  const publishers: (FloodPublisher | WindowPublisher)[] = [];
  for (let i = 0; i < job.publishers; i++) {
    const connection = await open(`bench-pub-${i}`);
    const shape = shapeOf(job, i);
    publishers.push(
      job.qos === 0
        ? new FloodPublisher(connection, shape, job.blockBytes, pump, now)
        : new WindowPublisher({ connection, shape, window: job.window, now, ackLatency }),
    );
  }
  return { connections, publishers, receivers };
}

export async function runFlood(job: FloodJob, context: RunContext): Promise<RawRun> {
  const latency = new Histogram();
  const ackLatency = new Histogram();
  const { connections, publishers, receivers } = await prepare(job, context, latency, ackLatency);
  const sent = (): number => total(publishers.map((publisher) => publisher.sent));
  const received = (): number => total(receivers.map((receiver) => receiver.received));
  const clients =
    job.subscribers >= job.publishers ? receivers.map((r) => () => r.received) : publishers.map((p) => () => p.sent);

  for (const publisher of publishers) publisher.start();
  const figures = await measure({
    ...job,
    now,
    counters: () => ({ sent: sent(), received: received(), perClient: clients.map((count) => count()) }),
    recording: (on) => {
      for (const receiver of receivers) receiver.recording = on;
      for (const publisher of publishers) if (publisher instanceof WindowPublisher) publisher.recording = on;
    },
    progress: context.progress,
  });
  for (const publisher of publishers) publisher.stop();
  const lost = await drain(sent() * job.subscribers, received);
  for (const connection of connections) connection.close();
  return {
    ...figures,
    lost,
    latency: latency.snapshot(),
    ackLatency: ackLatency.snapshot(),
    sendLag: new Histogram().snapshot(),
  };
}
