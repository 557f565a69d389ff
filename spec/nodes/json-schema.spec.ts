import { Ajv } from 'ajv';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RULE_SCHEMA } from '../../src/nodes/access/rule-schema.ts';
import { CONFIG_KEYS } from '../../src/nodes/config/keys.ts';
import { LISTENER_TABLE } from '../../src/nodes/config/listener-schema.ts';
import { fillingValidatorOf, validatorOf } from '../../src/nodes/json-schema.ts';

const test = suite('json schemas');

const PORT = {
  type: 'object',
  required: ['port'],
  properties: { port: { type: 'integer', maximum: 9 }, host: { default: 'here' } },
};

test('a value is as the schema wants it, or the errors say where it is not', () => {
  const validate = validatorOf(PORT);
  assert.is(validate({ port: 1 }), true);
  assert.is(validate.errors, null);
  assert.is(validate({ port: 10 }), false);
  assert.is(validate.errors?.[0]?.instancePath, '/port');
  assert.is(validate({ port: '1' }), false, 'a number in quotes is not a number');
  assert.is(validate({ port: 2 }), true);
  assert.is(validate.errors, null, 'errors are those of the last value');
});

test('defaults are filled in where that is asked for, and nowhere else', () => {
  const checked: { port: number; host?: string } = { port: 1 };
  const filled: { port: number; host?: string } = { port: 1 };
  assert.ok(validatorOf(PORT)(checked));
  assert.ok(fillingValidatorOf(PORT)(filled));
  assert.equal([checked.host, filled.host], [undefined, 'here']);
});

test('a word that is none of JSON Schema is a mistake', () => {
  assert.throws(() => validatorOf({ type: 'object', requierd: ['port'] })({}), /requierd/);
});

test('our own schemas are schemas, and every default is allowed by its own', () => {
  const ajv = new Ajv({ keywords: ['reserved', 'secret', 'tables'] });
  for (const schema of [RULE_SCHEMA, LISTENER_TABLE]) assert.ok(ajv.validateSchema(schema), ajv.errorsText());
  assert.ok(CONFIG_KEYS.size > 100);
  for (const { path, leaf, accepts } of CONFIG_KEYS.values()) {
    assert.ok(ajv.validateSchema(leaf), `${path}: ${ajv.errorsText()}`);
    assert.ok(accepts(leaf.default), `the default of ${path}`);
  }
});

test.run();
