// How simulated nodes write and read what they say to each other, as the wire does it: by schemas, those of the writer and those of the reader, and by nothing else.
import type { NodeCodec } from '../../src/runtime/sim/network.ts';
import { MessageSchemas } from '../../src/wire/message-schemas.ts';
import { MESSAGE_SCHEMAS } from '../../src/wire/schema-types.ts';

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}
interface RecordSchema {
  readonly name: string;
  readonly fields: readonly Field[];
}

export type Release = 'this' | 'next';

/** The schemas of a release after this one, in which each message has fields more and is in another place, and there is a message more. */
export function schemasOf(release: Release): readonly object[] {
  if (release === 'this') return MESSAGE_SCHEMAS;
  const further: readonly Field[] = [
    { name: 'furtherText', type: 'string', default: 'none' },
    { name: 'furtherList', type: { type: 'array', items: 'long' }, default: [] },
  ];
  const next = (MESSAGE_SCHEMAS as readonly RecordSchema[]).map((schema) => ({
    ...schema,
    fields: [...schema.fields, ...further],
  }));
  const more = { type: 'record', name: 'FurtherMessage', namespace: 'sluice.message', fields: [] };
  return [more, ...next.reverse()];
}

/** Throws for a message without a schema: nodes of two releases would not understand it. */
export function codecBetween(writing: Release, reading: Release): NodeCodec {
  const writer = new MessageSchemas(schemasOf(writing));
  const reader = new MessageSchemas(schemasOf(reading));
  const unknown = reader.unknownOf(writer.fingerprints);
  const messages = reader.readerOf(writer.fingerprints, unknown, writer.textOf(unknown));
  return {
    encode: (message) => {
      const kind = writer.kindOf(message);
      if (kind === 0) throw new Error(`between nodes, without a schema: ${JSON.stringify(message)}`);
      const bytes = writer.encode(kind, message);
      return { kind, bytes, start: 0, end: bytes.length };
    },
    decode: (kind, bytes) => messages.decode(kind, bytes, 0, bytes.length),
  };
}
