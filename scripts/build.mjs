// Compiles the whole tree with one tsc run into dist/ and writes the two commands of the contract,
// dist/node.js and dist/cli.js, as short entries in front of the compiled sources.
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

// libuv reads the size of its pool once, when the first work arrives, and loading an ES module is such work. So the entries are CommonJS: what they set comes first.
// RocksDB, files, zlib and name look-ups of all threads share that pool; four threads, the default, would make them wait for each other.
const POOL_THREADS = 16;

mkdirSync(dist, { recursive: true });
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n');
for (const folder of ['src', 'spec', 'bench', 'scripts'])
  writeFileSync(join(dist, folder, 'package.json'), '{ "type": "module" }\n');
for (const entry of ['node', 'cli']) {
  const file = join(dist, `${entry}.js`);
  writeFileSync(
    file,
    `#!/usr/bin/env node\nprocess.env.UV_THREADPOOL_SIZE ??= '${POOL_THREADS}';\nimport('./src/${entry}.js');\n`,
  );
  chmodSync(file, 0o755);
}
