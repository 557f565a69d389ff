import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatReady, parseReady } from '../../src/nodes/ready-line.ts';

const test = suite('READY line');

test('is one line of a fixed shape, absent listeners absent', () => {
  const ready = { node: 1, pid: 4711, http: '127.0.0.1:8090', mqtt: { tcp: '127.0.0.1:1883' } };
  const line = formatReady(ready);
  assert.is(line, 'READY {"node":1,"pid":4711,"http":"127.0.0.1:8090","mqtt":{"tcp":"127.0.0.1:1883"}}\n');
  assert.equal(parseReady(line), ready);
  assert.equal(parseReady(formatReady({ node: 2, pid: 1 })), { node: 2, pid: 1 });
  assert.is(parseReady('something else'), undefined);
});

test.run();
