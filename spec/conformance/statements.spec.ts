import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { conformancePage, STATEMENTS, specsOf } from './statements.ts';

const test = suite('conformance table');

test('each statement once, in the order of its standard', () => {
  const parts = (id: string): number[] => id.split(/[.-]/).map(Number);
  for (const version of ['5.0', '3.1.1'] as const) {
    const ids = STATEMENTS.filter((each) => each.version === version).map(({ id }) => id);
    assert.is(new Set(ids).size, ids.length);
    for (const [i, id] of ids.slice(1).entries()) {
      const [before, after] = [parts(ids[i]!), parts(id)];
      const at = before.findIndex((number, depth) => number !== after[depth]);
      assert.ok(before[at]! < after[at]!, `${ids[i]} before ${id}`);
    }
  }
});

test('a spec counts for the ids in its name, those behind 3.1.1 for that version', () => {
  const text = `test('wills [MQTT-3.1.2-8] [MQTT-3.1.2-9], 3.1.1 [MQTT-3.1.2-8]', () => {});\n// [MQTT-3.1.0-1]\ntest(\n  'two [MQTT-3.1.2-9]',\n`;
  assert.equal(
    [
      ...specsOf([
        { path: 'a', text },
        { path: 'b', text: `test('x [MQTT-3.1.2-9]', f)` },
      ]),
    ],
    [
      ['5.0 3.1.2-8', ['a']],
      ['5.0 3.1.2-9', ['a', 'b']],
      ['3.1.1 3.1.2-8', ['a']],
    ],
  );
});

test('a statement without a spec and a spec without a statement are faults', () => {
  const { faults, page } = conformancePage([{ path: 'spec/x.spec.ts', text: `test('x [MQTT-3.1.0-1] [MQTT-9.9.9-9]', f)` }]);
  assert.ok(faults.includes('a spec names 5.0 9.9.9-9, which is no statement'));
  assert.ok(faults.includes('5.0 [MQTT-3.1.0-2] has no spec'));
  assert.not(faults.some((fault) => fault.startsWith('5.0 [MQTT-3.1.0-1]')));
  const binding = STATEMENTS.filter(({ binds }) => binds === 'server');
  assert.is(faults.length, binding.length - 1 + 1);
  assert.ok(page.includes('| `MQTT-3.1.0-1` |'));
});

test.run();
