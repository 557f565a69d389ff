/**
 * Avro, made safe for bytes from strangers: the library allocates as many items as a block claims to have. Here its arrays
 * and maps compare the claim with the bytes that are left first. And its bytes may be any Uint8Array, not Buffers alone.
 */
import avsc from 'avsc';
import { SluiceError } from '../base/errors.ts';

/** The parts of the library's reader and types that are not in its public declarations. */
interface Tap {
  readonly buf: Uint8Array;
  pos: number;
  readLong(): number;
  readString(): string;
  skipLong(): void;
  writeBytes(bytes: Buffer): void;
  _invalidate(): void;
}
interface Inner {
  readonly itemsType: { _read(tap: Tap): unknown };
  readonly valuesType: { _read(tap: Tap): unknown };
}
interface Prototype {
  _read: (this: Inner, tap: Tap) => unknown;
  _write: (this: Inner, tap: Tap, value: unknown) => void;
}

export type AvroType = avsc.Type;
type AvroResolver = ReturnType<AvroType['createResolver']>;

export function avroType(schema: object): AvroType {
  return avsc.Type.forSchema(schema as Parameters<typeof avsc.Type.forSchema>[0], { omitRecordMethods: true, registry: {} });
}

(avsc.types.ArrayType.prototype as unknown as Prototype)._read = readArray;
(avsc.types.MapType.prototype as unknown as Prototype)._read = readMap;
const bytesPrototype = avsc.types.BytesType.prototype as unknown as Prototype;
const writeBuffer = bytesPrototype._write;
bytesPrototype._write = writeBytes;

/** The value in `bytes[start, end)`, all of it; with a resolver, of another schema than `type`. */
export function decodeAvro<T>(type: AvroType, bytes: Uint8Array, start: number, end: number, resolver?: AvroResolver): T {
  try {
    return type.fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start), resolver) as T;
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new SluiceError('SLUICE_WIRE_SCHEMA', `bytes that are no ${type.name ?? type.typeName}: ${what}`, { cause: error });
  }
}

function writeBytes(this: Inner, tap: Tap, value: unknown): void {
  const isView = value instanceof Uint8Array && !Buffer.isBuffer(value);
  writeBuffer.call(this, tap, isView ? Buffer.from(value.buffer, value.byteOffset, value.length) : value);
}

/** Items of the next block; 0 at the end, and when more are claimed than bytes are left (an item has at least one). */
function blockSize(tap: Tap): number {
  let items = tap.readLong();
  if (items < 0) {
    items = -items;
    tap.skipLong();
  }
  if (items <= tap.buf.length - tap.pos) return items;
  tap._invalidate();
  return 0;
}

function readArray(this: Inner, tap: Tap): unknown[] {
  const items: unknown[] = [];
  for (let left = blockSize(tap); left > 0; left = blockSize(tap)) while (left-- > 0) items.push(this.itemsType._read(tap));
  return items;
}

function readMap(this: Inner, tap: Tap): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (let left = blockSize(tap); left > 0; left = blockSize(tap)) {
    while (left-- > 0) entries.push([tap.readString(), this.valuesType._read(tap)]);
  }
  return Object.fromEntries(entries);
}
