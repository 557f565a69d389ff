// Node processes that are one cluster: they find each other, notice deaths, and turn strangers away.

import { mkdtempSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../../bench/targets/broker-process.ts';
import { Broker } from './broker.ts';

const test = suite('cluster');
const folder = mkdtempSync(join(tmpdir(), 'sluice-cluster-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const ports = [await freePort(), await freePort()];
const meta = ports.map((port, i) => `${i + 1}@127.0.0.1:${port}`).join(',');

function start(id: number, changes: Record<string, string | number> = {}): Promise<Broker> {
  return Broker.start({
    'node.id': id,
    'node.data': join(folder, String(id)),
    'cluster.meta': meta,
    // The wire alone: who shares metadata is ready when a majority of it is there.
    'storage.enabled': 'false',
    'wire.port': ports[id - 1]!,
    'wire.secret': 'of the specs',
    ...changes,
  });
}

/** Each thread has a link of its own to each node; main makes one when it has something to say. */
const LINKS = 'sluice_wire_links';

test('two processes find each other, with two reactors as with one; a death is noticed, and a return', async () => {
  const a = await start(1, { 'node.threads': 2 });
  const b = await start(2);
  assert.is((await a.node.ready()).wire, `127.0.0.1:${ports[0]}`);
  await a.untilMetric(LINKS, (links) => links >= 2);
  await b.untilMetric(LINKS, (links) => links >= 1);
  b.node.kill('SIGKILL');
  await b.node.ended;
  await a.untilMetric(LINKS, (links) => links === 0);
  const again = await start(2);
  await a.untilMetric(LINKS, (links) => links >= 2);
  assert.equal(await Promise.all([again.stop(), a.stop()]), [0, 0]);
});

test('who is no node, or does not know the secret, is turned away, counted and named in the log', async () => {
  const a = await start(1);
  const refused = 'sluice_wire_connections_refused_total{phase="handshake"}';
  const socket = net.connect(ports[0]!, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\n\r\n');
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
  assert.is(await a.metric(refused), 1);
  const record = await a.node.logged('a connection to the wire was closed');
  assert.is(record.code, 'SLUICE_WIRE_MAGIC');

  const stranger = await start(2, { 'wire.secret': 'guessed' });
  await a.untilMetric(refused, (count) => count > 1);
  assert.ok(a.node.stderr.some((line) => line.includes('SLUICE_WIRE_AUTH')));
  assert.is(await a.metric(LINKS), 0);
  assert.is(await stranger.metric(LINKS), 0);
  assert.equal(await Promise.all([stranger.stop(), a.stop()]), [0, 0]);
});

test.run();
