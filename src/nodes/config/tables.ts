/**
 * Values that are lists of tables, as `[[mqtt.listeners]]`: what in them is not allowed, to the place. The schema of a table is written like that of the
 * configuration, and may hold tables and lists of tables itself.
 */
import { type Validator, validatorOf } from '../json-schema.ts';
import { nearestWord } from './nearest.ts';

export interface TableField {
  readonly type: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly default?: unknown;
  /** Shown to nobody. */
  readonly secret?: boolean;
  readonly items?: TableField | TableSchema;
}

export interface TableSchema {
  readonly type: 'object';
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties: Readonly<Record<string, TableField | TableSchema>>;
}

export interface TableFault {
  /** Such as `mqtt.listeners[1].tls.ciphers`. */
  readonly path: string;
  readonly value: unknown;
  /** What is wrong, to be put behind the path and the value. */
  readonly what: string;
}

export function isTableSchema(schema: { readonly type: string } | undefined): schema is TableSchema {
  return schema?.type === 'object' && 'properties' in schema;
}

const validators = new Map<object, Validator>();

function accepts(field: TableField, value: unknown): boolean {
  let validate = validators.get(field);
  if (validate === undefined) validators.set(field, (validate = validatorOf(field)));
  return validate(value);
}

/** What a value allows, for error messages and the reference. */
export function describeField(field: TableField): string {
  switch (field.type) {
    case 'integer':
      return `an integer from ${field.minimum} to ${field.maximum}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return isTableSchema(field.items)
        ? `a list of tables with ${Object.keys(field.items.properties).join(', ')}`
        : `a list, each ${describeField((field.items ?? { type: 'string' }) as TableField)}`;
    default:
      if (field.enum !== undefined) return `one of ${field.enum.join(', ')}`;
      if (field.pattern !== undefined) return `text that matches ${field.pattern}`;
      return field.minLength === undefined ? 'text' : 'text that is not empty';
  }
}

/** Stands for a secret. */
export const HIDDEN = '***';

/** `value` as it may be shown: a table, or a list of tables, without its secrets. */
export function withoutSecrets(schema: TableSchema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutSecrets(schema, each));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const field = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      if (field === undefined) return [name, inner];
      if (isTableSchema(field)) return [name, withoutSecrets(field, inner)];
      if (isTableSchema(field.items)) return [name, withoutSecrets(field.items, inner)];
      return [name, field.secret === true ? HIDDEN : inner];
    }),
  );
}

/** The first fault of a list of tables; undefined when there is none. */
export function faultOfTables(schema: TableSchema, value: unknown, path: string): TableFault | undefined {
  if (!Array.isArray(value)) return { path, value, what: 'not a list of tables' };
  for (const [i, table] of value.entries()) {
    const fault = faultOfTable(schema, table, `${path}[${i}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOfTable(schema: TableSchema, table: unknown, path: string): TableFault | undefined {
  if (typeof table !== 'object' || table === null || Array.isArray(table) || table instanceof Date) {
    return { path, value: table, what: 'not a table' };
  }
  for (const [name, value] of Object.entries(table)) {
    const fault = faultOfEntry(schema, name, value, path);
    if (fault !== undefined) return fault;
  }
  const missing = schema.required?.find((name) => !Object.hasOwn(table, name));
  if (missing === undefined) return undefined;
  const field = schema.properties[missing] as TableField;
  return { path, value: withoutSecrets(schema, table), what: `it lacks ${missing}, which is ${describeField(field)}` };
}

function faultOfEntry(schema: TableSchema, name: string, value: unknown, path: string): TableFault | undefined {
  const inner = `${path}.${name}`;
  const field = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
  if (field === undefined) {
    const nearest = nearestWord(name, Object.keys(schema.properties));
    // A misspelt name may well hold the secret that was meant for the right one.
    const isSecret = (schema.properties[nearest] as TableField | undefined)?.secret === true;
    return { path: inner, value: isSecret ? HIDDEN : value, what: `is not a key; the nearest one there is ${nearest}` };
  }
  if (isTableSchema(field)) return faultOfTable(field, value, inner);
  if (isTableSchema(field.items)) return faultOfTables(field.items, value, inner);
  if (accepts(field, value)) return undefined;
  return { path: inner, value: field.secret === true ? HIDDEN : value, what: `not allowed; it is ${describeField(field)}` };
}
