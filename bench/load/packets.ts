/**
 * The generator's own MQTT encoding, on purpose not the broker's: a mistake in a shared codec would cancel itself out.
 * Only what a load needs: CONNECT, SUBSCRIBE, PUBLISH of one fixed shape, and tables of acks.
 *
 *   payload of a PUBLISH:  | u8 mark | f64le stamp, ms of the generator's clock | filler … |
 *   mark 1: the stamp holds the time at which the message was (or should have been) sent; mark 0: no stamp.
 */
import { assert } from '../../src/base/assert.ts';

export type Qos = 0 | 1 | 2;
/** Protocol level byte: 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type Level = 4 | 5;

export const PUBACK = 0x40;
export const PUBREC = 0x50;
export const PUBREL = 0x62;
export const PUBCOMP = 0x70;
export const ACK_BYTES = 4;
export const PACKET_IDS = 65_535;
export const DISCONNECT: Buffer = Buffer.from([0xe0, 0]);

/** Mark and stamp; a payload below this carries neither and gives no latency. */
export const STAMP_BYTES = 9;

/** All PUBLISH packets of a run have one shape, so bytes / size counts them. */
export interface PublishShape {
  readonly topic: string;
  readonly payloadBytes: number;
  readonly qos: Qos;
  readonly level: Level;
}

/** Where things are inside a packet of a shape. Equal for all topics of one length. */
export interface PublishLayout {
  readonly size: number;
  /** The remaining length that the fixed header carries. */
  readonly remaining: number;
  /** Offset of the two bytes of the packet id; 0 for QoS 0. */
  readonly idAt: number;
  readonly payloadAt: number;
  readonly stamped: boolean;
}

function varintBytes(value: number): number {
  return value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4;
}

function writeVarint(into: Buffer, at: number, value: number): number {
  let rest = value;
  let pos = at;
  do {
    into[pos++] = (rest & 127) | (rest > 127 ? 128 : 0);
    rest >>>= 7;
  } while (rest > 0);
  return pos;
}

function framed(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(1 + varintBytes(body.length));
  head[0] = type;
  writeVarint(head, 1, body.length);
  return Buffer.concat([head, body]);
}

function field(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Clean start, unless the session is to last; no keep-alive (a load that pauses must not need pings). For 5.0 the receive maximum is the protocol's: 65,535. */
export function connectPacket(clientId: string, level: Level, login?: Login, lasts = false): Buffer {
  const expiry = lasts ? [5, 0x11, 0, 0, 0x0e, 0x10] : [0];
  const properties = Buffer.from(level === 5 ? expiry : []);
  const flags = (login === undefined ? 0 : 0xc0) | (lasts ? 0 : 0x02);
  const fields = login === undefined ? [clientId] : [clientId, login.username, login.password];
  return framed(0x10, Buffer.concat([field('MQTT'), Buffer.from([level, flags, 0, 0]), properties, ...fields.map(field)]));
}

export function subscribePacket(filter: string, qos: Qos, level: Level): Buffer {
  const head = level === 5 ? [0, 1, 0] : [0, 1];
  return framed(0x82, Buffer.concat([Buffer.from(head), field(filter), Buffer.from([qos])]));
}

export function layoutOf(shape: PublishShape): PublishLayout {
  const topicBytes = Buffer.byteLength(shape.topic);
  const remaining = 2 + topicBytes + (shape.qos > 0 ? 2 : 0) + (shape.level === 5 ? 1 : 0) + shape.payloadBytes;
  const head = 1 + varintBytes(remaining);
  return {
    size: head + remaining,
    remaining,
    idAt: shape.qos > 0 ? head + 2 + topicBytes : 0,
    payloadAt: head + remaining - shape.payloadBytes,
    stamped: shape.payloadBytes >= STAMP_BYTES,
  };
}

/** Writes one packet at `at` and returns the position behind it. `mark` says that its stamp will be set before it is sent. */
export function writePublish(into: Buffer, at: number, shape: PublishShape, packetId: number, mark: boolean): number {
  const { size, remaining, payloadAt, idAt, stamped } = layoutOf(shape);
  into[at] = 0x30 | (shape.qos << 1);
  const body = writeVarint(into, at + 1, remaining);
  const topic = field(shape.topic);
  topic.copy(into, body);
  if (idAt > 0) into.writeUInt16BE(packetId, at + idAt);
  if (shape.level === 5) into[at + payloadAt - 1] = 0;
  into.fill(0x5a, at + payloadAt, at + size);
  if (shape.payloadBytes > 0) into[at + payloadAt] = mark && stamped ? 1 : 0;
  return at + size;
}

/**
 * `count` packets in a row with ids firstId, firstId + 1, …; every `stampEvery`th (the 0th first) is marked for a stamp. The shapes,
 * which must be of one layout, take turns.
 */
export function buildBlock(shapes: readonly PublishShape[], count: number, firstId: number, stampEvery: number): Buffer {
  const { size } = layoutOf(shapes[0] as PublishShape);
  const block = Buffer.alloc(size * count);
  for (let i = 0; i < count; i++) {
    const end = writePublish(block, i * size, shapes[i % shapes.length] as PublishShape, firstId + i, i % stampEvery === 0);
    assert(end === (i + 1) * size, 'shapes of one block differ in their layout');
  }
  return block;
}

/** Acks for the ids 1 … 65,535 twice in a row, so that any run of ids, also one that wraps, is one slice. */
export function buildAckTable(type: number): Buffer {
  const table = Buffer.alloc(2 * PACKET_IDS * ACK_BYTES);
  for (let i = 0; i < 2 * PACKET_IDS; i++) {
    table[i * ACK_BYTES] = type;
    table[i * ACK_BYTES + 1] = 2;
    table.writeUInt16BE((i % PACKET_IDS) + 1, i * ACK_BYTES + 2);
  }
  return table;
}
