/** The tables of `mqtt.payload_schemas` with what their files hold, in the form in which reactors take them. Throws SLUICE_PAYLOAD_SCHEMA for what is no schema. */
import { readFileSync, statSync } from 'node:fs';
import { badSchema, compileSchema } from '../../actors/payload/compile.ts';
import type { PayloadSchema } from '../../actors/payload/schema.ts';
import { PAYLOAD_SCHEMA_FILE_BYTES_MAX, PAYLOAD_SCHEMAS_MAX } from '../../base/limits.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { PayloadSchemaTable } from '../config/payload-schema.ts';
import type { Config } from '../config/schema.ts';

const PAYLOAD_BYTES_MAX = 65_536;

/** Reads them, and sees that all of them are good. */
export async function readPayloadSchemas({ mqtt }: Config): Promise<PayloadSchema[]> {
  const tables = mqtt.payload_schemas as unknown as readonly PayloadSchemaTable[];
  if (tables.length > PAYLOAD_SCHEMAS_MAX) throw badSchema('mqtt.payload_schemas', `there are more than ${PAYLOAD_SCHEMAS_MAX}`);
  const schemas: PayloadSchema[] = [];
  for (const table of tables) {
    const schema = await readSchema(table);
    await compileSchema(schema);
    schemas.push(schema);
  }
  return schemas;
}

async function readSchema(table: PayloadSchemaTable): Promise<PayloadSchema> {
  const { filter, type, file, message = '', action = 'drop', payload_bytes_max: bytesMax = PAYLOAD_BYTES_MAX } = table;
  const parsed = parseFilter(filter);
  if (parsed === undefined || parsed.filter !== filter) throw badSchema(file, `'${filter}' is no plain topic filter`);
  if ((type === 'protobuf') !== (message !== '')) throw badSchema(file, 'message is needed with protobuf, and only then');
  const text = readText(file);
  return { filter, type, file, action, bytesMax, message, text: type === 'protobuf' ? await descriptorOf(file, message) : text };
}

function readText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size <= PAYLOAD_SCHEMA_FILE_BYTES_MAX) return readFileSync(file, 'utf8');
  } catch (error) {
    throw badSchema(file, `it cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`);
  }
  throw badSchema(file, `it has more than ${PAYLOAD_SCHEMA_FILE_BYTES_MAX} bytes`);
}

async function descriptorOf(file: string, message: string): Promise<string> {
  try {
    const { loadProtobuf } = await import('../../actors/payload/protobuf-test.ts');
    return loadProtobuf(file, message);
  } catch (error) {
    throw badSchema(file, (error as Error).message);
  }
}
