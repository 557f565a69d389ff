import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { faultOfTables, type TableSchema } from '../../../src/nodes/config/tables.ts';

const test = suite('lists of tables');

const SCHEMA: TableSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1 },
    size: { type: 'integer', minimum: 1, maximum: 9 },
    kind: { type: 'string', enum: ['a', 'b'] },
    on: { type: 'boolean' },
    words: { type: 'array', items: { type: 'string', pattern: '^[a-z]+$' } },
    inner: { type: 'object', properties: { depth: { type: 'integer', minimum: 0, maximum: 1 } } },
    list: { type: 'array', items: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } } },
  },
};

const told = (value: unknown): string => {
  const fault = faultOfTables(SCHEMA, value, 'here');
  return fault === undefined ? '' : `${fault.path}: ${fault.what}`;
};

test('good ones have no fault', () => {
  for (const good of [
    [],
    [{ name: 'x' }],
    [{ name: 'x', size: 9, kind: 'b', on: false, words: ['w'], inner: {}, list: [] }],
    [{ name: 'x', inner: { depth: 1 }, list: [{ id: 'i' }, { id: '' }] }, { name: 'y' }],
  ]) {
    assert.is(told(good), '');
  }
});

test('a fault is told with its place and with what would be good', () => {
  const table: [value: unknown, told: string][] = [
    ['x', 'here: not a list of tables'],
    [[7], 'here[0]: not a table'],
    [[{ name: 'x' }, []], 'here[1]: not a table'],
    [[{ name: 'x' }, {}], 'here[1]: it lacks name, which is text that is not empty'],
    [[{ name: '' }], 'here[0].name: not allowed; it is text that is not empty'],
    [[{ name: 'x', size: 10 }], 'here[0].size: not allowed; it is an integer from 1 to 9'],
    [[{ name: 'x', kind: 'c' }], 'here[0].kind: not allowed; it is one of a, b'],
    [[{ name: 'x', on: 'yes' }], 'here[0].on: not allowed; it is true or false'],
    [[{ name: 'x', words: ['W'] }], 'here[0].words: not allowed; it is a list, each text that matches ^[a-z]+$'],
    [[{ name: 'x', sise: 1 }], 'here[0].sise: is not a key; the nearest one there is size'],
    [[{ name: 'x', inner: 1 }], 'here[0].inner: not a table'],
    [[{ name: 'x', inner: { depth: 2 } }], 'here[0].inner.depth: not allowed; it is an integer from 0 to 1'],
    [[{ name: 'x', list: [{ id: 'i' }, {}] }], 'here[0].list[1]: it lacks id, which is text'],
    [[{ name: 'x', list: {} }], 'here[0].list: not a list of tables'],
  ];
  for (const [value, expected] of table) assert.is(told(value), expected);
  assert.match(told([{ name: 'x', constructor: 1 }]), /^here\[0\]\.constructor: is not a key/);
});

test('anything gets an answer', () => {
  fc.assert(fc.property(fc.anything(), (value) => void told(value)));
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.constantFrom('name', 'size', 'inner', 'list', '__proto__'), fc.anything())),
      (value) => void told(value),
    ),
  );
});

test.run();
