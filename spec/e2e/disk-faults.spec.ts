/** A disk that fails under a real node: system calls of the store thread that strace makes fail. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { acknowledged, declare, endOf } from './kept-topic.ts';
import { until, within } from './until.ts';

const CLI = new URL('../../cli.js', import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'sluice-faults-'));
const test = suite('disk faults');
test.after(() => rmSync(scratch, { recursive: true, force: true }));

/** strace must be there and allowed to trace. */
function canTrace(): boolean {
  return spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0;
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

const isTraceable = canTrace();
if (!isTraceable) console.log('skipped: strace is not installed, or may not trace');
else {
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
}

if (isTraceable) test.run();
