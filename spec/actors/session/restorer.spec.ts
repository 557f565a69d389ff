/** What a start makes again, and what it does with records that lead nowhere. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeSession, encodeSession, sessionKey } from '../../../src/actors/session/record.ts';
import { SESSIONS_RESTORED_AT_ONCE, STORE_ASK_MS } from '../../../src/base/limits.ts';
import { placeKey } from '../../../src/runtime/placement.ts';
import { emptySimStore, type SimStoreOptions } from '../store/sim-store.ts';
import { Reactors } from './reactors.ts';

const test = suite('restorer');

function again(store: SimStoreOptions, reactors: number): Reactors {
  store.disk.kill();
  return new Reactors(reactors, {}, 2, store);
}

/** Sessions that want `t`, each with a message. */
function fill(store: SimStoreOptions, ids: readonly string[]): void {
  const reactors = new Reactors(2, {}, 1, store);
  for (const [i, id] of ids.entries()) {
    const client = reactors.connect(1 + (i % 2), id, { clean: false });
    client.subscribe('t', 1);
    client.transport.close();
  }
  const publisher = reactors.connect(1, 'publisher', { clean: true });
  publisher.publish('x', { topic: 't', qos: 1, messageId: 1 });
  assert.is(publisher.received().length, 2, 'CONNACK and PUBACK');
}

for (const reactors of [1, 3]) {
  test(`each session is made once, by the reactor that its client id belongs to, of ${reactors}`, () => {
    const store = emptySimStore();
    const ids = Array.from({ length: 12 }, (_, i) => `client ${i}`);
    fill(store, ids);
    const node = again(store, reactors);
    assert.equal(
      node.restored,
      Array.from({ length: reactors }, () => undefined),
    );
    for (const [thread, { sessions }] of node.services) {
      assert.equal([...sessions.clientIds()].sort(), ids.filter((id) => placeKey(id, reactors) === thread).sort());
    }
    for (const id of ids) assert.equal(node.connect(1, id, { clean: false }).texts(), ['x'], id);
  });
}

test('more sessions than a page has', () => {
  const store = emptySimStore();
  fill(store, ['first']);
  // Records of sessions whose inboxes are gone fill the pages before and behind.
  const record = decodeSession(store.metadata.get(sessionKey('first'))!)!;
  for (let i = 0; i < SESSIONS_RESTORED_AT_ONCE; i++) {
    for (const clientId of [`a ${i}`, `z ${i}`]) {
      store.metadata.set(sessionKey(clientId), encodeSession({ ...record, clientId, shard: 100_000 + i }));
    }
  }
  const node = again(store, 2);
  node.settle(1000);
  assert.equal(node.restored, [undefined, undefined]);
  assert.equal(
    [...node.services.values()].flatMap(({ sessions }) => [...sessions.clientIds()]),
    ['first'],
  );
  assert.equal([...store.metadata.keys()], [sessionKey('first')], 'a record must not outlive the number of its inbox');
});

test('a record of another version is left alone', () => {
  const store = emptySimStore();
  fill(store, ['old', 'new']);
  const record = decodeSession(store.metadata.get(sessionKey('new'))!)!;
  const foreign = encodeSession({ ...record, version: 99 } as never);
  store.metadata.set(sessionKey('new'), foreign);
  const node = again(store, 2);
  assert.equal(
    [...node.services.values()].flatMap(({ sessions }) => [...sessions.clientIds()]),
    ['old'],
  );
  assert.equal(store.metadata.get(sessionKey('new')), foreign);
});

test('retained messages are there again', () => {
  const store = emptySimStore();
  const before = new Reactors(2, {}, 1, store);
  const publisher = before.connect(1, 'publisher', { clean: true });
  for (const topic of ['a', 'b', 'c']) publisher.publish(topic, { topic, qos: 1, messageId: 1, retain: true });
  const node = again(store, 3);
  const reader = node.connect(2, 'reader', { clean: true });
  reader.subscribe('#', 1);
  assert.equal(reader.texts().sort(), ['a', 'b', 'c']);
});

test('metadata that cannot be read is said, and nothing is made', () => {
  const store = emptySimStore();
  fill(store, ['client']);
  const broken: SimStoreOptions = { ...store, metadata: new Unreadable(store.metadata) };
  const node = again(broken, 2);
  node.settle(2 * STORE_ASK_MS);
  assert.is(node.restored.length, 2);
  assert.ok(node.restored.every((error) => error?.message === 'the metadata of the sessions cannot be read'));
  assert.is(
    [...node.services.values()].reduce((sum, { sessions }) => sum + sessions.size, 0),
    0,
  );
});

class Unreadable extends Map<string, Uint8Array> {
  override [Symbol.iterator](): never {
    throw new Error('unreadable');
  }
}

test.run();
