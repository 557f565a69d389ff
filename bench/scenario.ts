/** The scenarios by name: what load each one is, with its defaults, and how command line options change it. */
import { BenchError } from './load/bench-error.ts';
import type { Job } from './load/job.ts';
import type { Level, Qos } from './load/packets.ts';
import type { Target } from './targets/target.ts';

/** Whatever the command line may change; a scenario ignores what it has no use for. */
export interface Params {
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly payloadBytes: number;
  readonly level: Level;
  /** What every client says who it is; '' for nothing. */
  readonly username: string;
  readonly password: string;
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
  /** Connections begun per second, `logins`. */
  readonly connectRate: number;
  readonly concurrency: number;
  /** Messages per turn (`ring`, `wire`); requests under way (`wire-ask`). */
  readonly batch: number;
  readonly messages: number;
  /** Of the declared topic, `durable`. */
  readonly fsync: 'always' | 'interval' | 'never';
  readonly model: 'shared' | 'dedicated';
  readonly partitions: number;
  readonly shards: number;
  readonly gigabytes: number;
  /** Reactor of the receiving node whose actor is sent to; 1 is the one that accepts connections from other nodes. */
  readonly receiverThread: number;
  /** Nodes of a cluster, `meta-…`. */
  readonly members: number;
}

type JobParams = Omit<Params, 'batch' | 'messages' | 'fsync' | 'model' | 'shards' | 'gigabytes' | 'receiverThread' | 'members'>;
type LoadKind = Job['kind'] | Bare | Wire | 'meta';
/** Without a broker. */
export type Bare = 'ring' | 'append' | 'shards' | 'recovery' | 'failover' | 'groups';
/** From node to node: with targets of their own. */
type Wire = 'wire' | 'wire-ask';

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
  username: '',
  password: '',
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
  connectRate: 1000,
  concurrency: 64,
  batch: 256,
  messages: 3_000_000,
  fsync: 'always',
  model: 'shared',
  partitions: 1,
  shards: 10_000,
  gigabytes: 2,
  receiverThread: 1,
  members: 3,
};

const MESSAGES = { unit: 'msgs', each: 'message' } as const;
const FLOOD = ['publishers', 'subscribers', 'topics', 'qos', 'payloadBytes', 'level', 'seconds', 'warmupSeconds'] as const;
const DURABLE = [
  'publishers',
  'window',
  'payloadBytes',
  'fsync',
  'model',
  'partitions',
  'level',
  'seconds',
  'warmupSeconds',
] as const;
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

function logins(name: string, summary: string): Scenario {
  const login = { username: 'bench', password: 'secret' };
  const params: Params = { ...BASE, ...login, publishers: 8, rate: 1000, seconds: 8, warmupSeconds: 1 };
  return { name, kind: 'logins', summary, ...MESSAGES, params, shown: [...PACED, 'connectRate', 'username'] };
}

function durable(name: string, summary: string, changes: Partial<Params>): Scenario {
  const params: Params = { ...BASE, payloadBytes: 128, qos: 1, publishers: 8, window: 1024, seconds: 8, ...changes };
  return { name, kind: 'durable', summary, ...MESSAGES, params, shown: DURABLE };
}

function meta(name: string, summary: string, changes: Partial<Params>, unit: Pick<Scenario, 'unit' | 'each'>): Scenario {
  const params: Params = { ...BASE, payloadBytes: 256, window: 256, batch: 1, messages: 0, warmupSeconds: 5, ...changes };
  return {
    name,
    kind: 'meta',
    summary,
    ...unit,
    params,
    shown: ['members', 'window', 'batch', 'payloadBytes', 'messages', 'seconds'],
  };
}

/** Targets of the wire scenarios beside our wire over TCP. */
export const WIRE_TARGETS: readonly string[] = ['quic', 'grpc'];

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
  {
    name: 'retained',
    kind: 'retained',
    summary:
      '1000 subscribers that take 100 retained messages by a wildcard, again and again; latency is from SUBSCRIBE to the last',
    ...MESSAGES,
    params: { ...BASE, topics: 100, subscribers: 1000 },
    shown: ['topics', 'subscribers', 'payloadBytes', 'level', 'seconds', 'warmupSeconds'],
  },
  paced('latency', '8 pairs at a fixed rate; latency counts from the intended time of sending', {
    publishers: 8,
    rate: 10_000,
    pacing: 'spin',
    seconds: 10,
  }),
  logins(
    'logins',
    '8 pairs at a fixed rate, alone and then beside 1000 logins a second of a user that the broker knows; latency is that of the messages',
  ),
  logins('logins-cold', 'the same beside logins that have all another password, and a wrong one, so that each has to be checked'),
  {
    name: 'ring',
    kind: 'ring',
    summary: 'actor messages per second from one thread to another',
    ...MESSAGES,
    params: { ...BASE, payloadBytes: 128 },
    shown: ['payloadBytes', 'batch', 'messages'],
  },
  durable(
    'durable',
    '8 publishers to a declared topic, QoS 1, fsync before every PUBACK, 1024 in flight each; the rate counts acks',
    {},
  ),
  durable(
    'durable-w1',
    '1 publisher to a declared topic, QoS 1, fsync before every PUBACK, 1 in flight: what one message waits for',
    {
      publishers: 1,
      window: 1,
    },
  ),
  {
    name: 'offline',
    kind: 'offline',
    summary:
      '8 publishers to a persistent session whose client is away, QoS 1, 1024 in flight each; then it comes back and takes all',
    ...MESSAGES,
    params: { ...BASE, payloadBytes: 128, qos: 1, window: 1024 },
    shown: ['publishers', 'window', 'payloadBytes', 'level', 'seconds', 'warmupSeconds'],
  },
  {
    name: 'append',
    kind: 'append',
    summary: 'records of 1 KB through group commit, with what the disk takes of plain bytes in the same pieces; no broker',
    unit: 'records',
    each: 'record',
    params: { ...BASE, payloadBytes: 1024, batch: 4096, seconds: 10 },
    shown: ['payloadBytes', 'batch', 'seconds'],
  },
  {
    name: 'shards',
    kind: 'shards',
    summary: 'writing to 10,000 shards of one log in turn against writing to one, and a log of a million shards; no broker',
    unit: 'records',
    each: 'record',
    params: { ...BASE, payloadBytes: 128, batch: 1024, messages: 200_000 },
    shown: ['shards', 'payloadBytes', 'batch', 'messages'],
  },
  {
    name: 'recovery',
    kind: 'recovery',
    summary: 'from the start of a node to READY with a log of 2 GB that was not closed',
    unit: 'records',
    each: 'record',
    params: { ...BASE, payloadBytes: 1024 },
    shown: ['gigabytes', 'payloadBytes'],
  },
  {
    name: 'failover',
    kind: 'failover',
    summary:
      'three nodes with registers in their groups: how long nobody can write when the leader is killed, handed over, stopped',
    unit: 'kills',
    each: 'kill',
    params: { ...BASE, messages: 20 },
    shown: ['messages'],
  },
  {
    name: 'groups',
    kind: 'groups',
    summary: 'three nodes: puts into 16 groups against puts into one, 256 under way, and what idle groups cost',
    unit: 'puts',
    each: 'put',
    params: { ...BASE, seconds: 5, messages: 1000 },
    shown: ['seconds', 'messages'],
  },
  {
    name: 'wire',
    kind: 'wire',
    summary: 'actor messages per second from one node process to another; latency is that of a single round trip',
    ...MESSAGES,
    params: BASE,
    shown: ['payloadBytes', 'batch', 'messages', 'receiverThread'],
  },
  {
    name: 'wire-ask',
    kind: 'wire-ask',
    summary: 'asks per second from one node process to another and back, 256 under way',
    unit: 'asks',
    each: 'ask',
    params: { ...BASE, messages: 200_000 },
    shown: ['payloadBytes', 'batch', 'messages', 'receiverThread'],
  },
  meta(
    'meta-put-1',
    'puts into the metadata of a cluster, one after the other',
    { window: 1, warmupSeconds: 60 },
    { unit: 'puts', each: 'put' },
  ),
  meta('meta-put', 'puts into the metadata of a cluster, 256 under way', {}, { unit: 'puts', each: 'put' }),
  meta(
    'meta-claim',
    'sessions claimed, 100 in a call, 64 calls under way',
    { window: 64, batch: 100, payloadBytes: 100 },
    { unit: 'sessions', each: 'session' },
  ),
  meta('meta-read', 'linearizable reads of the metadata, 256 under way', {}, { unit: 'reads', each: 'read' }),
  meta(
    'meta-storm',
    'a hundred thousand sessions that come back at once: claimed under the condition that nobody has them, 100 in a call',
    { window: 64, batch: 100, payloadBytes: 100, messages: 100_000 },
    { unit: 'sessions', each: 'session' },
  ),
];

/** What a node of ours has to be told for it, beyond its defaults: an inbox is bounded. */
export function settingsOf(scenario: Scenario): readonly string[] {
  return scenario.kind === 'offline' ? ['mqtt.queue.messages_max=10000000', 'mqtt.queue.bytes_max=8589934592'] : [];
}

/** Whether it runs between two nodes, or a client and a server of another RPC. */
export function isWire(scenario: Scenario): scenario is Scenario & { readonly kind: Wire } {
  return scenario.kind === 'wire' || scenario.kind === 'wire-ask';
}

const BARE: readonly LoadKind[] = ['ring', 'append', 'shards', 'recovery', 'failover', 'groups'];

/** Runs without a broker, so there is no peer to compare with. */
export function isBare(scenario: Scenario): scenario is Scenario & { readonly kind: Bare } {
  return BARE.includes(scenario.kind);
}

/** Against clusters, by clients of their own. */
export function isMeta(scenario: Scenario): scenario is Scenario & { readonly kind: 'meta' } {
  return scenario.kind === 'meta';
}

/** The one of that name, or all of a family: `meta`. */
export function scenariosNamed(name: string): readonly Scenario[] {
  const family = SCENARIOS.filter((scenario) => isMeta(scenario) && scenario.name.startsWith(`${name}-`));
  return family.length > 0 && !SCENARIOS.some((scenario) => scenario.name === name) ? family : [scenarioNamed(name)];
}

export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new BenchError('usage', `no such scenario: ${name}; there are ${SCENARIOS.map((scenario) => scenario.name).join(', ')}`);
}

/** Peers that keep what they acknowledge; the others are compared by what they deliver. */
const KEEPERS: readonly string[] = ['nats', 'rabbitmq'];
const FORGETTERS: readonly string[] = ['mosquitto', 'aedes', 'ceiling'];

/** Whether the figures of this peer would mean anything beside ours. */
export function comparesWith(scenario: Scenario, peer: string): boolean {
  if (isBare(scenario)) return false;
  if (isMeta(scenario) || peer === 'etcd') return isMeta(scenario) && peer === 'etcd';
  if (isWire(scenario) || WIRE_TARGETS.includes(peer)) return isWire(scenario) && WIRE_TARGETS.includes(peer);
  return scenario.kind === 'durable' ? !FORGETTERS.includes(peer) : !KEEPERS.includes(peer);
}

/** The load process's orders. */
export function jobOf(
  scenario: Scenario,
  params: JobParams,
  { endpoint, pid: brokerPid, protocol = 'mqtt' }: Pick<Target, 'endpoint' | 'pid' | 'protocol'>,
): Job {
  if (protocol !== 'mqtt' && scenario.kind !== 'durable') {
    throw new BenchError('usage', `a target that speaks ${protocol} has only the durable scenarios`);
  }
  const { level, username, password, warmupSeconds, seconds, qos, payloadBytes } = params;
  const login = username === '' ? {} : { login: { username, password } };
  const base = { endpoint, level, warmupSeconds, seconds, ...login, ...(brokerPid === undefined ? {} : { brokerPid }) };
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
    case 'logins':
      return {
        ...base,
        kind: 'logins',
        pairs: params.publishers,
        qos,
        payloadBytes,
        window: params.window,
        rate: params.rate,
        pacing: params.pacing,
        connectsPerSecond: params.connectRate,
        isCold: scenario.name === 'logins-cold',
      };
    case 'offline':
      return { ...base, kind: 'offline', publishers: params.publishers, payloadBytes, window: params.window };
    case 'retained':
      return { ...base, kind: 'retained', topics: params.topics, subscribers: params.subscribers, payloadBytes };
    case 'connect':
      return { ...base, kind: 'connect', connections: params.connections, concurrency: params.concurrency };
    case 'durable': {
      const { publishers, window, partitions } = params;
      return { ...base, kind: 'durable', protocol, publishers, payloadBytes, window, partitions };
    }
    default:
      throw new BenchError('usage', `${scenario.name} has no broker`);
  }
}
