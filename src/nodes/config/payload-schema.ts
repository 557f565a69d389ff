/** The tables of `[[mqtt.payload_schemas]]`. See [mqtt-extensions.md](../mqtt-extensions.md). */
import type { TableSchema } from './tables.ts';

/** A table as it was written, once it has been found good. */
export interface PayloadSchemaTable {
  readonly filter: string;
  readonly type: 'json' | 'avro' | 'protobuf';
  readonly file: string;
  readonly message?: string;
  readonly action?: 'drop' | 'disconnect';
  readonly payload_bytes_max?: number;
}

export const PAYLOAD_SCHEMA_TABLE: TableSchema = {
  type: 'object',
  description: 'A schema for payloads.',
  required: ['filter', 'type', 'file'],
  properties: {
    filter: { type: 'string', minLength: 1, description: 'Topics that it is about. The first table about a topic decides.' },
    type: {
      type: 'string',
      enum: ['json', 'avro', 'protobuf'],
      description: 'JSON Schema, an Avro schema in JSON, or a .proto file.',
    },
    file: { type: 'string', minLength: 1, description: 'File of the schema.' },
    message: { type: 'string', minLength: 1, description: 'For `protobuf`: name of the message, with its package.' },
    action: {
      type: 'string',
      enum: ['drop', 'disconnect'],
      description: 'A payload that does not keep to it is refused (0x99), or its client disconnected (0x99); left out: `drop`.',
    },
    payload_bytes_max: {
      type: 'integer',
      minimum: 1,
      maximum: 16_777_216,
      description: 'A longer payload does not keep to it; left out: 65536.',
    },
  },
};
