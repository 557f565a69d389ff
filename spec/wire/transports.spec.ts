/** What holds over every transport: the same specs for each. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WIRE_QUEUE_BYTES } from '../../src/base/limits.ts';
import type { ActorRef } from '../../src/runtime/ref.ts';
import { CLASS, kindIn } from '../../src/wire/classes.ts';
import { loadQuic } from '../../src/wire/quic-transport.ts';
import { TcpTransport } from '../../src/wire/tcp-transport.ts';
import type { Transport } from '../../src/wire/transport.ts';
import { nodeKeys, strangerKeys } from './keys/read-keys.ts';
import { startCluster, startNode, type TestNode, until, workerRef } from './nodes.ts';

const DEADLINE_MS = 30_000;

interface Kind {
  readonly name: string;
  readonly make: () => Transport;
  /** One that presents a certificate of another authority; none for those that have no certificates. */
  readonly stranger?: () => Transport;
  /** What is sent to it, where every datagram passes through JavaScript: less, and in a class with a shorter queue. */
  readonly isSlow?: boolean;
}

// Where the optional package is not installed there is no QUIC to hold to anything.
const quic = await loadQuic(nodeKeys()).catch(() => undefined);
const quicStranger = await loadQuic(strangerKeys()).catch(() => undefined);

const KINDS: readonly Kind[] = [
  { name: 'TCP', make: () => new TcpTransport() },
  { name: 'TLS', make: () => new TcpTransport(nodeKeys()), stranger: () => new TcpTransport(strangerKeys()) },
  ...(quic === undefined || quicStranger === undefined
    ? []
    : [{ name: 'QUIC', make: () => quic, stranger: () => quicStranger, isSlow: true }]),
];
if (quic === undefined) console.log('skipped: QUIC, because @matrixai/quic is not installed');

async function pair(kind: Kind, run: (a: TestNode, b: TestNode) => Promise<void>): Promise<void> {
  const [a, b] = (await startCluster(2, { makeTransport: kind.make })) as [TestNode, TestNode];
  try {
    await run(a, b);
  } finally {
    await Promise.all([a.stop(), b.stop()]);
  }
}

/** Sends `count` numbered payloads of these sizes, waiting for room as it must. */
async function pump(from: TestNode, to: number, kind: number, count: number, sizes: readonly number[]): Promise<void> {
  for (let n = 0; n < count; n++) {
    const bytes = Buffer.alloc(4 + sizes[n % sizes.length]!, n % 251);
    bytes.writeUInt32LE(n, 0);
    while (!from.system.tellBytes(workerRef(to) as ActorRef, kind, bytes, 0, bytes.length)) {
      await new Promise<void>((resolve) => from.system.whenNodeWritable(to, kind, resolve));
    }
  }
}

function numbers(node: TestNode, kind: number): number[] {
  return node.worker.bytes.filter((each) => each.kind === kind).map(({ text }) => Buffer.from(text, 'latin1').readUInt32LE(0));
}

for (const kind of KINDS) {
  const test = suite(kind.name);

  test('messages of all sizes arrive whole and in order, both ways at once', () =>
    pair(kind, async (a, b) => {
      const sizes = kind.isSlow ? [0, 1, 100, 5000, 3, 20_000] : [0, 1, 100, 5000, 70_000, 3, 300_000];
      const count = kind.isSlow ? 30 : 150;
      await Promise.all([pump(a, 2, 5, count, sizes), pump(b, 1, 5, count, sizes)]);
      for (const node of [a, b]) {
        await until(() => node.worker.bytes.length === count);
        assert.equal(numbers(node, 5), [...Array(count).keys()]);
        assert.ok(node.worker.bytes.every(({ text }, n) => text.length === 4 + sizes[n % sizes.length]!));
        const fill = node.worker.bytes.at(-1)!.text;
        assert.is(fill.charCodeAt(fill.length - 1), count - 1);
      }
    }));

  test('a sender that is faster than the way is pushed back; nothing is lost', () =>
    pair(kind, async (a, b) => {
      const cls = kind.isSlow ? CLASS.urgent : CLASS.data;
      const bytes = Buffer.alloc(kind.isSlow ? 10_000 : 100_000, 1);
      const tell = (): boolean => a.system.tellBytes(workerRef(2) as ActorRef, kindIn(cls, 5), bytes, 0, bytes.length);
      const queueMax = WIRE_QUEUE_BYTES[cls]!;
      let taken = 0;
      while (tell()) taken++;
      assert.ok(taken * bytes.length > queueMax * 0.9 && taken * bytes.length < queueMax * 1.2, `${taken} were taken`);
      await new Promise<void>((resolve) => a.system.whenNodeWritable(2, kindIn(cls, 5), resolve));
      assert.is(tell(), true);
      await until(() => b.worker.bytes.length === taken + 1);
    }));

  test('urgent messages overtake bulk that waits', () =>
    pair(kind, async (a, b) => {
      const bulk = Buffer.alloc(kind.isSlow ? 5000 : 64_000, 1);
      const most = kind.isSlow ? 100 : Number.POSITIVE_INFINITY;
      let taken = 0;
      while (taken < most && a.system.tellBytes(workerRef(2) as ActorRef, kindIn(CLASS.data, 5), bulk, 0, bulk.length)) taken++;
      const urgent = kindIn(CLASS.urgent, 5);
      a.system.tellBytes(workerRef(2) as ActorRef, urgent, Buffer.from('now!'), 0, 4);
      await until(() => b.worker.bytes.length === taken + 1);
      const place = b.worker.bytes.findIndex((each) => each.kind === urgent);
      assert.ok(place < taken / 2, `the urgent one came as number ${place} of ${taken + 1}`);
    }));

  test('a node that is gone is noticed and, when it is back, met again', async () => {
    const [a, b] = (await startCluster(2, { makeTransport: kind.make })) as [TestNode, TestNode];
    a.system.tell(workerRef(1), { type: 'watch', ref: workerRef(2) as ActorRef });
    const running = [a];
    try {
      await b.kill();
      await until(() => a.worker.ends.length === 1);
      assert.is(a.worker.ends[0]!.reason, 'unreachable');
      const peers = [{ node: 1, host: '127.0.0.1', port: a.port }];
      const again = await startNode(2, { boots: 1, port: b.port, peers, makeTransport: kind.make });
      running.push(again);
      await until(() => a.changes.at(-1) === '2 up' && again.changes.length === 1);
      assert.is(await a.system.ask(workerRef(2) as ActorRef, { type: 'echo', value: 5 }, DEADLINE_MS), 5);
    } finally {
      await Promise.all(running.map((node) => node.stop()));
    }
  });

  const { stranger } = kind;
  if (stranger !== undefined) {
    test('who has no certificate of the authority gets no word in', async () => {
      const a = await startNode(1, { makeTransport: kind.make });
      const peers = [{ node: 1, host: '127.0.0.1', port: a.port }];
      const b = await startNode(2, { makeTransport: stranger, peers });
      const c = await startNode(3, { makeTransport: kind.make, peers });
      await until(() => c.changes.length === 1 && b.events.some(({ what }) => what === 'unreachable'));
      assert.equal(b.changes, []);
      assert.equal(
        a.events.filter(({ what }) => what === 'refused'),
        [],
      );
      await Promise.all([a.stop(), b.stop(), c.stop()]);
    });
  }

  test.run();
}
