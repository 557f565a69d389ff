/** The scenarios by name: what load each one is, with its defaults, and how command line options change it. */
import { BenchError } from './load/bench-error.ts';
import type { Job } from './load/job.ts';
import type { Level, Qos } from './load/packets.ts';

/** Whatever the command line may change; a scenario ignores what it has no use for. */
export interface Params {
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly payloadBytes: number;
  readonly level: Level;
  readonly publishers: number;
  readonly subscribers: number;
  /** The subscribers are members of one shared subscription, so each message goes to one of them. */
  readonly shared: boolean;
  /** Topics of each publisher, in turn from message to message. */
  readonly topics: number;
  readonly qos: Qos;
  readonly window: number;
  readonly blockBytes: number;
  /** Messages per second over all publishers. */
  readonly rate: number;
  readonly pacing: 'sleep' | 'spin';
  readonly connections: number;
  readonly concurrency: number;
  /** Messages per turn, `ring`. */
  readonly batch: number;
  readonly messages: number;
}

type JobParams = Omit<Params, 'batch' | 'messages'>;
type LoadKind = Job['kind'] | 'ring';

export interface Scenario {
  readonly name: string;
  readonly kind: LoadKind;
  readonly summary: string;
  /** What the rate counts, many and one. */
  readonly unit: string;
  readonly each: string;
  readonly params: Params;
  /** Names of the parameters that matter to it, shown and filed with the result. */
  readonly shown: readonly (keyof Params)[];
}

const BASE: Params = {
  seconds: 5,
  warmupSeconds: 2,
  payloadBytes: 64,
  level: 4,
  publishers: 8,
  subscribers: 1,
  shared: false,
  topics: 1,
  qos: 0,
  window: 256,
  blockBytes: 64 * 1024,
  rate: 15_000,
  pacing: 'sleep',
  connections: 8000,
  concurrency: 64,
  batch: 256,
  messages: 3_000_000,
};

const MESSAGES = { unit: 'msgs', each: 'message' } as const;
const FLOOD = ['publishers', 'subscribers', 'topics', 'qos', 'payloadBytes', 'level', 'seconds', 'warmupSeconds'] as const;
const PACED = ['publishers', 'qos', 'payloadBytes', 'rate', 'pacing', 'level', 'seconds', 'warmupSeconds'] as const;

function flood(name: string, summary: string, changes: Partial<Params>): Scenario {
  const params = { ...BASE, ...changes };
  const unit = params.subscribers > 1 && !params.shared ? { unit: 'deliveries', each: 'delivery' } : MESSAGES;
  return {
    name,
    kind: 'flood',
    summary,
    ...unit,
    params,
    shown: params.qos === 0 ? [...FLOOD, 'blockBytes'] : [...FLOOD, 'window'],
  };
}

function paced(name: string, summary: string, changes: Partial<Params>): Scenario {
  return { name, kind: 'paced', summary, ...MESSAGES, params: { ...BASE, ...changes }, shown: PACED };
}

export const SCENARIOS: readonly Scenario[] = [
  flood('fanin-q0', '8 publishers to 1 subscriber, QoS 0, as fast as it goes', {}),
  flood('fanout-q0', '1 publisher to 8 subscribers, QoS 0; the rate counts deliveries', {
    publishers: 1,
    subscribers: 8,
  }),
  flood('fanin-q1', '8 publishers to 1 subscriber, QoS 1, 256 in flight each', { qos: 1 }),
  flood('fanin-q2', '8 publishers to 1 subscriber, QoS 2, 256 in flight each', { qos: 2 }),
  flood('shared-q0', '8 publishers to 4 members of a shared subscription, QoS 0, as fast as it goes', {
    subscribers: 4,
    shared: true,
  }),
  flood('shared-q1', '8 publishers to 4 members of a shared subscription, QoS 1, 256 in flight each', {
    subscribers: 4,
    shared: true,
    qos: 1,
  }),
  paced('sparse-q0', '1000 clients in 500 pairs at a fixed rate, QoS 0, one packet per segment: broker CPU per message', {
    publishers: 500,
  }),
  paced('sparse-q1', '1000 clients in 500 pairs at a fixed rate, QoS 1, one packet per segment: broker CPU per message', {
    publishers: 500,
    qos: 1,
    window: 16,
  }),
  {
    name: 'connect',
    kind: 'connect',
    summary: 'connections per second (CONNECT to CONNACK) and memory of an idle connection',
    unit: 'connections',
    each: 'connection',
    params: BASE,
    shown: ['connections', 'concurrency', 'level', 'warmupSeconds'],
  },
  paced('latency', '8 pairs at a fixed rate; latency counts from the intended time of sending', {
    publishers: 8,
    rate: 10_000,
    pacing: 'spin',
    seconds: 10,
  }),
  {
    name: 'ring',
    kind: 'ring',
    summary: 'actor messages per second from one thread to another',
    ...MESSAGES,
    params: { ...BASE, payloadBytes: 128 },
    shown: ['payloadBytes', 'batch', 'messages'],
  },
];

export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new BenchError('usage', `no such scenario: ${name}; there are ${SCENARIOS.map((scenario) => scenario.name).join(', ')}`);
}

/** The load process's orders. */
export function jobOf(scenario: Scenario, params: JobParams, endpoint: Job['endpoint'], brokerPid: number | undefined): Job {
  const { level, warmupSeconds, seconds, qos, payloadBytes } = params;
  const base = { endpoint, level, warmupSeconds, seconds, ...(brokerPid === undefined ? {} : { brokerPid }) };
  switch (scenario.kind) {
    case 'flood': {
      const { publishers, subscribers, shared, topics, window, blockBytes } = params;
      return { ...base, kind: 'flood', publishers, subscribers, shared, topics, qos, payloadBytes, window, blockBytes };
    }
    case 'paced':
      return {
        ...base,
        kind: 'paced',
        pairs: params.publishers,
        qos,
        payloadBytes,
        window: params.window,
        rate: params.rate,
        pacing: params.pacing,
      };
    case 'connect':
      return { ...base, kind: 'connect', connections: params.connections, concurrency: params.concurrency };
    case 'ring':
      throw new BenchError('usage', 'ring has no broker');
  }
}
