/**
 * JSON Schema by ajv. It is loaded, and a schema compiled, when a value is first held against one: a node with its defaults has nothing to check, and most of the
 * administrative routes are never called. A value of the wrong type is a fault, never converted. The schemas are our own: that they are ones is checked in specs, not while
 * a node runs.
 */
import { createRequire } from 'node:module';
import type { Ajv, ErrorObject, Options, ValidateFunction } from 'ajv';

/** `errors` are those of the last value, null when it was valid. */
export interface Validator {
  (value: unknown): boolean;
  errors: ErrorObject[] | null;
}

/** `keywords`: words of our own, which say nothing about a value. */
const CHECKING: Options = { validateSchema: false, meta: false, keywords: ['reserved', 'secret', 'tables'] };
const FILLING: Options = { ...CHECKING, useDefaults: true };

/** Says whether a value is as the schema wants it. */
export function validatorOf(schema: object): Validator {
  return lazily(schema, CHECKING);
}

/** The same, and gives properties that are not there the schema's defaults. */
export function fillingValidatorOf(schema: object): Validator {
  return lazily(schema, FILLING);
}

function lazily(schema: object, options: Options): Validator {
  let validate: ValidateFunction | undefined;
  const validator = ((value) => {
    validate ??= compilerWith(options).compile(schema);
    const isValid = validate(value);
    validator.errors = validate.errors ?? null;
    return isValid;
  }) as Validator;
  validator.errors = null;
  return validator;
}

const compilers = new Map<Options, Ajv>();

function compilerWith(options: Options): Ajv {
  let compiler = compilers.get(options);
  if (compiler === undefined) {
    const ajv = createRequire(import.meta.url)('ajv') as typeof import('ajv');
    compilers.set(options, (compiler = new ajv.Ajv(options)));
  }
  return compiler;
}
