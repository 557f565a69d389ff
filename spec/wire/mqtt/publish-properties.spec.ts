import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Property } from '../../../src/wire/mqtt/constants.ts';
import { emptyPublishProperties, readPublishProperties } from '../../../src/wire/mqtt/publish-properties.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import { field, publishProperties, reasonOf, SINGLE_PUBLISH_PROPERTIES } from './arbitraries.ts';

const test = suite('publish properties');

/** Reads with hostile surroundings: `around` before and behind the properties must not matter. */
function read(raw: readonly number[] | Uint8Array, around = 0xff) {
  const into = emptyPublishProperties();
  readPublishProperties(Uint8Array.of(around, ...raw, around), 1, 1 + raw.length, into);
  return into;
}

function fault(...raw: readonly (number | readonly number[])[]): number | undefined {
  return reasonOf(() => read(raw.flat()));
}

test('reads what mqtt-packet writes, in any order', () => {
  fc.assert(
    fc.property(publishProperties, fc.nat({ max: 255 }), ({ raw, alias, expirySeconds, payloadFormat }, around) => {
      const into = read(raw, around);
      assert.is(into.alias, alias);
      assert.is(into.payloadFormat, payloadFormat);
      if (alias === 0) assert.is(into.aliasOffset, -1);
      else
        assert.equal(
          [...raw.subarray(into.aliasOffset - 1, into.aliasOffset + 2)],
          [Property.TOPIC_ALIAS, alias >> 8, alias & 0xff],
        );
      if (expirySeconds === undefined) assert.is(into.expiryOffset, -1);
      else {
        assert.is(into.expirySeconds, expirySeconds);
        assert.is(raw[into.expiryOffset - 2], Property.MESSAGE_EXPIRY_INTERVAL);
        assert.is(Buffer.from(raw).readUInt32BE(into.expiryOffset - 1), expirySeconds);
      }
    }),
    { numRuns: 2000 },
  );
});

test('forgets the packet before', () => {
  const into = emptyPublishProperties();
  const all = SINGLE_PUBLISH_PROPERTIES.flat();
  readPublishProperties(Uint8Array.from(all), 0, all.length, into);
  assert.is(into.alias, 7);
  readPublishProperties(new Uint8Array(0), 0, 0, into);
  assert.equal(into, emptyPublishProperties());
});

test('cut anywhere, properties are malformed or those before the cut', () => {
  const all = [...SINGLE_PUBLISH_PROPERTIES, [Property.USER_PROPERTY, ...field('name'), ...field('value')]];
  const whole = new Set(all.map((_, i) => all.slice(0, i).flat().length));
  const raw = all.flat();
  for (let cut = 0; cut < raw.length; cut++) {
    for (const around of [0x00, 0x01, 0xff]) {
      const reason = reasonOf(() => read(raw.slice(0, cut), around));
      assert.is(reason, whole.has(cut) ? undefined : Reason.MALFORMED_PACKET, `cut at ${cut}`);
    }
  }
});

test('a repeated property is a protocol error, a repeated user property is not', () => {
  for (const one of SINGLE_PUBLISH_PROPERTIES) assert.is(fault(one, one), Reason.PROTOCOL_ERROR, String(one));
  const user = [Property.USER_PROPERTY, ...field('same'), ...field('twice')];
  assert.is(fault(user, user, user), undefined);
  assert.is(fault([Property.TOPIC_ALIAS, 0, 1], [0x00]), Reason.MALFORMED_PACKET);
});

test('refuses what PUBLISH does not have (section 2.2.2.2)', () => {
  const allowed = new Set<number>([
    ...SINGLE_PUBLISH_PROPERTIES.map((p) => p[0]!),
    Property.USER_PROPERTY,
    Property.SUBSCRIPTION_IDENTIFIER,
  ]);
  for (let id = 0; id < 256; id++) {
    if (!allowed.has(id)) assert.is(fault(id, [0, 1, 0, 0, 0, 0]), Reason.MALFORMED_PACKET, `0x${id.toString(16)}`);
  }
});

for (const [name, raw, reason] of [
  ['payload format 2', [0x01, 2], Reason.PROTOCOL_ERROR],
  ['topic alias 0 [MQTT-3.3.2-8]', [0x23, 0, 0], Reason.TOPIC_ALIAS_INVALID],
  ['subscription identifier from a client [MQTT-3.3.4-6]', [0x0b, 1], Reason.PROTOCOL_ERROR],
  ['empty response topic', [0x08, ...field('')], Reason.PROTOCOL_ERROR],
  ['response topic with + [MQTT-3.3.2-14]', [0x08, ...field('a/+')], Reason.PROTOCOL_ERROR],
  ['response topic with # [MQTT-3.3.2-14]', [0x08, ...field('#')], Reason.PROTOCOL_ERROR],
  ['response topic of bad UTF-8 [MQTT-3.3.2-13]', [0x08, ...field([0xc0, 0x80])], Reason.MALFORMED_PACKET],
  ['content type of bad UTF-8', [0x03, ...field([0xff])], Reason.MALFORMED_PACKET],
  ['content type with U+0000', [0x03, ...field('a\0')], Reason.MALFORMED_PACKET],
  [
    'user property name of bad UTF-8 [MQTT-1.5.7-1]',
    [0x26, ...field([0xed, 0xa0, 0x80]), ...field('v')],
    Reason.MALFORMED_PACKET,
  ],
  ['user property value of bad UTF-8 [MQTT-1.5.7-1]', [0x26, ...field('n'), ...field([0x80])], Reason.MALFORMED_PACKET],
  ['user property without a value', [0x26, ...field('n')], Reason.MALFORMED_PACKET],
  ['correlation data may be any bytes', [0x09, ...field([0, 0xff, 0x80])], undefined],
  ['empty strings are strings', [0x03, ...field(''), 0x26, ...field(''), ...field(''), 0x09, ...field([])], undefined],
] as const) {
  test(name, () => assert.is(fault(raw), reason));
}

test.run();
