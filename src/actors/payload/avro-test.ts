/**
 * Avro: one datum in the binary encoding, nothing before it and nothing behind. avsc reads the schema. The walk over the bytes is our own, because avsc's makes room for
 * as many items as a payload promises: here no length is believed that goes beyond the payload, and items of no bytes at all are counted against the payload's size.
 */
import { isUtf8 } from 'node:buffer';
import avro, { type Schema, type Type } from 'avsc';
import type { PayloadTest } from './schema.ts';

/** Fixed bytes of types that have such. */
const FLOAT_BYTES = 4;
const DOUBLE_BYTES = 8;
const VARINT_BYTES_MAX = 10;

export function avroTest(text: string): PayloadTest {
  const step = stepOf(avro.Type.forSchema(JSON.parse(text) as Schema), new Map());
  return (payload) => {
    const walk = new Walk(payload);
    step(walk);
    return walk.at === payload.length;
  };
}

/** Goes over one datum; throws when it is none. */
type Step = (walk: Walk) => void;

class NoDatum extends Error {}

class Walk {
  readonly bytes: Uint8Array;
  at = 0;
  /** Items that may still come; each takes a byte, or counts as one. */
  #itemsLeft: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#itemsLeft = bytes.length;
  }

  skip(count: number): void {
    if (count < 0 || count > this.bytes.length - this.at) throw new NoDatum();
    this.at += count;
  }

  /** Zigzag, up to 64 bits. What is beyond 2^53 is not exact, and beyond every length. */
  long(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      if (this.at >= this.bytes.length) throw new NoDatum();
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    throw new NoDatum();
  }

  int(): number {
    const value = this.long();
    if (value < -(2 ** 31) || value >= 2 ** 31) throw new NoDatum();
    return value;
  }

  text(): void {
    const length = this.long();
    const from = this.at;
    this.skip(length);
    if (!isUtf8(this.bytes.subarray(from, this.at))) throw new NoDatum();
  }

  /** Arrays and maps: blocks of items, each with its count, negative when the bytes of the block are told as well. */
  blocks(item: Step): void {
    for (let count = this.long(); count !== 0; count = this.long()) {
      let end = -1;
      if (count < 0) {
        count = -count;
        const size = this.long();
        if (size < 0 || size > this.bytes.length - this.at) throw new NoDatum();
        end = this.at + size;
      }
      this.#itemsLeft -= count;
      if (this.#itemsLeft < 0) throw new NoDatum();
      for (let i = 0; i < count; i++) item(this);
      if (end >= 0 && this.at !== end) throw new NoDatum();
    }
  }
}

/** What avsc's types have beside what its declarations say. */
interface Parts {
  readonly typeName: string;
  readonly itemsType?: Type;
  readonly valuesType?: Type;
  readonly types?: readonly Type[];
  readonly fields?: readonly { readonly type: Type }[];
  readonly symbols?: readonly string[];
  readonly size?: number;
  readonly underlyingType?: Type;
}

function stepOf(type: Type, known: Map<Type, Step>): Step {
  const before = known.get(type);
  if (before !== undefined) return before;
  // Schemas may be about themselves.
  let made: Step | undefined;
  known.set(type, (walk) => made!(walk));
  made = makeStep(type as unknown as Parts, (inner) => stepOf(inner, known));
  return made;
}

function makeStep(type: Parts, inner: (type: Type) => Step): Step {
  const name = type.typeName.split(':')[0]!;
  switch (name) {
    case 'null':
      return () => {};
    case 'boolean':
      return (walk) => {
        const byte = walk.bytes[walk.at];
        walk.skip(1);
        if (byte! > 1) throw new NoDatum();
      };
    case 'int':
      return (walk) => void walk.int();
    case 'long':
    case 'abstract':
      return (walk) => void walk.long();
    case 'float':
      return (walk) => walk.skip(FLOAT_BYTES);
    case 'double':
      return (walk) => walk.skip(DOUBLE_BYTES);
    case 'bytes':
      return (walk) => walk.skip(walk.long());
    case 'string':
      return (walk) => walk.text();
    case 'fixed':
      return (walk) => walk.skip(type.size!);
    case 'enum': {
      const count = type.symbols!.length;
      return (walk) => {
        const index = walk.int();
        if (index < 0 || index >= count) throw new NoDatum();
      };
    }
    case 'union': {
      const branches = type.types!.map(inner);
      return (walk) => {
        const branch = branches[walk.int()];
        if (branch === undefined) throw new NoDatum();
        branch(walk);
      };
    }
    case 'array': {
      const item = inner(type.itemsType!);
      return (walk) => walk.blocks(item);
    }
    case 'map': {
      const value = inner(type.valuesType!);
      return (walk) =>
        walk.blocks(() => {
          walk.text();
          value(walk);
        });
    }
    case 'record':
    case 'error': {
      const fields = type.fields!.map((field) => inner(field.type));
      return (walk) => {
        for (const field of fields) field(walk);
      };
    }
    case 'logical':
      return inner(type.underlyingType!);
    default:
      throw new Error(`a type that is not known: ${type.typeName}`);
  }
}
