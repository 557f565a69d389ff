/** What the specs of the codec share: arbitraries, and mqtt-packet as the oracle. */
import fc from 'fast-check';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { type Dialect, Property } from '../../../src/wire/mqtt/constants.ts';
import { bodyOffset } from '../../../src/wire/mqtt/frame.ts';
import { MqttError } from '../../../src/wire/mqtt/mqtt-error.ts';
import { readVarint, varintSize, writeVarint } from '../../../src/wire/mqtt/varint.ts';

mqttPacket.writeToStream.cacheNumbers = false;

/** Any string that MQTT can carry. */
export const mqttString: fc.Arbitrary<string> = fc
  .string({ unit: 'binary', maxLength: 12 })
  .map((text) => text.replaceAll('\0', 'x'));
export const topicName: fc.Arbitrary<string> = fc
  .oneof(fc.string({ unit: fc.constantFrom('a', 'b', '/', '$', 'ü', '漢', '😀', ' '), minLength: 1, maxLength: 40 }), mqttString)
  .map((text) => text.replaceAll(/[+#]/g, '_'))
  .filter((text) => text.length > 0);
export const packetId: fc.Arbitrary<number> = fc.integer({ min: 1, max: 65_535 });
export const qos: fc.Arbitrary<0 | 1 | 2> = fc.constantFrom(0, 1, 2);
export const dialect: fc.Arbitrary<Dialect> = fc.constantFrom(0, 1);
export const bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 200 });
export const userProperties: fc.Arbitrary<{ name: string; value: string }[]> = fc.array(
  fc.record({ name: mqttString, value: mqttString }, { noNullPrototype: true }),
  { maxLength: 4 },
);

/** mqtt-packet keeps the order and the repetitions of user properties when each is an object of its own. */
export function pairs(properties: readonly { name: string; value: string }[]): Record<string, string>[] {
  return properties.map(({ name, value }) => ({ [name]: value }));
}

/** At least one: an empty list makes mqtt-packet write nothing at all. */
export const userPairs: fc.Arbitrary<Record<string, string>[]> = userProperties.filter((list) => list.length > 0).map(pairs);

export function oracleEncode(version: 3 | 4 | 5, packet: object): Buffer {
  return mqttPacket.generate(packet as Packet, { protocolVersion: version });
}

/** The one packet that `frame` holds, or the error. mqtt-packet passes the options on to the parser's settings. */
export function oracleDecode(version: 3 | 4 | 5, frame: Uint8Array): Record<string, unknown> | Error {
  const parser = mqttPacket.parser({ protocolVersion: version });
  let result: Record<string, unknown> | Error | undefined;
  parser.on('packet', (packet) => {
    result ??= packet as unknown as Record<string, unknown>;
  });
  parser.on('error', (error: Error) => {
    result ??= error;
  });
  try {
    parser.parse(Buffer.from(frame));
  } catch (error) {
    result ??= error as Error;
  }
  return result ?? new Error('incomplete');
}

/** A frame with the given first byte around `body`. */
export function frame(first: number, ...body: readonly (number | string | Uint8Array | readonly number[])[]): Uint8Array {
  const parts = body.map((part) =>
    typeof part === 'number' ? [part] : typeof part === 'string' ? [...Buffer.from(part)] : [...part],
  );
  const flat = parts.flat();
  const head = new Uint8Array(5);
  head[0] = first;
  const end = writeVarint(head, 1, flat.length);
  return Uint8Array.of(...head.subarray(0, end), ...flat);
}

/** A string or binary field: two bytes of length and the bytes. */
export function field(content: string | readonly number[]): number[] {
  const raw = typeof content === 'string' ? [...Buffer.from(content)] : [...content];
  return [raw.length >> 8, raw.length & 0xff, ...raw];
}

/** A property section with its length. */
export function properties(...parts: readonly (number | readonly number[])[]): number[] {
  const flat = parts.flat();
  const out = new Uint8Array(4);
  return [...out.subarray(0, writeVarint(out, 0, flat.length)), ...flat];
}

/** Reason code of the MqttError that `run` throws; undefined when it returns. Any other error passes through. */
export function reasonOf(run: () => unknown): number | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof MqttError) return error.reason;
    throw error;
  }
}

/** The bytes that mqtt-packet makes of the properties of a PUBLISH, without their length. */
export function rawProperties(oracle: Record<string, unknown>): Uint8Array {
  const packet = oracleEncode(5, { cmd: 'publish', topic: 't', payload: '', qos: 0, properties: oracle });
  // Topic length and 't' stand before the property length; there is no payload.
  const lengthAt = bodyOffset(packet, 0) + 3;
  const length = readVarint(packet, lengthAt, packet.length);
  return Uint8Array.from(packet.subarray(lengthAt + varintSize(length)));
}

/** Valid raw properties of a PUBLISH from a client, in any order. */
export const publishProperties: fc.Arbitrary<{
  raw: Uint8Array;
  alias: number;
  expirySeconds: number | undefined;
  payloadFormat: number;
  oracle: Record<string, unknown>;
}> = fc
  .record(
    {
      payloadFormatIndicator: fc.boolean(),
      messageExpiryInterval: fc.integer({ min: 0, max: 0xffff_ffff }),
      contentType: mqttString,
      responseTopic: topicName,
      correlationData: bytes.map((b) => Buffer.from(b)),
      topicAlias: packetId,
      userProperties: userPairs,
    },
    { requiredKeys: [] },
  )
  .chain((all) =>
    fc.shuffledSubarray(Object.keys(all)).map((keys) => Object.fromEntries(keys.map((k) => [k, all[k as keyof typeof all]]))),
  )
  .map((oracle) => {
    const raw = rawProperties(oracle);
    return {
      raw,
      alias: (oracle.topicAlias as number | undefined) ?? 0,
      expirySeconds: oracle.messageExpiryInterval as number | undefined,
      payloadFormat: oracle.payloadFormatIndicator ? 1 : 0,
      oracle,
    };
  });

/** Every property that only one value of which may stand in a PUBLISH, as bytes. */
export const SINGLE_PUBLISH_PROPERTIES: readonly number[][] = [
  [Property.PAYLOAD_FORMAT_INDICATOR, 1],
  [Property.MESSAGE_EXPIRY_INTERVAL, 0, 0, 0, 9],
  [Property.CONTENT_TYPE, ...field('text/plain')],
  [Property.RESPONSE_TOPIC, ...field('reply/to')],
  [Property.CORRELATION_DATA, ...field([1, 2, 3])],
  [Property.TOPIC_ALIAS, 0, 7],
];
