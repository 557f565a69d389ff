import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DuplexTransport } from '../../../src/actors/listener/duplex-transport.ts';
import { HandleTransport } from '../../../src/actors/listener/handle-transport.ts';
import { NO_ORIGIN } from '../../../src/actors/listener/origin.ts';
import { SharedReads } from '../../../src/actors/listener/shared-reads.ts';
import { acceptHandles, type StreamHandle, streamInternals } from '../../../src/actors/listener/stream-internals.ts';
import { IO_CLOSED, IO_DATA, IO_DRAINED, type ReadView, type Transport } from '../../../src/actors/session/transport.ts';

const test = suite('transports');

/** The server's side of one connection: what it was told, in order. */
class Recorder {
  readonly received: Buffer[] = [];
  drained = 0;
  closed = 0;
  #changed: () => void = () => {};

  io(event: number, argument: unknown): void {
    if (event === IO_DATA) {
      const { bytes, start, end } = argument as ReadView;
      this.received.push(Buffer.from(bytes.subarray(start, end)));
    }
    if (event === IO_DRAINED) this.drained++;
    if (event === IO_CLOSED) this.closed++;
    this.#changed();
  }

  get text(): string {
    return Buffer.concat(this.received).toString();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

interface Pair {
  readonly transport: Transport;
  readonly recorder: Recorder;
  readonly peer: net.Socket;
  /** Closes what an ended transport still waits for. */
  readonly lingering: { close(): void }[];
  close(): void;
}

type Kind = 'accepted' | 'handle' | 'stream';

async function connect(kind: Kind): Promise<Pair> {
  const reads = new SharedReads();
  const lingering: { close(): void }[] = [];
  const server = net.createServer({ pauseOnConnect: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bare = new Promise<StreamHandle>((resolve) => {
    if (kind === 'accepted') assert.ok(acceptHandles(server, 60, resolve));
  });
  const peer = net.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  peer.on('error', () => {});
  if (kind === 'accepted') await once(peer, 'connect');
  const accepted = kind === 'accepted' ? await bare : ((await once(server, 'connection')) as [net.Socket])[0];
  const transport =
    kind !== 'stream'
      ? new HandleTransport(accepted, reads, (ended) => lingering.push(ended))
      : new DuplexTransport(accepted as net.Socket, reads, (ended) => lingering.push(ended), NO_ORIGIN);
  const recorder = new Recorder();
  return {
    transport,
    recorder,
    peer,
    lingering,
    close: () => {
      server.close();
      peer.destroy();
      for (const ended of lingering) ended.close();
    },
  };
}

async function readAll(peer: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  peer.on('data', (chunk) => chunks.push(chunk));
  await once(peer, 'end');
  return Buffer.concat(chunks);
}

/** More than the kernel takes from a peer that does not read. */
function flood(transport: Transport): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < 256; i++) {
    const part = Buffer.alloc(65_536, i);
    parts.push(part);
    transport.write(part);
  }
  return Buffer.concat(parts);
}

test('this Node.js has the internals that connections are driven by', () => {
  assert.ok(streamInternals !== undefined);
});

test('what is accepted as a bare handle has the options of a connection all the same', async () => {
  const { peer, close } = await connect('accepted');
  const { localPort, remotePort } = peer;
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  // Timer 02 is that of keep-alive, as long as nothing is under way.
  const row = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, local, remote]) => local?.endsWith(`:${hex(remotePort!)}`) && remote?.endsWith(`:${hex(localPort!)}`));
  assert.match(row![5]!, /^02:/);
  close();
});

for (const kind of ['accepted', 'handle', 'stream'] as const) {
  test(`${kind}: nothing is read before it is opened, everything after, in order`, async () => {
    const { transport, recorder, peer, close } = await connect(kind);
    peer.write('one ');
    transport.open(recorder);
    await recorder.until(() => recorder.text === 'one ');
    peer.write('two');
    await recorder.until(() => recorder.text === 'one two');
    assert.match(transport.remoteAddress, /^127\.0\.0\.1:\d+$/);
    close();
  });

  test(`${kind}: a small write leaves at once`, async () => {
    const { transport, recorder, peer, close } = await connect(kind);
    transport.open(recorder);
    const left = transport.write(Buffer.from('hello'));
    assert.is(left, kind !== 'stream');
    assert.is(transport.pendingBytes, left ? 0 : 5);
    const [chunk] = (await once(peer, 'data')) as [Buffer];
    assert.is(chunk.toString(), 'hello');
    close();
  });

  test(`${kind}: what the peer does not take is pending, comes in order and is reported when it has left`, async () => {
    const { transport, recorder, peer, close } = await connect(kind);
    transport.open(recorder);
    const sent = flood(transport);
    assert.ok(transport.pendingBytes > 0);
    assert.is(recorder.drained, 0);
    const all = readAll(peer);
    await recorder.until(() => recorder.drained > 0);
    assert.is(transport.pendingBytes, 0);
    transport.end();
    assert.ok(sent.equals(await all));
    close();
  });

  test(`${kind}: ended with bytes pending it sends them before the end`, async () => {
    const { transport, recorder, peer, close } = await connect(kind);
    transport.open(recorder);
    const sent = flood(transport);
    assert.ok(transport.pendingBytes > 0);
    transport.end();
    assert.ok(sent.equals(await readAll(peer)));
    assert.is(recorder.closed, 0);
    close();
  });

  test(`${kind}: the peer's last words are answered although it has ended its side`, async () => {
    const { transport, recorder, peer, close } = await connect(kind);
    transport.open(recorder);
    peer.end('bye');
    await recorder.until(() => recorder.text === 'bye');
    transport.write(Buffer.from('good bye'));
    transport.end();
    assert.is((await readAll(peer)).toString(), 'good bye');
    close();
  });

  test(`${kind}: ended after its peer it is closed, and nothing has to wait for that`, async () => {
    const { transport, recorder, peer, lingering, close } = await connect(kind);
    transport.open(recorder);
    peer.end();
    await recorder.until(() => recorder.closed > 0);
    transport.end();
    await once(peer, 'close');
    assert.equal(
      lingering.map((each) => (each as HandleTransport).isClosed),
      [true],
    );
    close();
  });

  test(`${kind}: a peer that is gone is reported once`, async () => {
    const { transport, recorder, peer, close } = await connect(kind);
    transport.open(recorder);
    peer.resetAndDestroy();
    await recorder.until(() => recorder.closed > 0);
    transport.write(Buffer.from('into the void'));
    transport.end();
    assert.is(recorder.closed, 1);
    close();
  });

  test(`${kind}: while it is paused nothing is read`, async () => {
    const { transport, recorder, peer, close } = await connect(kind);
    transport.open(recorder);
    transport.pause();
    peer.write('held');
    // A round trip through the paused connection's other direction shows that the bytes had their time.
    transport.write(Buffer.from('ping'));
    await once(peer, 'data');
    assert.is(recorder.text, '');
    transport.resume();
    await recorder.until(() => recorder.text === 'held');
    close();
  });
}

test.run();
