import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { incarnationOf, nodeOfReplica } from '../../../src/actors/raft/replica.ts';
import { isCoded } from '../../../src/base/errors.ts';
import { ownReplica } from '../../../src/nodes/raft/replica-file.ts';

const test = suite('replica file');
const root = mkdtempSync(join(tmpdir(), 'sluice-replica-'));
test.after(() => rmSync(root, { recursive: true, force: true }));

test('is drawn once for a directory, another one for another directory, and never zero', () => {
  const first = ownReplica(join(root, 'a'), 3, () => 0.25);
  assert.is(first.isNew, true);
  assert.is(nodeOfReplica(first.replica), 3);
  assert.equal(
    ownReplica(join(root, 'a'), 3, () => 0.75),
    { replica: first.replica, isNew: false },
  );
  assert.is.not(ownReplica(join(root, 'b'), 3, () => 0.75).replica, first.replica);
  assert.is(incarnationOf(ownReplica(join(root, 'c'), 3, () => 0).replica), 1);
});

test('a directory of another node, and a file that is damaged, are refused: a node must not become a stranger by accident', () => {
  const codeOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (isCoded(error)) return error.code;
    }
    return 'nothing';
  };
  assert.is(
    codeOf(() => ownReplica(join(root, 'a'), 4, () => 0)),
    'SLUICE_NODE_DATA',
  );
  for (const text of ['', '{}', '{"node":3}', 'x']) {
    writeFileSync(join(root, 'replica.json'), text);
    assert.is(
      codeOf(() => ownReplica(root, 3, () => 0)),
      'SLUICE_NODE_DATA',
      text,
    );
  }
});

test.run();
