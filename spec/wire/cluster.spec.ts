import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../src/base/errors.ts';
import type { AskError } from '../../src/runtime/ask-error.ts';
import type { ActorRef } from '../../src/runtime/ref.ts';
import { wireRef } from '../../src/wire/wire-actor.ts';
import { startCluster, startNode, type TestNode, until, type WorkerMessage, workerRef } from './nodes.ts';

const test = suite('cluster');
const DEADLINE_MS = 20_000;

async function withCluster(count: number, run: (...nodes: TestNode[]) => Promise<void>): Promise<void> {
  const nodes = await startCluster(count);
  try {
    await run(...nodes);
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

function note(from: TestNode, to: number, value: unknown): boolean {
  return from.system.tell(workerRef(to), { type: 'note', value });
}

test('tells, bytes and asks reach another node; values survive the way', async () => {
  await withCluster(2, async (a, b) => {
    const value = { text: 'grüße', n: 2 ** 50 + 1, list: [1, null, undefined], bytes: Uint8Array.of(1, 2) };
    assert.is(note(a, 2, value), true);
    a.system.tellBytes(workerRef(2) as ActorRef, 7, Buffer.from('xhellox'), 1, 6);
    const reply = await a.system.ask<typeof value>(workerRef(2) as ActorRef, { type: 'echo', value }, DEADLINE_MS);
    assert.equal({ ...reply, bytes: [...reply.bytes] }, { ...value, bytes: [1, 2] });
    await until(() => b.worker.seen.length === 1 && b.worker.bytes.length === 1);
    assert.equal(b.worker.bytes, [{ kind: 7, text: 'hello' }]);
  });
});

test('order holds for messages of all sizes', async () => {
  await withCluster(2, async (a, b) => {
    const sizes = [0, 1, 100, 5000, 70_000, 3, 400_000, 17];
    const sent: string[] = [];
    for (let n = 0; n < 400; n++) {
      const bytes = Buffer.alloc(sizes[n % sizes.length]! + 4, n % 251);
      bytes.writeUInt32LE(n, 0);
      while (!a.system.tellBytes(workerRef(2) as ActorRef, 1, bytes, 0, bytes.length)) {
        await new Promise<void>((resolve) => a.system.whenNodeWritable(2, 1, resolve));
      }
      sent.push(bytes.toString('latin1'));
    }
    await until(() => b.worker.bytes.length === 400);
    assert.ok(b.worker.bytes.every(({ text }, n) => text === sent[n]));
  });
});

test('a watched actor of another node that ends, or never was, is reported', async () => {
  await withCluster(2, async (a, b) => {
    const child = await a.system.ask<ActorRef<WorkerMessage>>(workerRef(2) as ActorRef, { type: 'spawn' }, DEADLINE_MS);
    a.system.tell(workerRef(1), { type: 'watch', ref: child as ActorRef });
    a.system.tell(workerRef(1), { type: 'watch', ref: (child + 2 ** 22) as ActorRef });
    await until(() => a.worker.ends.length === 1);
    assert.is(a.worker.ends[0]!.reason, 'not_found');
    b.system.tell(child, { type: 'stop' });
    await until(() => a.worker.ends.length === 2);
    assert.equal(a.worker.ends[1], { ref: child, reason: 'stopped' });
  });
});

test('a node that is lost ends watches and asks, on both sides, and is met again', async () => {
  const [a, b] = (await startCluster(2)) as [TestNode, TestNode];
  a.system.tell(workerRef(1), { type: 'watch', ref: workerRef(2) as ActorRef });
  const stale = await a.system.ask<ActorRef>(workerRef(2) as ActorRef, { type: 'spawn' }, DEADLINE_MS);
  const pending = a.system
    .ask(workerRef(2) as ActorRef, { type: 'silence' }, DEADLINE_MS)
    .catch(({ failure }: AskError) => failure);
  await until(() => b.system.turns > 0);
  await b.kill();
  assert.is(await pending, 'unreachable');
  await until(() => a.worker.ends.length === 1);
  assert.is(a.worker.ends[0]!.reason, 'unreachable');
  assert.equal(a.changes, ['2 up', '2 down']);

  // The same node in its next life, at the same address.
  const again = await startNode(2, { boots: 1, port: b.port, peers: [{ node: 1, host: '127.0.0.1', port: a.port }] });
  await until(() => a.changes.length === 3 && again.changes.length === 1);
  const reply = await a.system.ask(workerRef(2) as ActorRef, { type: 'echo', value: 1 }, DEADLINE_MS);
  assert.is(reply, 1);
  const fresh = await a.system.ask<ActorRef>(workerRef(2) as ActorRef, { type: 'spawn' }, DEADLINE_MS);
  assert.is.not(fresh, stale);
  const failure = await a.system.ask(stale, { type: 'echo', value: 2 }, DEADLINE_MS).catch((error: AskError) => error.failure);
  assert.is(failure, 'not_found');
  await Promise.all([a.stop(), again.stop()]);
});

test('a node that nobody knows is no route; one that does not answer is unreachable', async () => {
  const a = await startNode(1, { peers: [{ node: 3, host: '127.0.0.1', port: 1 }] });
  assert.is(note(a, 9, 1), false);
  const failure = await a.system
    .ask(workerRef(3) as ActorRef, { type: 'echo', value: 1 }, DEADLINE_MS)
    .catch((error) => error.failure);
  assert.is(failure, 'unreachable');
  await until(() => a.events.some(({ what }) => what === 'unreachable'));
  const event = a.events.find(({ what }) => what === 'unreachable');
  assert.ok(event !== undefined && 'error' in event && event.error instanceof SluiceError);
  assert.is(event.error.code, 'SLUICE_WIRE_UNREACHABLE');
  await a.stop();
});

test('nodes learn of each other through a third one', async () => {
  await withCluster(3, async (a, b, c) => {
    await until(() => [a, b, c].every(({ changes }) => changes.length === 2));
    for (const from of [a, b, c]) {
      for (const to of [1, 2, 3].filter((node) => node !== from.node)) {
        assert.is(await from.system.ask(workerRef(to) as ActorRef, { type: 'echo', value: to }, DEADLINE_MS), to);
      }
    }
  });
});

test('hearsay that means nothing changes nothing', async () => {
  await withCluster(2, async (a, b) => {
    const peers = [
      { node: 5000, address: '127.0.0.1:1' },
      { node: 0, address: '127.0.0.1:1' },
      { node: 2, address: '127.0.0.1:1' },
      { node: 1, address: '127.0.0.1:1' },
      { node: 7, address: 'nowhere' },
    ];
    b.system.tell(wireRef(1, 1), { type: 'PeerList', peers });
    assert.is(await b.system.ask(workerRef(1) as ActorRef, { type: 'echo', value: 4 }, DEADLINE_MS), 4);
    assert.is(await a.system.ask(workerRef(2) as ActorRef, { type: 'echo', value: 5 }, DEADLINE_MS), 5);
    for (const node of [7, 0, 1000]) assert.is(note(a, node, 1), false);
  });
});

test.run();
