import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MQTT_PACKET_BYTES_MAX, MQTT_USER_PROPERTIES_MAX } from '../../../src/base/limits.ts';
import { encodeConnect } from '../../../src/wire/mqtt/client-encoder.ts';
import { SESSION_EXPIRY_NEVER } from '../../../src/wire/mqtt/constants.ts';
import { decodeControl } from '../../../src/wire/mqtt/control-decoder.ts';
import { MqttError } from '../../../src/wire/mqtt/mqtt-error.ts';
import type { ConnectPacket, ConnectProperties, Will } from '../../../src/wire/mqtt/packets.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import * as any from './arbitraries.ts';
import { field, properties } from './arbitraries.ts';

const test = suite('CONNECT decoder');
const MALFORMED = Reason.MALFORMED_PACKET;
const PROTOCOL = Reason.PROTOCOL_ERROR;

function decode(frame: Uint8Array): ConnectPacket {
  return decodeControl(Uint8Array.of(0xee, ...frame, 0xee), 1, 1 + frame.length, 0) as ConnectPacket;
}

const flag = fc.boolean();
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const will = fc.record({
  topic: any.topicName,
  payload: any.bytes,
  qos: any.qos,
  retain: flag,
  delay: fc.option(u32, { nil: undefined }),
  // Any order, as those of a PUBLISH, of which a will cannot have the topic alias.
  properties: any.publishProperties.map(({ oracle: { topicAlias: _, ...rest } }) => rest),
});
const connectProperties = fc.record(
  {
    sessionExpiryInterval: u32,
    receiveMaximum: fc.integer({ min: 1, max: 65_535 }),
    maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
    topicAliasMaximum: fc.nat({ max: 65_535 }),
    requestResponseInformation: flag,
    requestProblemInformation: flag,
  },
  { requiredKeys: [], noNullPrototype: true },
);
const connect = fc
  .record({
    level: fc.constantFrom<(3 | 4 | 5)[]>(3, 4, 5),
    clientId: any.mqttString,
    clean: flag,
    keepalive: fc.nat({ max: 65_535 }),
    username: fc.option(any.mqttString, { nil: undefined }),
    password: fc.option(any.bytes, { nil: undefined }),
    will: fc.option(will, { nil: undefined }),
    properties: connectProperties,
    userProperties: any.userProperties,
    authentication: fc.option(fc.record({ method: any.mqttString, data: any.bytes }), { nil: undefined }),
  })
  // What mqtt-packet refuses to write: no client id where the version or the session needs one, a password alone.
  .map((c) => ({
    ...c,
    clientId: c.clientId === '' && (c.level === 3 || !c.clean) ? 'id' : c.clientId,
    password: c.username === undefined ? undefined : c.password,
  }));
type Connect = typeof connect extends fc.Arbitrary<infer T> ? T : never;

function asWritten(c: Connect): object {
  const authentication = c.authentication && {
    authenticationMethod: c.authentication.method,
    authenticationData: Buffer.from(c.authentication.data),
  };
  return {
    cmd: 'connect',
    protocolId: c.level === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: c.level,
    clientId: c.clientId,
    clean: c.clean,
    keepalive: c.keepalive,
    username: c.username,
    password: c.password && Buffer.from(c.password),
    will: c.will && {
      ...c.will,
      payload: Buffer.from(c.will.payload),
      properties: { ...(c.will.delay !== undefined && { willDelayInterval: c.will.delay }), ...c.will.properties },
    },
    properties: {
      ...c.properties,
      ...authentication,
      ...(c.userProperties.length > 0 && { userProperties: any.pairs(c.userProperties) }),
    },
  };
}

function asRead(c: Connect): ConnectPacket {
  const modern = c.level === 5;
  return {
    type: 1,
    dialect: modern ? 1 : 0,
    level: c.level,
    protocolName: c.level === 3 ? 'MQIsdp' : 'MQTT',
    clientId: c.clientId,
    cleanStart: c.clean,
    keepAliveSeconds: c.keepalive,
    username: c.username,
    password: c.password,
    will: c.will && willAsRead(c.will, modern),
    properties: modern ? propertiesAsRead(c) : legacyProperties(c.clean),
  };
}

function willAsRead(w: NonNullable<Connect['will']>, modern: boolean): Will {
  const { topic, payload, qos, retain } = w;
  const properties = modern ? any.rawProperties(w.properties) : new Uint8Array(0);
  return { topic, payload, qos, retain, properties, delaySeconds: modern ? (w.delay ?? 0) : 0 };
}

function propertiesAsRead({ properties: p, userProperties, authentication }: Connect): ConnectProperties {
  return {
    sessionExpiry: p.sessionExpiryInterval ?? 0,
    receiveMaximum: p.receiveMaximum ?? 65_535,
    maximumPacketSize: p.maximumPacketSize ?? MQTT_PACKET_BYTES_MAX,
    topicAliasMaximum: p.topicAliasMaximum ?? 0,
    requestResponseInformation: p.requestResponseInformation ?? false,
    requestProblemInformation: p.requestProblemInformation ?? true,
    userProperties,
    authenticationMethod: authentication?.method,
    authenticationData: authentication?.data,
  };
}

function legacyProperties(clean: boolean): ConnectProperties {
  return {
    sessionExpiry: clean ? 0 : SESSION_EXPIRY_NEVER,
    receiveMaximum: 65_535,
    maximumPacketSize: MQTT_PACKET_BYTES_MAX,
    topicAliasMaximum: 0,
    requestResponseInformation: false,
    requestProblemInformation: true,
    userProperties: [],
    authenticationMethod: undefined,
    authenticationData: undefined,
  };
}

test('reads what mqtt-packet writes, all levels and fields', () => {
  fc.assert(
    fc.property(connect, (c) => {
      const frame = any.oracleEncode(c.level === 5 ? 5 : 4, asWritten(c));
      assert.equal(decode(frame), asRead(c));
    }),
    { numRuns: 1500 },
  );
});

test('nothing that it returns shares memory with the read buffer', () => {
  const frame = connectFrame({
    flags: 0xc6,
    rest: [...field('id'), ...properties([1, 1]), ...field('t'), ...field([1, 2]), ...field('u'), ...field([3])],
  });
  const packet = decodeControl(frame, 0, frame.length, 0) as ConnectPacket;
  frame.fill(0xff);
  assert.equal([...(packet.password ?? [])], [3]);
  assert.equal([...(packet.will?.payload ?? [])], [1, 2]);
  assert.equal([...(packet.will?.properties ?? [])], [1, 1]);
  assert.is(packet.will?.topic, 't');
});

interface Parts {
  readonly first?: number;
  readonly name?: readonly number[];
  readonly level?: number;
  readonly flags?: number;
  readonly properties?: readonly number[];
  readonly rest?: readonly number[];
}

/** A 5.0 CONNECT, clean start, client id "id", with parts of it replaced. */
function connectFrame(parts: Parts): Uint8Array {
  const level = parts.level ?? 5;
  const section = parts.properties ?? (level === 5 ? properties() : []);
  const head = [...(parts.name ?? field('MQTT')), level, parts.flags ?? 0x02, 0, 60];
  return any.frame(parts.first ?? 0x10, head, section, parts.rest ?? field('id'));
}

const WILL = [...field('id'), ...properties(), ...field('t'), ...field('p')];
const withWill = (...will: readonly number[][]): Parts => ({
  flags: 0x06,
  rest: [...field('id'), ...properties(...will), ...field('t'), ...field('p')],
});
const withProperties = (...list: readonly number[][]): Parts => ({ properties: properties(...list) });
const MQISDP = field('MQIsdp');

for (const [name, parts, reason] of [
  ['a valid 5.0 CONNECT', {}, undefined],
  ['a valid 3.1.1 CONNECT', { level: 4 }, undefined],
  ['a valid 3.1 CONNECT', { level: 3, name: MQISDP }, undefined],
  ['reserved flags of the fixed header [MQTT-2.1.3-1]', { first: 0x11 }, MALFORMED],
  ['another protocol name [MQTT-3.1.2-1]', { name: field('MQTt') }, 0x84],
  ['an empty protocol name', { name: field('') }, 0x84],
  ['a protocol name of bad UTF-8', { name: field([0xff, 0x51, 0x54, 0x54]) }, MALFORMED],
  ['level 6 [MQTT-3.1.2-2]', { level: 6 }, 0x84],
  ['level 0', { level: 0 }, 0x84],
  ['level 3 under the name MQTT', { level: 3 }, 0x84],
  ['level 4 under the name MQIsdp', { level: 4, name: MQISDP }, 0x84],
  ['level 132 of a bridge', { level: 132 }, undefined],
  ['level 131 of a bridge', { level: 131, name: MQISDP }, undefined],
  ['level 131 under the name MQTT', { level: 131 }, 0x84],
  ['level 132 under the name MQIsdp', { level: 132, name: MQISDP }, 0x84],
  ['level 133', { level: 133 }, 0x84],
  ['the reserved connect flag [MQTT-3.1.2-3]', { flags: 0x03 }, MALFORMED],
  ['the reserved connect flag in 3.1.1', { flags: 0x03, level: 4 }, MALFORMED],
  ['will QoS without a will [MQTT-3.1.2-11]', { flags: 0x0a }, MALFORMED],
  ['will retain without a will [MQTT-3.1.2-13]', { flags: 0x22 }, MALFORMED],
  ['will QoS 3 [MQTT-3.1.2-12]', { flags: 0x1e, rest: WILL }, MALFORMED],
  ['a will', { flags: 0x06, rest: WILL }, undefined],
  ['a will flag and no will [MQTT-3.1.2-9]', { flags: 0x06 }, MALFORMED],
  ['a will and no will flag', { rest: WILL }, MALFORMED],
  ['a username flag and no username [MQTT-3.1.2-17]', { flags: 0x82 }, MALFORMED],
  ['a username and no username flag [MQTT-3.1.2-16]', { rest: [...field('id'), ...field('u')] }, MALFORMED],
  ['a username of bad UTF-8 [MQTT-3.1.3-12]', { flags: 0x82, rest: [...field('id'), ...field([0xc3])] }, MALFORMED],
  ['a username with U+0000', { flags: 0x82, rest: [...field('id'), ...field('a\0')] }, MALFORMED],
  ['an empty username', { flags: 0x82, rest: [...field('id'), ...field('')] }, undefined],
  ['a password flag and no password [MQTT-3.1.2-19]', { flags: 0xc2, rest: [...field('id'), ...field('u')] }, MALFORMED],
  ['a password without a username in 5.0', { flags: 0x42, rest: [...field('id'), ...field('p')] }, undefined],
  [
    'a password without a username in 3.1.1 [MQTT-3.1.2-22]',
    { level: 4, flags: 0x42, rest: [...field('id'), ...field('p')] },
    MALFORMED,
  ],
  [
    'a password without a username in 3.1',
    { level: 3, name: MQISDP, flags: 0x42, rest: [...field('id'), ...field('p')] },
    MALFORMED,
  ],
  ['a password of any bytes', { flags: 0x42, rest: [...field('id'), ...field([0, 0xff])] }, undefined],
  ['3.1 that ends before its username', { level: 3, name: MQISDP, flags: 0xc2 }, undefined],
  ['3.1.1 that ends before its username', { level: 4, flags: 0xc2 }, MALFORMED],
  ['no client id [MQTT-3.1.3-3]', { rest: [] }, MALFORMED],
  ['half a client id', { rest: [0, 2, 0x61] }, MALFORMED],
  ['a client id of bad UTF-8 [MQTT-3.1.3-4]', { rest: field([0xed, 0xa0, 0x80]) }, MALFORMED],
  ['a client id with U+0000 [MQTT-1.5.4-2]', { rest: field('i\0d') }, MALFORMED],
  ['a client id of 100 characters', { rest: field('x'.repeat(100)) }, undefined],
  ['a client id of 100 characters in 3.1', { level: 3, name: MQISDP, rest: field('x'.repeat(100)) }, undefined],
  ['an empty client id [MQTT-3.1.3-6]', { rest: field(''), flags: 0 }, undefined],
  ['an empty client id in 3.1.1', { level: 4, rest: field('') }, undefined],
  ['an empty client id for a session that stays, 3.1.1 [MQTT-3.1.3-8]', { level: 4, rest: field(''), flags: 0 }, 0x85],
  ['an empty client id in 3.1', { level: 3, name: MQISDP, rest: field('') }, 0x85],
  ['a byte behind the payload', { rest: [...field('id'), 0] }, MALFORMED],
  ['properties in 3.1.1', { level: 4, properties: properties([0x21, 0, 9]) }, MALFORMED],
  ['no property length [MQTT-2.2.2-1]', { properties: [], rest: [] }, MALFORMED],
  ['a property length of more bytes than needed [MQTT-1.5.5-1]', { properties: [0x80, 0x00] }, MALFORMED],
  ['a property length of five bytes', { properties: [0x80, 0x80, 0x80, 0x80, 0x01] }, MALFORMED],
  ['a property length past the end', { properties: [0x7f] }, MALFORMED],
  ['a property length that cuts a value', { properties: [0x02, 0x21, 0x00, 0x09] }, MALFORMED],
  ['a property identifier without a value', { properties: [0x01, 0x11] }, MALFORMED],
  [
    'all properties of CONNECT',
    withProperties(
      [0x11, 0, 0, 0, 1],
      [0x21, 0, 1],
      [0x27, 0, 0, 0, 1],
      [0x22, 0, 0],
      [0x19, 1],
      [0x17, 0],
      [0x15, ...field('m')],
      [0x16, ...field('d')],
      [0x26, ...field('n'), ...field('v')],
    ),
    undefined,
  ],
  ['a repeated session expiry', withProperties([0x11, 0, 0, 0, 1], [0x11, 0, 0, 0, 1]), PROTOCOL],
  ['a repeated receive maximum', withProperties([0x21, 0, 1], [0x21, 0, 1]), PROTOCOL],
  ['receive maximum 0', withProperties([0x21, 0, 0]), PROTOCOL],
  ['a repeated maximum packet size', withProperties([0x27, 0, 0, 0, 1], [0x27, 0, 0, 0, 1]), PROTOCOL],
  ['maximum packet size 0', withProperties([0x27, 0, 0, 0, 0]), PROTOCOL],
  ['a repeated topic alias maximum', withProperties([0x22, 0, 1], [0x22, 0, 1]), PROTOCOL],
  ['a repeated request response information', withProperties([0x19, 0], [0x19, 0]), PROTOCOL],
  ['request response information 2', withProperties([0x19, 2]), PROTOCOL],
  ['a repeated request problem information', withProperties([0x17, 1], [0x17, 1]), PROTOCOL],
  ['request problem information 255', withProperties([0x17, 255]), PROTOCOL],
  ['a repeated authentication method', withProperties([0x15, ...field('m')], [0x15, ...field('m')]), PROTOCOL],
  ['an authentication method of bad UTF-8', withProperties([0x15, ...field([0xff])]), MALFORMED],
  [
    'a repeated authentication data',
    withProperties([0x15, ...field('m')], [0x16, ...field('d')], [0x16, ...field('d')]),
    PROTOCOL,
  ],
  ['authentication data without a method', withProperties([0x16, ...field('d')]), PROTOCOL],
  [
    'a repeated user property',
    withProperties([0x26, ...field('n'), ...field('v')], [0x26, ...field('n'), ...field('v')]),
    undefined,
  ],
  ['a property of PUBLISH', withProperties([0x01, 1]), MALFORMED],
  ['a property of CONNACK', withProperties([0x12, ...field('id')]), MALFORMED],
  ['a will delay among the properties of CONNECT', withProperties([0x18, 0, 0, 0, 1]), MALFORMED],
  ['an unknown property', withProperties([0x7e, 1]), MALFORMED],
  ['property 0', withProperties([0x00, 1]), MALFORMED],
  ['a property identifier of two bytes', withProperties([0x91, 0x01]), MALFORMED],
  ['a property identifier of more bytes than needed', withProperties([0x91, 0x00, 0, 0, 0, 1]), MALFORMED],
  [
    'too many user properties',
    withProperties(...Array.from({ length: MQTT_USER_PROPERTIES_MAX + 1 }, () => [0x26, 0, 0, 0, 0])),
    0x97,
  ],
  [
    'as many user properties as allowed',
    withProperties(...Array.from({ length: MQTT_USER_PROPERTIES_MAX }, () => [0x26, 0, 0, 0, 0])),
    undefined,
  ],
  [
    'all properties of a will',
    withWill([0x18, 0, 0, 0, 1], ...any.SINGLE_PUBLISH_PROPERTIES.slice(0, 5), [0x26, ...field('n'), ...field('v')]),
    undefined,
  ],
  ['a repeated will delay', withWill([0x18, 0, 0, 0, 1], [0x18, 0, 0, 0, 1]), PROTOCOL],
  ['a repeated property of a will', withWill([0x03, ...field('a')], [0x18, 0, 0, 0, 1], [0x03, ...field('a')]), PROTOCOL],
  ['a topic alias in a will', withWill([0x23, 0, 1]), MALFORMED],
  ['a subscription identifier in a will', withWill([0x0b, 1]), MALFORMED],
  ['a session expiry in a will', withWill([0x11, 0, 0, 0, 1]), MALFORMED],
  ['a response topic with a wildcard in a will [MQTT-3.3.2-14]', withWill([0x08, ...field('a/#')]), PROTOCOL],
  ['an empty response topic in a will', withWill([0x08, ...field('')]), PROTOCOL],
  ['payload format 2 in a will', withWill([0x01, 2]), PROTOCOL],
  ['a content type of bad UTF-8 in a will', withWill([0x03, ...field([0x80])]), MALFORMED],
  ['a will property that is cut', { flags: 0x06, rest: [...field('id'), 2, 0x03, 0, 1, 0x61] }, MALFORMED],
  [
    'a will topic with a wildcard [MQTT-4.7.0-1]',
    { flags: 0x06, rest: [...field('id'), 0, ...field('a/+'), ...field('p')] },
    0x90,
  ],
  ['an empty will topic [MQTT-4.7.3-1]', { flags: 0x06, rest: [...field('id'), 0, ...field(''), ...field('p')] }, 0x90],
  ['an empty will topic in 3.1.1', { level: 4, flags: 0x06, rest: [...field('id'), ...field(''), ...field('p')] }, 0x90],
  [
    'a will topic of bad UTF-8 [MQTT-3.1.3-11]',
    { flags: 0x06, rest: [...field('id'), 0, ...field([0xff]), ...field('p')] },
    MALFORMED,
  ],
  ['no will payload', { flags: 0x06, rest: [...field('id'), 0, ...field('t')] }, MALFORMED],
  ['an empty will payload', { flags: 0x06, rest: [...field('id'), 0, ...field('t'), ...field('')] }, undefined],
] as readonly (readonly [string, Parts, number | undefined])[]) {
  test(name, () =>
    assert.is(
      any.reasonOf(() => decode(connectFrame(parts))),
      reason,
    ),
  );
}

test('cut anywhere, a CONNECT is malformed, whatever stands behind it', () => {
  const credentials = [...field('u'), ...field('p')];
  const property = properties([0x11, 0, 0, 0, 9], [0x26, ...field('n'), ...field('v')]);
  for (const parts of [
    {
      flags: 0xc6,
      properties: property,
      rest: [...field('id'), ...properties([0x18, 0, 0, 0, 1], [1, 1]), ...field('t'), ...field('p'), ...credentials],
    },
    { level: 4, flags: 0xc6, rest: [...field('id'), ...field('t'), ...field('p'), ...credentials] },
    {},
  ]) {
    const whole = connectFrame(parts);
    assert.ok(whole.length < 128);
    for (let end = 2; end < whole.length; end++) {
      for (const filler of [0x00, 0x01, 0xff]) {
        const buf = Uint8Array.from(whole).fill(filler, end);
        buf[1] = end - 2;
        assert.is(
          any.reasonOf(() => decodeControl(buf, 0, end, 0)),
          MALFORMED,
          `cut at ${end}`,
        );
      }
    }
  }
});

test('an error tells the level once it is known, so that the refusal has the right form', () => {
  for (const [parts, level] of [
    [{ name: field('HTTP') }, 0],
    [{ level: 6 }, 6],
    [{ level: 4, flags: 1 }, 4],
    [{ flags: 1 }, 5],
    [{ level: 3, name: MQISDP, rest: [] }, 3],
  ] as const) {
    try {
      decode(connectFrame(parts));
      assert.unreachable('was accepted');
    } catch (error) {
      assert.instance(error, MqttError);
      assert.is((error as MqttError).level, level);
    }
  }
});

test('reads its own client-side CONNECT', () => {
  const payload = Uint8Array.of(1);
  const will = { topic: 'w', payload, qos: 1, retain: true, delaySeconds: 3 } as const;
  for (const level of [3, 4, 5] as const) {
    const options = {
      level,
      clientId: 'c',
      cleanStart: true,
      keepAliveSeconds: 9,
      username: 'u',
      password: payload,
      will,
      sessionExpiry: 7,
    };
    const packet = decode(encodeConnect(options));
    assert.equal([packet.level, packet.clientId, packet.username, packet.will?.topic], [level, 'c', 'u', 'w']);
    assert.is(packet.will?.delaySeconds, level === 5 ? 3 : 0);
    assert.is(packet.properties.sessionExpiry, level === 5 ? 7 : 0);
  }
});

test.run();
