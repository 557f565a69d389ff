// Schemas as tests: what they take and what not, whatever bytes come, and what is no schema.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avro from 'avsc';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compileSchema } from '../../../src/actors/payload/compile.ts';
import { loadProtobuf } from '../../../src/actors/payload/protobuf-test.ts';
import type { PayloadSchema, PayloadTest } from '../../../src/actors/payload/schema.ts';
import { isCoded } from '../../../src/base/errors.ts';

const test = suite('payload schemas');
const folder = mkdtempSync(join(tmpdir(), 'sluice-payload-'));
test.after(() => rmSync(folder, { recursive: true }));

const compile = (type: PayloadSchema['type'], schema: unknown, message = ''): Promise<PayloadTest> =>
  compileSchema({
    filter: '#',
    type,
    file: 'spec',
    text: typeof schema === 'string' ? schema : JSON.stringify(schema),
    message,
    action: 'drop',
    bytesMax: 1e6,
  });
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

const READING = {
  type: 'object',
  required: ['celsius'],
  additionalProperties: false,
  properties: { celsius: { type: 'number', minimum: -90 }, unit: { type: 'string', pattern: '^[a-z]+$', format: 'unit' } },
};

test('JSON: what keeps to the schema and what does not', async () => {
  const accepts = await compile('json', READING);
  assert.ok(accepts(json({ celsius: 21.5, unit: 'c' })));
  for (const bad of [{}, { celsius: '21' }, { celsius: -100 }, { celsius: 1, more: 1 }, { celsius: 1, unit: 'C' }, [], null, 1])
    assert.not.ok(accepts(json(bad)), JSON.stringify(bad));
  for (const garbage of ['', '{', '{"celsius":1}x', '\ufeff{"celsius":1}', '{"celsius":1,}'])
    assert.not.ok(accepts(Buffer.from(garbage)));
  assert.not.ok(accepts(Uint8Array.of(0x22, 0xff, 0x22)), 'no UTF-8');
});

test('JSON: every dialect, unique items by value, and values nested without end', async () => {
  for (const dialect of [
    'http://json-schema.org/draft-07/schema#',
    'https://json-schema.org/draft/2019-09/schema',
    'https://json-schema.org/draft/2020-12/schema',
  ]) {
    const accepts = await compile('json', { $schema: dialect, type: 'array', uniqueItems: true });
    assert.ok(accepts(json([1, '1', { a: 1, b: 2 }, { a: 1 }])), dialect);
    assert.not.ok(accepts(json([{ a: 1, b: [2] }, 3, { b: [2], a: 1 }])), dialect);
  }
  const list = { $ref: '#/definitions/list', definitions: { list: { type: 'array', items: { $ref: '#/definitions/list' } } } };
  const accepts = await compile('json', list);
  assert.ok(accepts(Buffer.from('[[],[[]]]')));
  assert.not.ok(accepts(Buffer.from('['.repeat(50_000) + ']'.repeat(50_000))));
});

test('JSON: any bytes are judged, and JSON by its value alone', async () => {
  const accepts = await compile('json', { type: 'array', items: { type: 'integer' } });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      assert.type(accepts(bytes), 'boolean');
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const isGood = Array.isArray(value) && value.every((item) => Number.isInteger(item));
      assert.is(accepts(json(value)), isGood);
    }),
  );
});

const RECORD = {
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'ok', type: 'boolean' },
    { name: 'count', type: 'long' },
    { name: 'level', type: 'int' },
    { name: 'celsius', type: 'double' },
    { name: 'site', type: ['null', 'string', { type: 'map', values: 'float' }] },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } },
    { name: 'mac', type: { type: 'fixed', name: 'Mac', size: 6 } },
    { name: 'raw', type: 'bytes' },
    { name: 'next', type: { type: 'array', items: ['null', 'Reading'] } },
  ],
} as const;

const tree = fc.letrec((tie) => ({
  reading: fc.record({
    ok: fc.boolean(),
    count: fc.integer(),
    level: fc.integer(),
    celsius: fc.double(),
    site: fc.oneof(
      fc.constant(null),
      fc.record({ string: fc.string() }),
      fc.record({ map: fc.dictionary(fc.string(), fc.float()) }),
    ),
    kind: fc.constantFrom('A', 'B'),
    mac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    raw: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    next: fc.array(
      fc.oneof(
        { maxDepth: 2 },
        fc.constant(null),
        tie('reading').map((Reading) => ({ Reading })),
      ),
      { maxLength: 3 },
    ),
  }),
}));

test('Avro: what avsc writes is taken, and nothing less or more; of changed bytes no more than avsc takes', async () => {
  const type = avro.Type.forSchema(RECORD as unknown as avro.Schema, { wrapUnions: true });
  const accepts = await compile('avro', RECORD);
  const takes = (bytes: Buffer): boolean => {
    try {
      type.fromBuffer(bytes);
      return true;
    } catch (error) {
      // A long beyond 2^53 is one, though JavaScript cannot hold it.
      return (error as Error).message === 'potential precision loss';
    }
  };
  fc.assert(
    fc.property(tree.reading, fc.nat(), fc.nat(255), (value, where, byte) => {
      const bytes = type.toBuffer(value);
      assert.ok(accepts(bytes));
      assert.not.ok(accepts(bytes.subarray(0, -1)));
      assert.not.ok(accepts(Buffer.concat([bytes, Buffer.of(0)])));
      const changed = Buffer.from(bytes);
      changed[where % changed.length] = byte;
      if (accepts(changed)) assert.ok(takes(changed), changed.toString('hex'));
    }),
    { numRuns: 150 },
  );
});

test('Avro: counts and lengths beyond the payload are no reason to make room or to wait', async () => {
  const huge = Buffer.from('feffffffffffffff7f', 'hex');
  for (const items of [
    'int',
    'null',
    { type: 'fixed', name: 'Nothing', size: 0 },
    { type: 'record', name: 'Empty', fields: [] },
  ]) {
    const accepts = await compile('avro', { type: 'array', items });
    assert.not.ok(accepts(Buffer.concat([huge, Buffer.alloc(16)])), JSON.stringify(items));
    assert.ok(accepts(Buffer.of(0)));
  }
  const nulls = await compile('avro', { type: 'array', items: 'null' });
  assert.ok(nulls(Buffer.of(4, 0)));
  assert.not.ok(nulls(Buffer.of(8, 0)), 'four nulls in two bytes');
  for (const type of ['string', 'bytes', { type: 'map', values: 'int' }]) {
    const accepts = await compile('avro', JSON.stringify(type));
    assert.not.ok(accepts(Buffer.concat([huge, Buffer.alloc(16)])), JSON.stringify(type));
    assert.not.ok(accepts(Buffer.of(0xff, 0xff, 0xff)));
    assert.not.ok(accepts(Buffer.of(1)), 'a negative length');
  }
});

const PROTO = `syntax = "proto2";
package plant;
message Reading {
  required double celsius = 1;
  repeated Reading more = 2;
  optional string unit = 3;
}`;

test('Protobuf: one message with what it requires, from a file with its imports', async () => {
  writeFileSync(join(folder, 'reading.proto'), PROTO);
  const file = join(folder, 'all.proto');
  writeFileSync(
    file,
    'syntax = "proto3";\npackage plant;\nimport "reading.proto";\nmessage All { repeated Reading readings = 1; }\n',
  );
  const accepts = await compile('protobuf', loadProtobuf(file, 'plant.All'), 'plant.All');
  const all = protobuf.loadSync(file).lookupType('plant.All');
  const good = all
    .encode(
      all.fromObject({
        readings: [
          { celsius: 21.5, unit: 'c' },
          { celsius: 1, more: [{ celsius: 2 }] },
        ],
      }),
    )
    .finish();
  assert.ok(accepts(good));
  assert.ok(accepts(new Uint8Array(0)), 'a message of proto3 may be empty');
  assert.not.ok(accepts(good.subarray(0, -1)));
  assert.not.ok(accepts(Uint8Array.of(0x0a, 0x03, 0x1a, 0x01, 0x63)), 'celsius is required');
  assert.not.ok(accepts(Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)), 'a length beyond the payload');
  assert.not.ok(accepts(Buffer.from('{"celsius":1}')));
  const nested = await compile('protobuf', loadProtobuf(file, 'plant.Reading'), 'plant.Reading');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      assert.type(nested(bytes), 'boolean');
    }),
  );
});

test('what is no schema is refused with the file and the reason', async () => {
  for (const [type, text, why] of [
    ['json', '{', 'JSON'],
    ['json', '[]', 'no JSON Schema'],
    ['json', '{"type":"thing"}', 'type'],
    ['json', '{"nonsense":1}', 'nonsense'],
    ['json', '{"$ref":"https://example.com/other"}', 'other'],
    ['json', '{"pattern":"(a)\\\\1"}', 'spec'],
    ['json', '{"$async":true,"type":"object"}', 'asynchronous'],
    ['avro', '{', 'JSON'],
    ['avro', '"thing"', 'thing'],
    ['protobuf', '{"nested":{}}', 'no such type'],
  ] as const) {
    try {
      await compile(type, text, 'plant.None');
      assert.unreachable(text);
    } catch (error) {
      assert.ok(isCoded(error) && error.code === 'SLUICE_PAYLOAD_SCHEMA', `${text}: ${error}`);
      assert.ok(
        (error as Error).message.startsWith('spec: ') && (error as Error).message.includes(why),
        (error as Error).message,
      );
    }
  }
});

test.run();
