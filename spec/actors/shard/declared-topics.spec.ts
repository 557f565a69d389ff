/** Declared topics from the client's socket to the log, on simulated reactors and a simulated disk. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { partitionOf } from '../../../src/actors/shard/declared-topics.ts';
import type { Declaration } from '../../../src/actors/shard/messages.ts';
import { Journal } from '../../../src/storage/journal.ts';
import { readFrames } from '../../../src/storage/journal-reader.ts';
import type { Dialect } from '../../../src/wire/mqtt/constants.ts';
import { journalOptions } from '../../storage/journal-model.ts';
import { SimDisk } from '../../storage/sim-disk.ts';
import { Reactors, type SimClient } from '../session/reactors.ts';
import type { SimStoreOptions } from '../store/sim-store.ts';
import { recordsIn } from './records.ts';

const test = suite('declared topics');

function declaration(some: Partial<Declaration> = {}): Declaration {
  return {
    name: 'telemetry',
    filter: 'sensors/#',
    engine: 'shared',
    shards: [1],
    fsync: 'always',
    retentionMs: 0,
    retentionBytes: 0,
    replicas: 1,
    ...some,
  };
}

function storeOf(...declarations: Declaration[]): SimStoreOptions {
  return { disk: new SimDisk(), metadata: new Map(), declarations, failures: [] };
}

/** As `records.ts`, of a log in a directory. */
function recordsOf(disk: SimDisk, shard: number, directory = '/data/shared'): string[] {
  return recordsIn(disk, directory, shard);
}

const acks = (client: SimClient): string[] =>
  client.received().map(({ cmd, messageId, reasonCode }) => `${cmd} ${messageId}${reasonCode ? ` ${reasonCode}` : ''}`);

for (const dialect of [0, 1] as const satisfies readonly Dialect[]) {
  test(`messages that match are durable before they are acknowledged, others never touch the disk (dialect ${dialect})`, () => {
    const store = storeOf(declaration());
    const reactors = new Reactors(1, {}, 1, store);
    const publisher = reactors.connect(1, 'p', { dialect });
    const subscriber = reactors.connect(1, 's', { dialect });
    subscriber.subscribe('#', 1);
    publisher.received();
    const synced = store.disk.syncs;
    publisher.publish('none', { topic: 'other', qos: 1, messageId: 1 });
    assert.equal(acks(publisher), ['puback 1']);
    assert.is(store.disk.syncs, synced);
    publisher.publish('a', { topic: 'sensors/1', qos: 1, messageId: 2 });
    publisher.publish('b', { topic: 'sensors/2', qos: 2, messageId: 3 });
    assert.equal(acks(publisher), ['puback 2', 'pubrec 3']);
    assert.ok(store.disk.syncs > synced);
    store.disk.crash(() => 0);
    assert.equal(recordsOf(store.disk, 1), ['sensors/1=a', 'sensors/2=b']);
    assert.equal(subscriber.texts(), ['none', 'a', 'b']);
  });
}

test('nothing is acknowledged while the disk has not answered, and acknowledgements keep their order', () => {
  const store = storeOf(declaration());
  const reactors = new Reactors(1, {}, 1, store);
  const publisher = reactors.connect(1, 'p');
  publisher.received();
  store.disk.failSync = { after: 1, code: 'EIO' };
  publisher.publish('a', { topic: 'sensors/1', qos: 1, messageId: 1 });
  publisher.publish('b', { topic: 'other', qos: 1, messageId: 2 });
  assert.not.ok(acks(publisher).includes('puback 1'));
  assert.is(store.failures.length > 0, true, 'the node is told to leave');
});

test('QoS 0 is written too, and nobody waits for it', () => {
  const store = storeOf(declaration());
  const reactors = new Reactors(1, {}, 1, store);
  const publisher = reactors.connect(1, 'p');
  publisher.publish('a', { topic: 'sensors/1' });
  publisher.publish('b', { topic: 'sensors/1' });
  assert.equal(recordsOf(store.disk, 1), ['sensors/1=a', 'sensors/1=b']);
});

test('a message without payload is a tombstone where records go by key, and an empty one elsewhere', () => {
  const byKey = { engine: 'dedicated', cleanup: 'compact' } as const;
  const store = storeOf(declaration(), declaration({ name: 'state', ...byKey }));
  const reactors = new Reactors(1, {}, 1, store);
  const publisher = reactors.connect(1, 'p');
  publisher.publish('a', { topic: 'sensors/1' });
  publisher.publish('', { topic: 'sensors/1' });
  assert.equal(recordsOf(store.disk, 1), ['sensors/1=a', 'sensors/1=']);
  assert.equal(recordsOf(store.disk, 1, '/data/dedicated/1-1'), ['sensors/1=a', 'sensors/1=(null)']);
});

test('a message goes to the partition of its topic name, in every declared topic that matches', () => {
  const store = storeOf(
    declaration({ shards: [1, 2, 3] }),
    declaration({ name: 'all', filter: '#', shards: [4] }),
    declaration({ name: 'dedicated', filter: 'sensors/+', engine: 'dedicated', shards: [1] }),
  );
  const reactors = new Reactors(2, {}, 1, store);
  const one = reactors.connect(1, 'p1');
  const two = reactors.connect(2, 'p2');
  one.received();
  two.received();
  for (let i = 0; i < 20; i++) (i % 2 === 0 ? one : two).publish(`${i}`, { topic: `sensors/${i}`, qos: 1, messageId: i + 1 });
  assert.is(acks(one).length + acks(two).length, 20);
  const partitions = [1, 2, 3].map((shard) => recordsOf(store.disk, shard));
  assert.is(partitions.flat().length, 20);
  for (const [index, records] of partitions.entries()) {
    assert.ok(records.length > 0);
    for (const record of records) assert.is(partitionOf(record.split('=')[0]!, 3), index);
  }
  assert.is(recordsOf(store.disk, 4).length, 20);
  assert.is(recordsOf(store.disk, 1, '/data/dedicated/1-1').length, 20);
});

test('a full disk: 5.0 publishers hear 0x97, older ones are parted from, and it goes on when there is room', () => {
  const store = storeOf(declaration());
  const reactors = new Reactors(1, {}, 1, store);
  const five = reactors.connect(1, 'five', { dialect: 1 });
  const four = reactors.connect(1, 'four');
  five.received();
  four.received();
  store.disk.failWrite = { after: 1, code: 'ENOSPC', partBytes: 50 };
  five.publish('a', { topic: 'sensors/1', qos: 1, messageId: 1 });
  five.publish('b', { topic: 'sensors/1', qos: 2, messageId: 2 });
  four.publish('c', { topic: 'sensors/1', qos: 1, messageId: 1 });
  assert.equal(acks(five), ['puback 1 151', 'pubrec 2 151']);
  assert.equal(acks(four), []);
  assert.is(four.transport.ended, true);
  store.disk.failWrite = null;
  five.publish('d', { topic: 'sensors/1', qos: 2, messageId: 2 });
  assert.equal(acks(five), ['pubrec 2'], 'the packet id is new again');
  assert.equal(recordsOf(store.disk, 1), ['sensors/1=d']);
  assert.equal(store.failures, []);
});

test('5.0 properties become headers of the record', () => {
  const store = storeOf(declaration());
  const reactors = new Reactors(1, {}, 1, store);
  const publisher = reactors.connect(1, 'p', { dialect: 1 });
  publisher.send({
    cmd: 'publish',
    topic: 'sensors/1',
    payload: 'x',
    qos: 1,
    messageId: 1,
    properties: { contentType: 'text/plain', userProperties: { a: ['1', '2'] }, messageExpiryInterval: 60, topicAlias: 3 },
  });
  const journal = new Journal(journalOptions(store.disk.fork(), 9, { directory: '/data/shared' }));
  readFrames(journal, 1, 0, 1 << 20, (_error, frames) => {
    const text = Buffer.from(frames).toString('latin1');
    for (const header of ['mqtt.content-type', 'text/plain', 'mqtt.expiry-seconds']) assert.ok(text.includes(header), header);
    assert.is(text.split('a\x021').length + text.split('a\x022').length, 4, 'user properties keep their name, each time');
  });
});

test.run();
