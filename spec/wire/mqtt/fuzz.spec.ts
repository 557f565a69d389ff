/**
 * Bytes from hostile clients, well over 100,000 cases: whatever arrives, the codec answers with a packet or with an MqttError, never with
 * another exception, and its answer depends on nothing outside the frame. What it accepts, the lenient mqtt-packet accepts, too.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readAck } from '../../../src/wire/mqtt/acks.ts';
import { encodeConnect, encodePublish, encodeSubscribe, encodeUnsubscribe } from '../../../src/wire/mqtt/client-encoder.ts';
import { type Dialect, PacketType } from '../../../src/wire/mqtt/constants.ts';
import { decodeControl } from '../../../src/wire/mqtt/control-decoder.ts';
import { frameLength } from '../../../src/wire/mqtt/frame.ts';
import { MqttError } from '../../../src/wire/mqtt/mqtt-error.ts';
import { emptyPublishProperties, readPublishProperties } from '../../../src/wire/mqtt/publish-properties.ts';
import { newPublishView, readPublish } from '../../../src/wire/mqtt/publish-run.ts';
import { reasonName } from '../../../src/wire/mqtt/reason-codes.ts';
import { parseFilter, topicNameFault } from '../../../src/wire/mqtt/topics.ts';
import * as any from './arbitraries.ts';
import { field, frame, properties } from './arbitraries.ts';

const test = suite('fuzz');
const FIRST_BYTES = [0x10, 0x30, 0x31, 0x32, 0x34, 0x3d, 0x40, 0x50, 0x62, 0x70, 0x82, 0xa2, 0xc0, 0xe0, 0xf0];
const AROUND = 8;

/** What a session does with one whole frame, as text: the packet, or the error. */
function answer(buf: Uint8Array, start: number, end: number, dialect: Dialect): string {
  try {
    const type = buf[start]! >> 4;
    if (type === PacketType.PUBLISH) return publishAnswer(buf, start, end, dialect);
    if (type >= PacketType.PUBACK && type <= PacketType.PUBCOMP) {
      const into = { packetId: 0, reason: 0 };
      readAck(buf, start, end, dialect, into);
      return `${into.packetId} ${into.reason}`;
    }
    const packet = decodeControl(buf, start, end, dialect);
    if (packet.type === PacketType.SUBSCRIBE) for (const { filter } of packet.entries) parseFilter(filter);
    return JSON.stringify(packet);
  } catch (error) {
    if (!(error instanceof MqttError)) throw error;
    assert.ok(error.reason >= 0x80 && !reasonName(error.reason).startsWith('0x'), 'not a reason of the standard');
    return `error ${error.reason} ${error.level} ${error.message}`;
  }
}

function publishAnswer(buf: Uint8Array, start: number, end: number, dialect: Dialect): string {
  const view = newPublishView();
  if (!readPublish(buf, start, end, dialect, view)) return 'error';
  assert.ok(start < view.topicStart && view.topicStart <= view.topicEnd && view.topicEnd <= view.propertiesStart);
  assert.ok(view.propertiesStart <= view.propertiesEnd && view.propertiesEnd <= view.payloadStart && view.payloadStart <= end);
  const seen = emptyPublishProperties();
  readPublishProperties(buf, view.propertiesStart, view.propertiesEnd, seen);
  // An empty name stands for an alias and is none to check.
  const fault = view.topicStart === view.topicEnd && seen.alias > 0 ? 0 : topicNameFault(buf, view.topicStart, view.topicEnd);
  if (fault !== 0) throw new MqttError(fault, 'topic');
  return `${view.topicEnd - view.topicStart} ${view.packetId} ${view.payloadStart - start} ${seen.alias} ${seen.expirySeconds} ${seen.payloadFormat}`;
}

/** The answers to all whole frames of the bytes, up to the first error, as a connection would see them. */
function answers(bytes: Uint8Array, around: number, dialect: Dialect): string[] {
  const buf = new Uint8Array(bytes.length + 2 * AROUND).fill(around);
  buf.set(bytes, AROUND);
  const limit = AROUND + bytes.length;
  const all: string[] = [];
  for (let pos = AROUND; pos < limit; ) {
    const length = frameLength(buf, pos, limit);
    if (length <= 0 || pos + length > limit) {
      all.push(length < 0 ? 'bad length' : 'incomplete');
      break;
    }
    all.push(answer(buf, pos, pos + length, dialect));
    if (all.at(-1)!.startsWith('error')) break;
    pos += length;
  }
  return all;
}

function check(bytes: Uint8Array, dialect: Dialect): void {
  const first = answers(bytes, 0x00, dialect);
  assert.equal(answers(bytes, 0xff, dialect), first, 'the answer depends on bytes outside the frame');
  checkOracle(bytes, dialect, first[0]);
}

/** A packet that is accepted must be one for mqtt-packet as well: strict means fewer, never others. */
function checkOracle(bytes: Uint8Array, dialect: Dialect, first: string | undefined): void {
  if (first === undefined || first === 'incomplete' || first === 'bad length' || first.startsWith('error')) return;
  // 3.1 may end before its username, which mqtt-packet does not know.
  if (first.includes('"level":3')) return;
  const length = frameLength(bytes, 0, bytes.length);
  const packet = any.oracleDecode(dialect ? 5 : 4, bytes.subarray(0, length));
  assert.not.instance(packet, Error, `only mqtt-packet refuses ${Buffer.from(bytes).toString('hex')}: ${String(packet)}`);
}

const small = fc.uint8Array({ maxLength: 40 });

test('random bytes', () => {
  fc.assert(
    fc.property(small, any.dialect, (bytes, dialect) => check(bytes, dialect)),
    { numRuns: 40_000 },
  );
});

test('random bodies under valid headers', () => {
  // Small numbers and property identifiers, so that lengths often fit and fields are often reached.
  const byte = fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 0x2a }), fc.nat({ max: 255 }));
  fc.assert(
    fc.property(fc.constantFrom(...FIRST_BYTES), fc.array(byte, { maxLength: 24 }), any.dialect, (first, body, dialect) =>
      check(frame(first, body), dialect),
    ),
    { numRuns: 40_000 },
  );
});

test('random properties', () => {
  const byte = fc.oneof(fc.nat({ max: 2 }), fc.nat({ max: 0x2a }), fc.nat({ max: 255 }));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 20 }), fc.constantFrom<number[]>(0, 1, 2, 3, 4), (list, at) => {
      const section = properties(list);
      const packets = [
        frame(0x30, field('t'), section),
        frame(0x10, field('MQTT'), [5, 2, 0, 0], section, field('id')),
        frame(0x10, field('MQTT'), [5, 6, 0, 0, 0], field('id'), section, field('t'), field('p')),
        frame(0x82, [0, 1], section, field('a'), [0]),
        frame(0x40, [0, 1, 0], section),
      ];
      check(packets[at]!, 1);
    }),
    { numRuns: 20_000 },
  );
});

/** Packets to damage: some of each kind with everything in them. */
const USER = [0x26, ...field('n'), ...field('v')];
const WILL = { topic: 'w/t', payload: Uint8Array.of(1, 2), qos: 1, retain: true, delaySeconds: 5 } as const;
const CONNECT = {
  clientId: 'cé',
  cleanStart: true,
  keepAliveSeconds: 60,
  username: 'u',
  password: Uint8Array.of(0xff),
  will: WILL,
} as const;
const ENTRIES = ['a/+', '$share/g/#'].map(
  (filter) => ({ filter, qos: 1, noLocal: false, retainAsPublished: true, retainHandling: 1 }) as const,
);
const PUBLISH = { topic: 't/ü', payload: Uint8Array.of(1, 2, 3), qos: 2, packetId: 9 } as const;
const SEEDS: readonly (readonly [Dialect, Uint8Array])[] = [
  [0, encodeConnect({ ...CONNECT, level: 3 })],
  [0, encodeConnect({ ...CONNECT, level: 4 })],
  [1, encodeConnect({ ...CONNECT, level: 5, sessionExpiry: 1, receiveMaximum: 2, maximumPacketSize: 3, topicAliasMaximum: 4 })],
  [
    1,
    frame(
      0x10,
      field('MQTT'),
      [5, 2, 0, 0],
      properties([0x15, ...field('m')], [0x16, ...field('d')], [0x17, 1], USER),
      field('i'),
    ),
  ],
  [0, encodeSubscribe(0, 1, ENTRIES)],
  [1, encodeSubscribe(1, 1, ENTRIES, 300)],
  [1, frame(0x82, [0, 1], properties(USER, [0x0b, 0x80, 0x01]), field('a'), [0x2d])],
  [0, encodeUnsubscribe(0, 1, ['a', 'b/#'])],
  [1, frame(0xa2, [0, 1], properties(USER), field('a'))],
  [1, frame(0xe0, 0x04, properties([0x11, 0, 0, 0, 1], [0x1f, ...field('r')], USER))],
  [1, frame(0xf0, 0x18, properties([0x15, ...field('m')], [0x16, ...field('d')], USER))],
  [1, frame(0x50, [0, 1, 0x97], properties([0x1f, ...field('r')], USER))],
  [0, encodePublish(0, PUBLISH)],
  [1, encodePublish(1, { ...PUBLISH, properties: Uint8Array.from([...any.SINGLE_PUBLISH_PROPERTIES.flat(), ...USER]) })],
  [0, Uint8Array.of(0xc0, 0, 0xe0, 0)],
];

interface Damage {
  readonly kind: 'set' | 'flip' | 'insert' | 'remove' | 'repeat' | 'cut';
  readonly at: number;
  readonly value: number;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom<Damage['kind'][]>('set', 'flip', 'insert', 'remove', 'repeat', 'cut'),
  at: fc.nat({ max: 100 }),
  value: fc.nat({ max: 255 }),
});

function damaged(seed: Uint8Array, { kind, at, value }: Damage): number[] {
  const bytes = [...seed];
  const i = at % Math.max(1, bytes.length);
  if (kind === 'set') bytes[i] = value;
  else if (kind === 'flip') bytes[i] = bytes[i]! ^ (1 << (value & 7));
  else if (kind === 'insert') bytes.splice(i, 0, value);
  else if (kind === 'remove') bytes.splice(i, 1 + (value & 3));
  else if (kind === 'repeat') bytes.splice(i, 0, ...bytes.slice(i, i + 1 + (value & 15)));
  else bytes.splice(i);
  return bytes;
}

test('damaged packets, with the remaining length as it was and put right', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SEEDS),
      fc.array(damage, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      ([dialect, seed], hits, right) => {
        let bytes = seed;
        for (const hit of hits) bytes = Uint8Array.from(damaged(bytes, hit));
        if (right && bytes.length > 2) bytes = frame(bytes[0]!, bytes.subarray(2));
        check(bytes, dialect);
      },
    ),
    { numRuns: 80_000 },
  );
});

test('the seeds themselves are valid', () => {
  for (const [dialect, seed] of SEEDS) {
    const all = answers(seed, 0x55, dialect);
    assert.not.ok(
      all.some((a) => a.startsWith('error') || a === 'incomplete' || a === 'bad length'),
      all.join(),
    );
    check(seed, dialect);
  }
});

test('a stream cut at every byte waits for the rest and then says the same', () => {
  for (const dialect of [0, 1] as const) {
    const stream = Buffer.concat(SEEDS.filter(([d]) => d === dialect).map(([, seed]) => seed));
    const whole = answers(stream, 0, dialect);
    for (let cut = 0; cut < stream.length; cut++) {
      const head = answers(stream.subarray(0, cut), 0xff, dialect);
      if (head.at(-1) === 'incomplete') head.pop();
      assert.equal(head, whole.slice(0, head.length), `cut at ${cut}`);
    }
  }
});

test.run();
