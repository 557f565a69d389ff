import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { acceptance, judgeConnect, type Terms } from '../../../src/actors/session/handshake.ts';
import { FULL_OFFER } from '../../../src/actors/session/offer.ts';
import { MQTT_PACKET_BYTES_MAX } from '../../../src/base/limits.ts';
import { PacketType, SESSION_EXPIRY_NEVER } from '../../../src/wire/mqtt/constants.ts';
import type { ConnectPacket, ConnectProperties } from '../../../src/wire/mqtt/packets.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import { limits } from './services.ts';

const test = suite('handshake');

type Asked = Partial<Omit<ConnectPacket, 'properties'>> & { readonly properties?: Partial<ConnectProperties> };

function connect({ properties, ...asked }: Asked): ConnectPacket {
  return {
    type: PacketType.CONNECT,
    dialect: 1,
    level: 5,
    protocolName: 'MQTT',
    clientId: 'c',
    cleanStart: true,
    keepAliveSeconds: 60,
    properties: {
      sessionExpiry: 0,
      receiveMaximum: 65_535,
      maximumPacketSize: MQTT_PACKET_BYTES_MAX,
      topicAliasMaximum: 0,
      requestResponseInformation: false,
      requestProblemInformation: true,
      userProperties: [],
      ...properties,
    },
    ...asked,
  };
}

const NEVER = SESSION_EXPIRY_NEVER;

/** What is asked, under which limits, and what of the terms that decides. */
const ACCEPTED: readonly [string, Asked, Partial<ReturnType<typeof limits>>, Partial<Terms>][] = [
  ['an id of its own', { clientId: 'me' }, {}, { clientId: 'me', assigned: false }],
  ['no id', { clientId: '' }, {}, { clientId: 'assigned', assigned: true }],
  ['no id, 5.0, with a session', { clientId: '', cleanStart: false }, {}, { clientId: 'assigned', assigned: true }],
  ['no id, 3.1.1, clean session', { clientId: '', dialect: 0, level: 4 }, {}, { clientId: 'assigned', assigned: true }],
  [
    'keep-alive below the cap',
    { keepAliveSeconds: 60 },
    { keepAliveSecondsMax: 100 },
    { keepAliveSeconds: 60, keepAliveOverruled: false },
  ],
  [
    'keep-alive at the cap',
    { keepAliveSeconds: 100 },
    { keepAliveSecondsMax: 100 },
    { keepAliveSeconds: 100, keepAliveOverruled: false },
  ],
  [
    'keep-alive above the cap',
    { keepAliveSeconds: 101 },
    { keepAliveSecondsMax: 100 },
    { keepAliveSeconds: 100, keepAliveOverruled: true },
  ],
  [
    'no keep-alive with a cap',
    { keepAliveSeconds: 0 },
    { keepAliveSecondsMax: 100 },
    { keepAliveSeconds: 100, keepAliveOverruled: true },
  ],
  [
    'a keep-alive above the cap of a client that could not be told',
    { keepAliveSeconds: 101, dialect: 0, level: 4 },
    { keepAliveSecondsMax: 100 },
    { keepAliveSeconds: 101, keepAliveOverruled: false },
  ],
  [
    'fewer topic aliases than the client takes',
    { properties: { topicAliasMaximum: 100 } },
    { offer: { ...FULL_OFFER, topicAliasOutMax: 7 } },
    { topicAliasOutMax: 7 },
  ],
  [
    'no keep-alive without a cap',
    { keepAliveSeconds: 0 },
    { keepAliveSecondsMax: 0 },
    { keepAliveSeconds: 0, keepAliveOverruled: false },
  ],
  [
    'any keep-alive without a cap',
    { keepAliveSeconds: 65_535 },
    { keepAliveSecondsMax: 0 },
    { keepAliveSeconds: 65_535, keepAliveOverruled: false },
  ],
  ['a session that ends', {}, { sessionExpirySecondsMax: 50 }, { sessionExpirySeconds: 0, sessionExpiryOverruled: false }],
  [
    'a session below the cap',
    { properties: { sessionExpiry: 50 } },
    { sessionExpirySecondsMax: 50 },
    { sessionExpirySeconds: 50, sessionExpiryOverruled: false },
  ],
  [
    'a session above the cap',
    { properties: { sessionExpiry: 51 } },
    { sessionExpirySecondsMax: 50 },
    { sessionExpirySeconds: 50, sessionExpiryOverruled: true },
  ],
  [
    'an endless session with a cap',
    { properties: { sessionExpiry: NEVER } },
    { sessionExpirySecondsMax: 50 },
    { sessionExpirySeconds: 50, sessionExpiryOverruled: true },
  ],
  [
    'an endless session without a cap',
    { properties: { sessionExpiry: NEVER } },
    { sessionExpirySecondsMax: NEVER },
    { sessionExpirySeconds: NEVER, sessionExpiryOverruled: false },
  ],
  ['a small receive maximum', { properties: { receiveMaximum: 3 } }, { inFlightMax: 10 }, { inFlightMax: 3 }],
  ['a large receive maximum', { properties: { receiveMaximum: 11 } }, { inFlightMax: 10 }, { inFlightMax: 10 }],
  ['a small packet size', { properties: { maximumPacketSize: 20 } }, { packetBytesMax: 10 }, { packetBytesMax: 20 }],
  [
    'a packet size that nothing has',
    { properties: { maximumPacketSize: 2 ** 32 - 1 } },
    {},
    { packetBytesMax: MQTT_PACKET_BYTES_MAX },
  ],
];

for (const [name, asked, bounds, expected] of ACCEPTED) {
  test(`accepts ${name}`, () => {
    const verdict = judgeConnect(connect(asked), limits(bounds), 'assigned');
    assert.ok('accepted' in verdict);
    const terms: Partial<Terms> = Object.fromEntries(
      Object.keys(expected).map((key) => [key, verdict.accepted[key as keyof Terms]]),
    );
    assert.equal(terms, expected);
  });
}

const REFUSED: readonly [string, Asked, number][] = [
  ['no id but a session, 3.1.1', { clientId: '', cleanStart: false, dialect: 0, level: 4 }, Reason.CLIENT_IDENTIFIER_NOT_VALID],
];

for (const [name, asked, reason] of REFUSED) {
  test(`refuses ${name}`, () => {
    const verdict = judgeConnect(connect(asked), limits(), 'assigned');
    assert.ok('refused' in verdict);
    assert.is(verdict.refused, reason);
  });
}

function accepted(asked: Asked, bounds: Partial<ReturnType<typeof limits>> = {}): ReturnType<typeof acceptance> {
  const packet = connect(asked);
  const verdict = judgeConnect(packet, limits(bounds), 'assigned');
  assert.ok('accepted' in verdict);
  return acceptance(packet, verdict.accepted, limits(bounds), true);
}

test('tells a client what was settled otherwise than it asked for, and nothing else', () => {
  const asItAsked = accepted({ clientId: 'c', keepAliveSeconds: 10 });
  assert.is(asItAsked.assignedClientId, undefined);
  assert.is(asItAsked.serverKeepAliveSeconds, undefined);
  assert.is(asItAsked.sessionExpiry, undefined);
  const asked: Asked = { clientId: '', keepAliveSeconds: 100, properties: { sessionExpiry: 100 } };
  const overruled = accepted(asked, { keepAliveSecondsMax: 10, sessionExpirySecondsMax: 20 });
  assert.is(overruled.assignedClientId, 'assigned');
  assert.is(overruled.serverKeepAliveSeconds, 10);
  assert.is(overruled.sessionExpiry, 20);
});

test('tells clients since 3.1.1 that their session is there', () => {
  assert.is(accepted({ level: 4, dialect: 0 }).sessionPresent, true);
  assert.is(accepted({ level: 3, dialect: 0 }).sessionPresent, false);
});

test.run();
