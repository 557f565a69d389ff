/**
 * Schemas as tests. Each library is loaded when the first schema of its kind is, and by nobody else. Tests run on reactors: the time of one is bounded by the payload's
 * size, which the schema bounds, and by what the operator has written. Rejects with SLUICE_PAYLOAD_SCHEMA.
 */
import { SluiceError } from '../../base/errors.ts';
import type { PayloadSchema, PayloadTest } from './schema.ts';

export async function compileSchema(schema: PayloadSchema): Promise<PayloadTest> {
  try {
    const test = await compile(schema);
    return (payload) => {
      try {
        return test(payload);
      } catch {
        return false; // nested more deeply than a stack is deep, for one
      }
    };
  } catch (error) {
    throw badSchema(schema.file, (error as Error).message);
  }
}

async function compile({ type, text, message }: PayloadSchema): Promise<PayloadTest> {
  switch (type) {
    case 'json': {
      const { jsonTest } = await import('./json-test.ts');
      return jsonTest(text);
    }
    case 'avro': {
      const { avroTest } = await import('./avro-test.ts');
      return avroTest(text);
    }
    case 'protobuf': {
      const { protobufTest } = await import('./protobuf-test.ts');
      return protobufTest(text, message);
    }
  }
}

export function badSchema(file: string, why: string): SluiceError {
  return new SluiceError('SLUICE_PAYLOAD_SCHEMA', `${file}: ${why.split('\n')[0]}`);
}
