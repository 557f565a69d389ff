import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { holderOf, lockData } from '../../src/nodes/data-lock.ts';

const MODULE = fileURLToPath(new URL('../../src/nodes/data-lock.js', import.meta.url));
const test = suite('data-lock');
const scratch = mkdtempSync(join(tmpdir(), 'sluice-lock-spec-'));
test.after(() => rmSync(scratch, { recursive: true, force: true }));

const sockets = (directory: string): string[] => readdirSync(directory).filter((name) => name.endsWith('.sock'));

/** A process that holds the directory until it is killed. */
async function otherProcess(directory: string): Promise<{ kill: () => Promise<void> }> {
  const code = `import { lockData } from ${JSON.stringify(MODULE)}; await lockData(${JSON.stringify(directory)}, 'the other'); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'close');
  };
  return { kill };
}

test('one holds a directory, a second is told who', async () => {
  const directory = join(scratch, 'made', 'on', 'the', 'way');
  const lock = await lockData(directory, 'node 1, process 12');
  assert.is(await holderOf(directory), 'node 1, process 12');
  await lockData(directory, 'me too').then(
    () => assert.unreachable(),
    (error) => {
      assert.is(error.code, 'SLUICE_STORAGE_LOCKED');
      assert.match(error.message, /in use by node 1, process 12; stop it, or set node.data/);
    },
  );
  assert.is(sockets(directory).length, 1, 'who gives up leaves nothing behind');
  lock.release();
  assert.is(await holderOf(directory), undefined);
  assert.equal(sockets(directory), []);
  (await lockData(directory, 'the next')).release();
});

test('the kernel takes the lock from a process that is killed', async () => {
  const directory = join(scratch, 'killed');
  const other = await otherProcess(directory);
  assert.is(await holderOf(directory), 'the other');
  await other.kill();
  assert.is(sockets(directory).length, 1, 'its socket is left');
  assert.is(await holderOf(directory), undefined);
  assert.is(sockets(directory).length, 1, 'asking changes nothing');
  const lock = await lockData(directory, 'the next');
  assert.is(sockets(directory).length, 1, 'what the dead one has left is gone');
  assert.is(await holderOf(directory), 'the next');
  lock.release();
});

test('of many starts at once never two hold', async () => {
  for (let round = 0; round < 20; round++) {
    const directory = join(scratch, `race-${round}`);
    const claims = await Promise.allSettled(Array.from({ length: 6 }, (_, i) => lockData(directory, `claim ${i}`)));
    const held = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []));
    assert.ok(held.length <= 1, `${held.length} hold`);
    for (const claim of claims) if (claim.status === 'rejected') assert.is(claim.reason.code, 'SLUICE_STORAGE_LOCKED');
    for (const lock of held) lock.release();
    (await lockData(directory, 'later')).release();
  }
});

test('a path longer than a socket may have is held all the same, where the system can', async () => {
  if (process.platform !== 'linux') return;
  const directory = join(scratch, 'l'.repeat(120));
  const lock = await lockData(directory, 'deep');
  assert.is(await holderOf(directory), 'deep');
  await lockData(directory, 'again').then(
    () => assert.unreachable(),
    (error) => assert.is(error.code, 'SLUICE_STORAGE_LOCKED'),
  );
  lock.release();
  assert.equal(sockets(directory), []);
});

test('files that only look like locks are no holders and go with the next claim', async () => {
  const directory = mkdtempSync(join(scratch, 'files-'));
  writeFileSync(join(directory, 'lock-0123456789abcdef.sock'), '');
  writeFileSync(join(directory, 'lock-of-mine.sock'), '');
  assert.is(await holderOf(directory), undefined);
  const lock = await lockData(directory, 'x');
  assert.equal(sockets(directory).includes('lock-of-mine.sock'), true, 'what is not ours stays');
  assert.is(sockets(directory).length, 2);
  lock.release();
});

test.run();
