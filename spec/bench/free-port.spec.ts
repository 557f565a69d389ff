import { createServer } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../../bench/targets/broker-process.ts';

const test = suite('free ports');

test('are none that the kernel gives away, nor given twice', async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, freePort));
  assert.is(new Set(ports).size, 200);
  assert.ok(ports.every((port) => port >= 1024 && port < 32_768));
});

test('can be listened on', async () => {
  const server = createServer();
  const port = await freePort();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  assert.is((server.address() as { port: number }).port, port);
  await new Promise((resolve) => server.close(resolve));
});

test.run();
