/** What the parent asks of the load process and what it hears back; all of it plain JSON over the child's IPC channel. */
import type { HistogramSnapshot } from '../../src/base/histogram.ts';
import type { BenchErrorKind } from './bench-error.ts';
import type { Endpoint } from './connection.ts';
import type { Level, Login, Qos } from './packets.ts';

interface JobBase {
  readonly endpoint: Endpoint;
  /** Process whose CPU time is read at both edges of the measured window; absent when the peer is not on this machine. */
  readonly brokerPid?: number;
  readonly level: Level;
  /** What every client says who it is; absent when nobody asks. */
  readonly login?: Login;
  /** Load before the window opens; for `connect` the rest before memory is read. */
  readonly warmupSeconds: number;
  readonly seconds: number;
}

/** As fast as the peer takes it. `fanin`: every publisher to every subscriber; each publisher has its own topic. */
export interface FloodJob extends JobBase {
  readonly kind: 'flood';
  readonly publishers: number;
  /** Topics of each publisher, in turn from message to message. */
  readonly topics: number;
  readonly subscribers: number;
  /** The subscribers are one group: each message goes to one of them. */
  readonly shared: boolean;
  readonly qos: Qos;
  readonly payloadBytes: number;
  /** Messages in flight per publisher, QoS 1 and 2. */
  readonly window: number;
  /** Bytes of one write, QoS 0. */
  readonly blockBytes: number;
}

/** At a fixed total rate, publisher i to subscriber i alone, one packet per write and so per segment. */
export interface PacedJob extends JobBase {
  readonly kind: 'paced';
  readonly pairs: number;
  readonly qos: Qos;
  readonly payloadBytes: number;
  /** Messages in flight per publisher. */
  readonly window: number;
  /** Messages per second over all publishers. */
  readonly rate: number;
  /** Sleep between the sends that are due, or look at the clock all the time (finer, takes a core). */
  readonly pacing: 'sleep' | 'spin';
}

/** Pairs as in a paced load, alone and then beside a flood of logins. */
export interface LoginsJob extends Omit<PacedJob, 'kind'> {
  readonly kind: 'logins';
  readonly connectsPerSecond: number;
  /** Every login has another password, and none is right. */
  readonly isCold: boolean;
}

export interface ConnectJob extends JobBase {
  readonly kind: 'connect';
  readonly connections: number;
  /** Connections under way at a time. */
  readonly concurrency: number;
}

/** Publishers alone; what counts is acknowledgements. */
export interface DurableJob extends JobBase {
  readonly kind: 'durable';
  readonly protocol: Protocol;
  readonly publishers: number;
  readonly payloadBytes: number;
  /** Messages in flight per publisher. */
  readonly window: number;
  /** Queues that the publishers share, AMQP; the other peers have been told before. */
  readonly partitions: number;
}

/** Publishers to a persistent session whose client is away, and then its return. */
export interface OfflineJob extends JobBase {
  readonly kind: 'offline';
  readonly publishers: number;
  readonly payloadBytes: number;
  readonly window: number;
}

/** Subscribers that take all retained messages, again and again. */
export interface RetainedJob extends JobBase {
  readonly kind: 'retained';
  readonly topics: number;
  readonly subscribers: number;
  readonly payloadBytes: number;
}

export type Job = FloodJob | PacedJob | LoginsJob | ConnectJob | DurableJob | OfflineJob | RetainedJob;
/** What a target speaks. */
export type Protocol = 'mqtt' | 'nats' | 'amqp';

/** Counters of one run; what is counted "in the window" leaves warm-up and drain out. */
export interface RawRun {
  /** Length of the measured window. */
  readonly seconds: number;
  /** Messages sent, and deliveries received, in the window. */
  readonly sent: number;
  readonly received: number;
  /** Deliveries over the whole run, warm-up and drain included. */
  readonly delivered: number;
  /** Deliveries that were due over the whole run, from the first message to the last, and have not come. */
  readonly lost: number;
  /** Publisher to subscriber, µs; from the intended time of sending when the job has a rate. */
  readonly latency: HistogramSnapshot;
  /** Publisher to its last ack, µs; for `connect` from SYN to CONNACK. */
  readonly ackLatency: HistogramSnapshot;
  /** How late messages left the generator, µs; only with a rate. */
  readonly sendLag: HistogramSnapshot;
  readonly brokerCpuMicros?: number;
  readonly loadCpuMicros: number;
  readonly brokerRssBytes?: number;
  readonly rssPerConnectionBytes?: number;
  /** Deliveries (or messages sent, when there are fewer subscribers) per client in the window. */
  readonly perClient: readonly number[];
  /** Figures that only this scenario has, by name. */
  readonly facts?: Readonly<Record<string, number>>;
}

export type FromLoad =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly fraction: number; readonly phase: string; readonly perClient: readonly number[] }
  | { readonly type: 'result'; readonly run: RawRun }
  | { readonly type: 'failed'; readonly kind: BenchErrorKind; readonly message: string };
