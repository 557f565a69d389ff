/** QoS 2 into declared topics with logs of their own: once, wherever the power is cut between the two logs. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Declaration } from '../../../src/actors/shard/messages.ts';
import { Journal } from '../../../src/storage/journal.ts';
import { journalOptions } from '../../storage/journal-model.ts';
import { DiskFault, SimDisk } from '../../storage/sim-disk.ts';
import { Reactors, type SimClient } from '../session/reactors.ts';
import type { SimStoreOptions } from '../store/sim-store.ts';

const test = suite('QoS 2 into dedicated logs');
const LASTING = { clean: false } as const;

const DECLARED: Declaration = {
  name: 'telemetry',
  filter: 'sensors/#',
  engine: 'dedicated',
  shards: [1],
  fsync: 'always',
  retentionMs: 0,
  retentionBytes: 0,
  replicas: 1,
};

function storeOf(): SimStoreOptions {
  return { disk: new SimDisk(), metadata: new Map(), declarations: [DECLARED], failures: [] };
}

/** Records of the topic, and packet ids that it remembers, read by opening its log anew. */
function topicOf({ disk }: SimStoreOptions): { records: number; taken: number[] } {
  const journal = new Journal(journalOptions(disk.fork(), 9, { directory: '/data/dedicated/1-1', only: 1 }));
  return { records: journal.table.end(1), taken: journal.marksOf(1).map(({ value }) => value % 65_536) };
}

/** Connects until the node has let it in. */
function connect(reactors: Reactors, thread = 1): SimClient {
  return reactors.connect(thread, 'p', LASTING);
}

const cmds = (client: SimClient): string[] => client.received().map(({ cmd, messageId }) => `${cmd} ${messageId ?? ''}`.trim());

for (const syncs of [1, 2, 3, 4, 5, 6]) {
  test(`the power is cut after ${syncs} syncs: the message is there once, and its id is free when it is released`, () => {
    const store = storeOf();
    const first = new Reactors(1, {}, 1, store);
    const client = connect(first);
    client.received();
    // Nothing more is durable from then on, nor acknowledged: the commits of the two logs are apart.
    let left = syncs;
    const { disk } = store;
    const { sync } = disk;
    disk.sync = (file) => {
      if (left-- <= 0) throw new DiskFault('EIO');
      sync.call(disk, file);
    };
    client.publishLater('once', { topic: 'sensors/1', qos: 2, messageId: 7 });
    first.settle();
    const before = cmds(client);
    if (before.includes('pubrec 7')) client.send({ cmd: 'pubrel', messageId: 7 });
    const isReleased = cmds(client).includes('pubcomp 7');
    disk.sync = sync;
    disk.crash(() => 0);
    const second = new Reactors(1, {}, 2, store);
    const again = connect(second);
    assert.is((again.received()[0] as unknown as { sessionPresent: boolean }).sessionPresent, true);
    if (!isReleased) {
      again.publish('once', { topic: 'sensors/1', qos: 2, messageId: 7, dup: true });
      assert.equal(cmds(again), ['pubrec 7']);
      again.send({ cmd: 'pubrel', messageId: 7 });
      assert.equal(cmds(again), ['pubcomp 7']);
    }
    assert.equal(topicOf(store), { records: 1, taken: [] });
    again.publish('next', { topic: 'sensors/1', qos: 2, messageId: 7 });
    assert.equal(cmds(again), ['pubrec 7']);
    assert.equal(topicOf(store), { records: 2, taken: [7] });
  });
}

test('an id stays taken through restarts and takeovers by other reactors, until it is released', () => {
  const store = storeOf();
  let reactors = new Reactors(2, {}, 1, store);
  let client = connect(reactors, 1);
  client.publish('once', { topic: 'sensors/1', qos: 2, messageId: 7 });
  assert.equal(topicOf(store), { records: 1, taken: [7] });
  client.transport.close();
  client = connect(reactors, 2);
  client.received();
  client.publish('once', { topic: 'sensors/1', qos: 2, messageId: 7, dup: true });
  assert.equal(cmds(client), ['pubrec 7']);
  store.disk.kill();
  reactors = new Reactors(2, {}, 2, store);
  client = connect(reactors, 2);
  client.received();
  client.publish('once', { topic: 'sensors/1', qos: 2, messageId: 7, dup: true });
  assert.equal(topicOf(store), { records: 1, taken: [7] });
  client.transport.close();
  client = connect(reactors, 1);
  client.send({ cmd: 'pubrel', messageId: 7 });
  assert.equal(cmds(client).slice(1), ['pubrec 7', 'pubcomp 7'].slice(1));
  assert.equal(topicOf(store).taken, []);
});

test('with the session goes what it had taken, so that its inbox’s next owner begins with nothing', () => {
  const store = storeOf();
  const reactors = new Reactors(1, {}, 1, store);
  const client = connect(reactors);
  client.publish('a', { topic: 'sensors/1', qos: 2, messageId: 7 });
  client.transport.close();
  const fresh = reactors.connect(1, 'p', { clean: true });
  fresh.publish('x', { topic: 'other', qos: 1, messageId: 1 });
  reactors.settle(1000);
  assert.equal(topicOf(store), { records: 1, taken: [] });
});

test('a session that does not last leaves no marks', () => {
  const store = storeOf();
  const reactors = new Reactors(1, {}, 1, store);
  const client = reactors.connect(1, 'p');
  client.publish('a', { topic: 'sensors/1', qos: 2, messageId: 7 });
  assert.equal(topicOf(store), { records: 1, taken: [] });
});

test.run();
