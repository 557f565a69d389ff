/** What the publishers of the durable load count by. */
import { createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Confirms } from '../../../bench/load/durable/amqp-publisher.ts';
import { createStream, NatsConnection } from '../../../bench/load/durable/nats-publisher.ts';
import { WindowClock } from '../../../bench/load/durable/window-clock.ts';
import { StampSpan } from '../../../bench/load/stamp-span.ts';
import { Histogram } from '../../../src/base/histogram.ts';

const test = suite('durable load');

test('a window gives credit for what is acknowledged, and times what was sent within the span', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.array(fc.record({ send: fc.nat(300), ack: fc.nat(300) }), { maxLength: 40 }),
      (window, steps) => {
        let now = 0;
        const span = new StampSpan();
        const latency = new Histogram();
        span.open(0);
        const clock = new WindowClock(window, () => now, span, latency);
        let timed = 0;
        for (const { send, ack } of steps) {
          now += 5;
          clock.send(Math.min(send, clock.credit));
          assert.ok(clock.credit >= 0 && clock.credit <= window);
          now += 2;
          const acked = Math.min(ack, clock.sent - clock.acked);
          const every = window < 32 ? 1 : 32;
          timed += Math.ceil((clock.acked + acked) / every) - Math.ceil(clock.acked / every);
          clock.ack(acked);
        }
        assert.is(latency.snapshot().count, timed);
        if (timed > 0) assert.ok(latency.max >= 1900, 'no time is shorter than from a send to the next ack');
      },
    ),
  );
});

test('an acknowledgement too many is an error', () => {
  const clock = new WindowClock(4, () => 0, new StampSpan(), new Histogram());
  clock.send(2);
  clock.ack(2);
  assert.throws(() => clock.ack(1), /not sent/);
});

test('confirms in any order count up to the first that is missing', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8]), fc.nat(8), (tags, multiple) => {
      const confirms = new Confirms();
      for (const tag of tags) confirms.add(tag, false);
      if (multiple > 0) confirms.add(multiple, true);
      const seen = new Set(tags);
      for (let tag = 1; tag <= multiple; tag++) seen.add(tag);
      let due = 0;
      while (seen.has(due + 1)) due++;
      assert.is(confirms.upTo, due);
    }),
  );
});

/** Says `text` to whoever connects, in pieces of `size` bytes. */
async function server(
  size: number,
  answer: (heard: string, socket: Socket) => string | undefined,
): Promise<{ port: number; close: () => void }> {
  const listener = createServer((socket) => {
    socket.setNoDelay(true);
    let heard = '';
    socket.on('error', () => {});
    socket.on('data', async (bytes) => {
      heard += bytes.toString();
      const text = answer(heard, socket);
      if (text === undefined) return;
      heard = '';
      for (let at = 0; at < text.length; at += size)
        await new Promise((resolve) => socket.write(text.slice(at, at + size), resolve));
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return { port: (listener.address() as { port: number }).port, close: () => listener.close() };
}

test('messages of NATS are cut out of the stream wherever it is cut', async () => {
  for (const size of [1, 7, 1000]) {
    const all = Array.from({ length: 12 }, (_, i) => `{"stream":"bench","seq":${10 ** i}}`);
    const text = `INFO {}\r\n${all.map((payload, i) => `${i % 3 === 0 ? 'PING\r\n' : ''}MSG I.0 1 ${payload.length}\r\n${payload}\r\n`).join('')}`;
    const peer = await server(size, (heard) => (heard.startsWith('CONNECT') ? text : undefined));
    const got: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const connection = new NatsConnection('127.0.0.1', peer.port, reject);
      connection.onMessage = (payload) => {
        got.push(payload.toString());
        if (got.length < all.length) return;
        connection.socket.destroy();
        resolve();
      };
    });
    peer.close();
    assert.equal(got, all);
  }
});

test('a stream that cannot be made says why', async () => {
  const refusal = JSON.stringify({ error: { code: 503, description: 'no space' } });
  const peer = await server(1000, (heard) =>
    heard.includes('STREAM.CREATE') ? `MSG I.s 1 ${refusal.length}\r\n${refusal}\r\n` : undefined,
  );
  await createStream('127.0.0.1', peer.port).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, /no space/),
  );
  peer.close();
});

test.run();
