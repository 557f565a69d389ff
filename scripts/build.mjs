// Compiles the whole tree with one tsc run into dist/ and writes the two commands of the contract,
// dist/node.js and dist/cli.js, as one-line entries in front of the compiled sources.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

const compiled = spawnSync(process.execPath, [tsc, '-p', root], { stdio: 'inherit' });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

mkdirSync(dist, { recursive: true });
for (const entry of ['node', 'cli']) {
  const file = join(dist, `${entry}.js`);
  writeFileSync(file, `#!/usr/bin/env node\nimport './src/${entry}.js';\n`);
  chmodSync(file, 0o755);
}
