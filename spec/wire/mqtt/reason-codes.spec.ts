import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connackReasonOf, Reason, reasonName } from '../../../src/wire/mqtt/reason-codes.ts';

const test = suite('reason codes');

/** MQTT 5.0, table 3-1: Connect Reason Code values above 0x80. */
const OF_CONNACK = new Set([
  ...[0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c],
  ...[0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f],
]);
/** Of PUBACK and its kin alone. */
const OF_ACKNOWLEDGEMENTS: readonly number[] = [Reason.PACKET_IDENTIFIER_IN_USE, Reason.PACKET_IDENTIFIER_NOT_FOUND];

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

test('every reason to end a connection has one that CONNACK has; its own stay as they are', () => {
  for (const reason of Object.values(Reason)) {
    if (reason < 0x80 || OF_ACKNOWLEDGEMENTS.includes(reason)) continue;
    assert.ok(OF_CONNACK.has(connackReasonOf(reason)), reason.toString(16));
    if (OF_CONNACK.has(reason)) assert.is(connackReasonOf(reason), reason);
  }
});

test.run();
