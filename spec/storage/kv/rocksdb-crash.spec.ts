import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RocksKv } from '../../../src/storage/kv/rocksdb-kv.ts';
import { isPairValue, pairKeys } from './pairs.ts';

const test = suite('local store rocksdb, killed');
const WRITER = fileURLToPath(new URL('./kv-writer.js', import.meta.url));
const ROUNDS = 4;

/** Runs the writer until it has acknowledged `acks` batches, kills it, and returns what it acknowledged. */
function writeUntilKilled(directory: string, from: number, acks: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRITER, directory, String(from)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk;
      if (output.split('\n').length > acks) child.kill('SIGKILL');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    child.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the writer ended by itself: ${errors}`));
      // A line that the kill has cut may be the beginning of a number.
      else resolve(output.split('\n').slice(0, -1).map(Number));
    });
  });
}

test('kill -9 loses nothing that was acknowledged and halves nothing', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-kv-'));
  const acknowledged: number[] = [];
  let from = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const acks = await writeUntilKilled(directory, from, 40 + round * 60);
    assert.ok(acks.length >= 40);
    acknowledged.push(...acks);
    const kv = await RocksKv.open(directory);
    for (const number of acknowledged) {
      const values = await kv.getMany(pairKeys(number));
      assert.ok(
        values.every((value) => value !== undefined && isPairValue(number, value)),
        `round ${round}: ${number} is gone or changed`,
      );
    }
    // What was under way may be there or not, but never in part.
    from = Math.max(...acknowledged) + 1;
    for (const end = from + 50; from < end; from++) {
      const [left, right] = await kv.getMany(pairKeys(from));
      assert.is(left === undefined, right === undefined, `${from} is there in part`);
    }
    await kv.close();
  }
  rmSync(directory, { recursive: true });
});

test.run();
