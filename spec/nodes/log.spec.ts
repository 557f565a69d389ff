import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../src/base/errors.ts';
import { createLog, errorFields, formatForPeople } from '../../src/nodes/log.ts';

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

test('on a terminal a record is a line of text with the same content', () => {
  const record = {
    level: 'info',
    ts: '2026-01-02T03:04:05.678Z',
    node: 1,
    worker: 0,
    http: '127.0.0.1:1',
    mqtt: { tcp: 'x' },
    msg: 'node is ready',
  };
  assert.is(formatForPeople(JSON.stringify(record)), '03:04:05 info  node is ready  http=127.0.0.1:1  mqtt={"tcp":"x"}\n');
  const failed = {
    level: 'error',
    ts: record.ts,
    node: 1,
    worker: 2,
    error: 'bad',
    stack: 'Error: bad\n    at x',
    msg: 'session failed',
  };
  assert.is(
    formatForPeople(JSON.stringify(failed)),
    '03:04:05 error session failed  worker=2  error=bad\nError: bad\n    at x\n',
  );
});

test.run();
