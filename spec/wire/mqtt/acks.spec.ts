import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AckView, readAck, writeAck, writeAckReason } from '../../../src/wire/mqtt/acks.ts';
import { type Dialect, PacketType } from '../../../src/wire/mqtt/constants.ts';
import { frameLength } from '../../../src/wire/mqtt/frame.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import * as any from './arbitraries.ts';

const test = suite('acknowledgements');

const KINDS = [
  ['puback', PacketType.PUBACK, 0x40],
  ['pubrec', PacketType.PUBREC, 0x50],
  ['pubrel', PacketType.PUBREL, 0x62],
  ['pubcomp', PacketType.PUBCOMP, 0x70],
] as const;
const RELEASE_REASONS = [0x00, 0x92];
const RECEIPT_REASONS = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const reasonsOf = (type: number): number[] => (type >= PacketType.PUBREL ? RELEASE_REASONS : RECEIPT_REASONS);

const kind = fc.constantFrom(...KINDS);
const kindAndReason = kind.chain((k) => fc.record({ kind: fc.constant(k), reason: fc.constantFrom(...reasonsOf(k[1])) }));

function read(frame: Uint8Array, dialect: Dialect): AckView {
  const into = { packetId: -1, reason: -1 };
  readAck(Uint8Array.of(0xee, ...frame, 0xee), 1, 1 + frame.length, dialect, into);
  return into;
}

test('writes what mqtt-packet writes, byte for byte', () => {
  fc.assert(
    fc.property(kindAndReason, any.packetId, any.dialect, ({ kind: [cmd, type], reason }, packetId, dialect) => {
      const out = new Uint8Array(7).fill(0xee);
      const oracle = any.oracleEncode(dialect ? 5 : 4, { cmd, messageId: packetId, reasonCode: reason });
      // The oracle spells out an empty property length behind a reason; one byte less says the same (section 3.4.2.2.1).
      if (oracle.length === 6) {
        assert.is(oracle[5], 0);
        oracle[1] = 3;
      }
      const end = writeAckReason(out, 1, dialect, type, packetId, reason);
      assert.equal([...out.subarray(1, end)], [...oracle.subarray(0, oracle.length === 6 ? 5 : undefined)]);
      assert.is(out[end], 0xee);
      const short = writeAck(out, 1, type, packetId);
      assert.equal([...out.subarray(1, short)], [...any.oracleEncode(4, { cmd, messageId: packetId })]);
    }),
  );
});

test('reads what mqtt-packet writes, with and without properties', () => {
  fc.assert(
    fc.property(
      kindAndReason,
      any.packetId,
      any.dialect,
      fc.record({ reasonString: any.mqttString, userProperties: any.userPairs }, { requiredKeys: [] }),
      ({ kind: [cmd], reason }, packetId, dialect, properties) => {
        const frame = any.oracleEncode(dialect ? 5 : 4, { cmd, messageId: packetId, reasonCode: reason, properties });
        assert.equal(read(frame, dialect), { packetId, reason: dialect ? reason : 0 });
      },
    ),
    { numRuns: 1000 },
  );
});

test('mqtt-packet reads what is written', () => {
  fc.assert(
    fc.property(kindAndReason, any.packetId, any.dialect, ({ kind: [cmd, type], reason }, packetId, dialect) => {
      const out = new Uint8Array(8);
      const packet = any.oracleDecode(dialect ? 5 : 4, out.subarray(0, writeAckReason(out, 0, dialect, type, packetId, reason)));
      assert.not.instance(packet, Error);
      const { cmd: gotCmd, messageId, reasonCode } = packet as Record<string, unknown>;
      assert.equal([gotCmd, messageId, reasonCode ?? 0], [cmd, packetId, dialect ? reason : 0]);
    }),
  );
});

test('all forms of success are the same', () => {
  for (const [, type, first] of KINDS) {
    for (const frame of [
      [first, 2, 1, 2],
      [first, 3, 1, 2, 0],
      [first, 4, 1, 2, 0, 0],
    ]) {
      assert.equal(read(Uint8Array.from(frame), 1), { packetId: 258, reason: 0 }, `${type}`);
    }
  }
});

test('only the reasons of its own list [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]', () => {
  for (const [cmd, type, first] of KINDS) {
    for (let reason = 0; reason < 256; reason++) {
      const expected = reasonsOf(type).includes(reason) ? undefined : Reason.PROTOCOL_ERROR;
      assert.is(
        any.reasonOf(() => read(Uint8Array.of(first, 3, 0, 1, reason), 1)),
        expected,
        `${cmd} ${reason}`,
      );
    }
  }
});

test('every other first byte is malformed [MQTT-2.1.3-1] [MQTT-3.6.1-1]', () => {
  for (const [cmd, , first] of KINDS) {
    for (let flags = 0; flags < 16; flags++) {
      const byte = (first & 0xf0) | flags;
      const expected = byte === first ? undefined : Reason.MALFORMED_PACKET;
      for (const dialect of [0, 1] as const)
        assert.is(
          any.reasonOf(() => read(Uint8Array.of(byte, 2, 0, 1), dialect)),
          expected,
          cmd,
        );
    }
  }
});

const REASON_STRING = [0x1f, ...any.field('why')];
const MALFORMED = Reason.MALFORMED_PACKET;
const PROTOCOL = Reason.PROTOCOL_ERROR;
for (const [name, dialect, body, reason] of [
  ['no packet id', 0, [], MALFORMED],
  ['half a packet id', 1, [1], MALFORMED],
  ['packet id 0', 0, [0, 0], PROTOCOL],
  ['packet id 0 in 5.0', 1, [0, 0, 0, 0], PROTOCOL],
  ['a third byte in 3.x', 0, [0, 1, 0], MALFORMED],
  ['bytes behind the properties', 1, [0, 1, 0, 0, 0], MALFORMED],
  ['properties shorter than their length', 1, [0, 1, 0, 7, ...REASON_STRING], MALFORMED],
  ['properties longer than their length', 1, [0, 1, 0, 5, ...REASON_STRING], MALFORMED],
  ['a property length of more bytes than needed', 1, [0, 1, 0, 0x86, 0x00, ...REASON_STRING], MALFORMED],
  ['a property length that goes on past the end', 1, [0, 1, 0, 0x86], MALFORMED],
  ['reason string twice', 1, [0, 1, 0, ...any.properties(REASON_STRING, REASON_STRING)], PROTOCOL],
  ['reason string of bad UTF-8', 1, [0, 1, 0, ...any.properties([0x1f, ...any.field([0xff])])], MALFORMED],
  ['reason string past the end', 1, [0, 1, 0, ...any.properties([0x1f, 0, 9, 0x61])], MALFORMED],
  ['user property without a value', 1, [0, 1, 0, ...any.properties([0x26, ...any.field('n')])], MALFORMED],
  ['a property of another packet', 1, [0, 1, 0, ...any.properties([0x11, 0, 0, 0, 1])], MALFORMED],
  ['an unknown property', 1, [0, 1, 0, ...any.properties([0x7f, 0])], MALFORMED],
] as const) {
  test(name, () => {
    for (const [, , first] of KINDS)
      assert.is(
        any.reasonOf(() => read(any.frame(first, body), dialect)),
        reason,
      );
  });
}

test('cut anywhere, it is malformed or a shorter form', () => {
  const whole = any.frame(0x40, [1, 2, 0x10], any.properties(REASON_STRING, [0x26, ...any.field('n'), ...any.field('v')]));
  for (let end = 2; end < whole.length; end++) {
    for (const filler of [0x00, 0x26, 0xff]) {
      const buf = Uint8Array.from(whole).fill(filler, end);
      buf[1] = end - 2;
      assert.is(frameLength(buf, 0, buf.length), end);
      const into = { packetId: 0, reason: 0 };
      const reason = any.reasonOf(() => readAck(buf, 0, end, 1, into));
      assert.is(reason, end === 4 || end === 5 ? undefined : MALFORMED, `cut at ${end}`);
    }
  }
});

test.run();
