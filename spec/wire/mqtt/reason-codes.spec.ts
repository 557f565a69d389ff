import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Reason, reasonName } from '../../../src/wire/mqtt/reason-codes.ts';

const test = suite('reason codes');

test('every code of table 2-6 is there, and no other', () => {
  const success = [0x00, 0x01, 0x02, 0x04, 0x10, 0x11, 0x18, 0x19];
  const failure = Array.from({ length: 0xa2 - 0x80 + 1 }, (_, i) => 0x80 + i);
  const known = [...new Set<number>(Object.values(Reason))].sort((a, b) => a - b);
  assert.equal(known, [...success, ...failure]);
});

test('names codes for logs', () => {
  assert.is(reasonName(0x82), 'protocol_error');
  assert.is(reasonName(0x00), 'success');
  assert.is(reasonName(0x05), '0x05');
});

test.run();
