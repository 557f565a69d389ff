/**
 * Messages between actors of different nodes that follow an Avro schema, so that nodes of two releases understand each
 * other. The dialling side announces the fingerprints of its schemas; the kind of such a message is its schema's place in
 * that list, from 1. What has no schema travels as MessagePack, with kind 0: fine between nodes of one release.
 */
import { SluiceError } from '../base/errors.ts';
import { WIRE_SCHEMAS_MAX } from '../base/limits.ts';
import { type AvroType, avroType, decodeAvro } from './avro.ts';
import { MESSAGE_SCHEMAS } from './schema-types.ts';

const FINGERPRINT_BYTES = 8;

/** The schemas of one program. */
export class MessageSchemas {
  readonly #types: readonly AvroType[];
  readonly #kinds = new Map<string, number>();
  readonly #byFingerprint = new Map<string, AvroType>();
  readonly #byName = new Map<string, AvroType>();
  /** As announced: one after the other, in the order of the kinds. */
  readonly fingerprints: Buffer;

  constructor(schemas: readonly object[] = MESSAGE_SCHEMAS) {
    this.#types = schemas.map(avroType);
    for (const [index, type] of this.#types.entries()) {
      this.#kinds.set(shortName(type), index + 1);
      this.#byName.set(shortName(type), type);
      this.#byFingerprint.set(fingerprintOf(type).toString('hex'), type);
    }
    this.fingerprints = Buffer.concat(this.#types.map(fingerprintOf));
  }

  /** The kind of a message `{ type: NAME, … }` by its schema; 0 when it has none. */
  kindOf(message: unknown): number {
    if (typeof message !== 'object' || message === null || !('type' in message)) return 0;
    return this.#kinds.get(message.type as string) ?? 0;
  }

  encode(kind: number, message: unknown): Buffer {
    return this.#types[kind - 1]!.toBuffer(message);
  }

  /** Out of announced fingerprints those that are not ours. */
  unknownOf(announced: Uint8Array): Buffer {
    return Buffer.concat(split(announced).filter((fingerprint) => !this.#byFingerprint.has(fingerprint.toString('hex'))));
  }

  /** The schemas with these fingerprints, as a JSON array. */
  textOf(wanted: Uint8Array): string {
    const schemas = split(wanted).map((fingerprint) => this.#byFingerprint.get(fingerprint.toString('hex'))?.schema());
    if (schemas.includes(undefined))
      throw new SluiceError('SLUICE_WIRE_SCHEMA', 'the peer asks for a schema that was not announced');
    return JSON.stringify(schemas);
  }

  /** How to read what a peer writes that announced these fingerprints and sent the text of those that we did not know. */
  readerOf(announced: Uint8Array, unknown: Uint8Array, text: string): MessageReader {
    const sent = parseSchemas(text, split(unknown));
    return new MessageReader(
      split(announced).map((fingerprint) => {
        const key = fingerprint.toString('hex');
        const writer = this.#byFingerprint.get(key) ?? sent.get(key)!;
        return { name: shortName(writer), writer, reader: this.#byName.get(shortName(writer)) };
      }),
    );
  }
}

interface Reading {
  readonly name: string;
  readonly writer: AvroType;
  /** Undefined when this program has no message of that name. */
  readonly reader: AvroType | undefined;
}

export class MessageReader {
  readonly #readings: readonly {
    name: string;
    decode: ((bytes: Uint8Array, start: number, end: number) => object) | undefined;
  }[];

  constructor(readings: readonly Reading[]) {
    this.#readings = readings.map(({ name, writer, reader }) => ({ name, decode: reader && decoder(name, writer, reader) }));
  }

  /** Kinds above it mean nothing. */
  get kindMax(): number {
    return this.#readings.length;
  }

  /** Undefined for a message that a newer release has and this one does not. Throws when the bytes do not follow the schema. */
  decode(kind: number, bytes: Uint8Array, start: number, end: number): object | undefined {
    return this.#readings[kind - 1]!.decode?.(bytes, start, end);
  }
}

function decoder(name: string, writer: AvroType, reader: AvroType): (bytes: Uint8Array, start: number, end: number) => object {
  if (fingerprintOf(writer).equals(fingerprintOf(reader))) {
    return (bytes, start, end) => ({ type: name, ...decodeAvro<object>(reader, bytes, start, end) });
  }
  try {
    const resolver = reader.createResolver(writer);
    return (bytes, start, end) => ({ type: name, ...decodeAvro<object>(reader, bytes, start, end, resolver) });
  } catch (error) {
    throw new SluiceError('SLUICE_WIRE_SCHEMA', `the peer's ${name} cannot be read as ours: ${String(error)}`, { cause: error });
  }
}

function shortName(type: AvroType): string {
  return type.name!.slice(type.name!.lastIndexOf('.') + 1);
}

function fingerprintOf(type: AvroType): Buffer {
  return type.fingerprint('sha256').subarray(0, FINGERPRINT_BYTES);
}

function split(fingerprints: Uint8Array): Buffer[] {
  if (fingerprints.length % FINGERPRINT_BYTES !== 0 || fingerprints.length > WIRE_SCHEMAS_MAX * FINGERPRINT_BYTES) {
    throw new SluiceError('SLUICE_WIRE_SCHEMA', `${fingerprints.length} bytes are no list of fingerprints`);
  }
  const list: Buffer[] = [];
  for (let at = 0; at < fingerprints.length; at += FINGERPRINT_BYTES) {
    list.push(Buffer.from(fingerprints.subarray(at, at + FINGERPRINT_BYTES)));
  }
  return list;
}

/** By fingerprint; each must be the one that it was asked for as. */
function parseSchemas(text: string, wanted: readonly Buffer[]): Map<string, AvroType> {
  const types = new Map<string, AvroType>();
  let schemas: unknown;
  try {
    schemas = JSON.parse(text);
    if (!Array.isArray(schemas) || schemas.length !== wanted.length) throw new Error(`${wanted.length} schemas were asked for`);
    for (const [index, schema] of schemas.entries()) {
      const type = avroType(schema);
      if (type.typeName !== 'record' || !fingerprintOf(type).equals(wanted[index]!))
        throw new Error('not the schema that was asked for');
      types.set(wanted[index]!.toString('hex'), type);
    }
  } catch (error) {
    throw new SluiceError('SLUICE_WIRE_SCHEMA', `the peer's schemas cannot be read: ${String(error)}`, { cause: error });
  }
  return types;
}
