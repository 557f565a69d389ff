/**
 * The effective configuration of a node: flag > environment > TOML file > default, key by key, and where each value came from.
 *
 * Pure but for reading the file: everything else is an argument. Every failure is a SluiceError of one line that names the
 * key, the value, where it came from, what is allowed and the nearest known key.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse as parseToml, TomlError } from 'smol-toml';
import { assert } from '../../base/assert.ts';
import { SluiceError } from '../../base/errors.ts';
import { CONFIG_KEYS, CONFIG_SECTIONS, type ConfigKey, type ConfigValue, tableOf } from './keys.ts';
import { nearestWord } from './nearest.ts';
import type { Config } from './schema.ts';
import { HIDDEN, type TableFault, withoutSecrets } from './tables.ts';

export type ConfigSource = 'flag' | 'env' | 'file' | 'default';

export interface ConfigSetting {
  readonly key: ConfigKey;
  readonly value: ConfigValue;
  readonly source: ConfigSource;
  /** The flag, the variable or the file itself. */
  readonly origin: string;
}

export interface ConfigInput {
  /** `--set` arguments, `key=value`; a later one wins. */
  readonly assignments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Path of the TOML file, if any. */
  readonly file: string | undefined;
  /** Values by key that a file of another kind stands for; they count as if they were in the TOML file. */
  readonly foreign?: ReadonlyMap<string, { readonly value: ConfigValue; readonly where: string }> | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  /** One for each key, in the order of the schema. */
  readonly settings: readonly ConfigSetting[];
}

/** Characters of a value or key that an error message repeats. */
const QUOTED_CHARS_MAX = 120;

/** One line, whatever is in it. */
export function quoteValue(value: unknown): string {
  const text =
    value instanceof Date
      ? value.toISOString()
      : typeof value === 'bigint'
        ? String(value)
        : (JSON.stringify(value) ?? String(value));
  const line = text.replace(/[\u2028\u2029\u007f-\u009f]/g, ' ');
  return line.length > QUOTED_CHARS_MAX ? `${line.slice(0, QUOTED_CHARS_MAX)}…` : line;
}

function quoteKey(path: string): string {
  return /^[\w.-]{1,120}$/.test(path) ? path : quoteValue(path);
}

function unknownKey(path: string, value: unknown, origin: string): SluiceError {
  const nearest = CONFIG_KEYS.get(nearestWord(path, CONFIG_KEYS.keys()));
  assert(nearest !== undefined, 'the nearest key is a key');
  const section = CONFIG_SECTIONS.has(path) ? 'is a section, not a key' : 'is not a key';
  return new SluiceError(
    'SLUICE_CONFIG_UNKNOWN_KEY',
    // A misspelt key may well hold the secret that was meant for the right one.
    `${quoteKey(path)} = ${nearest.leaf.secret === true ? HIDDEN : quoteValue(value)} (${origin}): ${section}; the nearest key is ${nearest.path}, which allows ${nearest.allowed}`,
  );
}

function badValue(key: ConfigKey, value: unknown, origin: string): SluiceError {
  return new SluiceError(
    'SLUICE_CONFIG_BAD_VALUE',
    `${key.path} = ${key.leaf.secret === true ? HIDDEN : quoteValue(value)} (${origin}): not allowed; ${key.path} allows ${key.allowed}, its default is ${quoteValue(key.leaf.default)}`,
  );
}

function badTable({ path, value, what }: TableFault, origin: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_BAD_VALUE', `${path} = ${quoteValue(value)} (${origin}): ${what}`);
}

/** What the text of a flag or a variable means for this key; the text itself when it means nothing of the key's type. */
function valueOfText(key: ConfigKey, text: string): unknown {
  switch (key.leaf.type) {
    case 'string':
      return text;
    case 'integer':
      return /^[+-]?\d{1,15}$/.test(text.trim()) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'array':
      return listOfText(text);
  }
}

/** `a,b` or `["a", "b"]`, tables as `[{name = "a"}]`; nothing at all is the empty list. */
function listOfText(text: string): unknown {
  if (!text.trim().startsWith('[')) return text.trim() === '' ? [] : text.split(',').map((item) => item.trim());
  try {
    return parseToml(`list = ${text}`).list;
  } catch {
    return text;
  }
}

function accept(into: Map<string, ConfigSetting>, path: string, value: unknown, source: ConfigSource, origin: string): void {
  const key = CONFIG_KEYS.get(path);
  if (key === undefined) throw unknownKey(path, value, origin);
  const typed = source !== 'file' && typeof value === 'string' ? valueOfText(key, value) : value;
  const fault = key.faultOf?.(typed);
  if (fault !== undefined) throw badTable(fault, origin);
  if (!key.accepts(typed)) throw badValue(key, value, origin);
  into.set(path, { key, value: plain(typed), source, origin });
}

/** The parser's tables have no prototype, which strangers to it stumble over. */
function plain(value: unknown): ConfigValue {
  return (typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value) as ConfigValue;
}

function readTomlFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SluiceError(
      'SLUICE_CONFIG_FILE',
      `${quoteValue(file)} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`,
      {
        cause: error,
      },
    );
  }
  try {
    return parseToml(text);
  } catch (error) {
    const where = error instanceof TomlError ? `line ${error.line}, column ${error.column}: ` : '';
    const what = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    throw new SluiceError('SLUICE_CONFIG_FILE', `${quoteValue(file)} is not valid TOML: ${where}${what}`, { cause: error });
  }
}

function acceptTable(into: Map<string, ConfigSetting>, table: Record<string, unknown>, prefix: string, origin: string): void {
  for (const [name, value] of Object.entries(table)) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
    // An empty table of an unknown name is a mistake as well, so only known sections are descended into without a word.
    if (isTable && (CONFIG_SECTIONS.has(path) || (Object.keys(value).length > 0 && !CONFIG_KEYS.has(path)))) {
      acceptTable(into, value as Record<string, unknown>, path, origin);
    } else {
      accept(into, path, value, 'file', origin);
    }
  }
}

/** `SLUICE_MQTT_TCP_PORT` and `SLUICE_MQTT__TCP__PORT` alike → `MQTTTCPPORT`. */
function collapse(environmentName: string): string {
  return environmentName.slice('SLUICE_'.length).replaceAll('_', '').toUpperCase();
}

const KNOWN_COLLAPSED: ReadonlySet<string> = new Set([...CONFIG_KEYS.values()].map((key) => collapse(key.environmentName)));

/**
 * Whether a variable is meant for the configuration: `SLUICE_A__B`, or a key's name with the wrong number of underscores. Others
 * with the prefix are left alone: a Kubernetes service called `sluice`, for one, gives every pod `SLUICE_PORT_1883_TCP_ADDR`.
 */
function isConfigVariable(name: string): boolean {
  if (!name.startsWith('SLUICE_')) return false;
  return name.slice('SLUICE_'.length).includes('__') || KNOWN_COLLAPSED.has(collapse(name));
}

function acceptEnvironment(into: Map<string, ConfigSetting>, environment: ConfigInput['environment']): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || !isConfigVariable(name)) continue;
    const path = name.slice('SLUICE_'.length).toLowerCase().replaceAll('__', '.');
    accept(into, path, value, 'env', name);
  }
}

function acceptAssignments(into: Map<string, ConfigSetting>, assignments: readonly string[]): void {
  for (const assignment of assignments) {
    const equals = assignment.indexOf('=');
    if (equals < 0) throw unknownAssignment(assignment);
    accept(into, assignment.slice(0, equals).trim(), assignment.slice(equals + 1), 'flag', '--set');
  }
}

function unknownAssignment(assignment: string): SluiceError {
  const key = CONFIG_KEYS.get(assignment.trim());
  if (key === undefined) return unknownKey(assignment.trim(), '', '--set without =value');
  return badValue(key, '', '--set without =value');
}

function toTree(settings: readonly ConfigSetting[]): Config {
  const tree: Record<string, unknown> = {};
  for (const { key, value } of settings) {
    const names = key.path.split('.');
    const last = names.pop();
    assert(last !== undefined, 'a key has a name');
    let section = tree;
    for (const name of names) section = (section[name] ??= {}) as Record<string, unknown>;
    section[last] = value;
  }
  return tree as unknown as Config;
}

export function loadConfig(input: ConfigInput): LoadedConfig {
  const accepted = new Map<string, ConfigSetting>();
  if (input.file !== undefined) acceptTable(accepted, readTomlFile(input.file), '', input.file);
  for (const [path, { value, where }] of input.foreign ?? []) accept(accepted, path, value, 'file', where);
  acceptEnvironment(accepted, input.environment);
  acceptAssignments(accepted, input.assignments);
  const settings = [...CONFIG_KEYS.values()].map(
    (key): ConfigSetting => accepted.get(key.path) ?? { key, value: key.leaf.default, source: 'default', origin: 'default' },
  );
  return { config: toTree(settings), settings };
}

/** The configuration with every default. */
export function defaultConfig(): Config {
  return loadConfig({ assignments: [], environment: {}, file: undefined }).config;
}

/** What may be shown of a setting's value: all of it, unless it is a secret that is set, or has some in its tables. */
export function shownValue({ key, value }: ConfigSetting): ConfigValue {
  const table = tableOf(key.leaf);
  if (table !== undefined) return withoutSecrets(table, value) as ConfigValue;
  return key.leaf.secret !== true || JSON.stringify(value) === JSON.stringify(key.leaf.default) ? value : HIDDEN;
}

/** Short name of an effective configuration: equal on two nodes exactly when all their values are, secrets aside. */
export function digestConfig(settings: readonly ConfigSetting[]): string {
  const lines = settings.map((setting) => `${setting.key.path}=${JSON.stringify(shownValue(setting))}`);
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 12);
}
