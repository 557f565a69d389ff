import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../src/base/errors.ts';
import { createLog, errorFields } from '../../src/nodes/log.ts';

const test = suite('log');

test('one JSON object a line with the fixed fields; less severe than the level is not written', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', node: 3, worker: 2 }, { write: (line) => lines.push(line) });
  log.debug('unseen');
  log.warn({ key: 'x' }, 'a fixed sentence');
  assert.is(lines.length, 1);
  const { ts, ...rest } = JSON.parse(lines[0]!);
  assert.equal(rest, { level: 'warn', node: 3, worker: 2, key: 'x', msg: 'a fixed sentence' });
  assert.match(ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('a user’s error is told by code and text, another one with its stack', () => {
  assert.equal(errorFields(new SluiceError('SLUICE_CONFIG_FILE', 'text')), { code: 'SLUICE_CONFIG_FILE', error: 'text' });
  assert.match(String(errorFields(new Error('text')).stack), 'log.spec');
  assert.equal(errorFields('text'), { error: 'text' });
});

test.run();
