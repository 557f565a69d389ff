// What the conformance specs share: a node per file, raw packets, and the two ways in which a connection ends badly.
import { type Callback, suite, type Test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeConnect } from '../../src/wire/mqtt/client-encoder.ts';
import { writeVarint } from '../../src/wire/mqtt/varint.ts';
import { Broker } from '../e2e/broker.ts';
import type { ConnectSettings, RawClient, Received } from '../e2e/raw-client.ts';
import { within } from '../e2e/until.ts';

export type Level = 4 | 5;
export const BOTH: readonly Level[] = [5, 4];

/** The node under test; there once the first test runs. */
export class Subject {
  broker!: Broker;
  #names = 0;

  /** A topic or client id of this test alone. */
  name(prefix: string): string {
    return `${prefix}${++this.#names}`;
  }

  connect(level: Level, settings: Partial<ConnectSettings> = {}): Promise<RawClient> {
    return this.broker.connect({ level, ...settings });
  }

  /** Sends nonsense on a connection that stands: it ends, 5.0 with the reason. */
  async breaks(level: Level, bytes: Uint8Array, reason: number): Promise<void> {
    const client = await this.connect(level);
    client.send(bytes);
    await endsWith(client, level, reason);
  }

  /** Sends a first packet that is refused: by a CONNACK with the code, or without any when that is null. */
  async refuses(level: 3 | Level, bytes: Uint8Array, code: number | null): Promise<void> {
    const client = await this.broker.open();
    client.speak(level);
    client.send(bytes);
    if (code !== null) assert.equal(answerOf(await client.next('connack')), [code, false]);
    await within('the end of the connection', client.closed);
    assert.equal(client.takeAll(), []);
  }
}

/** Code and session present of a CONNACK. */
export function answerOf(packet: Received): [code: number, sessionPresent: boolean] {
  const { reasonCode, returnCode, sessionPresent } = packet as unknown as Record<string, number & boolean>;
  return [reasonCode ?? returnCode!, sessionPresent!];
}

export async function endsWith(client: RawClient, level: Level, reason: number): Promise<void> {
  if (level === 5) assert.is(await client.reasonOfEnd(), reason);
  else {
    await within('the end of the connection', client.closed);
    assert.equal(
      client.takeAll().filter(({ cmd }) => cmd === 'disconnect'),
      [],
    );
  }
}

export function conformance(
  name: string,
  settings: Readonly<Record<string, string | number>> = {},
): { test: Test; subject: Subject } {
  const test = suite(`conformance: ${name}`);
  const subject = new Subject();
  const start: Callback = async () => {
    // Answers that wait for the disk would come in another order; sessions on disk have specs of their own.
    subject.broker = await Broker.start({ 'storage.enabled': 'false', ...settings });
  };
  test.before(start);
  test.after(async () => {
    await subject.broker.assertSound();
    assert.is(await subject.broker.stop(), 0, subject.broker.node.stderr.join('\n'));
  });
  return { test, subject };
}

// ── Bytes ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const bytes = (...parts: readonly (number | string | Uint8Array)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part as string))));

export const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);

/** A string or binary field with its length. */
export function field(content: string | Uint8Array): Buffer {
  const data = Buffer.from(content as string);
  return bytes(u16(data.length), data);
}

/** A whole packet: first byte, remaining length, parts. */
export function packet(first: number, ...parts: readonly (number | string | Uint8Array)[]): Buffer {
  const body = bytes(...parts);
  const length = new Uint8Array(4);
  return bytes(first, length.subarray(0, writeVarint(length, 0, body.length)), body);
}

/** CONNECT by its parts; properties are there in 5.0 alone. */
export function connect(
  level: number,
  {
    name = 'MQTT',
    flags = 2,
    properties = bytes(),
    payload = field(''),
  }: {
    name?: string;
    flags?: number;
    properties?: Uint8Array;
    payload?: Uint8Array;
  } = {},
): Buffer {
  const own = level === 5 ? bytes(properties.length, properties) : bytes();
  return packet(0x10, field(name), level, flags, u16(0), own, payload);
}

/** No properties, where the version has any. */
export const none = (level: Level): Buffer => (level === 5 ? bytes(0) : bytes());

export const subscribe = (level: Level, id: number, ...entries: readonly Uint8Array[]): Buffer =>
  packet(0x82, u16(id), none(level), ...entries);
export const entry = (filter: string | Uint8Array, options = 0): Buffer => bytes(field(filter), options);
export const unsubscribe = (level: Level, id: number, ...filters: readonly (string | Uint8Array)[]): Buffer =>
  packet(0xa2, u16(id), none(level), ...filters.map(field));
export const publish = (level: Level, topic: string | Uint8Array, payload = 'x', first = 0x30, id = 7): Buffer =>
  packet(first, field(topic), first & 6 ? u16(id) : bytes(), none(level), payload);

export const goodConnect = (level: 3 | Level, settings: Partial<ConnectSettings> = {}): Uint8Array =>
  encodeConnect({ level, clientId: '', cleanStart: true, keepAliveSeconds: 0, ...settings });

export const ILL_FORMED: Readonly<Record<string, Buffer>> = {
  surrogate: Buffer.of(0x61, 0xed, 0xa0, 0x80),
  overlong: Buffer.of(0xc0, 0xaf),
  torn: Buffer.of(0x61, 0xe2, 0x82),
  nul: Buffer.of(0x61, 0x00, 0x62),
};

export const texts = (packets: readonly Received[]): string[] =>
  packets.filter(({ cmd }) => cmd === 'publish').map((each) => String((each as unknown as { payload: Buffer }).payload));
