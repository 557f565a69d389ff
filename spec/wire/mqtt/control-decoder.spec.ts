import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MQTT_FILTERS_PER_PACKET_MAX } from '../../../src/base/limits.ts';
import { encodeSubscribe, encodeUnsubscribe, PINGREQ } from '../../../src/wire/mqtt/client-encoder.ts';
import type { Dialect } from '../../../src/wire/mqtt/constants.ts';
import { decodeControl } from '../../../src/wire/mqtt/control-decoder.ts';
import type { ControlPacket, SubscribePacket } from '../../../src/wire/mqtt/packets.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import * as any from './arbitraries.ts';
import { field, frame, properties } from './arbitraries.ts';

const test = suite('control packet decoder');
const MALFORMED = Reason.MALFORMED_PACKET;
const PROTOCOL = Reason.PROTOCOL_ERROR;

function decode(packet: Uint8Array, dialect: Dialect): ControlPacket {
  return decodeControl(Uint8Array.of(0xee, ...packet, 0xee), 1, 1 + packet.length, dialect);
}

const plain = { noNullPrototype: true } as const;
const entry = fc.record(
  {
    filter: any.mqttString,
    qos: any.qos,
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 2),
  },
  plain,
);
const entries = fc.array(entry, { minLength: 1, maxLength: 8 });
const subscriptionId = fc.option(fc.integer({ min: 1, max: 268_435_455 }), { nil: undefined });

function writtenProperties(named: object, userProperties: readonly { name: string; value: string }[]): object {
  return { ...named, ...(userProperties.length > 0 && { userProperties: any.pairs(userProperties) }) };
}

test('reads SUBSCRIBE as mqtt-packet writes it', () => {
  fc.assert(
    fc.property(any.dialect, any.packetId, entries, subscriptionId, any.userProperties, (dialect, packetId, list, id, user) => {
      const packet = any.oracleEncode(dialect ? 5 : 4, {
        cmd: 'subscribe',
        messageId: packetId,
        subscriptions: list.map((e) => ({
          topic: e.filter,
          qos: e.qos,
          nl: e.noLocal,
          rap: e.retainAsPublished,
          rh: e.retainHandling,
        })),
        properties: writtenProperties(id === undefined ? {} : { subscriptionIdentifier: id }, user),
      });
      const legacy = { noLocal: false, retainAsPublished: false, retainHandling: 0 };
      assert.equal(decode(packet, dialect), {
        type: 8,
        packetId,
        subscriptionId: dialect ? id : undefined,
        userProperties: dialect ? user : [],
        entries: dialect ? list : list.map((e) => ({ ...e, ...legacy })),
      });
    }),
    { numRuns: 500 },
  );
});

test('SUBSCRIBE and UNSUBSCRIBE of the encoder are those of mqtt-packet and come back', () => {
  fc.assert(
    fc.property(any.dialect, any.packetId, entries, subscriptionId, (dialect, packetId, list, id) => {
      const back = decode(encodeSubscribe(dialect, packetId, list, id), dialect) as SubscribePacket;
      assert.is(back.subscriptionId, dialect ? id : undefined);
      assert.equal(
        back.entries.map((e) => [e.filter, e.qos, e.noLocal]),
        list.map((e) => [e.filter, e.qos, dialect === 1 && e.noLocal]),
      );
      const filters = list.map((e) => e.filter);
      const unsubscribe = encodeUnsubscribe(dialect, packetId, filters);
      assert.equal(decode(unsubscribe, dialect), { type: 10, packetId, userProperties: [], filters });
      const oracle = any.oracleDecode(dialect ? 5 : 4, unsubscribe) as Record<string, unknown>;
      assert.equal([oracle.messageId, oracle.unsubscriptions], [packetId, filters]);
    }),
    { numRuns: 300 },
  );
});

test('reads UNSUBSCRIBE as mqtt-packet writes it', () => {
  fc.assert(
    fc.property(
      any.dialect,
      any.packetId,
      fc.array(any.mqttString, { minLength: 1 }),
      any.userProperties,
      (dialect, packetId, filters, user) => {
        const packet = any.oracleEncode(dialect ? 5 : 4, {
          cmd: 'unsubscribe',
          messageId: packetId,
          unsubscriptions: filters,
          properties: writtenProperties({}, user),
        });
        assert.equal(decode(packet, dialect), { type: 10, packetId, userProperties: dialect ? user : [], filters });
      },
    ),
    { numRuns: 300 },
  );
});

const CLIENT_REASONS = [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];

test('reads DISCONNECT as mqtt-packet writes it', () => {
  const named = fc.record(
    { sessionExpiryInterval: fc.integer({ min: 0, max: 0xffff_ffff }), reasonString: any.mqttString },
    { requiredKeys: [], noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.constantFrom(...CLIENT_REASONS), named, any.userProperties, (reason, fields, user) => {
      const packet = any.oracleEncode(5, { cmd: 'disconnect', reasonCode: reason, properties: writtenProperties(fields, user) });
      assert.equal(decode(packet, 1), {
        type: 14,
        reason,
        sessionExpiry: fields.sessionExpiryInterval,
        reasonString: fields.reasonString,
        userProperties: user,
      });
    }),
    { numRuns: 300 },
  );
  const normal = { type: 14, reason: 0, sessionExpiry: undefined, reasonString: undefined, userProperties: [] };
  for (const dialect of [0, 1] as const) assert.equal(decode(any.oracleEncode(4, { cmd: 'disconnect' }), dialect), normal);
  assert.equal(decode(frame(0xe0, 0x00), 1), normal);
  assert.equal(decode(frame(0xe0, 0x04), 1), { ...normal, reason: 4 });
});

test('reads AUTH as mqtt-packet writes it', () => {
  const named = fc.record(
    { authenticationData: any.bytes, reasonString: any.mqttString },
    { requiredKeys: [], noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.constantFrom(0x18, 0x19), any.mqttString, named, any.userProperties, (reason, method, fields, user) => {
      const data = fields.authenticationData && { authenticationData: Buffer.from(fields.authenticationData) };
      const text = fields.reasonString === undefined ? {} : { reasonString: fields.reasonString };
      const packet = any.oracleEncode(5, {
        cmd: 'auth',
        reasonCode: reason,
        properties: writtenProperties({ ...text, ...data, authenticationMethod: method }, user),
      });
      assert.equal(decode(packet, 1), {
        type: 15,
        reason,
        authenticationMethod: method,
        authenticationData: fields.authenticationData,
        reasonString: fields.reasonString,
        userProperties: user,
      });
    }),
    { numRuns: 300 },
  );
});

test('reads PINGREQ', () => {
  for (const dialect of [0, 1] as const) assert.equal(decode(PINGREQ, dialect), { type: 12 });
});

const ID = [0, 7];
const FILTER = [...field('a/b'), 0];
const NO_PROPERTIES = [0];
const METHOD = [0x15, ...field('m')];

/** First byte, dialect, body and the reason to be refused with. */
type Case = readonly [name: string, first: number, dialect: Dialect, body: readonly number[], reason: number | undefined];
const subscribe5 = (...entry: readonly number[]): readonly number[] => [...ID, ...NO_PROPERTIES, ...entry];

const CASES: readonly Case[] = [
  ['SUBSCRIBE flags 0000 [MQTT-3.8.1-1]', 0x80, 0, [...ID, ...FILTER], MALFORMED],
  ['SUBSCRIBE flags 1010', 0x8a, 1, subscribe5(...FILTER), MALFORMED],
  ['SUBSCRIBE of nothing', 0x82, 0, [], MALFORMED],
  ['SUBSCRIBE with packet id 0 [MQTT-2.2.1-3]', 0x82, 1, [0, 0, 0, ...FILTER], PROTOCOL],
  ['SUBSCRIBE with packet id 0 in 3.1.1 [MQTT-2.3.1-1]', 0x82, 0, [0, 0, ...FILTER], PROTOCOL],
  ['SUBSCRIBE without a filter [MQTT-3.8.3-2]', 0x82, 1, subscribe5(), PROTOCOL],
  ['SUBSCRIBE without a filter in 3.1.1 [MQTT-3.8.3-3]', 0x82, 0, ID, PROTOCOL],
  ['SUBSCRIBE without a property length [MQTT-2.2.2-1]', 0x82, 1, ID, MALFORMED],
  ['a filter without options', 0x82, 1, subscribe5(...field('a')), MALFORMED],
  ['a filter without a QoS in 3.1.1', 0x82, 0, [...ID, ...field('a')], MALFORMED],
  ['a filter past the end', 0x82, 1, subscribe5(0, 9, 0x61, 0), MALFORMED],
  ['half a filter length', 0x82, 1, subscribe5(...FILTER, 0), MALFORMED],
  ['a filter of bad UTF-8 [MQTT-3.8.3-1]', 0x82, 1, subscribe5(...field([0xff]), 0), MALFORMED],
  ['a filter with U+0000 [MQTT-4.7.3-2]', 0x82, 0, [...ID, ...field('a\0'), 0], MALFORMED],
  ['a second filter of bad UTF-8', 0x82, 1, subscribe5(...FILTER, ...field([0xc0]), 0), MALFORMED],
  ['a filter that SUBACK will refuse', 0x82, 1, subscribe5(...field('a#'), 0), undefined],
  ['reserved option bit 6 [MQTT-3.8.3-5]', 0x82, 1, subscribe5(...field('a'), 0x40), MALFORMED],
  ['reserved option bit 7 [MQTT-3.8.3-5]', 0x82, 1, subscribe5(...field('a'), 0x80), MALFORMED],
  ['requested QoS 3', 0x82, 1, subscribe5(...field('a'), 0x03), PROTOCOL],
  ['retain handling 3', 0x82, 1, subscribe5(...field('a'), 0x30), PROTOCOL],
  ['all options', 0x82, 1, subscribe5(...field('a'), 0x2e), undefined],
  ['no local on a shared subscription [MQTT-3.8.3-4]', 0x82, 1, subscribe5(...field('$share/g/a'), 0x04), PROTOCOL],
  ['a shared subscription', 0x82, 1, subscribe5(...field('$share/g/a'), 0x2a), undefined],
  ['requested QoS 3 in 3.1.1 [MQTT-3-8.3-4]', 0x82, 0, [...ID, ...field('a'), 3], MALFORMED],
  ['5.0 options in 3.1.1 [MQTT-3-8.3-4]', 0x82, 0, [...ID, ...field('a'), 0x04], MALFORMED],
  ['subscription identifier 0', 0x82, 1, [...ID, ...properties([0x0b, 0]), ...FILTER], PROTOCOL],
  ['subscription identifier twice', 0x82, 1, [...ID, ...properties([0x0b, 1], [0x0b, 2]), ...FILTER], PROTOCOL],
  [
    'subscription identifier of five bytes',
    0x82,
    1,
    [...ID, ...properties([0x0b, 0x80, 0x80, 0x80, 0x80, 1]), ...FILTER],
    MALFORMED,
  ],
  ['subscription identifier of more bytes than needed', 0x82, 1, [...ID, ...properties([0x0b, 0x81, 0]), ...FILTER], MALFORMED],
  ['the largest subscription identifier', 0x82, 1, [...ID, ...properties([0x0b, 0xff, 0xff, 0xff, 0x7f]), ...FILTER], undefined],
  ['a property that SUBSCRIBE has not', 0x82, 1, [...ID, ...properties([0x1f, ...field('r')]), ...FILTER], MALFORMED],
  ['properties past the end', 0x82, 1, [...ID, 50, ...FILTER], MALFORMED],
  ['UNSUBSCRIBE flags 0000 [MQTT-3.10.1-1]', 0xa0, 0, [...ID, ...field('a')], MALFORMED],
  ['UNSUBSCRIBE with packet id 0', 0xa2, 1, [0, 0, 0, ...field('a')], PROTOCOL],
  ['UNSUBSCRIBE without a filter [MQTT-3.10.3-2]', 0xa2, 1, [...ID, 0], PROTOCOL],
  ['UNSUBSCRIBE without a filter in 3.1.1', 0xa2, 0, ID, PROTOCOL],
  ['UNSUBSCRIBE with bad UTF-8 [MQTT-3.10.3-1]', 0xa2, 0, [...ID, ...field([0xe2, 0x82])], MALFORMED],
  ['UNSUBSCRIBE with a byte left over', 0xa2, 0, [...ID, ...field('a'), 0], MALFORMED],
  ['UNSUBSCRIBE with a subscription identifier', 0xa2, 1, [...ID, ...properties([0x0b, 1]), ...field('a')], MALFORMED],
  [
    'UNSUBSCRIBE with a user property',
    0xa2,
    1,
    [...ID, ...properties([0x26, ...field('n'), ...field('v')]), ...field('a')],
    undefined,
  ],
  ['PINGREQ flags', 0xc1, 0, [], MALFORMED],
  ['PINGREQ with a body', 0xc0, 1, [0], MALFORMED],
  ['DISCONNECT flags [MQTT-3.14.1-1]', 0xe1, 1, [], MALFORMED],
  ['DISCONNECT with a body in 3.1.1', 0xe0, 0, [0], MALFORMED],
  ['a reason that only a server gives', 0xe0, 1, [0x8b], PROTOCOL],
  ['a reason that nobody gives [MQTT-3.14.2-1]', 0xe0, 1, [0x01], PROTOCOL],
  ['DISCONNECT with properties past the end', 0xe0, 1, [0, 5, 0x11], MALFORMED],
  ['DISCONNECT with bytes behind the properties', 0xe0, 1, [0, 0, 0], MALFORMED],
  ['DISCONNECT with session expiry twice', 0xe0, 1, [0, ...properties([0x11, 0, 0, 0, 1], [0x11, 0, 0, 0, 1])], PROTOCOL],
  ['DISCONNECT with a reason string of bad UTF-8', 0xe0, 1, [0, ...properties([0x1f, ...field([0xff])])], MALFORMED],
  ['DISCONNECT with a property of CONNECT', 0xe0, 1, [0, ...properties([0x21, 0, 1])], MALFORMED],
  [
    'DISCONNECT with all its properties',
    0xe0,
    1,
    [0, ...properties([0x11, 0, 0, 0, 1], [0x1f, ...field('r')], [0x1c, ...field('s')])],
    undefined,
  ],
  ['AUTH before 5.0', 0xf0, 0, [0x18, ...properties(METHOD)], MALFORMED],
  ['AUTH flags [MQTT-3.15.1-1]', 0xf2, 1, [0x18, ...properties(METHOD)], MALFORMED],
  ['AUTH of nothing, which is success', 0xf0, 1, [], PROTOCOL],
  ['AUTH with success from a client [MQTT-3.15.2-1]', 0xf0, 1, [0x00, ...properties(METHOD)], PROTOCOL],
  ['AUTH with an unknown reason', 0xf0, 1, [0x87, ...properties(METHOD)], PROTOCOL],
  ['AUTH without properties', 0xf0, 1, [0x18], MALFORMED],
  ['AUTH without a method', 0xf0, 1, [0x18, 0], PROTOCOL],
  ['AUTH with its method twice', 0xf0, 1, [0x18, ...properties(METHOD, METHOD)], PROTOCOL],
  ['AUTH with its data twice', 0xf0, 1, [0x18, ...properties(METHOD, [0x16, 0, 0], [0x16, 0, 0])], PROTOCOL],
  ['AUTH with a byte left over', 0xf0, 1, [0x18, ...properties(METHOD), 0], MALFORMED],
  ['AUTH with a property of CONNECT', 0xf0, 1, [0x18, ...properties(METHOD, [0x11, 0, 0, 0, 1])], MALFORMED],
  ['packet type 0', 0x00, 1, [], MALFORMED],
  ['CONNACK from a client', 0x20, 0, [0, 0], PROTOCOL],
  ['SUBACK from a client', 0x90, 1, [...ID, 0, 0], PROTOCOL],
  ['UNSUBACK from a client', 0xb0, 0, ID, PROTOCOL],
  ['PINGRESP from a client', 0xd0, 0, [], PROTOCOL],
];

for (const [name, first, dialect, body, reason] of CASES) {
  test(name, () =>
    assert.is(
      any.reasonOf(() => decode(frame(first, body), dialect)),
      reason,
    ),
  );
}

test('a packet with too many filters is refused before they fill memory', () => {
  const many = new Uint8Array(2 + 1 + 4 * (MQTT_FILTERS_PER_PACKET_MAX + 1));
  many[1] = 1;
  for (let at = 3; at < many.length; at += 4) many.set([0, 1, 0x61, 0], at);
  assert.is(
    any.reasonOf(() => decode(frame(0x82, many), 1)),
    Reason.QUOTA_EXCEEDED,
  );
  assert.is(
    any.reasonOf(() => decode(frame(0x82, many.subarray(0, many.length - 4)), 1)),
    undefined,
  );
});

test('cut anywhere, a packet is malformed, unless a shorter one is complete there', () => {
  const user = [0x26, ...field('n'), ...field('v')];
  const complete: Record<string, number | undefined> = {
    '130/0/4': PROTOCOL, // packet id and no filter
    '130/0/10': undefined,
    '130/1/14': PROTOCOL,
    '130/1/20': undefined,
    '162/0/4': PROTOCOL,
    '162/0/9': undefined,
    '162/1/12': PROTOCOL,
    '224/1/2': undefined,
    '224/1/3': undefined,
    '240/1/2': PROTOCOL, // nothing means success, which a client cannot say
  };
  for (const [dialect, whole] of [
    [0, frame(0x82, ID, FILTER, FILTER)],
    [1, frame(0x82, ID, properties([0x0b, 1], user), FILTER, FILTER)],
    [0, frame(0xa2, ID, field('a/b'), field('c'))],
    [1, frame(0xa2, ID, properties(user), field('a/b'))],
    [1, frame(0xe0, 0x04, properties([0x11, 0, 0, 0, 1], user))],
    [1, frame(0xf0, 0x18, properties(METHOD, [0x16, ...field('d')], user))],
  ] as const) {
    assert.is(
      any.reasonOf(() => decode(whole, dialect)),
      undefined,
    );
    for (let end = 2; end < whole.length; end++) {
      const key = `${whole[0]}/${dialect}/${end}`;
      for (const filler of [0x00, 0x01, 0x26, 0xff]) {
        const buf = Uint8Array.from(whole).fill(filler, end);
        buf[1] = end - 2;
        const reason = any.reasonOf(() => decodeControl(buf, 0, end, dialect));
        assert.is(reason, key in complete ? complete[key] : MALFORMED, key);
      }
    }
  }
});

test.run();
