/** A store that fails, is full or takes its time, and owners that do not answer: nobody is let in beside a session that is there, and nothing of it is lost. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MARK } from '../../../src/actors/inbox/marks.ts';
import type { SessionMessage, Surrendered } from '../../../src/actors/session/messages.ts';
import { decodeSession, sessionKey } from '../../../src/actors/session/record.ts';
import { STORE_RETRY_MS, SURRENDER_TIMEOUT_MS, TAKEOVER_TIMEOUT_MS } from '../../../src/base/limits.ts';
import type { Actor, ActorContext } from '../../../src/runtime/actor.ts';
import type { ActorRef } from '../../../src/runtime/ref.ts';
import { CONTROL } from '../../../src/storage/control.ts';
import { oracleEncode } from '../../wire/mqtt/arbitraries.ts';
import { emptySimStore, type SimStoreOptions } from '../store/sim-store.ts';
import { concat, type Decoded, payloads } from './packets.ts';
import { Reactors, type SimClient } from './reactors.ts';

const test = suite('a slow store');
const LASTING = { clean: false } as const;
const SERVER_UNAVAILABLE = 3;

function nodeOf(reactors = 1): { store: SimStoreOptions; reactors: Reactors } {
  const store = emptySimStore();
  return { store, reactors: new Reactors(reactors, {}, 1, store) };
}

/** A session that has subscribed to `t`, and a publisher. */
function bedOf(reactors: Reactors, thread = 1): { client: SimClient; publisher: SimClient; publish: (text: string) => void } {
  const client = reactors.connect(thread, 's', LASTING);
  client.subscribe('t', 1);
  const publisher = reactors.connect(1, 'p');
  publisher.received();
  let id = 0;
  const publish = (text: string): void => {
    publisher.publish(text, { topic: 't', qos: 1, messageId: ++id });
    assert.equal(
      publisher.received().map(({ cmd }) => cmd),
      ['puback'],
      text,
    );
  };
  return { client, publisher, publish };
}

const connackOf = (packets: readonly Decoded[]): { returnCode: number; sessionPresent: boolean } =>
  packets[0] as unknown as { returnCode: number; sessionPresent: boolean };

function goesOn(reactors: Reactors, thread: number, texts: readonly string[], why?: string): void {
  const packets = reactors.connect(thread, 's', LASTING).received();
  assert.is(connackOf(packets).sessionPresent, true, why);
  assert.equal(payloads(packets.filter(({ cmd }) => cmd === 'publish')), texts, why);
}

test('a session that cannot be read yet is waited for, and its client is refused', () => {
  for (const thread of [1, 2]) {
    const { store, reactors } = nodeOf(2);
    const { publish } = bedOf(reactors);
    reactors.failOnce(1);
    store.unreadable = new Error('not now');
    publish('a');
    publish('b');
    const early = reactors.connect(thread, 's', LASTING);
    publish('c');
    assert.equal(early.received(), [], 'nobody knows yet');
    reactors.settle(SURRENDER_TIMEOUT_MS);
    assert.is(connackOf(early.received()).returnCode, SERVER_UNAVAILABLE);
    publish('d');
    store.unreadable = undefined;
    reactors.settle(2 * STORE_RETRY_MS + TAKEOVER_TIMEOUT_MS);
    goesOn(reactors, thread, ['a', 'b', 'c', 'd'], `thread ${thread}`);
  }
});

test('who waits behind a client that is refused is not refused with it', () => {
  const { store, reactors } = nodeOf(2);
  const { publish } = bedOf(reactors);
  reactors.failOnce(1);
  store.unreadable = new Error('not now');
  publish('a');
  const first = reactors.connect(1, 's', LASTING);
  reactors.settle(SURRENDER_TIMEOUT_MS / 2);
  const second = reactors.connect(2, 's', LASTING);
  reactors.settle(SURRENDER_TIMEOUT_MS / 2);
  assert.is(connackOf(first.received()).returnCode, SERVER_UNAVAILABLE);
  assert.equal(second.received(), []);
  publish('b');
  store.unreadable = undefined;
  reactors.settle(2 * STORE_RETRY_MS);
  const packets = second.received();
  assert.is(connackOf(packets).sessionPresent, true);
  assert.equal(payloads(packets.filter(({ cmd }) => cmd === 'publish')), ['a', 'b']);
});

test('so is that of a reactor that has died', () => {
  const { store, reactors } = nodeOf(2);
  const { publish } = bedOf(reactors, 2);
  reactors.cluster.run(reactors.cluster.nowMs + 100);
  store.unreadable = new Error('not now');
  reactors.cluster.kill(2, 1);
  reactors.settle(2000);
  const early = reactors.connectLater(1, 's', LASTING);
  reactors.settle(1000);
  assert.equal(early.received(), []);
  store.unreadable = undefined;
  reactors.settle(2 * STORE_RETRY_MS + 100);
  assert.is(connackOf(early.received()).sessionPresent, true);
  publish('a');
  assert.equal(early.texts(), ['a']);
});

test('what is behind CONNECT may end the connection, and leaves the session', () => {
  const { reactors } = nodeOf();
  const { client, publish } = bedOf(reactors);
  client.transport.close();
  reactors.settle();
  const connect = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 's', clean: false, keepalive: 0 };
  const hasty = reactors.connectLater(1, 'other');
  hasty.received();
  for (const behind of [{ cmd: 'disconnect' }, { cmd: 'pubrel', messageId: 0 }]) {
    const client = new (hasty.constructor as typeof SimClient)(reactors, 1, 0);
    client.feed(concat(oracleEncode(4, connect), oracleEncode(4, { protocolVersion: 4, ...behind })));
    reactors.settle();
    assert.is(client.transport.ended, true);
  }
  publish('a');
  goesOn(reactors, 1, ['a']);
});

/** Claims nothing and takes nothing, but has a session surrender. */
class FalseHeir implements Actor<SessionMessage> {
  readonly #former: ActorRef<SessionMessage>;
  answer: Surrendered | undefined;

  constructor(former: ActorRef<SessionMessage>) {
    this.#former = former;
  }

  started(ctx: ActorContext<SessionMessage>): void {
    const surrender: SessionMessage = { type: 'surrender', by: ctx.self, discard: false };
    ctx.ask<SessionMessage, Surrendered>(this.#former, surrender, 1000, (answer) => {
      this.answer = answer;
    });
  }

  receive(): void {}
}

for (const thread of [1, 2]) {
  test(`a session that nobody takes after all goes on, whoever asked for it (thread ${thread})`, () => {
    const { reactors } = nodeOf(2);
    const { client, publish } = bedOf(reactors);
    const heir = new FalseHeir(client.session);
    reactors.services.get(thread)!.system.spawn<SessionMessage>(() => heir, { name: 'heir' });
    reactors.settle();
    assert.is(heir.answer?.kind, thread === 1 ? 'local' : 'remote');
    publish('a');
    const second = new FalseHeir(client.session);
    reactors.services.get(1)!.system.spawn<SessionMessage>(() => second, { name: 'heir' });
    reactors.settle();
    assert.is(second.answer?.kind, 'local', 'whoever asks next is sent here because the first one is gone');
    publish('b');
    reactors.settle(TAKEOVER_TIMEOUT_MS);
    publish('c');
    assert.is(reactors.services.get(1)!.sessions.has('s'), true);
    goesOn(reactors, 3 - thread, ['a', 'b', 'c']);
  });
}

test('one that has been superseded leaves what is on disk to whom it belongs', () => {
  const { store, reactors } = nodeOf();
  const { client, publish } = bedOf(reactors);
  publish('a');
  const record = store.metadata.get(sessionKey('s'));
  reactors.services.get(1)!.system.tell<SessionMessage>(client.session, { type: 'superseded' });
  reactors.settle();
  assert.is(client.transport.ended, true);
  assert.is(reactors.services.get(1)!.sessions.has('s'), false);
  assert.equal(store.metadata.get(sessionKey('s')), record);
});

test('nothing counts as durable that a log has not taken, and a full one is asked again', () => {
  const { store, reactors } = nodeOf();
  const { publisher } = bedOf(reactors);
  const { inboxes, system } = reactors.services.get(1)!;
  const said: string[] = [];
  store.disk.capacity = 0;
  const { shard } = decodeSession(store.metadata.get(sessionKey('s'))!)!;
  inboxes!.control(shard, CONTROL.mark, MARK.inbound, 1).await({ written: (code) => said.push(String(code)) });
  inboxes!.whenDurable(() => said.push('durable'));
  system.requestTurn();
  reactors.settle();
  assert.equal(said, ['SLUICE_STORAGE_FULL']);
  said.length = 0;
  store.disk.capacity = Number.MAX_SAFE_INTEGER;
  reactors.settle(2 * STORE_RETRY_MS);
  assert.equal(said, ['durable']);
  assert.is(inboxes!.hasFailed, false);
  store.disk.failSync = { after: 1, code: 'EIO' };
  publisher.publish('b', { topic: 't', qos: 1, messageId: 8 });
  inboxes!.whenDurable(() => said.push('never'));
  reactors.settle(10 * STORE_RETRY_MS);
  inboxes!.whenDurable(() => said.push('never, though nothing is under way'));
  reactors.settle(10 * STORE_RETRY_MS);
  assert.equal(said, ['durable']);
  assert.is(inboxes!.hasFailed, true);
});

test.run();
