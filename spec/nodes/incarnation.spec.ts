import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../src/base/errors.ts';
import { beginIncarnation } from '../../src/nodes/incarnation.ts';

const test = suite('incarnation');
const root = mkdtempSync(join(tmpdir(), 'sluice-incarnation-'));
test.after(() => rmSync(root, { recursive: true, force: true }));

test('grows with each life, also when the clock went back', () => {
  const folder = join(root, 'a', 'b');
  const first = beginIncarnation(folder, 5000.7, () => 0.5);
  assert.equal(first, { incarnation: 5000, boots: 2 ** 30 });
  assert.equal(
    beginIncarnation(folder, 6000, () => 0.1),
    { incarnation: 6000, boots: 2 ** 30 + 1 },
  );
  assert.equal(
    beginIncarnation(folder, 100, () => 0.1),
    { incarnation: 6001, boots: 2 ** 30 + 2 },
  );
});

test('a file that is none of ours is a first life', () => {
  for (const text of ['', 'x', '{}', '{"incarnation":"1","boots":2}', '[1]']) {
    writeFileSync(join(root, 'incarnation.json'), text);
    assert.equal(
      beginIncarnation(root, 7, () => 0),
      { incarnation: 7, boots: 0 },
    );
  }
});

test('a folder that cannot be written says which key', () => {
  writeFileSync(join(root, 'file'), '');
  assert.throws(
    () => beginIncarnation(join(root, 'file'), 1, () => 0),
    (error: SluiceError) => error.code === 'SLUICE_NODE_DATA' && error.message.startsWith('node.data = '),
  );
});

test.run();
