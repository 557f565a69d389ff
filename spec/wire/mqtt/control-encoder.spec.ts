import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePublish, PINGREQ } from '../../../src/wire/mqtt/client-encoder.ts';
import {
  type Connack,
  connackReturnCode,
  encodeAuth,
  encodeConnack,
  encodeConnectRefusal,
  encodeDisconnect,
  encodeSuback,
  encodeUnsuback,
  PINGRESP,
} from '../../../src/wire/mqtt/control-encoder.ts';
import { frameLength } from '../../../src/wire/mqtt/frame.ts';
import { MqttError } from '../../../src/wire/mqtt/mqtt-error.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import * as any from './arbitraries.ts';
import { field, frame, properties } from './arbitraries.ts';

const test = suite('control packet encoder');

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const is = (actual: Uint8Array, ...expected: Parameters<typeof frame>): void => assert.is(hex(actual), hex(frame(...expected)));
const OK: Connack = { sessionPresent: false, reason: 0 };

test('3.x packets, byte for byte', () => {
  is(encodeConnack(0, OK), 0x20, [0, 0]);
  is(encodeConnack(0, { ...OK, sessionPresent: true, receiveMaximum: 9, reasonString: 'not for 3.x' }), 0x20, [1, 0]);
  is(encodeSuback(0, 258, [0, 1, 2, 0x87, 0x80]), 0x90, [1, 2], [0, 1, 2, 0x80, 0x80]);
  is(encodeUnsuback(0, 258, [0, 0x11]), 0xb0, [1, 2]);
  assert.is(encodeDisconnect(0, { reason: Reason.SERVER_SHUTTING_DOWN }).length, 0, 'a server has no DISCONNECT in 3.x');
  assert.is(hex(PINGRESP), 'd000');
  assert.is(hex(PINGREQ), 'c000');
});

test('5.0 packets, byte for byte', () => {
  is(encodeConnack(1, OK), 0x20, [0, 0], properties());
  is(encodeConnack(1, { sessionPresent: true, reason: 0 }), 0x20, [1, 0], properties());
  is(encodeSuback(1, 1, [2, 0x8f]), 0x90, [0, 1], properties(), [2, 0x8f]);
  is(encodeUnsuback(1, 1, [0, 0x11]), 0xb0, [0, 1], properties(), [0, 0x11]);
  is(encodeDisconnect(1, { reason: 0x8e, reasonString: 'why' }), 0xe0, [0x8e], properties([0x1f, ...field('why')]));
  is(encodeDisconnect(1, { reason: 0x9c, serverReference: 's' }), 0xe0, [0x9c], properties([0x1c, ...field('s')]));
  const auth = { reason: 0x18, authenticationMethod: 'm', authenticationData: Uint8Array.of(9) };
  is(encodeAuth(auth), 0xf0, [0x18], properties([0x15, ...field('m')], [0x16, ...field([9])]));
});

test('CONNACK carries each property that is given, and only those', () => {
  for (const [given, bytes] of [
    [{ sessionExpiry: 1 }, [0x11, 0, 0, 0, 1]],
    [{ receiveMaximum: 258 }, [0x21, 1, 2]],
    [{ maximumQos: 1 }, [0x24, 1]],
    [{ maximumQos: 0 }, [0x24, 0]],
    [{ retainAvailable: false }, [0x25, 0]],
    [{ retainAvailable: true }, [0x25, 1]],
    [{ maximumPacketSize: 65_536 }, [0x27, 0, 1, 0, 0]],
    [{ assignedClientId: 'ü' }, [0x12, ...field('ü')]],
    [{ topicAliasMaximum: 0 }, [0x22, 0, 0]],
    [{ reasonString: 'r' }, [0x1f, ...field('r')]],
    [{ wildcardSubscriptionAvailable: false }, [0x28, 0]],
    [{ subscriptionIdentifiersAvailable: true }, [0x29, 1]],
    [{ sharedSubscriptionAvailable: false }, [0x2a, 0]],
    [{ serverKeepAliveSeconds: 0 }, [0x13, 0, 0]],
    [{ responseInformation: 'r' }, [0x1a, ...field('r')]],
    [{ serverReference: 's' }, [0x1c, ...field('s')]],
    [{ authenticationMethod: 'm' }, [0x15, ...field('m')]],
    [{ authenticationData: Uint8Array.of(0, 255) }, [0x16, ...field([0, 255])]],
    [{ userProperties: [] }, []],
    [{ sessionExpiry: undefined, reasonString: undefined }, []],
  ] as readonly (readonly [Partial<Connack>, number[]])[]) {
    is(encodeConnack(1, { ...OK, ...given }), 0x20, [0, 0], properties(bytes));
  }
});

test('user properties keep their order and repetitions', () => {
  fc.assert(
    fc.property(any.userProperties, (list) => {
      const bytes = list.flatMap(({ name, value }) => [0x26, ...field(name), ...field(value)]);
      is(encodeSuback(1, 1, [0], { userProperties: list }), 0x90, [0, 1], properties(bytes), [0]);
    }),
  );
  const odd = ['b', 'a', '2', '1', '__proto__', 'b', 'toString'].map((name, i) => ({ name, value: String(i) }));
  const bytes = odd.flatMap(({ name, value }) => [0x26, ...field(name), ...field(value)]);
  is(encodeDisconnect(1, { reason: 0, userProperties: odd }), 0xe0, [0], properties(bytes));
});

test('mqtt-packet reads every packet back', () => {
  const reasons = fc.array(fc.constantFrom(0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(any.packetId, reasons, any.mqttString, any.dialect, (packetId, list, reasonString, dialect) => {
      const version = dialect ? 5 : 4;
      const suback = any.oracleDecode(version, encodeSuback(dialect, packetId, list, { reasonString })) as Record<
        string,
        unknown
      >;
      assert.equal([suback.cmd, suback.messageId], ['suback', packetId]);
      assert.equal(suback.granted, dialect ? list : list.map((r) => Math.min(r, 0x80)));
      const connack = any.oracleDecode(version, encodeConnack(dialect, { ...OK, reasonString })) as Record<string, unknown>;
      assert.is((connack.properties as { reasonString?: string } | undefined)?.reasonString, dialect ? reasonString : undefined);
    }),
    { numRuns: 300 },
  );
});

test('what helps humans is left out where it does not fit, and then the packet itself [MQTT-3.2.2-19] [MQTT-3.2.2-20]', () => {
  const diagnostics = { reasonString: 'because', userProperties: [{ name: 'n', value: 'v' }] };
  const full = encodeSuback(1, 1, [0], diagnostics);
  const explained = encodeSuback(1, 1, [0], { reasonString: 'because' });
  const bare = encodeSuback(1, 1, [0]);
  for (let max = 0; max <= full.length; max++) {
    const expected =
      max >= full.length ? full : max >= explained.length ? explained : max >= bare.length ? bare : new Uint8Array(0);
    assert.is(hex(encodeSuback(1, 1, [0], diagnostics, max)), hex(expected), `${max}`);
  }
  assert.is(encodeConnack(1, OK, 4).length, 0);
  assert.is(encodeConnack(1, OK, 5).length, 5);
  assert.is(encodeUnsuback(1, 1, [0], {}, 5).length, 0);
  assert.is(encodeDisconnect(1, { reason: 0x8b }, 3).length, 0);
  assert.is(encodeAuth({ reason: 0x18, authenticationMethod: 'm' }, 7).length, 0);
});

test('3.x return codes (3.1.1 table 3.1)', () => {
  for (const [reason, code] of [
    [0x00, 0],
    [0x84, 1],
    [0x85, 2],
    [0x88, 3],
    [0x89, 3],
    [0x97, 3],
    [0x9f, 3],
    [0x86, 4],
    [0x87, 5],
    [0x8a, 5],
    [0x8c, 5],
  ] as const) {
    assert.is(connackReturnCode(reason), code);
    is(encodeConnack(0, { sessionPresent: false, reason }), 0x20, [0, code]);
  }
  for (const reason of [0x80, 0x81, 0x82, 0x83, 0x90, 0x95, 0x99]) {
    assert.is(connackReturnCode(reason), -1);
    assert.is(encodeConnack(0, { sessionPresent: false, reason }).length, 0, 'close without a CONNACK [MQTT-3.2.2-6]');
  }
});

test('a refused CONNECT gets the CONNACK of its level', () => {
  const refusal = (reason: number, level: number): string => {
    const error = new MqttError(reason, 'refused');
    error.level = level;
    return hex(encodeConnectRefusal(error));
  };
  assert.is(refusal(0x84, 0), '', 'not MQTT at all');
  assert.is(refusal(0x84, 2), '20020001');
  assert.is(refusal(0x84, 132), '20020001', 'a bridge tries again without bit 7');
  assert.is(refusal(0x84, 6), '2003008400');
  assert.is(refusal(0x81, 5), '2003008100');
  assert.is(refusal(0x81, 4), '', '3.1.1 closes');
  assert.is(refusal(0x85, 4), '20020002');
});

test('a mistake of the caller is an assertion', () => {
  assert.throws(() => encodeConnack(1, { sessionPresent: true, reason: 0x87 }), /3\.2\.2-6/);
  assert.throws(() => encodeSuback(1, 0, [0]), /packet id/);
  assert.throws(() => encodeSuback(0, 1, []), /reason/);
  assert.throws(() => encodeUnsuback(1, 1, []), /reason/);
  assert.throws(() => encodeConnack(1, { ...OK, reasonString: 'x'.repeat(65_536) }), /65,535/);
  assert.throws(() => encodePublish(0, { topic: 't', payload: PINGREQ, qos: 1 }), /packet id/);
});

test('every packet is one frame', () => {
  const long = 'x'.repeat(65_535);
  for (const packet of [
    encodeConnack(1, { ...OK, reasonString: long }),
    encodeSuback(1, 9, new Array(20_000).fill(1)),
    encodeDisconnect(1, { reason: 0, reasonString: long }),
    encodePublish(1, { topic: long, payload: new Uint8Array(70_000) }),
  ]) {
    assert.is(frameLength(packet, 0, packet.length), packet.length);
  }
});

test.run();
