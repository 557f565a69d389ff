/**
 * Runs every `*.spec.js` below this folder (or those whose path contains an argument), each in a process of its own with a time limit,
 * as many at once as there are cores. uvu alone passes silently when a `before` throws (then loud-hooks.ts tells), when `run()` is forgotten or when the exit code is overwritten; so a file
 * counts only if uvu's own totals say that something ran and all of it passed.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { judge, type SpecResult } from './run-judge.ts';

const FILE_TIMEOUT_MS = 180_000;
const root = dirname(fileURLToPath(import.meta.url));

function specFiles(filters: readonly string[]): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.spec.js') && (filters.length === 0 || filters.some((f) => file.includes(f))))
    .sort();
}

/** Where nothing says what has failed the file runs once more, with a uvu that does; as a rule it would cost each process a thread. */
async function runFile(file: string): Promise<SpecResult> {
  const result = await runOnce(file, []);
  if (!result.isSilent) return result;
  const again = await runOnce(file, ['--import', join(root, 'loud-hooks.js')]);
  return { ...result, output: `${result.output}\nonce more, to hear what has failed:\n${again.output}` };
}

function runOnce(file: string, options: readonly string[]): Promise<SpecResult> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--enable-source-maps', '--expose-gc', ...options, join(root, file)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0' },
    });
    const output: Buffer[] = [];
    let timedOut = false;
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    const limit = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, FILE_TIMEOUT_MS);
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve(judge(file, Buffer.concat(output).toString(), code, timedOut));
    });
  });
}

async function main(): Promise<void> {
  const files = specFiles(process.argv.slice(2));
  const total = { passed: 0, failed: 0, skipped: 0 };
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let file = files[next++]; file !== undefined; file = files[next++]) {
      const startedAt = performance.now();
      const result = await runFile(file);
      total.passed += result.passed;
      total.failed += result.failed;
      total.skipped += result.skipped;
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      const mark = result.failed > 0 ? 'FAIL' : 'ok  ';
      console.log(
        `${mark} ${relative('.', file)} (${result.passed} passed, ${seconds} s)${result.skipReason ? ` skipped: ${result.skipReason}` : ''}`,
      );
      if (result.failed > 0) console.log(result.output.trimEnd().replaceAll(/^/gm, '     '));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
}

await main();
