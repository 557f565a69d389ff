/** The end of a session that keeps messages for others: the node dies at every step of it, and the others have all of them, once. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MARK } from '../../../src/actors/inbox/marks.ts';
import { decodeSession, encodeSession, sessionKey } from '../../../src/actors/session/record.ts';
import { STORE_RETRY_MS } from '../../../src/base/limits.ts';
import type { SimDisk } from '../../storage/sim-disk.ts';
import { Reactors, type SimClient } from '../session/reactors.ts';
import { emptySimStore, type SimStoreOptions } from '../store/sim-store.ts';

const test = suite('inboxes of sessions that are over');

const REACTORS = 2;
const STEP_MS = 0.7;
const MESSAGES = 12;
const ALL = Array.from({ length: MESSAGES }, (_, i) => `${i}`);

const inOrder = (texts: readonly string[]): string[] => [...texts].sort((a, b) => Number(a) - Number(b));

interface Packet {
  readonly cmd: string;
  readonly qos?: number;
  readonly messageId?: number;
  readonly payload?: unknown;
}

/** What a node that dies leaves. */
interface Remains {
  readonly disk: SimDisk;
  readonly metadata: Map<string, Uint8Array>;
}

/** A member of the group with a session of `expirySeconds`, or its client again. */
function connect(reactors: Reactors, thread: number, id: string, expirySeconds = 3600, clean = false): SimClient {
  return reactors.connect(thread, id, {
    clean,
    dialect: 1,
    properties: { sessionExpiryInterval: expirySeconds, receiveMaximum: 4 },
  });
}

function member(reactors: Reactors, thread: number, id: string, expirySeconds?: number): SimClient {
  const client = connect(reactors, thread, id, expirySeconds);
  client.subscribe('$share/g/t/#', 2);
  return client;
}

function leave(reactors: Reactors, client: SimClient): void {
  client.transport.close();
  reactors.settle();
}

function publishAll(reactors: Reactors, qos: 1 | 2): void {
  const publisher = connect(reactors, 1, 'publisher', 0, true);
  publisher.received();
  for (const [i, text] of ALL.entries()) publisher.publish(text, { topic: 't/x', qos, messageId: 1 + i });
  assert.is(publisher.received().length, MESSAGES, 'all are acknowledged');
}

/** Everything that the member without a connection has for the group. */
function kept(reactors: Reactors, id = 'b'): string[] {
  const client = connect(reactors, 2, id);
  const texts: string[] = [];
  for (let round = 0; round < 2 * MESSAGES; round++) {
    for (const { cmd, qos, messageId, payload } of client.received() as readonly Packet[]) {
      if (cmd === 'publish') texts.push(`${payload}`);
      if (cmd === 'publish') client.feed({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId });
      if (cmd === 'pubrel') client.feed({ cmd: 'pubcomp', messageId });
    }
    reactors.settle(10);
  }
  return inOrder(texts);
}

function marked(reactors: Reactors): readonly unknown[] | undefined {
  let found: readonly unknown[] | undefined;
  reactors.services.get(1)!.inboxes!.marked(MARK.ended, (marked) => {
    found = marked;
  });
  reactors.settle();
  return found;
}

/** What a node would leave that died during `forMs`, step by step. */
function watch(reactors: Reactors, { disk, metadata }: SimStoreOptions, forMs: number): Remains[] {
  const all: Remains[] = [];
  for (let at = 0; at < forMs; at += STEP_MS) {
    all.push({ disk: disk.fork(), metadata: new Map(metadata) });
    reactors.settle(STEP_MS);
  }
  return all;
}

/** How the session of `a` ends, which has the messages; by the reactor on which that happens. */
const ENDINGS: Readonly<Record<string, (reactors: Reactors) => void>> = {
  'a clean start on its reactor': (reactors) => void reactors.connectLater(1, 'a', { clean: true }),
  'a clean start on another reactor': (reactors) => void reactors.connectLater(2, 'a', { clean: true }),
  'an operator': (reactors) => {
    const { sessions, system } = reactors.services.get(1)!;
    system.tell(sessions.last('a')!.session, { type: 'kick', discard: true });
  },
};

/** A write of the metadata that nobody waited for may be lost with the power. */
const DEATHS = ['killed', 'power', 'power and metadata'] as const;

for (const qos of [1, 2] as const) {
  for (const [ending, end] of Object.entries(ENDINGS)) {
    test(`ended by ${ending}, QoS ${qos}`, () => {
      const store = emptySimStore();
      const reactors = new Reactors(REACTORS, {}, 1, store);
      const owner = member(reactors, 1, 'a');
      leave(reactors, member(reactors, 2, 'b'));
      leave(reactors, owner);
      publishAll(reactors, qos);
      const before = new Map(store.metadata);
      end(reactors);
      const remains = watch(reactors, store, 8);
      assert.equal(kept(reactors), ALL, 'nobody has died');
      assert.equal(marked(reactors), []);
      for (const [step, { disk, metadata }] of remains.entries()) {
        const how = DEATHS[step % DEATHS.length]!;
        const left: SimStoreOptions = {
          ...emptySimStore(),
          disk,
          metadata: how === 'power and metadata' ? new Map(before) : metadata,
        };
        if (how === 'killed') disk.kill();
        else disk.crash(() => 0);
        const again = new Reactors(REACTORS, {}, 2 + step, left);
        assert.equal(kept(again), ALL, `${how} at step ${step}`);
        assert.equal(marked(again), [], `${how} at step ${step}`);
      }
    });
  }
}

test('what a session that expired while the node was down has goes to members that are made again after it', () => {
  const store = emptySimStore();
  const reactors = new Reactors(REACTORS, {}, 1, store);
  const owner = member(reactors, 1, 'a');
  leave(reactors, member(reactors, 2, 'b'));
  leave(reactors, owner);
  publishAll(reactors, 1);
  store.disk.kill();
  for (const expired of ['a', 'b']) {
    const metadata = new Map(store.metadata);
    const record = decodeSession(metadata.get(sessionKey(expired))!)!;
    metadata.set(sessionKey(expired), encodeSession({ ...record, expirySeconds: 1, offlineSince: 1 }));
    const again = new Reactors(REACTORS, {}, 2, { ...emptySimStore(), disk: store.disk.fork(), metadata });
    assert.equal(kept(again, expired === 'a' ? 'b' : 'a'), ALL, `${expired} is over`);
    assert.equal(marked(again), []);
  }
});

test('who has left the group and ends with messages of it leaves them to the group', () => {
  const reactors = new Reactors(REACTORS, {}, 1, emptySimStore());
  const leaver = member(reactors, 1, 'a');
  leave(reactors, member(reactors, 2, 'b'));
  publishAll(reactors, 1);
  leaver.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['$share/g/t/#'] });
  leaver.send({ cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } });
  assert.equal(kept(reactors), ALL);
});

test('a full disk holds the end of a session up', () => {
  const store = emptySimStore();
  const reactors = new Reactors(REACTORS, {}, 1, store);
  const owner = member(reactors, 1, 'a');
  leave(reactors, member(reactors, 2, 'b'));
  leave(reactors, owner);
  publishAll(reactors, 1);
  store.disk.failWrite = { after: 1, code: 'ENOSPC', partBytes: 0 };
  const { sessions, system } = reactors.services.get(1)!;
  system.tell(sessions.last('a')!.session, { type: 'kick', discard: true });
  reactors.settle();
  assert.ok(store.metadata.has(sessionKey('a')), 'it is there still');
  store.disk.failWrite = null;
  reactors.settle(2 * STORE_RETRY_MS);
  assert.not(store.metadata.has(sessionKey('a')));
  assert.equal(kept(reactors), ALL);
  assert.equal(marked(reactors), []);
});

test.run();
