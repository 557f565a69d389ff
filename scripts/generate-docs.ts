/**
 * Writes docs/reference/{config,conformance,errors,metrics}.md from the code that they describe, and src/wire/schema-types.ts from its schemas. With
 * `--check` it writes nothing and fails when a page differs. Either way it fails when a statement of a standard has no spec.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conformancePage } from '../spec/conformance/statements.ts';
import { configReference, errorReference, metricReference } from '../src/nodes/reference.ts';
import { schemaTypes } from './schema-types.ts';

// From dist/scripts/ to the repository.
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const conformance = conformancePage(
  readdirSync(join(root, 'spec/conformance'))
    .filter((name) => name.endsWith('.spec.ts') && name !== 'statements.spec.ts')
    .sort()
    .map((name) => ({ path: `spec/conformance/${name}`, text: readFileSync(join(root, 'spec/conformance', name), 'utf8') })),
);
const pages: Readonly<Record<string, string>> = {
  'docs/reference/config.md': configReference(),
  'docs/reference/conformance.md': conformance.page,
  'docs/reference/errors.md': errorReference(),
  'docs/reference/metrics.md': metricReference(),
  'src/wire/schema-types.ts': schemaTypes(root),
};

function storedPage(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const check = process.argv.includes('--check');
let differing = 0;
for (const [name, text] of Object.entries(pages)) {
  const path = join(root, name);
  if (storedPage(path) === text) continue;
  differing++;
  if (check) {
    console.error(`${name} is not what the code says; run: npm run docs`);
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`wrote ${name}`);
  }
}
for (const fault of conformance.faults) console.error(`conformance: ${fault}`);
process.exitCode = (check && differing > 0) || conformance.faults.length > 0 ? 1 : 0;
