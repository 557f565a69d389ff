import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('the entry of a node');
const ENTRY = fileURLToPath(new URL('../../node.js', import.meta.url));
const POOL_THREADS = 16;

/** Threads of a node that is ready. */
async function threadsOf(env: Record<string, string>): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'sluice-entry-'));
  const sets = [`node.data=${data}`, 'node.threads=1', 'http.port=0', 'mqtt.tcp.port=0', 'mqtt.ws.port=-1'];
  const { UV_THREADPOOL_SIZE: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [ENTRY, ...sets.flatMap((set) => ['--set', set])], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...inherited, ...env },
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  assert.ok(line.startsWith('READY '), line);
  const threads = readdirSync(`/proc/${child.pid}/task`).length;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  assert.is((await exit)[0], 0);
  rmSync(data, { recursive: true });
  return threads;
}

test('gives the pool its threads before anything is loaded, unless the environment does', async () => {
  const [ours, theirs] = [await threadsOf({}), await threadsOf({ UV_THREADPOOL_SIZE: '3' })];
  assert.is(ours - theirs, POOL_THREADS - 3);
});

if (process.platform === 'linux') test.run();
else console.log('skipped: threads are counted in /proc');
