import { once } from 'node:events';
import * as net from 'node:net';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ListenTarget } from '../../../src/actors/listener/settings.ts';
import { SluiceError } from '../../../src/base/errors.ts';
import { openListeningSocket, supportsReusePort } from '../../../src/nodes/sockets/listening-socket.ts';

const LOCAL = { host: '127.0.0.1', port: 0, key: 'mqtt.tcp.port' };

async function startWorker(listener: ListenTarget, name: string): Promise<Worker> {
  const worker = new Worker(new URL('./accepting-worker.js', import.meta.url), { workerData: { listener, name } });
  await once(worker, 'message');
  return worker;
}

/** Who answers a connection; '' when it was dropped. */
function greet(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject);
    // The kernel takes a connection that nobody will ever accept; without this the spec would hang instead of failing.
    socket.setTimeout(10_000, () => socket.destroy(new Error('accepted, but nobody answered')));
    socket.on('close', () => resolve(text));
  });
}

/** Connects, several at a time as clients do, until each of `names` has answered; whoever else answers is a failure. */
async function answeredBy(port: number, names: readonly string[]): Promise<void> {
  const missing = new Set(names);
  for (let round = 0; missing.size > 0; round++) {
    if (round > 500) assert.unreachable(`never answered: ${[...missing]}`);
    for (const name of await Promise.all(Array.from({ length: 16 }, () => greet(port)))) {
      assert.ok(names.includes(name), `${name} answered`);
      missing.delete(name);
    }
  }
}

const test = suite('listening socket');

test('reactors share it, the death of one leaves the others accepting, a new one joins, then all close', async () => {
  const socket = await openListeningSocket(LOCAL, 2, '20.20.0');
  const port = Number(socket.address.slice('127.0.0.1:'.length));
  assert.ok(port > 0);
  const one = await startWorker(socket.lend(), 'one');
  const two = await startWorker(socket.lend(), 'two');
  await answeredBy(port, ['one', 'two']);

  await one.terminate();
  await answeredBy(port, ['two']);

  // More deaths than there are spares: duplicates are made up for while the node runs.
  let last = await startWorker(socket.lend(), 'three');
  await answeredBy(port, ['two', 'three']);
  for (let i = 0; i < 6; i++) {
    await last.terminate();
    last = await startWorker(socket.lend(), `again${i}`);
    await answeredBy(port, ['two', `again${i}`]);
  }

  socket.close();
  for (const worker of [two, last]) {
    const closed = once(worker, 'message');
    worker.postMessage('close');
    await closed;
  }
  const refused = await greet(port).then(
    () => 'accepted',
    (error: NodeJS.ErrnoException) => error.code,
  );
  assert.is(refused, 'ECONNREFUSED');
  await Promise.all([two.terminate(), last.terminate()]);
});

test('an address that somebody listens on is refused with a code and the key', async () => {
  const other = net.createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as net.AddressInfo;
  for (const nodeVersion of ['20.20.0', process.versions.node]) {
    try {
      await openListeningSocket({ ...LOCAL, port }, 1, nodeVersion);
      assert.unreachable('the address was taken');
    } catch (error) {
      assert.instance(error, SluiceError);
      assert.is((error as SluiceError).code, 'SLUICE_LISTEN_ADDRESS_IN_USE');
      assert.match((error as SluiceError).message, new RegExp(`^mqtt\\.tcp\\.port: .*127\\.0\\.0\\.1:${port}`));
    }
  }
  other.close();
});

test('an address of another machine is refused with a code', async () => {
  try {
    await openListeningSocket({ ...LOCAL, host: '192.0.2.1' }, 1, '20.20.0');
    assert.unreachable('192.0.2.1 is nobody’s');
  } catch (error) {
    assert.is((error as SluiceError).code, 'SLUICE_LISTEN_ADDRESS');
  }
});

test('SO_REUSEPORT is used from the Node versions on that have it', () => {
  if (process.platform !== 'linux') return;
  const table: [string, boolean][] = [
    ['20.20.2', false],
    ['22.11.0', false],
    ['22.12.0', true],
    ['23.0.0', false],
    ['23.1.0', true],
    ['24.0.0', true],
    ['26.3.1', true],
  ];
  for (const [version, expected] of table) assert.is(supportsReusePort(version), expected, version);
});

test.run();
