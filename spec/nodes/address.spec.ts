import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatAddress, isLoopback } from '../../src/nodes/address.ts';

const test = suite('address');

test('only what cannot be reached from other machines is loopback', () => {
  for (const host of ['127.0.0.1', '127.9.8.7', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'])
    assert.ok(isLoopback(host), host);
  for (const host of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '128.0.0.1',
    'example.net',
    '',
    'localhost.example.net',
    '::ffff:10.0.0.1',
    '127.1',
  ]) {
    assert.not(isLoopback(host), host);
  }
});

test('an IPv6 address is put in brackets', () => {
  assert.is(formatAddress('127.0.0.1', 1883), '127.0.0.1:1883');
  assert.is(formatAddress('::1', 1883), '[::1]:1883');
  assert.is(formatAddress('localhost', 1), 'localhost:1');
});

test.run();
