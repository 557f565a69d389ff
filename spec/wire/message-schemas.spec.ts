import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../src/base/errors.ts';
import { avroType, decodeAvro } from '../../src/wire/avro.ts';
import { MessageSchemas } from '../../src/wire/message-schemas.ts';
import { MESSAGE_SCHEMAS } from '../../src/wire/schema-types.ts';
import { schemasOf } from '../actors/schema-codec.ts';

const test = suite('message schemas');

const NAMES = { type: 'record', name: 'Names', fields: [{ name: 'names', type: { type: 'array', items: 'string' } }] };
const COUNTS = { type: 'record', name: 'Counts', fields: [{ name: 'counts', type: { type: 'map', values: 'long' } }] };

/** How `there` reads what `here` writes. */
function readerBetween(here: MessageSchemas, there: MessageSchemas): ReturnType<MessageSchemas['readerOf']> {
  const unknown = there.unknownOf(here.fingerprints);
  return there.readerOf(here.fingerprints, unknown, here.textOf(unknown));
}

test('messages of known schemas survive the way; others have none', () => {
  const schemas = new MessageSchemas([NAMES, COUNTS]);
  const reader = readerBetween(schemas, schemas);
  fc.assert(
    fc.property(fc.array(fc.string()), fc.dictionary(fc.string(), fc.integer()), (names, counts) => {
      for (const message of [
        { type: 'Names', names },
        { type: 'Counts', counts },
      ]) {
        const kind = schemas.kindOf(message);
        const bytes = schemas.encode(kind, message);
        const decoded = reader.decode(kind, bytes, 0, bytes.length) as typeof message;
        assert.equal(JSON.parse(JSON.stringify(decoded)), JSON.parse(JSON.stringify(message)));
      }
    }),
  );
  for (const other of [{ type: 'Other' }, 'text', 5, null, undefined, [], { type: 3 }]) assert.is(schemas.kindOf(other), 0);
});

test('bytes may be any view of memory', () => {
  const schemas = new MessageSchemas([{ type: 'record', name: 'Page', fields: [{ name: 'bytes', type: 'bytes' }] }]);
  const reader = readerBetween(schemas, schemas);
  const memory = Uint8Array.from([9, 1, 2, 3, 9]);
  for (const bytes of [memory.subarray(1, 4), Buffer.from([1, 2, 3])]) {
    const written = schemas.encode(1, { bytes });
    const read = reader.decode(1, written, 0, written.length) as { readonly bytes: Uint8Array };
    assert.equal([...read.bytes], [1, 2, 3]);
    written.fill(0);
    assert.equal([...read.bytes], [1, 2, 3], 'it is a copy');
  }
});

test('kinds are places in the list of the one who writes', () => {
  const here = new MessageSchemas([COUNTS, NAMES]);
  const reader = readerBetween(here, new MessageSchemas([NAMES, COUNTS]));
  const bytes = here.encode(2, { names: ['a'] });
  assert.equal(reader.decode(2, bytes, 0, bytes.length), { type: 'Names', names: ['a'] });
  assert.is(reader.kindMax, 2);
});

test('a message that this release does not have is nothing; one that cannot be read as ours refuses the peer', () => {
  const here = new MessageSchemas([NAMES]);
  const bytes = here.encode(1, { names: [] });
  assert.is(readerBetween(here, new MessageSchemas([COUNTS])).decode(1, bytes, 0, bytes.length), undefined);
  const other = { type: 'record', name: 'Names', fields: [{ name: 'names', type: 'int' }] };
  assert.throws(
    () => readerBetween(here, new MessageSchemas([other])),
    (error: SluiceError) => error.code === 'SLUICE_WIRE_SCHEMA',
  );
});

test('each message of this release is understood by the next one, and those of the next one by this', () => {
  const [here, next] = (['this', 'next'] as const).map((release) => new MessageSchemas(schemasOf(release))) as [
    MessageSchemas,
    MessageSchemas,
  ];
  const further = { furtherText: 'none', furtherList: [] };
  const way = (from: MessageSchemas, to: MessageSchemas): ((written: object) => unknown) => {
    const reader = readerBetween(from, to);
    return (written) => {
      const kind = from.kindOf(written);
      const bytes = from.encode(kind, written);
      return JSON.parse(JSON.stringify(reader.decode(kind, bytes, 0, bytes.length)));
    };
  };
  const [forth, back] = [way(here, next), way(next, here)];
  for (const schema of MESSAGE_SCHEMAS as readonly { readonly name: string }[]) {
    for (let i = 0; i < 20; i++) {
      const message = { type: schema.name, ...(avroType(schema).random() as object) };
      const plain = JSON.parse(JSON.stringify(message)) as object;
      assert.equal(forth(message), { ...plain, ...further });
      assert.equal(back({ ...message, ...further }), plain);
    }
  }
  const kind = next.kindOf({ type: 'FurtherMessage' });
  assert.is(kind, 1);
  assert.is(readerBetween(next, here).decode(kind, next.encode(kind, {}), 0, 0), undefined);
});

test('a schema of any message that cannot be read as ours refuses the peer', () => {
  const ours = new MessageSchemas();
  for (const schema of MESSAGE_SCHEMAS as readonly {
    readonly fields: readonly { readonly type: unknown; readonly default?: unknown }[];
  }[]) {
    // A default is of the field's type.
    const fields = schema.fields.map(({ default: _, ...field }) => ({ ...field, type: { type: 'map', values: 'null' } }));
    const foreign = { ...schema, fields };
    const without = { ...schema, fields: schema.fields.slice(1) };
    for (const other of [foreign, without]) {
      assert.throws(
        () => readerBetween(new MessageSchemas([other]), ours),
        (error: SluiceError) => error.code === 'SLUICE_WIRE_SCHEMA',
      );
    }
  }
});

test('lists of schemas that lie are refused', () => {
  const here = new MessageSchemas([NAMES]);
  const there = new MessageSchemas([]);
  const isSchemaError = (error: SluiceError): boolean => error.code === 'SLUICE_WIRE_SCHEMA';
  for (const text of ['', '[]', '{}', '[1]', '[{"type":"string"}]', JSON.stringify([COUNTS])]) {
    assert.throws(() => there.readerOf(here.fingerprints, here.fingerprints, text), isSchemaError);
  }
  assert.throws(() => there.unknownOf(new Uint8Array(9)), isSchemaError);
  assert.throws(() => there.unknownOf(new Uint8Array(8 * 1025)), isSchemaError);
  assert.throws(() => there.textOf(here.fingerprints), isSchemaError);
});

test('noise is refused with a code, whatever sizes it claims, and takes no memory for them', () => {
  const types = [NAMES, COUNTS].map(avroType);
  const heapBefore = process.memoryUsage().heapUsed;
  // Blocks that claim 2^31 items, plainly and with a size.
  for (const claim of [
    [0x80, 0x80, 0x80, 0x80, 0x10],
    [0xff, 0xff, 0xff, 0xff, 0x0f, 0x02],
  ]) {
    for (const type of types) {
      assert.throws(
        () => decodeAvro(type, Uint8Array.from(claim), 0, claim.length),
        (error: SluiceError) => error.code === 'SLUICE_WIRE_SCHEMA',
      );
    }
  }
  assert.ok(process.memoryUsage().heapUsed - heapBefore < 50e6);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...types), (noise, type) => {
      try {
        decodeAvro(type, noise, 0, noise.length);
      } catch (error) {
        assert.is((error as SluiceError).code, 'SLUICE_WIRE_SCHEMA');
      }
    }),
    { numRuns: 3000 },
  );
});

test.run();
