/** A disk that fails under a real node: system calls of the store thread that strace makes fail, and a file system that is full. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NODE, NodeChild } from '../nodes/node-child.ts';
import { Broker } from './broker.ts';
import type { RawClient } from './raw-client.ts';
import { until, within } from './until.ts';

const CLI = new URL('../../cli.js', import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'sluice-faults-'));
const test = suite('disk faults');

/** strace must be there and allowed to trace. */
function canTrace(): boolean {
  return spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0;
}

async function declare(http: string, name: string, filter: string): Promise<void> {
  const answer = await fetch(`${http}/api/v1/topics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, filter }),
  });
  assert.is(answer.status, 201, await answer.text());
}

async function endOf(http: string, name: string): Promise<number> {
  const { partitionFacts } = (await (await fetch(`${http}/api/v1/topics/${name}`)).json()) as {
    partitionFacts: { end: number }[];
  };
  return partitionFacts.reduce((sum, { end }) => sum + end, 0);
}

/** Makes every further call of this kind by the node fail until it is dead. */
async function failFrom(pid: number, injection: string): Promise<void> {
  const tracer = spawn('strace', ['-f', '-p', String(pid), '-e', `inject=${injection}`, '-o', '/dev/null'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => tracer.kill('SIGKILL'));
  let said = '';
  tracer.stderr.on('data', (chunk) => (said += chunk));
  await until(
    () => `strace is attached: ${said}`,
    () => /attached/.test(said),
  );
}

async function acknowledged(client: RawClient, id: number, topic: string): Promise<void> {
  client.publish(topic, `message ${id}`, { qos: 1, packetId: id });
  assert.is(((await client.next('puback')) as { messageId?: number }).messageId, id);
}

if (canTrace()) {
  for (const [name, injection] of [
    ['fdatasync', 'fdatasync:error=EIO'],
    ['write', 'pwrite64:error=EIO'],
  ] as const) {
    test(`EIO on ${name}: nothing more is acknowledged, the node leaves with a coded message, and the next start has all that was acknowledged`, async () => {
      const data = join(scratch, name);
      const first = await Broker.start({ 'node.data': data });
      await declare(first.http, 'kept', 'kept/#');
      const client = await first.connect();
      for (let id = 1; id <= 5; id++) await acknowledged(client, id, 'kept/a');
      await failFrom(first.pid, injection);
      client.publish('kept/a', 'lost', { qos: 1, packetId: 6 });
      const end = await within('the end of the node', first.node.ended);
      assert.is(end, 1);
      assert.match(first.node.stderr.join('\n'), /SLUICE_STORAGE_FAILED/);
      const answers = client.takeAll().filter(({ cmd }) => cmd === 'puback') as { reasonCode?: number }[];
      assert.ok(
        answers.every(({ reasonCode = 0 }) => reasonCode >= 0x80),
        'a message that may not be on disk is not acknowledged',
      );
      const again = await Broker.start({ 'node.data': data });
      const kept = await endOf(again.http, 'kept');
      assert.ok(kept === 5 || kept === 6, `${kept} records`);
      await acknowledged(await again.connect(), 9, 'kept/a');
      assert.is(await again.stop(), 0);
      assert.is(spawnSync(process.execPath, [CLI, 'log', 'verify', data]).status, 0);
    });
  }
} else if (process.platform === 'linux') {
  console.log('strace is missing or may not trace: system call faults are not tried');
}

/** A file system of its own size, where the user may mount one. */
function smallDisk(megabytes: number): string | undefined {
  const path = mkdtempSync(join(scratch, 'disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' });
  return mounted.status === 0 ? path : undefined;
}

const disk = smallDisk(48);
process.once('exit', () => {
  if (disk !== undefined) spawnSync('umount', ['-l', disk], { stdio: 'ignore' });
  rmSync(scratch, { recursive: true, force: true });
});
if (disk !== undefined) {
  test('a full disk: publishers get 0x97 or are disconnected, the node stays, and goes on when there is room', async () => {
    const node = await Broker.start({ 'node.data': join(disk, 'data') });
    await declare(node.http, 'kept', 'kept/#');
    const modern = await node.connect();
    await acknowledged(modern, 1, 'kept/a');
    const ballast = join(disk, 'ballast');
    fill(ballast);
    const refused = await refusal(modern);
    assert.is(refused, 0x97);
    const old = await node.connect({ level: 4 });
    old.publish('kept/a', Buffer.alloc(60_000), { qos: 1, packetId: 1 });
    await within('the 3.1.1 client is parted from', old.closed);
    await acknowledgedElsewhere(node);
    const before = await endOf(node.http, 'kept');
    rmSync(ballast);
    const client = await node.connect();
    await acknowledged(client, 3, 'kept/a');
    assert.is(await endOf(node.http, 'kept'), before + 1, 'what was refused is not there');
    assert.is(await node.stop(), 0);
    assert.is(spawnSync(process.execPath, [CLI, 'log', 'verify', join(disk, 'data')]).status, 0);
  });
}

/** Takes all the room that there is. */
function fill(path: string): void {
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=64k'], { stdio: 'ignore' });
  } catch {
    // It ends when the disk is full.
  }
}

/** Publishes until the first refusal: what is left of the last page may take a message or two. */
async function refusal(client: RawClient): Promise<number> {
  for (let id = 2; id < 200; id++) {
    client.publish('kept/a', Buffer.alloc(60_000), { qos: 1, packetId: id });
    const { reasonCode } = (await client.next('puback')) as { reasonCode?: number };
    if ((reasonCode ?? 0) >= 0x80) return reasonCode!;
  }
  throw new Error('the disk never gets full');
}

/** Topics that are not kept go on as if nothing were. */
async function acknowledgedElsewhere(node: Broker): Promise<void> {
  const client = await node.connect();
  client.publish('other', 'x', { qos: 1, packetId: 1 });
  assert.is(((await client.next('puback')) as { reasonCode?: number }).reasonCode ?? 0, 0x10);
}

test('a second node on the same directory is refused, and works when the first has been killed', async () => {
  const data = join(scratch, 'shared');
  const first = await Broker.start({ 'node.data': data });
  const settings = ['mqtt.tcp.port=0', 'http.port=0', `node.data=${data}`].flatMap((setting) => ['--set', setting]);
  const second = new NodeChild(settings, {}, NODE);
  assert.is(await second.ended, 1);
  assert.match(second.stderr.join('\n'), new RegExp(`SLUICE_STORAGE_LOCKED: .* in use by node 1, process ${first.pid}`));
  first.node.kill('SIGKILL');
  await first.node.ended;
  const third = await Broker.start({ 'node.data': data });
  assert.is(await third.stop(), 0);
});

test('a data directory with a foreign segment is refused and left as it is', async () => {
  const data = join(scratch, 'foreign');
  const first = await Broker.start({ 'node.data': data });
  await first.stop();
  const path = join(data, 'log', 'shared', '0000000000000009.seg');
  writeFileSync(path, 'not a segment');
  const second = new NodeChild(
    ['mqtt.tcp.port=0', 'http.port=0', `node.data=${data}`].flatMap((s) => ['--set', s]),
    {},
    NODE,
  );
  assert.is(await second.ended, 1);
  assert.match(second.stderr.join('\n'), /SLUICE_STORAGE_FOREIGN/);
  assert.is(readFileSync(path, 'utf8'), 'not a segment');
  assert.ok(existsSync(join(data, 'log', 'shared', '0000000000000001.seg')));
});

test.run();
