/**
 * The schema as a flat table: `mqtt.tcp.port` → its leaf, its environment variable, its validator and what it allows in words.
 */
import { validatorOf } from '../json-schema.ts';
import { BRIDGE_TABLE } from './bridge-schema.ts';
import { LISTENER_TABLE } from './listener-schema.ts';
import { PAYLOAD_SCHEMA_TABLE } from './payload-schema.ts';
import { CONFIG_SCHEMA } from './schema.ts';
import { describeField, faultOfTables, isTableSchema, type TableFault, type TableField, type TableSchema } from './tables.ts';

/** A table of a list, as it was written. */
export type ConfigTable = { readonly [name: string]: unknown };
export type ConfigValue = string | number | boolean | readonly string[] | readonly ConfigTable[];

type TableName = 'listener' | 'bridge' | 'payload-schema';

/** One key as the schema describes it. */
export interface ConfigLeaf {
  readonly type: 'string' | 'integer' | 'boolean' | 'array';
  readonly description: string;
  readonly default: ConfigValue;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly pattern?: string;
  readonly items?: TableField | { readonly type: 'object' };
  /** The items are tables of this schema, which is not repeated here. */
  readonly tables?: TableName;
  /** Accepted, but without effect in this version. */
  readonly reserved?: boolean;
  /** Shown to nobody. */
  readonly secret?: boolean;
}

export interface ConfigKey {
  /** Dotted path, as in `--set` and in a TOML file. */
  readonly path: string;
  readonly leaf: ConfigLeaf;
  /** `mqtt.tcp.port` → `SLUICE_MQTT__TCP__PORT`. */
  readonly environmentName: string;
  /** What the key allows, for error messages and the reference. */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
  /** For lists of tables: what in one of them is not allowed, and where. */
  readonly faultOf?: (value: unknown) => TableFault | undefined;
}

/** Schemas of tables by the name that a leaf gives them. */
const TABLES: Readonly<Record<TableName, TableSchema>> = {
  listener: LISTENER_TABLE,
  bridge: BRIDGE_TABLE,
  'payload-schema': PAYLOAD_SCHEMA_TABLE,
};

interface SchemaSection {
  readonly type: 'object';
  readonly description?: string;
  readonly properties: Readonly<Record<string, SchemaSection | ConfigLeaf>>;
}

export function environmentNameOf(path: string): string {
  return `SLUICE_${path.toUpperCase().replaceAll('.', '__')}`;
}

/** What the tables of a key are; undefined for other keys. */
export function tableOf({ items, tables }: ConfigLeaf): TableSchema | undefined {
  return tables === undefined ? (isTableSchema(items) ? items : undefined) : TABLES[tables];
}

function describeAllowed(leaf: ConfigLeaf): string {
  if (leaf.tables !== undefined) return 'a list of tables';
  if (leaf.type !== 'array' || isTableSchema(leaf.items)) return describeField(leaf);
  const form = `a list${leaf.minItems === undefined ? '' : `, not empty${leaf.uniqueItems ? ' and without repeats' : ''}`}`;
  return `${form}, each ${describeField((leaf.items as TableField) ?? { type: 'string' })}`;
}

function* leavesOf(section: SchemaSection, prefix: string): Generator<[path: string, leaf: ConfigLeaf]> {
  for (const [name, child] of Object.entries(section.properties)) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (child.type === 'object') yield* leavesOf(child, path);
    else yield [path, child];
  }
}

function* sectionsOf(section: SchemaSection, prefix: string): Generator<[path: string, description: string]> {
  for (const [name, child] of Object.entries(section.properties)) {
    if (child.type !== 'object') continue;
    const path = prefix === '' ? name : `${prefix}.${name}`;
    yield [path, child.description ?? ''];
    yield* sectionsOf(child, path);
  }
}

function compileLeaf(path: string, leaf: ConfigLeaf): ConfigKey {
  const table = tableOf(leaf);
  if (table !== undefined) {
    const faultOf = (value: unknown): TableFault | undefined => faultOfTables(table, value, path);
    const accepts = (value: unknown): boolean => faultOf(value) === undefined;
    return { path, leaf, environmentName: environmentNameOf(path), allowed: describeAllowed(leaf), accepts, faultOf };
  }
  return { path, leaf, environmentName: environmentNameOf(path), allowed: describeAllowed(leaf), accepts: validatorOf(leaf) };
}

const schema: SchemaSection = CONFIG_SCHEMA;

/** Every key, in the order of the schema. */
export const CONFIG_KEYS: ReadonlyMap<string, ConfigKey> = new Map(
  [...leavesOf(schema, '')].map(([path, leaf]): [string, ConfigKey] => [path, compileLeaf(path, leaf)]),
);

/** Section path → what it is about. */
export const CONFIG_SECTIONS: ReadonlyMap<string, string> = new Map(sectionsOf(schema, ''));
