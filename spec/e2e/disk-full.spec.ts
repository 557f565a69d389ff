/** A file system that is full under a real node, on one of its own size where the user may mount that. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { acknowledged, declare, endOf } from './kept-topic.ts';
import type { RawClient } from './raw-client.ts';
import { within } from './until.ts';

const CLI = new URL('../../cli.js', import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'sluice-full-'));
const test = suite('disk full');

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
if (disk === undefined) console.log('skipped: this user may not mount a small file system');
else {
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

if (disk !== undefined) test.run();
