/**
 * JSON Schema (draft 7, 2019-09 or 2020-12, as `$schema` says; draft 7 without it) by Ajv. What would take more than linear time is done otherwise: patterns run on
 * LinearRegex, and `uniqueItems` compares texts. `format` is a note, as the standard has it.
 */
import { Ajv, type Options } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { LinearRegex } from '../../base/linear-regex.ts';
import type { PayloadTest } from './schema.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Pattern extends LinearRegex {
  readonly #text: string;

  constructor(text: string) {
    super(text);
    this.#text = text;
  }

  /** Ajv tells patterns apart by it. */
  override toString(): string {
    return this.#text;
  }
}

const regExp = Object.assign((pattern: string): Pattern => new Pattern(pattern), { code: 'undefined' });

const OPTIONS: Options = {
  allErrors: false,
  strict: true,
  strictTypes: false,
  strictRequired: false,
  strictTuples: false,
  validateFormats: false,
  addUsedSchema: false,
  code: { regExp: regExp as never },
};

export function jsonTest(text: string): PayloadTest {
  const schema = parse(text);
  const ajv = ajvFor(schema);
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', validate: hasUniqueItems });
  const validate = ajv.compile(schema);
  if ((validate as { $async?: boolean }).$async === true) throw new Error('an asynchronous schema');
  return (payload) => validate(JSON.parse(UTF8.decode(payload))) === true;
}

function parse(text: string): object | boolean {
  const schema: unknown = JSON.parse(text);
  if (typeof schema === 'boolean' || (typeof schema === 'object' && schema !== null && !Array.isArray(schema))) return schema;
  throw new Error('it is no JSON Schema');
}

function ajvFor(schema: object | boolean): Ajv {
  const dialect = String((schema as { $schema?: unknown }).$schema ?? '');
  if (dialect.includes('2020-12')) return new Ajv2020(OPTIONS) as unknown as Ajv;
  if (dialect.includes('2019-09')) return new Ajv2019(OPTIONS) as unknown as Ajv;
  return new Ajv(OPTIONS);
}

function hasUniqueItems(wanted: boolean, items: readonly unknown[]): boolean {
  return !wanted || new Set(items.map(canonical)).size === items.length;
}

/** Equal values have equal texts: the members of objects are put in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
