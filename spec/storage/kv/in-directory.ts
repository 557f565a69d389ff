/** For specs of single stores: a folder of their own, and how a call has failed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'uvu';

export function inDirectory(test: Test, what: string, body: (directory: string) => Promise<void>): void {
  test(what, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-kv-'));
    await body(directory);
    rmSync(directory, { recursive: true });
  });
}

/** Undefined: it has not failed. The error itself when it has no code. */
export function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code ?? `${error}`,
  );
}
