import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { comparesWith, jobOf, SCENARIOS, scenarioNamed, scenariosNamed } from '../../bench/scenario.ts';
import { isTargetName, parseAddress } from '../../bench/targets/start-target.ts';

const endpoint = { host: '127.0.0.1', port: 1883 };

const test = suite('scenario');

test('the bundled set', () => {
  const names = [
    'fanin-q0',
    'fanout-q0',
    'fanin-q1',
    'fanin-q2',
    'shared-q0',
    'shared-q1',
    'sparse-q0',
    'sparse-q1',
    'connect',
    'retained',
    'latency',
    'logins',
    'logins-cold',
    'ring',
    'durable',
    'durable-w1',
    'offline',
    'append',
    'shards',
    'recovery',
    'failover',
    'groups',
    'wire',
    'wire-ask',
    'meta-put-1',
    'meta-put',
    'meta-claim',
    'meta-read',
    'meta-storm',
  ];
  assert.equal(
    SCENARIOS.map(({ name }) => name),
    names,
  );
  assert.throws(() => scenarioNamed('fanin'), /there are fanin-q0/);
});

test('what the names promise is in the jobs', () => {
  const job = (name: string) => jobOf(scenarioNamed(name), scenarioNamed(name).params, { endpoint, pid: 7 });
  const base = { endpoint, brokerPid: 7, level: 4, warmupSeconds: 2, seconds: 5 };
  const flood = { ...base, kind: 'flood', shared: false, topics: 1, payloadBytes: 64, window: 256, blockBytes: 65_536 };
  assert.equal(job('fanin-q0'), { ...flood, publishers: 8, subscribers: 1, qos: 0 });
  assert.equal(job('fanout-q0'), { ...flood, publishers: 1, subscribers: 8, qos: 0 });
  assert.equal(job('fanin-q2'), { ...flood, publishers: 8, subscribers: 1, qos: 2 });
  assert.equal(job('shared-q1'), { ...flood, publishers: 8, subscribers: 4, shared: true, qos: 1 });
  const sparse = { ...base, kind: 'paced', pairs: 500, payloadBytes: 64, window: 16, rate: 15_000, pacing: 'sleep' };
  assert.equal(job('sparse-q1'), { ...sparse, qos: 1 });
  const durable = { ...base, kind: 'durable', seconds: 8, protocol: 'mqtt', payloadBytes: 128, partitions: 1 };
  assert.equal(job('durable'), { ...durable, publishers: 8, window: 1024 });
  assert.equal(job('durable-w1'), { ...durable, publishers: 1, window: 1 });
  assert.is('brokerPid' in jobOf(scenarioNamed('connect'), scenarioNamed('connect').params, { endpoint }), false);
});

test('who speaks another protocol gets the durable load alone, and is compared by it alone', () => {
  const nats = { endpoint, protocol: 'nats' } as const;
  const of = (name: string) => jobOf(scenarioNamed(name), scenarioNamed(name).params, nats);
  assert.is((of('durable') as { protocol: string }).protocol, 'nats');
  assert.throws(() => of('fanin-q1'), /only the durable scenarios/);
  const pairs = [
    ['durable', 'nats', true],
    ['durable-w1', 'rabbitmq', true],
    ['durable', 'mosquitto', false],
    ['fanin-q1', 'mosquitto', true],
    ['fanin-q1', 'nats', false],
    ['append', 'nats', false],
    ['durable', 'broker.example:1883', true],
  ] as const;
  for (const [name, peer, compares] of pairs) assert.is(comparesWith(scenarioNamed(name), peer), compares, `${name} ${peer}`);
});

test('addresses as targets', () => {
  assert.equal(parseAddress('broker.example:1883'), { host: 'broker.example', port: 1883 });
  assert.equal(parseAddress('[::1]:18830'), { host: '::1', port: 18_830 });
  for (const bad of ['broker', 'broker:', ':1883', '::1:1883', 'broker:0', 'broker:65536', 'broker:1x'])
    assert.is(parseAddress(bad), undefined, bad);
  assert.is(isTargetName('mosquitto'), true);
  assert.is(isTargetName('mosquitoo'), false);
});

test('the metadata has a family of scenarios, with a peer of its own', () => {
  const names = scenariosNamed('meta').map(({ name }) => name);
  assert.equal(names, ['meta-put-1', 'meta-put', 'meta-claim', 'meta-read', 'meta-storm']);
  assert.equal(scenariosNamed('meta-read'), [scenarioNamed('meta-read')]);
  for (const name of names) {
    assert.ok(comparesWith(scenarioNamed(name), 'etcd'));
    assert.not(comparesWith(scenarioNamed(name), 'mosquitto'));
  }
  assert.not(comparesWith(scenarioNamed('fanin-q0'), 'etcd'));
  assert.throws(() => scenariosNamed('met'), /there are fanin-q0/);
});

test.run();
