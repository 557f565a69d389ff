import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BufferPool, LARGE_BYTES, type OutputBuffer, SMALL_BYTES } from '../../../src/actors/session/buffer-pool.ts';
import { FlushList, Output } from '../../../src/actors/session/output.ts';
import { FakeTransport } from './fake-transport.ts';

const test = suite('output');

/** Notices a buffer that is given back while somebody else still has it. */
class WatchedPool extends BufferPool {
  readonly #free = new Set<ArrayBufferLike>();
  readonly transports: FakeTransport[] = [];

  override take(bytes: number): OutputBuffer {
    const buffer = super.take(bytes);
    assert.ok(buffer.length >= bytes);
    assert.not.ok(this.#lent(buffer), 'handed out while it is lent to a transport');
    this.#free.delete(buffer.buffer);
    return buffer;
  }

  override give(buffer: OutputBuffer): void {
    assert.not.ok(this.#free.has(buffer.buffer), 'given back twice');
    assert.not.ok(this.#lent(buffer), 'given back while it is lent to a transport');
    this.#free.add(buffer.buffer);
    super.give(buffer);
  }

  #lent(buffer: Uint8Array): boolean {
    return this.transports.some(({ lent }) => lent.some((bytes) => bytes.buffer === buffer.buffer));
  }
}

interface Connection {
  readonly transport: FakeTransport;
  readonly output: Output;
  /** Everything that was written. */
  readonly written: Uint8Array[];
  readonly arrived: Uint8Array[];
}

function connections(count: number): { all: Connection[]; flushList: FlushList; turns: { requested: number } } {
  const pool = new WatchedPool();
  const turns = { requested: 0 };
  const flushList = new FlushList(() => turns.requested++);
  const all = Array.from({ length: count }, (): Connection => {
    const transport = new FakeTransport();
    pool.transports.push(transport);
    const output = new Output(transport, pool, flushList);
    transport.open({ io: () => output.drained() });
    return { transport, output, written: [], arrived: [] };
  });
  return { all, flushList, turns };
}

let fill = 0;
function bytesOf(length: number): Uint8Array {
  return new Uint8Array(length).fill(++fill & 0xff);
}

const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 2, arbitrary: fc.constantFrom(SMALL_BYTES - 1, SMALL_BYTES, SMALL_BYTES + 1, 5000, LARGE_BYTES - 1) },
  { weight: 1, arbitrary: fc.constantFrom(LARGE_BYTES, LARGE_BYTES + 1, 2 * LARGE_BYTES + 7) },
);
const command = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constantFrom('claim' as const, 'append' as const), n: size }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('flush' as const), n: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('block' as const, 'drain' as const), n: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('take' as const), n: fc.integer({ min: 1, max: 3 }) }) },
);

test('bytes arrive in order, and no buffer is used again while a transport has it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), command), { maxLength: 60 }), (commands) => {
      const { all, flushList } = connections(3);
      for (const [who, { op, n }] of commands) {
        const { transport, output, written } = all[who]!;
        const bytes = bytesOf(op === 'claim' || op === 'append' ? n : 0);
        if (op === 'claim') {
          const at = output.claim(n);
          output.buffer.set(bytes, at);
        }
        if (op === 'append') output.append(bytes, 0, n);
        if (op === 'flush') flushList.flush();
        if (op === 'block') transport.blocked = true;
        if (op === 'drain') transport.drain();
        if (op === 'take') transport.takeLent(n);
        written.push(bytes);
      }
      flushList.flush();
      let total = 0;
      for (const { transport, output, written } of all) {
        transport.drain();
        const expected = Buffer.concat(written);
        assert.ok(transport.takeReceived().equals(expected));
        assert.is(output.pendingBytes, 0);
        total += expected.length;
      }
      assert.is(flushList.bytesSent, total);
    }),
    { numRuns: 300 },
  );
});

test('what one turn writes leaves in one piece at its end', () => {
  const { all, flushList, turns } = connections(2);
  const [one, two] = all as [Connection, Connection];
  for (let i = 0; i < 100; i++) one.output.append(bytesOf(30), 0, 30);
  two.output.append(bytesOf(1), 0, 1);
  assert.is(one.transport.takeReceived().length, 0);
  assert.is(turns.requested, 1);
  flushList.flush();
  assert.is(one.transport.takeReceived().length, 3000);
  assert.is(two.transport.takeReceived().length, 1);
  one.output.append(bytesOf(1), 0, 1);
  assert.is(turns.requested, 2);
  flushList.flush();
  flushList.flush();
  assert.is(one.transport.takeReceived().length, 1);
});

test('only what the peer makes wait is pending', () => {
  const { all, flushList } = connections(1);
  const { output, transport } = all[0]!;
  output.append(bytesOf(50), 0, 50);
  assert.is(output.pendingBytes, 0, 'it may leave at once, and then nobody says that it has drained');
  transport.blocked = true;
  flushList.flush();
  assert.is(output.pendingBytes, 50);
  transport.drain();
  assert.is(output.pendingBytes, 0);
});

test('a closed output takes everything and sends nothing, and keeps no buffer', () => {
  const { all, flushList } = connections(1);
  const { output, transport } = all[0]!;
  output.close();
  output.append(bytesOf(2 * LARGE_BYTES), 0, 2 * LARGE_BYTES);
  flushList.flush();
  assert.is(transport.takeReceived().length, 0);
  assert.is(output.buffer.length, 0);
});

test('an idle output holds no buffer', () => {
  const { all, flushList } = connections(1);
  const { output } = all[0]!;
  output.append(bytesOf(10), 0, 10);
  assert.is(output.buffer.length, SMALL_BYTES);
  flushList.flush();
  assert.is(output.buffer.length, 0);
});

test('the pool hands out what fits and keeps what it knows', () => {
  const pool = new BufferPool();
  for (const [bytes, length] of [
    [1, SMALL_BYTES],
    [SMALL_BYTES, SMALL_BYTES],
    [SMALL_BYTES + 1, LARGE_BYTES],
    [LARGE_BYTES, LARGE_BYTES],
    [LARGE_BYTES + 1, LARGE_BYTES + 1],
  ] as const) {
    const buffer = pool.take(bytes);
    assert.is(buffer.length, length);
    pool.give(buffer);
    assert.is(pool.take(bytes) === buffer, length <= LARGE_BYTES);
  }
});

test.run();
