/**
 * Texts of the configuration with places for what is known of a client: `${clientid}`, `${username}`, … A value never becomes syntax: in a URL and in a form it is
 * percent-encoded, in JSON escaped, in a query a parameter, in a command a part of one argument.
 */

export interface TemplateValues {
  readonly clientid: string;
  readonly username: string;
  readonly password?: string;
  /** IP address. */
  readonly peerhost: string;
  readonly listener?: string;
  readonly cert_common_name?: string;
  readonly cert_subject?: string;
  readonly action?: string;
  readonly topic?: string;
  readonly qos?: string;
  readonly retain?: string;
}

const PLACEHOLDER = /\$\{([a-z_]+)\}/g;
/** A query may hold its placeholders in quotes, as one writes texts in SQL. */
const PLACEHOLDER_IN_SQL = /'\$\{([a-z_]+)\}'|\$\{([a-z_]+)\}/g;
const NAMES: ReadonlySet<string> = new Set([
  'clientid',
  'username',
  'password',
  'peerhost',
  'listener',
  'cert_common_name',
  'cert_subject',
  'action',
  'topic',
  'qos',
  'retain',
]);

/** The first placeholder that means nothing. */
export function unknownPlaceholder(text: string): string | undefined {
  for (const [, name] of text.matchAll(PLACEHOLDER)) if (!NAMES.has(name!)) return name;
  return undefined;
}

function valueNamed(values: TemplateValues, name: string): string {
  return values[name as keyof TemplateValues] ?? '';
}

export type Encoding = (value: string) => string;
/** For a place between the quotes of a JSON string. */
export const inJson: Encoding = (value) => JSON.stringify(value).slice(1, -1);
export const inUrl: Encoding = (value) => encodeURIComponent(value.toWellFormed());
const asItIs: Encoding = (value) => value;

export function fill(text: string, values: TemplateValues, encode: Encoding): string {
  return text.replaceAll(PLACEHOLDER, (_, name: string) => encode(valueNamed(values, name)));
}

export interface Query {
  readonly text: string;
  readonly parameters: readonly string[];
}

/** `marker` is how the database writes its nth parameter (from 1). */
export function fillQuery(text: string, values: TemplateValues, marker: (n: number) => string): Query {
  const parameters: string[] = [];
  const filled = text.replaceAll(PLACEHOLDER_IN_SQL, (_, quoted: string | undefined, bare: string | undefined) => {
    parameters.push(valueNamed(values, (quoted ?? bare)!));
    return marker(parameters.length);
  });
  return { text: filled, parameters };
}

/** A command taken apart at its spaces before anything is filled in. */
export function fillCommand(text: string, values: TemplateValues): readonly string[] {
  return text
    .trim()
    .split(/\s+/)
    .map((part) => fill(part, values, asItIs));
}
